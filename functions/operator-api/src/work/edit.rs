//! Changes by hand, each recorded with its caller.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use football::domain::TournamentStatus;
use serde::Deserialize;
use serde_json::json;
use shared::journal::Facts;
use shared::outcomes::Outcomes;
use shared::provider::ProviderName;
use shared::store::executions::{self, Change};
use shared::store::{StoreError, circuit};
use shared::summary::Summary;
use shared::work::Operation;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::{Name, name};
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::no_tournament;
use crate::read::tournaments::{self, Edit};

/// What to change of a tournament; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EditTournament {
    /// Shown to people.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    pub label: Option<String>,
    /// `active` ones are worked on; the others are left alone.
    #[serde(default)]
    pub status: Option<TournamentStatus>,
    /// The order of teams level on points, in prose. Empty: the provider's again, once its table is read.
    #[serde(default)]
    #[schema(max_length = 4000, pattern = "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]*$")]
    pub tie_breaking_rule: Option<String>,
    /// The tournament's `updatedAt` that the change is based on: refused if it has changed since. Left out: not checked.
    #[serde(default)]
    pub based_on: Option<DateTime<Utc>>,
}

/// Changes a tournament and records the caller. Returns whether anything was written.
pub(crate) async fn edit_tournament(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked: &EditTournament,
) -> Result<bool, Problem> {
    let wrong = |field, remedy| Err(Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, remedy));
    let bad = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    let label = asked.label.as_deref().map(name).transpose()?;
    let label = label.as_deref();
    let rule = asked.tie_breaking_rule.as_deref().map(str::trim);
    if rule.is_some_and(|rule| rule.chars().count() > 4_000 || bad(rule)) {
        return wrong("tieBreakingRule", "must be at most 4000 characters of text");
    }
    let now = desk.clock.now();
    let record = Uuid::new_v4();
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(record, now).await?;
    shared::store::tournaments::lock(&transaction, id).await?;
    let before = tournaments::find(&transaction, id, now).await?.ok_or_else(no_tournament)?;
    if asked.based_on.is_some_and(|seen| seen != before.updated_at) {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            format!(
                "{} was changed at {} by somebody else or by the pipeline. Look at it again, then change it.",
                before.label,
                before.updated_at.format("%Y-%m-%d %H:%M:%S UTC")
            ),
        ));
    }
    let edit = Edit { label, status: asked.status, tie_breaking_rule: rule };
    let wrote = tournaments::edit(&transaction, id, &edit, now).await?;
    if wrote {
        let changes = [
            ("label", label.map(|to| json!({ "from": before.label, "to": to }))),
            ("status", asked.status.map(|to| json!({ "from": before.status, "to": to }))),
            ("tieBreakingRule", rule.map(|to| json!({ "from": before.tie_breaking_rule, "to": to }))),
        ];
        let summary = Summary {
            tournament_id: Some(id),
            tournament_label: Some(label.unwrap_or(&before.label).to_owned()),
            rows: Some(Outcomes { updated: 1, ..Outcomes::default() }),
            changes: Some(
                changes.into_iter().map(|(name, change)| (name.to_owned(), json!(change))).collect(),
            ),
            facts: Facts { requested_by: Some(caller.name.clone()), ..Facts::default() },
            ..Summary::default()
        };
        let change = Change {
            id: record,
            notify: false,
            operation: Operation::TournamentUpdate,
            match_id: None,
            tournament_id: Some(id),
            requested_by: &caller.name,
            summary: &summary,
        };
        executions::record_change(&transaction, &change, now).await?;
    }
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(wrote)
}

/// Closes the providers' circuits and records the caller. Returns whether it was open.
pub(crate) async fn close_circuit(desk: &Desk, caller: &Caller) -> Result<bool, Problem> {
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction().await?;
    let mut was_open = false;
    for provider in ProviderName::ALL {
        was_open |= circuit::close(&transaction, provider.as_str()).await?;
    }
    if was_open {
        let summary = Summary {
            changes: Some(BTreeMap::from([("circuit".to_owned(), json!("closed"))])),
            facts: Facts { requested_by: Some(caller.name.clone()), ..Facts::default() },
            ..Summary::default()
        };
        let change = Change {
            id: Uuid::new_v4(),
            notify: false,
            operation: Operation::ProviderReset,
            match_id: None,
            tournament_id: None,
            requested_by: &caller.name,
            summary: &summary,
        };
        executions::record_change(&transaction, &change, desk.clock.now()).await?;
    }
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(was_open)
}
