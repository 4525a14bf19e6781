//! The Lambda function `migrate`: brings the database's tables up to date. The deployment invokes it.

use serde_json::{Value, json};
use shared::event::Event;
use shared::execution::Failure;
use shared::invocation::Invocation;
use shared::work::{ErrorKind, Function};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve(Function::Migrate, handle).await
}

/// Applies the migrations that are missing and answers with their names; an event for another environment is refused.
/// It writes no execution record, since the migrations create the table of executions.
async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let (environment, now) = (&invocation.config.environment, invocation.clock.now());
    Event::read(Function::Migrate, &event, environment, now).map_err(|invalid| Failure::Work {
        key: Function::Migrate.to_string(),
        kind: ErrorKind::InvalidInput,
        message: invalid.to_string(),
    })?;
    let applied = invocation.services.store.migrate().await.map_err(Failure::Migration)?;
    Ok(json!({ "applied": applied }))
}
