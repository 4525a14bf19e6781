//! A proxy to Postgres that fails as networks do: refused, cut, frozen, silent, slow, or cut around one statement.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const CHUNK: usize = 16 * 1024;

/// When a connection is cut. The text is searched for in what the client sends, literally; the text of a prepared
/// statement is sent when it is prepared, not each time it is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// The server does not receive the statement.
    BeforeStatement(String),
    /// The server has executed it, and the client gets no answer.
    AfterStatement(String),
}

/// A TCP proxy for one server; dropping it cuts its connections and frees its port.
pub struct Wire {
    address: SocketAddr,
    control: watch::Sender<Control>,
    watch: Arc<Mutex<Watch>>,
}

/// The state of the whole proxy. A connection compares it with the state when it was made.
#[derive(Debug, Clone, Copy, Default)]
struct Control {
    refusing: bool,
    hanging: bool,
    delay: Duration,
    cuts: usize,
    freezes: usize,
}

#[derive(Default)]
struct Watch {
    trap: Option<Trap>,
    fired: usize,
    /// The present connections, each with the number of freezes before it was made.
    present: HashMap<SocketAddr, usize>,
}

struct Trap {
    moment: Moment,
    /// How many appearances are still to come, including the one at which it cuts.
    left: usize,
    /// The last bytes of each connection, since the text may begin there.
    tails: HashMap<SocketAddr, Vec<u8>>,
}

/// What to do with a chunk for the server.
enum Verdict {
    Pass,
    Cut,
    CutAtAnswer,
}

impl Wire {
    /// Binds a free port of 127.0.0.1 and passes its connections on to `target`, on the current tokio runtime.
    pub fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().context("a wire needs a tokio runtime")?;
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).context("binding a port for a wire")?;
        listener.set_nonblocking(true).context("making a wire's socket non-blocking")?;
        let address = listener.local_addr().context("reading a wire's address")?;
        let (control, seen) = watch::channel(Control::default());
        let wire = Self { address, control, watch: Arc::default() };
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener).context("passing a wire's socket to tokio")?
        };
        runtime.spawn(accept(listener, target, seen, Arc::clone(&wire.watch)));
        Ok(wire)
    }

    /// The port to connect to instead of the server's.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Cuts all connections, frozen ones too, and every new one at once, until [`Wire::restore`].
    pub fn refuse(&self) {
        self.control.send_modify(|control| {
            control.refusing = true;
            control.cuts += 1;
        });
    }

    /// Cuts all present connections, frozen ones too; new ones work.
    pub fn cut(&self) {
        self.control.send_modify(|control| control.cuts += 1);
    }

    /// All present connections go silent for good and neither side is notified: like the sockets of a frozen Lambda.
    /// The server keeps their sessions, open transactions and locks. New connections work.
    pub fn freeze(&self) {
        self.control.send_modify(|control| control.freezes += 1);
    }

    /// New and present connections are silent until [`Wire::restore`]; what was sent meanwhile arrives then.
    pub fn hang(&self) {
        self.control.send_modify(|control| control.hanging = true);
    }

    /// Delays each chunk to the server by this time.
    pub fn delay(&self, delay: Duration) {
        self.control.send_modify(|control| control.delay = delay);
    }

    /// Cuts one connection at the moment's `nth` appearance (1 is the next), counted over all connections. It happens
    /// once; a later call replaces an earlier one.
    pub fn cut_at(&self, moment: Moment, nth: usize) {
        lock(&self.watch).trap = Some(Trap { moment, left: nth.max(1), tails: HashMap::new() });
    }

    /// How often a connection was cut at its moment.
    pub fn fired(&self) -> usize {
        lock(&self.watch).fired
    }

    /// The number of present connections that are not frozen.
    pub fn present(&self) -> usize {
        let freezes = self.control.borrow().freezes;
        lock(&self.watch).present.values().filter(|born| **born == freezes).count()
    }

    /// Ends all faults, including a cut that is still to come. What was cut or frozen stays so.
    pub fn restore(&self) {
        lock(&self.watch).trap = None;
        self.control.send_modify(|control| {
            control.refusing = false;
            control.hanging = false;
            control.delay = Duration::ZERO;
        });
    }
}

fn lock(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    mut control: watch::Receiver<Control>,
    watch: Arc<Mutex<Watch>>,
) {
    loop {
        let accepted = tokio::select! {
            // Waits for ever: it ends when the proxy is dropped.
            _ = control.wait_for(|_| false) => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((client, peer)) = accepted else { continue };
        let born = *control.borrow();
        if born.refusing {
            reset(&client);
            continue;
        }
        let connection = Connection {
            peer,
            born,
            control: control.clone(),
            watch: Arc::clone(&watch),
            doomed: AtomicBool::new(false),
        };
        lock(&watch).present.insert(peer, born.freezes);
        tokio::spawn(async move {
            connection.live(client, target).await;
            lock(&connection.watch).present.remove(&connection.peer);
        });
    }
}

/// Makes the close of a socket a reset. If that fails, the socket is already closed.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

struct Connection {
    peer: SocketAddr,
    born: Control,
    control: watch::Receiver<Control>,
    watch: Arc<Mutex<Watch>>,
    /// It is cut when the server next sends something.
    doomed: AtomicBool,
}

impl Connection {
    async fn live(&self, mut client: TcpStream, target: SocketAddr) {
        let mut server = None;
        let ended = tokio::select! {
            biased;
            () = self.cut() => Err(io::ErrorKind::ConnectionReset.into()),
            ended = self.converse(&mut client, &mut server, target) => ended,
        };
        if ended.is_err() {
            reset(&client);
            server.as_ref().inspect(|server| reset(server));
        }
    }

    /// Passes bytes both ways until both sides have ended; an error is a connection to be cut.
    async fn converse(
        &self,
        client: &mut TcpStream,
        server: &mut Option<TcpStream>,
        target: SocketAddr,
    ) -> io::Result<()> {
        self.open().await;
        let server = server.insert(TcpStream::connect(target).await?);
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(self.ask(from_client, to_server), self.answer(from_server, to_client))?;
        Ok(())
    }

    async fn ask(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = self.read(&mut from, &mut chunk).await?;
            let delay = self.control.borrow().delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            // It may have been frozen while the bytes waited.
            self.open().await;
            if length == 0 {
                return to.shutdown().await;
            }
            match lock(&self.watch).judge(self.peer, &chunk[..length]) {
                Verdict::Pass => {}
                Verdict::Cut => return Err(io::ErrorKind::ConnectionReset.into()),
                Verdict::CutAtAnswer => self.doomed.store(true, Ordering::Relaxed),
            }
            to.write_all(&chunk[..length]).await?;
        }
    }

    async fn answer(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = self.read(&mut from, &mut chunk).await?;
            if length == 0 {
                return to.shutdown().await;
            }
            if self.doomed.load(Ordering::Relaxed) {
                lock(&self.watch).fired += 1;
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            to.write_all(&chunk[..length]).await?;
        }
    }

    /// Reads what has arrived, if bytes may pass now: what is not read stays in the sender's kernel, as if in transit.
    async fn read(&self, from: &mut ReadHalf<'_>, chunk: &mut [u8]) -> io::Result<usize> {
        loop {
            self.open().await;
            tokio::select! {
                biased;
                () = self.when(|now| !self.passes(now)) => {}
                length = from.read(chunk) => return length,
            }
        }
    }

    fn passes(&self, now: &Control) -> bool {
        !now.hanging && now.freezes == self.born.freezes
    }

    async fn open(&self) {
        self.when(|now| self.passes(now)).await;
    }

    async fn cut(&self) {
        // An error means that the proxy was dropped: that is a cut too.
        let _ = self.control.clone().wait_for(|now| now.cuts != self.born.cuts).await;
    }

    async fn when(&self, holds: impl FnMut(&Control) -> bool) {
        if self.control.clone().wait_for(holds).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Watch {
    fn judge(&mut self, peer: SocketAddr, chunk: &[u8]) -> Verdict {
        let Some(trap) = &mut self.trap else { return Verdict::Pass };
        let (Moment::BeforeStatement(text) | Moment::AfterStatement(text)) = &trap.moment;
        if text.is_empty() {
            return Verdict::Pass;
        }
        let tail = trap.tails.entry(peer).or_default();
        tail.extend_from_slice(chunk);
        let seen = tail.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        // One byte less than the text, so that no appearance is counted twice.
        tail.drain(..tail.len().saturating_sub(text.len() - 1));
        if seen < trap.left {
            trap.left -= seen;
            return Verdict::Pass;
        }
        let before = matches!(trap.moment, Moment::BeforeStatement(_));
        self.trap = None;
        if before {
            self.fired += 1;
            return Verdict::Cut;
        }
        Verdict::CutAtAnswer
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);
    const A_WHILE: Duration = Duration::from_millis(150);

    /// A server that echoes each chunk, and records what it received and how many clients have disconnected.
    #[derive(Clone, Default)]
    struct Echo {
        heard: Arc<Mutex<Vec<u8>>>,
        left: Arc<Mutex<usize>>,
    }

    impl Echo {
        async fn start(&self) -> SocketAddr {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let echo = self.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let echo = echo.clone();
                    tokio::spawn(async move {
                        let mut chunk = vec![0; CHUNK];
                        while let Ok(length @ 1..) = stream.read(&mut chunk).await {
                            echo.heard.lock().unwrap().extend_from_slice(&chunk[..length]);
                            if stream.write_all(&chunk[..length]).await.is_err() {
                                break;
                            }
                        }
                        *echo.left.lock().unwrap() += 1;
                    });
                }
            });
            address
        }

        fn heard(&self) -> String {
            String::from_utf8(self.heard.lock().unwrap().clone()).unwrap()
        }

        async fn left(&self, count: usize) {
            for _ in 0..500 {
                if *self.left.lock().unwrap() == count {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{} connections have ended", self.left.lock().unwrap());
        }
    }

    async fn wired() -> (Echo, Wire) {
        let echo = Echo::default();
        let wire = Wire::start(echo.start().await).unwrap();
        (echo, wire)
    }

    async fn connect(wire: &Wire) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, wire.port())).await.unwrap()
    }

    /// The answer to `text`; none when the connection is cut.
    async fn echoed(stream: &mut TcpStream, text: &str) -> Option<String> {
        let mut answer = vec![0; text.len()];
        timeout(SOON, async {
            stream.write_all(text.as_bytes()).await.ok()?;
            stream.read_exact(&mut answer).await.ok()?;
            Some(String::from_utf8(answer).unwrap())
        })
        .await
        .expect("neither an answer nor an end")
    }

    async fn silent(stream: &mut TcpStream) -> bool {
        timeout(A_WHILE, stream.read_u8()).await.is_err()
    }

    #[tokio::test]
    async fn it_passes_bytes_and_ends_on() {
        let (echo, wire) = wired().await;
        let mut stream = connect(&wire).await;
        assert_eq!(echoed(&mut stream, "hello").await.as_deref(), Some("hello"));
        let long = "0123456789".repeat(20_000);
        let (mut from, mut to) = stream.split();
        let mut answer = Vec::new();
        let (sent, _) = tokio::join!(
            async {
                to.write_all(long.as_bytes()).await?;
                to.shutdown().await
            },
            from.read_to_end(&mut answer)
        );
        sent.unwrap();
        assert_eq!(answer, long.as_bytes());
        echo.left(1).await;
        assert_eq!(wire.fired(), 0);
    }

    #[tokio::test]
    async fn cutting_and_refusing() {
        let (echo, wire) = wired().await;
        let (mut one, mut two) = (connect(&wire).await, connect(&wire).await);
        assert!(echoed(&mut one, "1").await.is_some() && echoed(&mut two, "2").await.is_some());
        wire.cut();
        let mut three = connect(&wire).await;
        assert_eq!((echoed(&mut one, "x").await, echoed(&mut two, "x").await), (None, None));
        assert_eq!(echoed(&mut three, "3").await.as_deref(), Some("3"));
        echo.left(2).await;

        wire.refuse();
        assert_eq!(echoed(&mut three, "x").await, None);
        for _ in 0..3 {
            assert_eq!(echoed(&mut connect(&wire).await, "x").await, None);
        }
        wire.restore();
        assert_eq!(echoed(&mut connect(&wire).await, "4").await.as_deref(), Some("4"));
        assert_eq!(echo.heard(), "1234");
    }

    #[tokio::test]
    async fn a_frozen_connection_stays_frozen_and_is_not_closed() {
        let (echo, wire) = wired().await;
        let mut frozen = connect(&wire).await;
        assert!(echoed(&mut frozen, "1").await.is_some());
        assert_eq!(wire.present(), 1);
        wire.freeze();
        assert_eq!(wire.present(), 0);
        frozen.write_all(b"x").await.unwrap();
        assert!(silent(&mut frozen).await);
        assert_eq!(echoed(&mut connect(&wire).await, "2").await.as_deref(), Some("2"));
        wire.restore();
        assert!(silent(&mut frozen).await);
        // Its own end is not passed on either; that of the second connection was.
        drop(frozen);
        echo.left(1).await;
        tokio::time::sleep(A_WHILE).await;
        echo.left(1).await;
        assert_eq!(echo.heard(), "12");
        wire.cut();
        echo.left(2).await;
    }

    #[tokio::test]
    async fn hanging_ends_with_restore() {
        let (echo, wire) = wired().await;
        let mut old = connect(&wire).await;
        assert!(echoed(&mut old, "1").await.is_some());
        wire.hang();
        let mut new = connect(&wire).await;
        old.write_all(b"2").await.unwrap();
        new.write_all(b"2").await.unwrap();
        assert!(silent(&mut old).await && silent(&mut new).await);
        assert_eq!(echo.heard(), "1");
        wire.restore();
        assert_eq!((old.read_u8().await.unwrap(), new.read_u8().await.unwrap()), (b'2', b'2'));
        wire.hang();
        wire.refuse();
        assert_eq!((echoed(&mut old, "x").await, echoed(&mut new, "x").await), (None, None));
    }

    #[tokio::test]
    async fn a_delay_is_the_servers_side_only() {
        let (_echo, wire) = wired().await;
        let mut stream = connect(&wire).await;
        wire.delay(A_WHILE);
        let began = tokio::time::Instant::now();
        assert!(echoed(&mut stream, "1").await.is_some());
        assert!(began.elapsed() >= A_WHILE);
        // What waits when its connection is frozen never arrives.
        wire.delay(3 * A_WHILE);
        stream.write_all(b"x").await.unwrap();
        tokio::time::sleep(A_WHILE / 3).await;
        wire.freeze();
        for _ in 0..4 {
            assert!(silent(&mut stream).await);
        }
    }

    #[tokio::test]
    async fn a_statement_that_the_server_never_sees() {
        let (echo, wire) = wired().await;
        let (mut one, mut two) = (connect(&wire).await, connect(&wire).await);
        wire.cut_at(Moment::BeforeStatement("COMMIT".to_owned()), 3);
        assert!(echoed(&mut one, "BEGIN COMMIT ").await.is_some());
        assert!(echoed(&mut two, "BEGIN COMM").await.is_some());
        assert!(echoed(&mut one, "IT ").await.is_some());
        assert!(echoed(&mut two, "IT ").await.is_some());
        assert!(echoed(&mut one, "BEGIN COMM").await.is_some());
        assert_eq!(wire.fired(), 0);
        assert_eq!(echoed(&mut one, "IT ").await, None);
        assert_eq!(wire.fired(), 1);
        assert!(echoed(&mut two, "COMMIT COMMIT ").await.is_some());
        assert!(echoed(&mut connect(&wire).await, "COMMIT").await.is_some());
        assert_eq!(wire.fired(), 1);
        assert_eq!(echo.heard(), "BEGIN COMMIT BEGIN COMMIT IT BEGIN COMMCOMMIT COMMIT COMMIT");
        echo.left(1).await;
    }

    #[tokio::test]
    async fn a_statement_whose_answer_is_lost() {
        let (echo, wire) = wired().await;
        let mut stream = connect(&wire).await;
        wire.cut_at(Moment::AfterStatement("COMMIT".to_owned()), 1);
        assert!(echoed(&mut stream, "BEGIN ").await.is_some());
        assert_eq!(echoed(&mut stream, "COMMIT ").await, None);
        assert_eq!((wire.fired(), echo.heard().as_str()), (1, "BEGIN COMMIT "));

        wire.cut_at(Moment::AfterStatement("COMMIT".to_owned()), 1);
        wire.restore();
        assert!(echoed(&mut connect(&wire).await, "COMMIT").await.is_some());
        assert_eq!(wire.fired(), 1);
    }

    #[tokio::test]
    async fn dropping_it_ends_everything() {
        let (echo, wire) = wired().await;
        let (mut frozen, port) = (connect(&wire).await, wire.port());
        assert!(echoed(&mut frozen, "1").await.is_some());
        wire.freeze();
        let mut stream = connect(&wire).await;
        assert!(echoed(&mut stream, "2").await.is_some());
        drop(wire);
        assert_eq!((echoed(&mut stream, "x").await, echoed(&mut frozen, "x").await), (None, None));
        echo.left(2).await;
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there() {
        let (_held, nowhere) = crate::tools::unanswered().unwrap();
        let wire = Wire::start(nowhere).unwrap();
        assert_eq!(echoed(&mut connect(&wire).await, "x").await, None);
    }
}
