//! One reply as the pipeline reads it: for people who want to know what a capture comes to, and for fuzzing.

use serde_json::{Value, json};

use super::classify;
use super::cuptree::CupTreesPayload;
use super::event::{EVENT, Listed, Reading};
use super::payload::{EventsPayload, OneEventPayload, Rounds, RoundsPayload};
use super::standings::Table;
use crate::browser::{Body, Fetched};
use crate::provider::ProviderError;

/// The kinds of reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Kind {
    /// `…/rounds`.
    Rounds,
    /// `…/events/round/…`.
    Round,
    /// `…/standings/total`.
    Standings,
    /// `…/cuptrees`.
    Cuptrees,
    /// `/event/{id}`.
    Event,
    /// `/sport/football/scheduled-events/{day}`.
    ScheduledEvents,
}

/// What a reply (the body of a 200) comes to, as domain JSON, or the error that names the field. Events of a list that
/// can't be taken are in its `refused`; a single event that can't be taken is an error.
pub fn decode(kind: Kind, body: &str) -> Result<Value, ProviderError> {
    let path = kind.to_string();
    let answer = Fetched::Answer {
        status: 200,
        content_type: String::new(),
        retry_after: None,
        body: Body::Text(body.to_owned()),
    };
    let value = classify::json(&path, answer)?;
    Ok(match kind {
        Kind::Rounds => {
            let rounds: Rounds = classify::shape::<RoundsPayload>(&path, value)?.into();
            json!({ "rounds": rounds.rounds, "current": rounds.current })
        }
        Kind::Round => json!(Reading::of("round", classify::shape::<EventsPayload>(&path, value)?.events)),
        Kind::Standings => json!(Table::all(classify::shape(&path, value)?)),
        Kind::Cuptrees => json!(classify::shape::<CupTreesPayload>(&path, value)?.trees()),
        Kind::Event => {
            let event = classify::shape::<OneEventPayload>(&path, value)?.event;
            let mut reading = Reading::of("round", vec![event]);
            if let Some(refusal) = reading.refused.pop() {
                let field = match refusal.field.as_str() {
                    EVENT => EVENT.to_owned(),
                    field => format!("{EVENT}.{field}"),
                };
                return Err(classify::malformed(&path, format!("{field}: {}", refusal.reason)));
            }
            json!(reading)
        }
        Kind::ScheduledEvents => {
            let events = classify::shape::<EventsPayload>(&path, value)?.events;
            let listed = Listed::of(events.clone());
            let places: Vec<Value> = listed
                .iter()
                .map(|event| {
                    json!({ "id": event.external_id, "tournament": event.tournament, "season": event.season,
                        "round": event.round_number })
                })
                .collect();
            json!({ "reading": Reading::of("day", events), "places": places })
        }
    })
}
