//! One reply as the pipeline reads it: for inspecting captures, and for fuzzing.

use serde_json::{Value, json};

use super::classify;
use super::cuptree::CupTreesPayload;
use super::event::{EVENT, ListedEvent};
use super::payload::{EventsPayload, OneEventPayload, RoundsPayload};
use super::standings;
use crate::browser::{Body, Fetched};
use crate::provider::ProviderError;
use crate::provider::reading::{Reading, Rounds};
use football::domain::standings::ProviderTable;

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

fn json_of(path: &str, body: &str) -> Result<Value, ProviderError> {
    let answer = Fetched::Answer {
        status: 200,
        content_type: String::new(),
        retry_after: None,
        body: Body::Text(body.to_owned()),
    };
    classify::json(path, answer)
}

/// The matches of a round's reply (the body of a 200), stored under the round's slug.
pub fn round(slug: &str, body: &str) -> Result<Reading, ProviderError> {
    let path = Kind::Round.to_string();
    let payload = classify::shape::<EventsPayload>(&path, json_of(&path, body)?)?;
    Ok(Reading::of(slug, payload.events))
}

/// The tables of a reply (the body of a 200) that can be read; an error if none can.
pub fn tables(body: &str) -> Result<Vec<ProviderTable>, ProviderError> {
    let path = Kind::Standings.to_string();
    let read = standings::tables(classify::shape(&path, json_of(&path, body)?)?);
    Ok(read.map_err(|reason| classify::malformed(&path, reason))?.tables)
}

/// A reply (the body of a 200) as domain JSON, or the error that names the field. Events of a list that can't be read
/// are in its `refused`; a single event that can't be read is an error.
pub fn decode(kind: Kind, body: &str) -> Result<Value, ProviderError> {
    let path = kind.to_string();
    let value = json_of(&path, body)?;
    Ok(match kind {
        Kind::Rounds => {
            let rounds: Rounds = classify::shape::<RoundsPayload>(&path, value)?.into();
            json!({ "rounds": rounds.rounds, "current": rounds.current })
        }
        Kind::Round => json!(self::round("round", body)?),
        Kind::Standings => json!(self::tables(body)?),
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
            let listed = ListedEvent::of(events.clone());
            let places: Vec<Value> = listed
                .iter()
                .map(|event| {
                    json!({ "id": event.external_id, "tournament": event.tournament, "season": event.season, "round": event.round.number })
                })
                .collect();
            json!({ "reading": Reading::of("day", events), "places": places })
        }
    })
}
