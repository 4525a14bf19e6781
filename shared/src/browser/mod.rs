//! Chromium: launch, warm up, fetch in the page, close. Independent of football.
//!
//! The protocol's types are headless_chrome's; its launcher and its socket are not used. The launcher retries a
//! broken binary for minutes, tries ports in turn and kills only its direct child; the socket adds 100 ms per call.
//! Here one process group is started and killed as a whole, the browser picks its own port, and one call is one
//! round trip.

mod devtools;
mod fetch;
mod leftovers;
mod process;

use std::path::Path;
use std::time::Duration;

use headless_chrome::protocol::cdp::types::Method;
use headless_chrome::protocol::cdp::{Page, Runtime, Target};

pub use fetch::{Body, Fetched, Want};

use devtools::Devtools;
use process::Process;

/// What can go wrong with the browser itself, as opposed to what the provider answers.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The binary is missing, is not a browser, or exited at once.
    #[error("Chromium could not be launched from {path}: {reason}")]
    Launch {
        /// The binary's path.
        path: String,
        /// What happened, with the last lines of its output.
        reason: String,
    },
    /// The browser died or its connection was lost.
    #[error("the browser is gone: {0}")]
    Gone(String),
    /// The browser or its page did not answer in time.
    #[error("the browser did not answer within {} s", .0.as_secs_f32())]
    Unresponsive(Duration),
    /// The browser's answer is not of the expected form.
    #[error("the browser's answer is not understood: {0}")]
    Protocol(String),
    /// The origin could not be reached at all.
    #[error("the page could not be opened: {0}")]
    Navigation(String),
}

/// A running browser with one page, at the provider's origin. Dropping it kills the whole process group.
pub struct Browser {
    devtools: Devtools,
    process: Process,
    origin: String,
    request_timeout: Duration,
    /// Whether the page is at the origin.
    warm: bool,
}

/// Added to a request's timeout in the page, for the transfer of the answer.
const GRACE: Duration = Duration::from_secs(2);

impl Browser {
    /// Launches Chromium from `binary`, as one process if `single_process`. It can reach only the host of `origin`. No
    /// request is made yet: the first fetch opens the front page, so that all fetches are same-origin requests.
    pub async fn launch(
        binary: &Path,
        origin: &str,
        request_timeout: Duration,
        single_process: bool,
    ) -> Result<Self, BrowserError> {
        let process = Process::launch(binary, origin, single_process).await?;
        match Self::attach(process.devtools_url()).await {
            Ok(devtools) => {
                Ok(Self { devtools, process, origin: origin.to_owned(), request_timeout, warm: false })
            }
            Err(error) => {
                process.close().await;
                Err(error)
            }
        }
    }

    /// A connection to the browser's one page.
    async fn attach(url: &str) -> Result<Devtools, BrowserError> {
        let mut devtools = Devtools::connect(url).await?;
        let targets = devtools.call(Target::GetTargets { filter: None }).await?;
        let page = targets
            .target_infos
            .into_iter()
            .find(|target| target.Type == "page")
            .ok_or_else(|| BrowserError::Protocol("there is no page".to_owned()))?;
        let attached =
            devtools.call(Target::AttachToTarget { target_id: page.target_id, flatten: Some(true) }).await?;
        devtools.enter_session(attached.session_id);
        Ok(devtools)
    }

    /// Opens the origin's front page and waits until its document is there (not until the network is quiet).
    async fn warm_up(&mut self) -> Result<(), BrowserError> {
        let navigate = Page::Navigate {
            url: format!("{}/", self.origin),
            referrer: None,
            transition_Type: None,
            frame_id: None,
            referrer_policy: None,
        };
        let limit = self.request_timeout + GRACE;
        let navigated = match self.devtools.call_within(navigate, limit).await {
            // The browser answers as soon as the origin does, so it is the origin that does not answer.
            Err(error @ BrowserError::Unresponsive(_)) => {
                return Err(BrowserError::Navigation(error.to_string()));
            }
            navigated => navigated?,
        };
        if let Some(error) = navigated.error_text {
            return Err(BrowserError::Navigation(error));
        }
        let wait = async {
            // The answer to navigate and the new document race: evaluate until the new document answers.
            loop {
                let script = "document.readyState === 'loading' \
                    ? new Promise(r => document.addEventListener('DOMContentLoaded', () => r(location.origin))) \
                    : location.origin";
                match self.devtools.call_within(evaluate(script.to_owned()), limit).await {
                    Ok(answer) if answer.result.value == Some(self.origin.as_str().into()) => return Ok(()),
                    // The old document was unloaded during the evaluation.
                    Ok(_) | Err(BrowserError::Protocol(_)) => {
                        tokio::time::sleep(Duration::from_millis(5)).await
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        tokio::time::timeout(limit, wait)
            .await
            .unwrap_or_else(|_| Err(BrowserError::Navigation(format!("{} did not load", self.origin))))
    }

    /// Makes the next fetch open the front page again.
    pub fn cool_down(&mut self) {
        self.warm = false;
    }

    /// Fetches `path` of the origin in the page. An HTTP error status is an answer, not an error.
    pub async fn fetch(&mut self, path: &str, want: Want) -> Result<Fetched, BrowserError> {
        if !self.warm {
            self.warm_up().await?;
            self.warm = true;
        }
        let url = format!("{}{path}", self.origin);
        let script = fetch::script(&url, want, self.request_timeout);
        let answer = self.devtools.call_within(evaluate(script), self.request_timeout + GRACE).await?;
        let text =
            answer.result.value.as_ref().and_then(serde_json::Value::as_str).ok_or_else(|| {
                BrowserError::Protocol(format!("fetch gave {:?}", answer.result.description))
            })?;
        fetch::answer(text, want)
    }

    /// Any other protocol call to the page: for tests that inspect pages and click.
    pub async fn call<M: Method + serde::Serialize>(
        &mut self,
        method: M,
    ) -> Result<M::ReturnObject, BrowserError> {
        self.devtools.call(method).await
    }

    /// The browser's process id, which is also its process group.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Kills the browser and its children, and deletes its profile.
    pub async fn close(self) {
        self.process.close().await;
    }
}

/// The call that evaluates an expression in the page and returns its value, or that of its promise.
pub fn evaluate(expression: String) -> Runtime::Evaluate {
    Runtime::Evaluate {
        expression,
        await_promise: Some(true),
        return_by_value: Some(true),
        object_group: None,
        include_command_line_api: None,
        silent: Some(true),
        context_id: None,
        generate_preview: None,
        user_gesture: None,
        throw_on_side_effect: None,
        timeout: None,
        disable_breaks: None,
        repl_mode: None,
        allow_unsafe_eval_blocked_by_csp: None,
        unique_context_id: None,
        serialization_options: None,
    }
}
