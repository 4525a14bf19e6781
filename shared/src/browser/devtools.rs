//! The Chrome DevTools Protocol over its web socket: one call at a time, one round trip per call.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use headless_chrome::protocol::cdp::types::Method;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::BrowserError;

/// Timeout of a call that involves no slow work in the browser.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Devtools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    calls: u32,
}

impl Devtools {
    pub(super) async fn connect(url: &str) -> Result<Self, BrowserError> {
        // The size of an answer is limited by the script in the page.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let connecting = tokio_tungstenite::connect_async_with_config(url, Some(config), true);
        let (socket, _) = tokio::time::timeout(CALL_TIMEOUT, connecting)
            .await
            .map_err(|_| BrowserError::Unresponsive(CALL_TIMEOUT))?
            .map_err(|error| BrowserError::Gone(error.to_string()))?;
        Ok(Self { socket, session: None, calls: 0 })
    }

    /// Sends all further calls to the page of this session.
    pub(super) fn enter_session(&mut self, session: String) {
        self.session = Some(session);
    }

    pub(super) async fn call<M: Method + serde::Serialize>(
        &mut self,
        method: M,
    ) -> Result<M::ReturnObject, BrowserError> {
        self.call_within(method, CALL_TIMEOUT).await
    }

    /// Sends one call and waits for its answer; events received meanwhile are ignored.
    pub(super) async fn call_within<M: Method + serde::Serialize>(
        &mut self,
        method: M,
        limit: Duration,
    ) -> Result<M::ReturnObject, BrowserError> {
        self.calls += 1;
        let id = self.calls;
        let protocol = |error: serde_json::Error| BrowserError::Protocol(error.to_string());
        let mut call = serde_json::to_value(method.to_method_call(id)).map_err(protocol)?;
        if let Some(session) = &self.session {
            call["sessionId"] = session.as_str().into();
        }
        let answer = tokio::time::timeout(limit, self.exchange(id, call.to_string()))
            .await
            .map_err(|_| BrowserError::Unresponsive(limit))??;
        serde_json::from_value(answer).map_err(protocol)
    }

    async fn exchange(&mut self, id: u32, call: String) -> Result<Value, BrowserError> {
        let gone = |error: tokio_tungstenite::tungstenite::Error| BrowserError::Gone(error.to_string());
        self.socket.send(Message::text(call)).await.map_err(gone)?;
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message.map_err(gone)? else { continue };
            let mut answer: Value =
                serde_json::from_str(&text).map_err(|error| BrowserError::Protocol(error.to_string()))?;
            if answer["method"] == "Inspector.targetCrashed"
                || answer["method"] == "Target.detachedFromTarget"
            {
                return Err(BrowserError::Gone("the page crashed".to_owned()));
            }
            if answer["id"] != id {
                continue;
            }
            if let Some(error) = answer.get("error") {
                return Err(BrowserError::Protocol(
                    error["message"].as_str().unwrap_or("no reason given").to_owned(),
                ));
            }
            return Ok(answer["result"].take());
        }
        Err(BrowserError::Gone("its connection was closed".to_owned()))
    }
}
