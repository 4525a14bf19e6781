//! Choosing who is asked for a tournament and who stands in, and saying which team another provider means.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use football::domain::{ProviderName, Tournament};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::event::Request;
use shared::journal::Facts;
use shared::outcomes::Outcomes;
use shared::provider::season_page;
use shared::store::executions::{self, Change};
use shared::store::{StoreError, tournaments};
use shared::summary::Summary;
use shared::sync::source::season_at;
use shared::work::Operation;
use tokio_postgres::Transaction;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Accepted;
use super::create::name;
use crate::access::Caller;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::read::listing::no_tournament;
use crate::read::{self, sources};

/// Who is asked for a tournament. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChooseSources {
    /// Who is asked first.
    #[serde(default)]
    pub asked: Option<ProviderName>,
    /// Who is asked while that one refuses: a provider, or `nobody`.
    #[serde(default)]
    #[schema(pattern = "^(sofascore|football-data|nobody)$")]
    pub stand_in: Option<String>,
    /// The season at a provider that is not known yet: the address of its page at SofaScore, or football-data.org's code and
    /// year, as `PL 2025`.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub season: Option<String>,
}

/// Which of our teams a team of another provider is: one that is there, or one that is added under the id that the tournament's
/// own provider has for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct IdentifyTeam {
    /// The other provider.
    pub provider: ProviderName,
    /// Its id of the team.
    #[schema(max_length = 20)]
    pub external_id: String,
    /// Our team, by our id.
    #[serde(default)]
    pub team: Option<Uuid>,
    /// A team that is not stored yet: its id at the provider that the tournament was created under.
    #[serde(default)]
    #[schema(pattern = "^[0-9]{1,15}$")]
    pub new_team: Option<String>,
    /// The name of the team that is not stored yet.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// It is not known after all: it is asked for again.
    #[serde(default)]
    pub unknown: bool,
}

/// The word for no stand-in.
const NOBODY: &str = "nobody";

fn wrong(field: &'static str, remedy: impl Into<String>) -> Problem {
    Problem::field(StatusCode::UNPROCESSABLE_ENTITY, field, remedy)
}

/// Sets who is asked for a tournament and who stands in, and has the other provider's teams identified. Returns the execution
/// that does so; none if nothing was changed, or there is no other provider.
pub(crate) async fn choose_sources(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked: &ChooseSources,
) -> Result<Option<Accepted>, Problem> {
    let now = desk.clock.now();
    let record = Uuid::new_v4();
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(record, now).await?;
    tournaments::lock(&transaction, id).await?;
    let before = tournaments::find(&transaction, id).await?.ok_or_else(no_tournament)?;
    let address = match asked.season.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => {
            let shown = read::tournaments::find(&transaction, id, now).await?.ok_or_else(no_tournament)?;
            address(&transaction, &before, &shown.season, text).await?
        }
        None => None,
    };
    let mut after = before.clone();
    if let Some((provider, base_url)) = &address {
        after.sources.addresses.insert(*provider, base_url.clone());
    }
    if let Some(first) = asked.asked {
        after.sources.asked = Some(first).filter(|first| *first != before.provider);
    }
    let first = after.sources.asked.unwrap_or(after.provider);
    after.sources.stand_in = match asked.stand_in.as_deref() {
        // The one that was asked before is not asked twice.
        None => before.sources.stand_in.filter(|stand_in| *stand_in != first),
        Some(NOBODY) => None,
        Some(name) => Some(
            name.parse::<ProviderName>()
                .map_err(|_| wrong("standIn", "must be sofascore, football-data or nobody"))?,
        ),
    };
    if after.sources.stand_in == Some(first) {
        return Err(wrong("standIn", format!("{first} is asked first: choose another one, or nobody")));
    }
    for (field, provider) in [("asked", Some(first)), ("standIn", after.sources.stand_in)] {
        if let Some(provider) = provider
            && season_at(&after, provider).is_none()
        {
            return Err(wrong(
                field,
                format!("the season at {provider} is not known: give it as `season` too"),
            ));
        }
    }
    let mut changed = false;
    if let Some((provider, base_url)) = &address {
        changed |= sources::set_address(&transaction, id, *provider, base_url).await?;
    }
    changed |= sources::choose(&transaction, id, after.sources.asked, after.sources.stand_in, now).await?;
    if !changed {
        return Ok(None);
    }
    let changes =
        BTreeMap::from([("sources".to_owned(), json!({ "from": before.sources, "to": after.sources }))]);
    note(&transaction, caller, &before, record, Operation::TournamentUpdate, changes, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    drop(client);
    if after.sources.addresses.is_empty() {
        return Ok(None);
    }
    let request = Request::CrossCheck { tournament_id: Some(id) };
    super::start(desk, caller, request, false, Some(&record.to_string())).await.map(Some)
}

/// The address of a season as a person gives it, with its provider; none if it is the tournament's own.
async fn address(
    transaction: &Transaction<'_>,
    tournament: &Tournament,
    season_label: &str,
    text: &str,
) -> Result<Option<(ProviderName, String)>, Problem> {
    let page = season_page(text).map_err(|_| {
        wrong(
            "season",
            "must be the address of a season's page at SofaScore, or football-data.org's code and year, as PL 2025",
        )
    })?;
    if let Some(label) = page.label.as_deref().filter(|label| are_other_years(label, season_label)) {
        return Err(wrong(
            "season",
            format!("is the season {label}, and the tournament's is {season_label}"),
        ));
    }
    let season = page.season;
    let (provider, base_url) = (season.provider(), season.base_url());
    if base_url == tournament.base_url {
        return Ok(None);
    }
    if season_at(tournament, tournament.provider).is_some_and(|own| own.provider() == provider) {
        return Err(wrong(
            "season",
            format!(
                "is another season at {provider}, under which the tournament was created: create that one by itself"
            ),
        ));
    }
    match tournaments::find_by_season(transaction, &base_url).await? {
        Some(other) if other.id != tournament.id => {
            Err(wrong("season", format!("is the season of {} ({})", other.label, other.id)))
        }
        _ => Ok(Some((provider, base_url))),
    }
}

/// Whether two labels of seasons, as `2025/26`, `25/26` or `2026`, begin in different years. What is no label is none.
fn are_other_years(one: &str, other: &str) -> bool {
    let begins = |label: &str| {
        let mut numbers =
            label.split(|c: char| !c.is_ascii_digit()).filter_map(|year| year.parse::<u32>().ok());
        numbers.next().map(|year| year % 100)
    };
    begins(one).zip(begins(other)).is_some_and(|(one, other)| one != other)
}

/// Records which of our teams a team of another provider is.
pub(crate) async fn identify_team(
    desk: &Desk,
    caller: &Caller,
    id: Uuid,
    asked: &IdentifyTeam,
) -> Result<(), Problem> {
    let now = desk.clock.now();
    let record = Uuid::new_v4();
    let mut client = desk.services().await?.store.client().await?;
    let transaction = client.transaction_of(record, now).await?;
    let tournament = tournaments::find(&transaction, id).await?.ok_or_else(no_tournament)?;
    let theirs = (asked.provider.as_str(), asked.external_id.as_str());
    let team = if asked.unknown { None } else { Some(team_of(&transaction, &tournament, asked, now).await?) };
    if let Some(team) = team
        && let Some(other) = sources::taken_by(&transaction, theirs, team).await?
    {
        return Err(wrong("team", format!("is {}'s {other} already", asked.provider)));
    }
    let Some(there) = sources::identify(&transaction, &tournament, theirs, team, &caller.name).await? else {
        return Err(wrong(
            "externalId",
            format!(
                "names no team of {} that is asked for, or the team is not one of {}'s",
                asked.provider, tournament.provider
            ),
        ));
    };
    let change = json!({ "provider": asked.provider, "from": there, "to": team });
    let changes = BTreeMap::from([("team".to_owned(), change)]);
    note(&transaction, caller, &tournament, record, Operation::TeamsUpdate, changes, now).await?;
    transaction.commit().await.map_err(StoreError::from)?;
    Ok(())
}

/// The team of ours that a person has named, inserted where it is not stored yet.
async fn team_of(
    transaction: &Transaction<'_>,
    tournament: &Tournament,
    asked: &IdentifyTeam,
    now: DateTime<Utc>,
) -> Result<Uuid, Problem> {
    match (asked.team, asked.new_team.as_deref().map(str::trim).filter(|id| !id.is_empty())) {
        (Some(team), None) => Ok(team),
        (None, Some(external_id)) => {
            let is_id = external_id.len() <= 15 && external_id.bytes().all(|byte| byte.is_ascii_digit());
            if !is_id {
                let remedy = format!("must be {}'s id of the team, a number", tournament.provider);
                return Err(wrong("newTeam", remedy));
            }
            let name = name(asked.name.as_deref().unwrap_or_default())?;
            let added = sources::add_team(transaction, tournament.provider, external_id, &name, now).await?;
            match added {
                Some((team, stored)) if stored == name => Ok(team),
                Some((_, stored)) => Err(wrong(
                    "newTeam",
                    format!(
                        "is the id of {stored}, which is stored already: if it is that team, give its name"
                    ),
                )),
                None => Err(Problem::new(
                    StatusCode::CONFLICT,
                    "The team is being added at this moment. Try again.",
                )),
            }
        }
        _ => Err(wrong("team", "must be one of the tournament's teams, or newTeam must be given instead")),
    }
}

/// Records a decision with its caller.
async fn note(
    transaction: &Transaction<'_>,
    caller: &Caller,
    tournament: &Tournament,
    record: Uuid,
    operation: Operation,
    changes: BTreeMap<String, Value>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let summary = Summary {
        tournament_id: Some(tournament.id),
        tournament_label: Some(tournament.label.clone()),
        rows: Some(Outcomes { updated: 1, ..Outcomes::default() }),
        changes: Some(changes),
        facts: Facts { requested_by: Some(caller.name.clone()), ..Facts::default() },
        ..Summary::default()
    };
    let change = Change {
        id: record,
        notify: false,
        operation,
        match_id: None,
        tournament_id: Some(tournament.id),
        requested_by: &caller.name,
        summary: &summary,
    };
    executions::record_change(transaction, &change, now).await
}

#[cfg(test)]
mod tests {
    use super::are_other_years;

    #[test]
    fn labels_of_seasons_are_compared_by_their_years() {
        for (one, other, differ) in [
            ("2025/26", "25/26", false),
            ("2025/26", "2025", false),
            ("2026", "2025/26", true),
            ("2025/26", "2026/27", true),
            ("2024/25", "2025/26", true),
            ("2022", "2022", false),
            ("2022", "2026", true),
            ("2025/26", "Spring", false),
        ] {
            assert_eq!(are_other_years(one, other), differ, "{one} {other}");
        }
    }
}
