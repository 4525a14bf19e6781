//! The Lambda function `operator-api`; what it does is in the library beside this file.

use operator_api::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::telemetry::init(shared::work::Function::OperatorApi);
    shared::aws::install_tls_provider();
    let desk = Desk::new(shared::app::App::from_env()?);
    lambda_http::run(operator_api::router(desk)).await
}
