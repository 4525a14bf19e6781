//! Acknowledging what needs a person: it is listed no longer, until it changes.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use shared::journal::Facts;
use shared::store::executions::{self, Change};
use shared::store::{StoreError, stamp};
use shared::summary::Summary;
use shared::work::Operation;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use utoipa::ToSchema;
use uuid::Uuid;

use super::note;
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;

/// The longest name of an item.
const NAME_CHARS: usize = 300;

/// Which item is acknowledged, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Acknowledge {
    /// The item's `item`, as today's `attention` lists it.
    #[schema(max_length = 300, pattern = "^[a-z-]+:[^\\x00-\\x1f\\x7f]+$")]
    pub item: String,
    /// What the list called it, for the record.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub title: Option<String>,
    /// What was found, or done about it.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// `false` lists it again.
    #[serde(default = "yes")]
    pub acknowledged: bool,
}

fn yes() -> bool {
    true
}

/// Acknowledges an item, or lists it again, and records the caller.
pub(crate) async fn acknowledge(desk: &Desk, caller: &Caller, asked: &Acknowledge) -> Result<(), Problem> {
    let item = asked.item.as_str();
    let is_name = item.split_once(':').is_some_and(|(kind, subject)| {
        kind.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !kind.is_empty() && !subject.is_empty()
    });
    if !is_name || item.chars().count() > NAME_CHARS || item.chars().any(char::is_control) {
        let remedy = "must be the `item` of something that needs a person";
        return Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "item", remedy));
    }
    let title = asked.title.as_deref().map(str::trim).filter(|title| !title.is_empty()).unwrap_or(item);
    if title.chars().count() > NAME_CHARS || title.chars().any(char::is_control) {
        return Err(Problem::field(
            StatusCode::UNPROCESSABLE_ENTITY,
            "title",
            "must be at most 300 characters",
        ));
    }
    let note = note(asked.note.as_deref())?;
    let now = desk.clock.now();
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction().await?;
    let is_changed = match asked.acknowledged {
        true => add(&transaction, item, (&caller.name, note.unwrap_or_default()), now).await?,
        false => remove(&transaction, item).await?,
    };
    if !is_changed {
        return Ok(());
    }
    let summary = Summary {
        facts: Facts {
            requested_by: Some(caller.name.clone()),
            note: note.map(ToOwned::to_owned),
            decided: vec![match asked.acknowledged {
                true => title.to_owned(),
                false => format!("listed again: {title}"),
            }],
            ..Facts::default()
        },
        ..Summary::default()
    };
    let change = Change {
        id: Uuid::new_v4(),
        notify: false,
        operation: Operation::Acknowledge,
        match_id: None,
        tournament_id: None,
        requested_by: &caller.name,
        summary: &summary,
    };
    executions::record_change(&transaction, &change, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(())
}

/// False: it is acknowledged already.
async fn add(
    client: &impl GenericClient,
    item: &str,
    (by, note): (&str, &str),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO acknowledgement (item, acknowledged_at, acknowledged_by, note) VALUES ($1, $2, $3, $4)
               ON CONFLICT (item) DO NOTHING RETURNING 1";
    let rows = client
        .query_typed(
            sql,
            &[(&item, Type::TEXT), (&stamp(now), Type::TIMESTAMP), (&by, Type::TEXT), (&note, Type::TEXT)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// False: it was not acknowledged.
async fn remove(client: &impl GenericClient, item: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM acknowledgement WHERE item = $1 RETURNING 1";
    Ok(!client.query_typed(sql, &[(&item, Type::TEXT)]).await?.is_empty())
}
