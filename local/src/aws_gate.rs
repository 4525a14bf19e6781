//! A proxy in front of the AWS emulator: records each call by its IAM action, and makes calls fail as AWS does.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::serve::ListenerExt as _;
use serde_json::json;
use tokio::sync::oneshot;

use crate::aws_call::asked;
pub use crate::aws_call::{Call, Service};

/// Headers that apply to one connection, or that the next hop sets itself.
const HOP_BY_HOP: [header::HeaderName; 8] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is refused with this error, and not executed.
    Status {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: &'static str,
    },
    /// It is executed and answered after this delay, even if the caller has given up by then.
    Delay(Duration),
    /// The connection is closed without an answer, and the call is not executed.
    Drop,
    /// It is executed, but the caller gets this error.
    AfterTheFact {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: &'static str,
    },
}

/// The usual errors.
impl How {
    /// S3: too many requests.
    pub const S3_SLOW_DOWN: Self = Self::Status { status: 503, code: "SlowDown" };
    /// S3: no permission.
    pub const S3_ACCESS_DENIED: Self = Self::Status { status: 403, code: "AccessDenied" };
    /// S3: an internal error of AWS.
    pub const S3_INTERNAL: Self = Self::Status { status: 500, code: "InternalError" };
    /// Scheduler: too many requests.
    pub const SCHEDULER_THROTTLING: Self = Self::Status { status: 429, code: "ThrottlingException" };
    /// Scheduler: too many schedules.
    pub const SCHEDULER_QUOTA: Self = Self::Status { status: 402, code: "ServiceQuotaExceededException" };
    /// Scheduler: it is being changed, or exists already.
    pub const SCHEDULER_CONFLICT: Self = Self::Status { status: 409, code: "ConflictException" };
    /// Scheduler: an internal error of AWS.
    pub const SCHEDULER_INTERNAL: Self = Self::Status { status: 500, code: "InternalServerException" };
    /// EventBridge: too many requests.
    pub const EVENTS_THROTTLING: Self = Self::Status { status: 400, code: "ThrottlingException" };
    /// Secrets Manager: an internal error of AWS.
    pub const SECRETS_INTERNAL: Self = Self::Status { status: 500, code: "InternalServiceError" };
    /// Secrets Manager: no permission.
    pub const SECRETS_ACCESS_DENIED: Self = Self::Status { status: 400, code: "AccessDeniedException" };

    /// The same error for a call that is executed.
    #[must_use]
    pub fn after_the_fact(self) -> Self {
        match self {
            Self::Status { status, code } => Self::AfterTheFact { status, code },
            other => other,
        }
    }
}

/// Calls that go wrong. If several match a call, the one set first applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The service.
    pub service: Service,
    /// The operation, by its IAM action; `None`: all of the service's.
    pub operation: Option<String>,
    /// What goes wrong.
    pub how: How,
    /// The number of calls; `None`: all until [`AwsGate::restore`].
    pub times: Option<usize>,
}

#[derive(Default)]
struct Book {
    calls: Vec<Call>,
    troubles: Vec<Trouble>,
    troubled: usize,
}

struct Gate {
    upstream: String,
    client: reqwest::Client,
    book: Mutex<Book>,
}

/// The running gate; dropping the last copy of it stops it.
#[derive(Clone)]
pub struct AwsGate {
    address: SocketAddr,
    gate: Arc<Gate>,
    _stop: Arc<oneshot::Sender<()>>,
}

impl AwsGate {
    /// Binds a free port of 127.0.0.1 and passes calls on to `endpoint`, on the current tokio runtime.
    pub fn start(endpoint: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().context("the AWS gate needs a tokio runtime")?;
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("binding a port for the AWS gate")?;
        listener.set_nonblocking(true).context("making the AWS gate's socket non-blocking")?;
        let address = listener.local_addr().context("reading the AWS gate's address")?;
        let listener = tokio::net::TcpListener::from_std(listener)
            .context("passing the AWS gate's socket to tokio")?
            .tap_io(|connection| {
                // Without it answers are delayed by acknowledgements; an error here is harmless.
                let _ = connection.set_nodelay(true);
            });

        shared::aws::install_tls_provider();
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let upstream = endpoint.trim_end_matches('/').to_owned();
        let gate = Arc::new(Gate { upstream, client, book: Mutex::default() });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&gate));
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(async move {
            let until = async move {
                // Dropping the sender is the signal: nothing is ever sent.
                let _ = stopped.await;
            };
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(until).await {
                eprintln!("the AWS gate ended: {error}");
            }
        });
        Ok(Self { address, gate, _stop: Arc::new(stop) })
    }

    /// The address to use instead of AWS's.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The calls so far, in the order in which they ended.
    pub fn calls(&self) -> Vec<Call> {
        self.gate.book().calls.clone()
    }

    /// Makes calls go wrong from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.gate.book().troubles.push(trouble);
    }

    /// Ends all faults.
    pub fn restore(&self) {
        self.gate.book().troubles.clear();
    }

    /// The number of calls that went wrong, delayed ones included.
    pub fn troubled(&self) -> usize {
        self.gate.book().troubled
    }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    // In its own task, since AWS also completes a call when the caller has disconnected.
    let answer = tokio::spawn(async move { gate.answer(request).await }).await;
    // The server closes a connection without sending anything only when its task ends, so the task is ended without
    // logging. (A body that fails at once would not work for a HEAD request, which has no body and would be answered.)
    answer.ok().flatten().unwrap_or_else(|| std::panic::resume_unwind(Box::new("no answer")))
}

impl Gate {
    /// The answer to the caller, if any.
    async fn answer(&self, request: Request) -> Option<Response> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.ok()?;
        let mut call = asked(&head.method, &head.uri, &head.headers, &body);
        let how = self.trouble(&call);
        let answer = match how {
            None => Some(self.forward(&head, body).await),
            Some(How::Delay(delay)) => {
                tokio::time::sleep(delay).await;
                Some(self.forward(&head, body).await)
            }
            Some(How::Status { status, code }) => Some(refusal(call.service, status, code)),
            Some(How::AfterTheFact { status, code }) => {
                self.forward(&head, body).await;
                Some(refusal(call.service, status, code))
            }
            Some(How::Drop) => None,
        };
        call.status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.book().calls.push(call);
        answer
    }

    /// What goes wrong with this call, if anything.
    fn trouble(&self, call: &Call) -> Option<How> {
        let mut book = self.book();
        let trouble = book.troubles.iter_mut().find(|trouble| {
            trouble.service == call.service
                && trouble.operation.as_ref().is_none_or(|operation| *operation == call.operation)
                && trouble.times != Some(0)
        })?;
        trouble.times = trouble.times.map(|times| times - 1);
        let how = trouble.how;
        book.troubled += 1;
        Some(how)
    }

    async fn forward(&self, head: &Parts, body: Bytes) -> Response {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = end_to_end(&head.headers);
        // The client computes the length itself.
        headers.remove(header::CONTENT_LENGTH);
        let url = format!("{}{path}", self.upstream);
        let sent = self.client.request(head.method.clone(), url).headers(headers).body(body).send().await;
        let answer = match sent {
            Ok(answer) => {
                let (status, headers) = (answer.status(), end_to_end(answer.headers()));
                answer.bytes().await.map(|body| (status, headers, body))
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => answer.into_response(),
            Err(error) => (StatusCode::BAD_GATEWAY, format!("the AWS gate: {error:#}")).into_response(),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}

/// An error as the service itself writes it.
fn refusal(service: Service, status: u16, code: &'static str) -> Response {
    const MESSAGE: &str = "Failed on purpose by the gate";
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if service == Service::S3 {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>{MESSAGE}</Message><RequestId>gate</RequestId></Error>"
        );
        let headers = [("content-type", "application/xml"), ("x-amz-request-id", "gate")];
        return (status, headers, body).into_response();
    }
    let kind = match service {
        Service::SecretsManager | Service::Events => "application/x-amz-json-1.1",
        _ => "application/json",
    };
    let headers = [("content-type", kind), ("x-amzn-errortype", code), ("x-amzn-requestid", "gate")];
    (status, headers, json!({ "__type": code, "Message": MESSAGE }).to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    const KEY: &str = "b/a%20key";

    /// Answers with details of the request, and with unusual headers and statuses.
    async fn upstream() -> (String, Arc<Mutex<Vec<String>>>) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let state = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let seen = Arc::clone(&state);
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                seen.lock().unwrap().push(format!("{} {}", head.method, head.uri));
                let expect = head.headers.contains_key(header::EXPECT);
                let agent =
                    head.headers.get("x-agent").cloned().unwrap_or(header::HeaderValue::from_static("-"));
                let headers = [("x-agent", agent), ("location", "/elsewhere".parse().unwrap())];
                let status = if head.method == "POST" { StatusCode::FOUND } else { StatusCode::OK };
                (status, headers, format!("{} bytes{}", body.len(), if expect { ", expecting" } else { "" }))
            }
        });
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        (format!("http://{address}/"), seen)
    }

    async fn gated() -> (AwsGate, Arc<Mutex<Vec<String>>>) {
        let (endpoint, seen) = upstream().await;
        (AwsGate::start(&endpoint).unwrap(), seen)
    }

    /// Sends one request, signed for a service; returns the whole response.
    async fn raw(gate: &AwsGate, service: &str, line: &str, more: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(gate.address).await.unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\nx-agent: test\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\n{more}\r\n",
            gate.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap().to_lowercase()
    }

    fn trouble(service: Service, operation: Option<&str>, how: How, times: Option<usize>) -> Trouble {
        Trouble { service, operation: operation.map(str::to_owned), how, times }
    }

    fn statuses(gate: &AwsGate) -> Vec<u16> {
        gate.calls().iter().map(|call| call.status).collect()
    }

    #[tokio::test]
    async fn calls_pass_and_are_recorded() {
        let (gate, seen) = gated().await;
        let big = vec![b'x'; 3_000_000];
        let put =
            raw(&gate, "s3", &format!("PUT /{KEY}?x-id=PutObject"), "expect: 100-continue\r\n", &big).await;
        assert!(put.starts_with("http/1.1 100 continue") || put.starts_with("http/1.1 200 ok"), "{put}");
        assert!(put.contains("x-agent: test\r\n") && put.ends_with("\r\n\r\n3000000 bytes"), "{put}");
        let head = raw(&gate, "s3", &format!("HEAD /{KEY}"), "", b"").await;
        assert!(head.contains("content-length: 7\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        let posted =
            raw(&gate, "secretsmanager", "POST /", "x-amz-target: secretsmanager.GetSecretValue\r\n", b"{}")
                .await;
        assert!(posted.starts_with("http/1.1 302") && posted.contains("location: /elsewhere"), "{posted}");
        assert_eq!(
            *seen.lock().unwrap(),
            [format!("PUT /{KEY}?x-id=PutObject"), format!("HEAD /{KEY}"), "POST /".to_owned()]
        );
        let call = |service, operation: &str, resource: &str, status| Call {
            caller: "local".to_owned(),
            service,
            operation: operation.to_owned(),
            resource: resource.to_owned(),
            status,
        };
        assert_eq!(
            gate.calls(),
            [
                call(Service::S3, "PutObject", "b/a key", 200),
                call(Service::S3, "GetObject", "b/a key", 200),
                call(Service::SecretsManager, "GetSecretValue", "", 302),
            ]
        );
        assert_eq!(gate.troubled(), 0);
    }

    #[tokio::test]
    async fn refusals_are_aws_own() {
        let (gate, seen) = gated().await;
        gate.trouble(trouble(Service::S3, Some("PutObject"), How::S3_SLOW_DOWN, Some(1)));
        gate.trouble(trouble(Service::Scheduler, None, How::SCHEDULER_THROTTLING.after_the_fact(), None));
        let put = "PUT /b/k";
        assert!(raw(&gate, "s3", "GET /b/k", "", b"").await.starts_with("http/1.1 200"));
        let refused = raw(&gate, "s3", put, "", b"x").await;
        assert!(
            refused.starts_with("http/1.1 503") && refused.contains("<code>slowdown</code>"),
            "{refused}"
        );
        assert!(raw(&gate, "s3", put, "", b"x").await.starts_with("http/1.1 200"));
        let schedules = "GET /schedules?ScheduleGroup=g";
        for _ in 0..2 {
            let refused = raw(&gate, "scheduler", schedules, "", b"").await;
            assert!(refused.starts_with("http/1.1 429"), "{refused}");
            assert!(refused.contains("x-amzn-errortype: throttlingexception\r\n"), "{refused}");
            assert!(refused.contains(r#"{"__type":"throttlingexception","message":"#), "{refused}");
        }
        assert_eq!(*seen.lock().unwrap(), ["GET /b/k", put, schedules, schedules]);
        assert_eq!((gate.troubled(), statuses(&gate)), (3, vec![200, 503, 200, 429, 429]));
        gate.restore();
        assert!(raw(&gate, "scheduler", schedules, "", b"").await.starts_with("http/1.1 200"));
        assert_eq!(gate.troubled(), 3);
    }

    #[tokio::test]
    async fn a_dropped_call_has_no_answer_at_all() {
        let (gate, seen) = gated().await;
        gate.trouble(trouble(Service::S3, None, How::Drop, Some(2)));
        assert_eq!(raw(&gate, "s3", "PUT /b/k", "", b"x").await, "");
        assert_eq!(raw(&gate, "s3", "HEAD /b/k", "", b"").await, "");
        assert!(seen.lock().unwrap().is_empty());
        assert!(raw(&gate, "s3", "PUT /b/k", "", b"x").await.starts_with("http/1.1 200"));
        assert_eq!((gate.troubled(), statuses(&gate)), (2, vec![0, 0, 200]));
    }

    #[tokio::test]
    async fn a_late_call_is_done_though_its_caller_has_gone() {
        const DELAY: Duration = Duration::from_millis(300);
        let (gate, seen) = gated().await;
        gate.trouble(trouble(Service::S3, None, How::Delay(DELAY), None));
        let began = tokio::time::Instant::now();
        assert!(raw(&gate, "s3", "GET /b/1", "", b"").await.starts_with("http/1.1 200"));
        assert!(began.elapsed() >= DELAY);
        let given_up = tokio::time::timeout(DELAY / 2, raw(&gate, "s3", "GET /b/2", "", b"")).await;
        assert!(given_up.is_err() && seen.lock().unwrap().len() == 1);
        for _ in 0..100 {
            if gate.calls().len() == 2 {
                assert_eq!(*seen.lock().unwrap(), ["GET /b/1", "GET /b/2"]);
                assert_eq!(gate.troubled(), 2);
                return;
            }
            tokio::time::sleep(DELAY / 10).await;
        }
        panic!("the call was forgotten with its caller");
    }

    #[tokio::test]
    async fn nothing_behind_it() {
        let (_held, nowhere) = crate::tools::unanswered().unwrap();
        let gate = AwsGate::start(&format!("http://{nowhere}")).unwrap();
        assert!(raw(&gate, "s3", "GET /b/k", "", b"").await.starts_with("http/1.1 502"));
    }
}
