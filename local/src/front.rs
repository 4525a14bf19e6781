//! What AWS provides for the operator's API: an HTTP API that turns requests into events, and Lambda's Invoke, by which
//! one function starts another.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::functions::Functions;

/// The largest body that is accepted, as in API Gateway.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// The largest package of code, in base64: a build for tests is larger than Lambda's 50 MB.
const PACKAGE_LIMIT: usize = 1024 * 1024 * 1024;

/// A reserved local port to serve on.
pub struct Place {
    listener: TcpListener,
    /// `http://127.0.0.1:PORT`
    pub url: String,
}

impl Place {
    /// A free one.
    pub async fn find() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    fn serve(self, router: Router) -> Serving {
        Serving(tokio::spawn(async move {
            let _ = axum::serve(self.listener, router).await;
        }))
    }
}

/// A server that runs until this is dropped.
pub struct Serving(tokio::task::JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves the operator's API at `place`: each request becomes an event of API Gateway for its function.
pub fn serve_api(place: Place, functions: Arc<Functions>) -> Serving {
    place.serve(Router::new().fallback(answer).with_state(functions))
}

/// Serves what the pipeline and its deployment ask of Lambda at `place`: Invoke, UpdateFunctionCode, GetFunction.
pub fn serve_lambda(place: Place, functions: Arc<Functions>) -> Serving {
    place.serve(
        Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/2015-03-31/functions/{name}/code", put(update_code))
            .route("/2015-03-31/functions/{name}", get(configuration))
            .layer(DefaultBodyLimit::max(PACKAGE_LIMIT))
            .with_state(functions),
    )
}

/// Lambda's error for a function that does not exist.
fn unknown_function() -> Response {
    (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], "{}").into_response()
}

/// Replaces a function's code.
async fn update_code(
    State(functions): State<Arc<Functions>>,
    Path(name): Path<String>,
    Json(update): Json<Value>,
) -> Response {
    let Some(function) = functions.known(&name) else { return unknown_function() };
    let package = update["ZipFile"].as_str().and_then(|package| STANDARD.decode(package).ok());
    let Some(package) = package else {
        return (StatusCode::BAD_REQUEST, "ZipFile must be a package in base64").into_response();
    };
    match functions.replace(&function, &package) {
        Ok(()) => Json(json!({ "FunctionName": name, "LastUpdateStatus": "InProgress" })).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}

/// A function, whose last update is always complete.
async fn configuration(State(functions): State<Arc<Functions>>, Path(name): Path<String>) -> Response {
    match functions.known(&name) {
        Some(_) => {
            let configuration =
                json!({ "FunctionName": name, "State": "Active", "LastUpdateStatus": "Successful" });
            Json(json!({ "Configuration": configuration })).into_response()
        }
        None => unknown_function(),
    }
}

/// Invokes a function and answers as Lambda does: an error of the function is an answer with a header.
async fn invoke_and_wait(functions: &Functions, function: &str, event: &Value) -> Response {
    match functions.invoke_in_turn(function, event.to_string()).await {
        Ok(answer) if answer.get("errorMessage").is_some() => {
            ([("x-amz-function-error", "Unhandled")], Json(answer)).into_response()
        }
        Ok(answer) => Json(answer).into_response(),
        Err(error) => {
            let answer = json!({ "errorType": "Runtime.ExitError", "errorMessage": format!("{error:#}") });
            ([("x-amz-function-error", "Unhandled")], Json(answer)).into_response()
        }
    }
}

async fn invoke(
    State(functions): State<Arc<Functions>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // The name may be an ARN: the template's prefix of a function's name ends in the environment's name.
    let Some(function) = functions.known(&name) else { return unknown_function() };
    let Ok(event) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "the event is not JSON").into_response();
    };
    if headers.get("x-amz-invocation-type").is_none_or(|kind| kind != "Event") {
        return invoke_and_wait(&functions, &function, &event).await;
    }
    tokio::spawn(async move {
        if let Err(error) = functions.invoke_in_turn(&function, event.to_string()).await {
            tracing::warn!(%error, function, "could not invoke the function of an event");
        }
    });
    StatusCode::ACCEPTED.into_response()
}

async fn answer(State(functions): State<Arc<Functions>>, request: Request) -> Response {
    let event = match event_of(request).await {
        Ok(event) => event,
        Err(status) => return status.into_response(),
    };
    let answer = functions.invoke_in_turn("operator-api", event.to_string()).await;
    match answer.as_ref().map(response_of) {
        Ok(Some(response)) => response,
        Ok(None) => (StatusCode::BAD_GATEWAY, "the function failed; see its log").into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

/// API Gateway's event (payload format 2.0) for a request.
async fn event_of(request: Request) -> Result<Value, StatusCode> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies: Vec<String> = Vec::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == header::COOKIE {
            cookies.extend(value.split(';').map(|cookie| cookie.trim().to_owned()));
        } else {
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|there| *there = format!("{there},{value}"))
                .or_insert(value);
        }
    }
    let host = headers.get("host").cloned().unwrap_or_default();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent"),
            },
            "requestId": uuid::Uuid::new_v4().to_string(),
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2024:00:00:00 +0000",
            "timeEpoch": 1_704_067_200_000_i64,
        },
        "body": STANDARD.encode(&body),
        "isBase64Encoded": true,
    });
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if body.is_empty() {
        event["body"] = Value::Null;
        event["isBase64Encoded"] = false.into();
    }
    Ok(event)
}

/// API Gateway's response for a function's answer; none if the function failed.
fn response_of(answer: &Value) -> Option<Response> {
    let status = StatusCode::from_u16(answer["statusCode"].as_u64()?.try_into().ok()?).ok()?;
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true {
        STANDARD.decode(text).ok()?
    } else {
        text.as_bytes().to_vec()
    };
    let mut headers = HeaderMap::new();
    let single = answer["headers"].as_object().into_iter().flatten().map(|(name, value)| (name, vec![value]));
    let several = answer["multiValueHeaders"].as_object().into_iter().flatten();
    let several = several.map(|(name, values)| (name, values.as_array().into_iter().flatten().collect()));
    for (name, values) in single.chain(several) {
        let name: HeaderName = name.parse().ok()?;
        headers.remove(&name);
        for value in values {
            headers.append(&name, HeaderValue::from_str(value.as_str()?).ok()?);
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some((status, headers, body).into_response())
}
