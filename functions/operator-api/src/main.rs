//! The Lambda function `operator-api`: the operator's API. So far it answers whether it is there.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Error, Request, Response, service_fn};
use serde_json::json;

const HEALTH: &str = "/api/v2/data-provider/health";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    shared::telemetry::init();
    lambda_http::run(service_fn(handle)).await
}

async fn handle(request: Request) -> Result<Response<Body>, Error> {
    let (status, body) = match (request.method().as_str(), request.uri().path()) {
        ("GET", HEALTH) => (StatusCode::OK, json!({ "status": "up" })),
        (_, HEALTH) => (StatusCode::METHOD_NOT_ALLOWED, json!({ "title": "use GET" })),
        _ => (StatusCode::NOT_FOUND, json!({ "title": "there is nothing here" })),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .body(Body::from(body.to_string()))?;
    Ok(response)
}
