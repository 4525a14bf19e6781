//! Tournaments with their rounds, matches, tables and brackets, as the desk shows them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::{Page, moment, words};
use football::domain::{Mode, ProviderName, TournamentStatus};
use shared::store::matches::OPEN;
use shared::store::tournaments::standings_terms;
use shared::store::{StoreError, stamp, utc};

/// A tournament as the desk shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct TournamentView {
    /// Our id.
    pub(crate) id: Uuid,
    /// The provider that it was created under, as `sofascore`.
    pub(crate) provider: String,
    /// Other providers whose address of the season is known.
    pub(crate) other_providers: Vec<String>,
    /// The provider's id of the competition.
    pub(crate) external_id: String,
    /// Part of the application's URLs.
    pub(crate) slug: String,
    /// Shown to people.
    pub(crate) label: String,
    /// `2024/25` and the like.
    pub(crate) season: String,
    /// `regular-season-and-knockout`, `regular-season-only` or `knockout-only`.
    pub(crate) mode: String,
    /// `unique-group` or `multi-group`.
    pub(crate) standings_mode: String,
    /// `active`, `completed`, `upcoming` or `cancelled`; only active ones are worked on.
    pub(crate) status: String,
    /// Address of the logo.
    pub(crate) logo: String,
    /// Slug of the round that is on, or next.
    pub(crate) current_round: Option<String>,
    /// The provider's address of the season.
    pub(crate) base_url: String,
    /// The provider's page for people.
    pub(crate) public_url: Option<String>,
    /// The order of teams level on points, in prose.
    pub(crate) tie_breaking_rule: Option<String>,
    /// Deductions and awards.
    pub(crate) points_adjustments: Value,
    /// When the table was last checked against the provider's.
    pub(crate) standings_checked_at: Option<DateTime<Utc>>,
    /// How many rounds it has.
    pub(crate) rounds: i64,
    /// How many matches between known teams.
    pub(crate) matches: i64,
    /// Those of them that are not over.
    pub(crate) open_matches: i64,
    /// The next kickoff.
    pub(crate) next_kickoff: Option<DateTime<Utc>>,
    /// When it was created.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

impl TournamentView {
    /// Whether it is worked on.
    pub(crate) fn is_active(&self) -> bool {
        self.status.parse() == Ok(TournamentStatus::Active)
    }

    /// Whether it has data of football-data.org's, whose terms ask to be named.
    pub(crate) fn is_of_football_data(&self) -> bool {
        let mut providers = self.other_providers.iter().chain([&self.provider]);
        providers.any(|name| name.parse() == Ok(ProviderName::FootballData))
    }

    /// How it is played; none if the column holds a word of an older vocabulary.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode.parse().ok()
    }

    /// Whether it has a table, as far as is known.
    pub(crate) fn has_table(&self) -> bool {
        self.mode().is_none_or(Mode::has_standings)
    }

    /// Whether it has knockout rounds, as far as is known.
    pub(crate) fn has_knockouts(&self) -> bool {
        self.mode().is_none_or(Mode::has_knockouts)
    }
}

const COLUMNS: &str = "t.id, t.provider, t.external_id, t.slug, t.label, t.season, t.mode, t.standings_mode, t.status, t.logo,
    t.current_round, t.base_url, t.public_url, t.tie_breaking_rule, t.points_adjustments, t.standings_checked_at,
    t.created_at, t.updated_at, ARRAY(SELECT a.provider FROM tournament_alias a WHERE a.tournament_id = t.id ORDER BY 1)
    AS other_providers, r.rounds, m.matches, m.open_matches, m.next_kickoff";

/// How many rounds and matches a tournament `t` has; `$1` is the present moment.
fn counts() -> String {
    format!(
        "CROSS JOIN LATERAL (SELECT count(*) AS rounds FROM tournament_round WHERE tournament_id = t.id) r
         CROSS JOIN LATERAL (SELECT count(*) AS matches, count(*) FILTER (WHERE {OPEN}) AS open_matches,
                               min(m.date) FILTER (WHERE {OPEN} AND m.date > $1) AS next_kickoff
                          FROM match m WHERE m.tournament_id = t.id) m"
    )
}

fn tournament(row: &Row) -> TournamentView {
    TournamentView {
        id: row.get("id"),
        provider: row.get("provider"),
        other_providers: row.get("other_providers"),
        external_id: row.get("external_id"),
        slug: row.get("slug"),
        label: row.get("label"),
        season: row.get("season"),
        mode: row.get("mode"),
        standings_mode: row.get("standings_mode"),
        status: row.get("status"),
        logo: row.get("logo"),
        current_round: row.get("current_round"),
        base_url: row.get("base_url"),
        public_url: row.get("public_url"),
        tie_breaking_rule: row.get("tie_breaking_rule"),
        points_adjustments: row.get("points_adjustments"),
        standings_checked_at: moment(row, "standings_checked_at"),
        rounds: row.get("rounds"),
        matches: row.get("matches"),
        open_matches: row.get("open_matches"),
        next_kickoff: moment(row, "next_kickoff"),
        created_at: utc(row.get("created_at")),
        updated_at: utc(row.get("updated_at")),
    }
}

/// One tournament, unless it is deleted.
pub(crate) async fn find(
    client: &impl GenericClient,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<TournamentView>, StoreError> {
    let counts = counts();
    let sql = format!("SELECT {COLUMNS} FROM tournament t {counts} WHERE t.id = $2 AND t.deleted_at IS NULL");
    let rows = client.query_typed(&sql, &[(&stamp(now), Type::TIMESTAMP), (&id, Type::UUID)]).await?;
    Ok(rows.first().map(tournament))
}

/// Which tournaments to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter<'a> {
    /// Of this status.
    pub(crate) status: Option<&'a str>,
    /// Whose label, season and slug contain each word of this text.
    pub(crate) text: Option<&'a str>,
    /// Those after this one in the list: its label and id.
    pub(crate) after: Option<(&'a str, Uuid)>,
}

/// Tournaments by label.
pub(crate) async fn list(
    client: &impl GenericClient,
    filter: &Filter<'_>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Page<TournamentView>, StoreError> {
    // The page is limited first, so that only its rows are counted.
    let counts = counts();
    let sql = format!(
        r#"SELECT {COLUMNS} FROM (
             SELECT * FROM tournament
              WHERE deleted_at IS NULL AND ($2::text IS NULL OR status = $2)
                AND ($3::text[] IS NULL OR (SELECT bool_and(strpos(lower(concat_ws(' ', label, season, slug)), word) > 0)
                                            FROM unnest($3) word))
                AND ($4::text IS NULL OR (label COLLATE "C", id) > ($4, $5))
              ORDER BY label COLLATE "C", id LIMIT $6) t
           {counts} ORDER BY t.label COLLATE "C", t.id"#
    );
    let rows = client
        .query_typed(
            &sql,
            &[
                (&stamp(now), Type::TIMESTAMP),
                (&filter.status, Type::TEXT),
                (&filter.text.map(words), Type::TEXT_ARRAY),
                (&filter.after.map(|(label, _)| label), Type::TEXT),
                (&filter.after.map(|(_, id)| id), Type::UUID),
                (&(limit + 1), Type::INT8),
            ],
        )
        .await?;
    Ok(Page::of(rows.iter().map(tournament).collect(), limit))
}

/// An operator's changes to a tournament; fields that are none stay unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edit<'a> {
    /// Shown to people.
    pub(crate) label: Option<&'a str>,
    /// The status.
    pub(crate) status: Option<TournamentStatus>,
    /// The order of teams level on points; empty: the provider's again, once it is read.
    pub(crate) tie_breaking_rule: Option<&'a str>,
}

/// Applies an operator's changes to a tournament. Returns whether a row was written.
pub(crate) async fn edit(
    client: &impl GenericClient,
    id: Uuid,
    edit: &Edit<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let rows = client
        .query_typed(
            "UPDATE tournament SET label = COALESCE($2, label), status = COALESCE($3, status),
                    tie_breaking_rule = CASE WHEN $4::text IS NULL THEN tie_breaking_rule ELSE NULLIF($4, '') END,
                    -- Where the provider's rule is wanted again, its table is read again.
                    standings_checked_at = CASE WHEN $4 = '' THEN NULL ELSE standings_checked_at END,
                    updated_at = $5
              WHERE id = $1 AND deleted_at IS NULL
                AND (label, status, tie_breaking_rule) IS DISTINCT FROM (COALESCE($2, label), COALESCE($3, status),
                     CASE WHEN $4::text IS NULL THEN tie_breaking_rule ELSE NULLIF($4, '') END)
             RETURNING id",
            &[
                (&id, Type::UUID),
                (&edit.label, Type::TEXT),
                (&edit.status.map(|status| status.to_string()), Type::TEXT),
                (&edit.tie_breaking_rule, Type::TEXT),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// A round as the desk shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct RoundView {
    /// Its name in the application's routes.
    pub(crate) slug: String,
    /// Shown to people.
    pub(crate) label: String,
    /// The 1-based place in the provider's list.
    pub(crate) order: i32,
    /// `season` or `knockout`.
    pub(crate) kind: String,
    /// Its matches between known teams.
    pub(crate) matches: i64,
    /// Those of them that are not over.
    pub(crate) open_matches: i64,
    /// The first kickoff.
    pub(crate) first_kickoff: Option<DateTime<Utc>>,
    /// The last kickoff.
    pub(crate) last_kickoff: Option<DateTime<Utc>>,
    /// Slots without a team when the round was last read; none: it was not read yet.
    pub(crate) open_slots: Option<i32>,
    /// When the whole round was last read from the provider.
    pub(crate) last_read_at: Option<DateTime<Utc>>,
}

/// The rounds of a tournament, in order.
pub(crate) async fn rounds(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Vec<RoundView>, StoreError> {
    let rows = client
        .query_typed(
            &r#"SELECT r.slug, r.label, r."order", r.type, r.open_slots, r.last_read_at, count(m.id) AS matches,
                      count(m.id) FILTER (WHERE {OPEN}) AS open_matches, min(m.date) AS first, max(m.date) AS last
                 FROM tournament_round r LEFT JOIN match m ON m.tournament_id = r.tournament_id AND m.round_slug = r.slug
                WHERE r.tournament_id = $1 GROUP BY r.id ORDER BY r."order", r.slug"#
                .replace("{OPEN}", OPEN),
            &[(&tournament, Type::UUID)],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| RoundView {
            slug: row.get("slug"),
            label: row.get("label"),
            order: row.get("order"),
            kind: row.get("type"),
            matches: row.get("matches"),
            open_matches: row.get("open_matches"),
            first_kickoff: moment(row, "first"),
            last_kickoff: moment(row, "last"),
            open_slots: row.get("open_slots"),
            last_read_at: moment(row, "last_read_at"),
        })
        .collect())
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct StandingView {
    /// The group; empty where there is one table.
    pub(crate) group: String,
    /// The place.
    pub(crate) order: i32,
    /// The team.
    pub(crate) team: String,
    /// Its short name.
    pub(crate) short_name: String,
    /// Address of its badge; empty: none is stored.
    pub(crate) badge: String,
    /// Points, adjusted.
    pub(crate) points: i32,
    /// Matches played.
    pub(crate) games: i32,
    /// Won.
    pub(crate) wins: i32,
    /// Drawn.
    pub(crate) draws: i32,
    /// Lost.
    pub(crate) losses: i32,
    /// Goals scored.
    pub(crate) goals_for: i32,
    /// Goals conceded.
    pub(crate) goals_against: i32,
    /// The difference.
    pub(crate) goal_difference: i32,
    /// The last results, oldest first: `W`, `D`, `L`.
    pub(crate) form: Vec<String>,
}

/// The tables of a tournament.
pub(crate) async fn standings(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Vec<StandingView>, StoreError> {
    let rows = client
        .query_typed(
            r#"SELECT s.group_name, s."order", s.long_name, s.short_name, t.badge, s.points, s.games, s.wins, s.draws, s.losses,
                      s.goals_for, s.goals_against, s.goal_difference, s.form
                 FROM tournament_standings s JOIN team t ON t.id = s.team_id
                WHERE s.tournament_id = $1 ORDER BY s.group_name, s."order", s.long_name"#,
            &[(&tournament, Type::UUID)],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| StandingView {
            group: row.get("group_name"),
            order: row.get("order"),
            team: row.get("long_name"),
            short_name: row.get("short_name"),
            badge: row.get("badge"),
            points: row.get("points"),
            games: row.get("games"),
            wins: row.get("wins"),
            draws: row.get("draws"),
            losses: row.get("losses"),
            goals_for: row.get("goals_for"),
            goals_against: row.get("goals_against"),
            goal_difference: row.get("goal_difference"),
            form: row.get("form"),
        })
        .collect())
}

/// What a place of a table leads to, by the provider's table as last read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The group; empty where there is one table.
    pub(crate) group: String,
    /// The place.
    pub(crate) place: i32,
    /// As `Relegation`, in the provider's words.
    pub(crate) leads_to: String,
}

/// What the places of a tournament's tables lead to, in order; those that lead to nothing are left out.
pub(crate) async fn places(client: &impl GenericClient, tournament: Uuid) -> Result<Vec<Place>, StoreError> {
    let mut tables = standings_terms(client, tournament).await?.provider;
    tables.iter_mut().for_each(|table| table.rows.sort_by_key(|row| row.position));
    let rows = tables.into_iter().flat_map(|table| table.rows);
    let place =
        rows.filter_map(|row| Some(Place { group: row.group, place: row.position, leads_to: row.leads_to? }));
    Ok(place.collect())
}

/// What differed from the provider's table when the two were last compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct DriftView {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// One line a difference; none: the tables agreed.
    pub(crate) differences: Vec<String>,
}

/// The last comparison with the provider's table.
pub(crate) async fn drift(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Option<DriftView>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT standings_checked_at, ARRAY(SELECT d->>'text' FROM jsonb_array_elements(table_differences) AS d
                                                 WHERE NOT (d->>'explained')::boolean)
               FROM tournament WHERE id = $1 AND standings_checked_at IS NOT NULL",
            &[(&tournament, Type::UUID)],
        )
        .await?;
    Ok(rows.first().map(|row| DriftView { at: utc(row.get(0)), differences: row.get(1) }))
}

/// A tie of the bracket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[derive(utoipa::ToSchema)]
pub(crate) struct TieView {
    /// The round it belongs to.
    pub(crate) round_slug: String,
    /// The round's label.
    pub(crate) round_label: String,
    /// Its number in the round.
    pub(crate) number: i32,
    /// The home side: a team, or the place that is still to be reached.
    pub(crate) home: Option<String>,
    /// Whether the home side is a known team.
    pub(crate) home_known: bool,
    /// Address of the home side's badge; none: not a known team, or none is stored.
    pub(crate) home_badge: Option<String>,
    /// The away side: a team, or the place that is still to be reached.
    pub(crate) away: Option<String>,
    /// Whether the away side is a known team.
    pub(crate) away_known: bool,
    /// Address of the away side's badge; none: not a known team, or none is stored.
    pub(crate) away_badge: Option<String>,
    /// Goals of the tie's home side, over all legs.
    pub(crate) home_goals: Option<i32>,
    /// Goals of the tie's away side, over all legs.
    pub(crate) away_goals: Option<i32>,
    /// Goals of the shootout, of the tie's home side.
    pub(crate) home_penalties: Option<i32>,
    /// Goals of the shootout, of the tie's away side.
    pub(crate) away_penalties: Option<i32>,
    /// `home` or `away`, once it is decided.
    pub(crate) winner: Option<String>,
    /// What decided it.
    pub(crate) decided_by: Option<String>,
    /// The provider's ids of its matches.
    pub(crate) matches: Vec<String>,
    /// Its first kickoff.
    pub(crate) kickoff: Option<DateTime<Utc>>,
    /// The round that the winner goes to.
    pub(crate) next_round_slug: Option<String>,
    /// The tie there.
    pub(crate) next_number: Option<i32>,
}

/// The bracket of a tournament, round by round.
pub(crate) async fn bracket(
    client: &impl GenericClient,
    tournament: Uuid,
) -> Result<Vec<TieView>, StoreError> {
    let rows = client
        .query_typed(
            r#"SELECT b.round_slug, COALESCE(r.label, b.round_slug) AS round_label, b.tie_number, b.home_slot, b.away_slot,
                      h.name AS home, a.name AS away, NULLIF(h.badge, '') AS home_badge,
                      NULLIF(a.badge, '') AS away_badge, b.decided_by,
                      b.next_round_slug, b.next_tie_number, b.match_external_ids,
                      CASE WHEN b.winner_team_id = b.home_team_id THEN 'home'
                           WHEN b.winner_team_id = b.away_team_id THEN 'away' END AS winner,
                      COALESCE(b.home_aggregate, p.home_goals) AS home_goals,
                      COALESCE(b.away_aggregate, p.away_goals) AS away_goals, p.home_pens, p.away_pens, p.kickoff
                 FROM tournament_bracket b
                 LEFT JOIN tournament_round r ON r.tournament_id = b.tournament_id AND r.slug = b.round_slug
                 LEFT JOIN team h ON h.id = b.home_team_id
                 LEFT JOIN team a ON a.id = b.away_team_id
                 LEFT JOIN LATERAL (
                      SELECT min(m.date) AS kickoff,
                             sum(CASE WHEN m.home_team_id = b.home_team_id THEN m.home_score
                                      ELSE m.away_score END)::int AS home_goals,
                             sum(CASE WHEN m.home_team_id = b.home_team_id THEN m.away_score
                                      ELSE m.home_score END)::int AS away_goals,
                             max(CASE WHEN m.home_team_id = b.home_team_id THEN m.home_penalties_score
                                      ELSE m.away_penalties_score END) AS home_pens,
                             max(CASE WHEN m.home_team_id = b.home_team_id THEN m.away_penalties_score
                                      ELSE m.home_penalties_score END) AS away_pens
                        FROM match m
                       WHERE m.tournament_id = b.tournament_id AND m.external_id = ANY(b.match_external_ids)) p ON true
                WHERE b.tournament_id = $1 ORDER BY r."order", b.round_slug, b.tie_number"#,
            &[(&tournament, Type::UUID)],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| {
            let (home, away): (Option<String>, Option<String>) = (row.get("home"), row.get("away"));
            TieView {
                round_slug: row.get("round_slug"),
                round_label: row.get("round_label"),
                number: row.get("tie_number"),
                home_known: home.is_some(),
                home: home.or_else(|| row.get("home_slot")),
                away_known: away.is_some(),
                away: away.or_else(|| row.get("away_slot")),
                home_badge: row.get("home_badge"),
                away_badge: row.get("away_badge"),
                home_goals: row.get("home_goals"),
                away_goals: row.get("away_goals"),
                home_penalties: row.get("home_pens"),
                away_penalties: row.get("away_pens"),
                winner: row.get("winner"),
                decided_by: row.get("decided_by"),
                matches: row.get("match_external_ids"),
                kickoff: moment(row, "kickoff"),
                next_round_slug: row.get("next_round_slug"),
                next_number: row.get("next_tie_number"),
            }
        })
        .collect())
}

/// Label, mode and standings mode of the newest season of a competition that is known.
pub(crate) async fn latest_of(
    client: &impl GenericClient,
    external_id: &str,
) -> Result<Option<(String, String, String)>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT label, mode, standings_mode FROM tournament WHERE external_id = $1 ORDER BY created_at DESC LIMIT 1",
            &[(&external_id, Type::TEXT)],
        )
        .await?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1), row.get(2))))
}
