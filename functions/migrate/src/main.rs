//! The Lambda function `migrate`: brings the database's tables up to date. The deployment invokes it.

use serde_json::{Value, json};
use shared::event::Fields;
use shared::execution::{Failure, Invocation};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::lambda::Error> {
    shared::lambda::serve("migrate", handle).await
}

/// Applies the migrations that are missing and answers with their names; an event for another environment is refused.
/// It leaves no execution record: it is what creates the table they are in.
async fn handle(invocation: &Invocation<'_>, event: Value) -> Result<Value, Failure> {
    let mut fields = Fields::of(&event);
    fields.envelope(&invocation.config.environment, invocation.clock.now());
    fields.finish(()).map_err(|invalid| Failure::Work {
        key: "migrate".to_owned(),
        kind: "InvalidInput",
        message: invalid.to_string(),
    })?;
    let applied = invocation.services.store.migrate().await.map_err(Failure::Migration)?;
    Ok(json!({ "applied": applied }))
}
