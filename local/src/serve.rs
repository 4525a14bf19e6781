//! Serves HTTP from this process on a free port, until it is stopped.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;
use axum::Router;
use tokio::sync::oneshot;

/// Binds a free port of 127.0.0.1 and serves on the current tokio runtime, until the returned sender is dropped.
pub(crate) fn serve(what: &'static str, app: Router) -> anyhow::Result<(SocketAddr, oneshot::Sender<()>)> {
    serve_at(0, what, app)
}

/// The same on this port (0: a free one).
pub(crate) fn serve_at(
    port: u16,
    what: &'static str,
    app: Router,
) -> anyhow::Result<(SocketAddr, oneshot::Sender<()>)> {
    let runtime =
        tokio::runtime::Handle::try_current().with_context(|| format!("{what} needs a tokio runtime"))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("binding a port for {what}"))?;
    listener.set_nonblocking(true).with_context(|| format!("making the socket of {what} non-blocking"))?;
    let address = listener.local_addr().with_context(|| format!("reading the address of {what}"))?;
    let listener = tokio::net::TcpListener::from_std(listener)
        .with_context(|| format!("passing the socket of {what} to tokio"))?;
    let (stop, stopped) = oneshot::channel::<()>();
    runtime.spawn(async move {
        let until = async move {
            // Dropping the sender is the signal: nothing is ever sent.
            let _ = stopped.await;
        };
        if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(until).await {
            eprintln!("{what} ended: {error}");
        }
    });
    Ok((address, stop))
}
