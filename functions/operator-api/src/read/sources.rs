//! Who is asked for a tournament, which of its teams are not known at another provider, and where providers differ.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::moment;
use football::domain::{ProviderName, Tournament};
use shared::store::aliases::{self, DifferencesOf};
use shared::store::{StoreError, stamp, utc};
use shared::sync::source::{providers_of, season_at};

/// Differences that are listed.
const DIFFERENCES: usize = 50;

/// Who is asked for a tournament, and what is known of it at each provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct SourcesView {
    /// Who is asked first.
    pub(crate) asked: ProviderName,
    /// Who is asked while that one refuses; none: nobody.
    pub(crate) stand_in: Option<ProviderName>,
    /// The season at each provider whose address of it is known.
    pub(crate) seasons: Vec<SeasonView>,
    /// Teams of other providers that are none of ours by their names: a person says which they are.
    pub(crate) unknown_teams: Vec<UnknownTeam>,
    /// Teams of other providers that a person has identified.
    pub(crate) identified_teams: Vec<IdentifiedTeam>,
    /// Results of which another provider says something else.
    pub(crate) differences: Vec<DifferenceView>,
}

/// A season at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct SeasonView {
    /// The provider.
    pub(crate) provider: ProviderName,
    /// The address of the season there.
    pub(crate) base_url: String,
    /// Whether the provider refuses now.
    pub(crate) refuses: bool,
    /// When it is asked again, if it refuses.
    pub(crate) asked_again_at: Option<DateTime<Utc>>,
    /// How many teams of the tournament are known there.
    pub(crate) teams: i64,
    /// How many matches of the tournament are known there.
    pub(crate) matches: i64,
}

/// A team of a provider that is none of ours by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct UnknownTeam {
    /// The provider.
    pub(crate) provider: String,
    /// Its id of the team.
    pub(crate) external_id: String,
    /// Its name of the team.
    pub(crate) name: String,
    /// Its short name of the team.
    pub(crate) short_name: Option<String>,
    /// Since when it is asked for.
    pub(crate) since: DateTime<Utc>,
}

/// A team of a provider that a person has identified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct IdentifiedTeam {
    /// The provider.
    pub(crate) provider: String,
    /// Its id of the team.
    pub(crate) external_id: String,
    /// Its name of the team.
    pub(crate) name: String,
    /// Our team's name.
    pub(crate) team: String,
    /// The person.
    pub(crate) by: String,
}

/// A match of which another provider says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DifferenceView {
    /// The match.
    pub(crate) match_id: Uuid,
    /// As `Ash – Birch`.
    pub(crate) teams: String,
    /// The other provider.
    pub(crate) provider: String,
    /// What is stored, as `ended 2-1, 2024-03-02 15:00`.
    pub(crate) ours: String,
    /// What that provider says.
    pub(crate) theirs: String,
    /// When it was asked.
    pub(crate) read_at: DateTime<Utc>,
}

/// A team of ours that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Our id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: String,
}

/// Who is asked for a tournament, and what is known of it at each provider.
pub(crate) async fn of(
    client: &impl GenericClient,
    tournament: &Tournament,
) -> Result<SourcesView, StoreError> {
    let asked = tournament.sources.asked.unwrap_or(tournament.provider);
    let mut seasons = Vec::new();
    for provider in providers_of(tournament) {
        let Some(season) = season_at(tournament, provider) else { continue };
        let rows = client
            .query_typed(
                "SELECT (SELECT retry_at FROM provider_circuit WHERE provider = $2 AND state <> 'closed') AS retry_at,
                        EXISTS (SELECT 1 FROM provider_circuit WHERE provider = $2 AND state <> 'closed') AS refuses,
                        (SELECT count(DISTINCT t.id) FROM match m JOIN team t ON t.id IN (m.home_team_id, m.away_team_id)
                          WHERE m.tournament_id = $1 AND (t.provider = $2
                             OR EXISTS (SELECT 1 FROM team_alias a WHERE a.team_id = t.id AND a.provider = $2))) AS teams,
                        (SELECT count(*) FROM match m WHERE m.tournament_id = $1 AND (m.provider = $2
                             OR EXISTS (SELECT 1 FROM match_alias a WHERE a.match_id = m.id AND a.provider = $2))) AS matches",
                &[(&tournament.id, Type::UUID), (&provider.as_str(), Type::TEXT)],
            )
            .await?;
        seasons.push(SeasonView {
            provider,
            base_url: season.base_url(),
            refuses: rows[0].get("refuses"),
            asked_again_at: moment(&rows[0], "retry_at"),
            teams: rows[0].get("teams"),
            matches: rows[0].get("matches"),
        });
    }
    Ok(SourcesView {
        asked,
        stand_in: tournament.sources.stand_in,
        seasons,
        unknown_teams: unknown_teams(client, tournament).await?,
        identified_teams: identified_teams(client, tournament).await?,
        differences: differences(client, tournament.id).await?,
    })
}

async fn unknown_teams(
    client: &impl GenericClient,
    tournament: &Tournament,
) -> Result<Vec<UnknownTeam>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT provider, external_id, name, short_name, created_at FROM team_alias
              WHERE tournament_id = $1 AND team_id IS NULL ORDER BY name, external_id",
            &[(&tournament.id, Type::UUID)],
        )
        .await?;
    let team = |row: &tokio_postgres::Row| UnknownTeam {
        provider: row.get("provider"),
        external_id: row.get("external_id"),
        name: row.get("name"),
        short_name: row.get("short_name"),
        since: utc(row.get("created_at")),
    };
    Ok(rows.iter().map(team).collect())
}

async fn identified_teams(
    client: &impl GenericClient,
    tournament: &Tournament,
) -> Result<Vec<IdentifiedTeam>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT a.provider, a.external_id, a.name, t.name, a.decided_by FROM team_alias a JOIN team t ON t.id = a.team_id
              WHERE a.tournament_id = $1 AND a.decided_by IS NOT NULL ORDER BY a.name, a.external_id",
            &[(&tournament.id, Type::UUID)],
        )
        .await?;
    let team = |row: &tokio_postgres::Row| IdentifiedTeam {
        provider: row.get(0),
        external_id: row.get(1),
        name: row.get(2),
        team: row.get(3),
        by: row.get(4),
    };
    Ok(rows.iter().map(team).collect())
}

async fn differences(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Vec<DifferenceView>, StoreError> {
    let of = DifferencesOf::Since(Some(tournament), DateTime::UNIX_EPOCH);
    let found = aliases::differences(client, of).await?;
    let view = |found: aliases::Difference| DifferenceView {
        match_id: found.match_id,
        teams: found.teams,
        provider: found.provider,
        ours: found.ours,
        theirs: found.theirs,
        read_at: found.read_at,
    };
    Ok(found.into_iter().take(DIFFERENCES).map(view).collect())
}

/// The teams of a tournament that are not known at `provider` yet, by name.
pub(crate) async fn choices(
    client: &impl GenericClient,
    tournament: Uuid,
    provider: &str,
) -> Result<Vec<Choice>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT t.id, t.name FROM team t
              WHERE t.id IN (SELECT home_team_id FROM match WHERE tournament_id = $1
                             UNION SELECT away_team_id FROM match WHERE tournament_id = $1)
                AND NOT EXISTS (SELECT 1 FROM team_alias a WHERE a.team_id = t.id AND a.provider = $2)
              ORDER BY t.name, t.id",
            &[(&tournament, Type::UUID), (&provider, Type::TEXT)],
        )
        .await?;
    Ok(rows.iter().map(|row| Choice { id: row.get(0), name: row.get(1) }).collect())
}

/// Sets who is asked first and who stands in; returns whether that was another before.
pub(crate) async fn choose(
    client: &impl GenericClient,
    tournament: Uuid,
    asked: Option<ProviderName>,
    stand_in: Option<ProviderName>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (asked, stand_in) = (asked.map(ProviderName::as_str), stand_in.map(ProviderName::as_str));
    let rows = client
        .query_typed(
            "UPDATE tournament SET asked_provider = $2, stand_in_provider = $3, updated_at = $4
              WHERE id = $1 AND (asked_provider, stand_in_provider) IS DISTINCT FROM ($2, $3) RETURNING id",
            &[
                (&tournament, Type::UUID),
                (&asked, Type::TEXT),
                (&stand_in, Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Sets the address of the season at another provider; returns whether it was another before. What that provider called matches
/// was of the other season: it is forgotten.
pub(crate) async fn set_address(
    client: &impl GenericClient,
    tournament: Uuid,
    provider: ProviderName,
    base_url: &str,
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "WITH written AS (
               INSERT INTO tournament_alias AS a (tournament_id, provider, base_url) VALUES ($1, $2, $3)
               ON CONFLICT (tournament_id, provider) DO UPDATE SET base_url = excluded.base_url
                WHERE a.base_url <> excluded.base_url RETURNING 1),
             forgotten AS (
               DELETE FROM match_alias a USING match m
                WHERE a.match_id = m.id AND m.tournament_id = $1 AND a.provider = $2 AND EXISTS (SELECT 1 FROM written))
             SELECT 1 FROM written",
            &[(&tournament, Type::UUID), (&provider.as_str(), Type::TEXT), (&base_url, Type::TEXT)],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Inserts a team under the id that the tournament's own provider has for it; returns its id and name, also if it was there.
/// None: it is being inserted at this moment.
pub(crate) async fn add_team(
    client: &impl GenericClient,
    provider: ProviderName,
    external_id: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<(Uuid, String)>, StoreError> {
    let rows = client
        .query_typed(
            "WITH added AS (
               INSERT INTO team (provider, external_id, name, badge, created_at, updated_at) VALUES ($1, $2, $3, '', $4, $4)
               ON CONFLICT (provider, external_id) DO NOTHING RETURNING id, name)
             SELECT id, name FROM added UNION ALL SELECT id, name FROM team WHERE provider = $1 AND external_id = $2 LIMIT 1",
            &[
                (&provider.as_str(), Type::TEXT),
                (&external_id, Type::TEXT),
                (&name, Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// The name that another team of a provider has, which is this team of ours already; none: there is no such team.
pub(crate) async fn taken_by(
    client: &impl GenericClient,
    (provider, external_id): (&str, &str),
    team: Uuid,
) -> Result<Option<String>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT name FROM team_alias WHERE provider = $1 AND external_id <> $2 AND team_id = $3 LIMIT 1",
            &[(&provider, Type::TEXT), (&external_id, Type::TEXT), (&team, Type::UUID)],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Records which of our teams a team of another provider is, as a person says (none: it is asked for again); returns the team's
/// name there. None: that provider has no such team, or ours is of another provider than the tournament. Which matches of ours
/// were those of the team before is forgotten.
pub(crate) async fn identify(
    client: &impl GenericClient,
    tournament: &Tournament,
    (provider, external_id): (&str, &str),
    team: Option<Uuid>,
    by: &str,
) -> Result<Option<String>, StoreError> {
    let rows = client
        .query_typed(
            "WITH before AS (
               SELECT team_id FROM team_alias WHERE provider = $2 AND external_id = $3 AND of_provider = $1),
             forgotten AS (
               DELETE FROM match_alias a USING match m, before b
                WHERE a.match_id = m.id AND a.provider = $2 AND b.team_id IN (m.home_team_id, m.away_team_id)
                  AND b.team_id IS DISTINCT FROM $4)
             UPDATE team_alias a SET team_id = $4, decided_by = CASE WHEN $4::uuid IS NOT NULL THEN $5 END
              WHERE a.provider = $2 AND a.external_id = $3 AND a.of_provider = $1
                AND ($4::uuid IS NULL OR EXISTS (SELECT 1 FROM team t WHERE t.id = $4 AND t.provider = $1))
             RETURNING a.name",
            &[
                (&tournament.provider.as_str(), Type::TEXT),
                (&provider, Type::TEXT),
                (&external_id, Type::TEXT),
                (&team, Type::UUID),
                (&by, Type::TEXT),
            ],
        )
        .await?;
    Ok(rows.first().map(|row| row.get(0)))
}
