//! The outcome of a replay, read from database, emulator, provider and Slack.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Serialize;
use tokio_postgres::Client;

use crate::driver::Replay;
use crate::postgres;
use crate::watch::{Billed, Latency};

/// The summary of a replay of one season.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the summary file's keys")]
pub struct Summary {
    pub tournament: Tournament,
    pub matches: Matches,
    pub standings: Vec<Group>,
    pub bracket: Vec<BracketRound>,
    pub champion: Option<String>,
    #[serde(flatten)]
    pub total: Total,
}

/// The summary of a replay of several seasons.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the summary file's keys")]
pub struct Summaries {
    pub tournaments: Vec<Part>,
    pub total: Total,
}

/// One of several tournaments.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the summary file's keys")]
pub struct Part {
    pub tournament: Tournament,
    pub matches: Matches,
    pub standings: Vec<Group>,
    pub bracket: Vec<BracketRound>,
    pub champion: Option<String>,
}

/// What the whole replay did and cost.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the summary file's keys")]
pub struct Total {
    pub executions: Executions,
    pub schedules: Schedules,
    pub provider_requests: u64,
    pub provider_requests_by_kind: BTreeMap<String, u64>,
    /// By replayed day, without those for tables.
    pub provider_requests_by_day: BTreeMap<NaiveDate, u64>,
    pub rows: Rows,
    pub slack_messages: usize,
    pub slack_refused: usize,
    pub reports: usize,
    pub wall_seconds: f64,
    pub peak_rss_mb: BTreeMap<String, f64>,
    pub warnings: Vec<Warning>,
    pub errors: Vec<String>,
    #[serde(flatten)]
    pub cost: Cost,
}

/// What it cost, seen from outside.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the summary file's keys")]
pub struct Cost {
    pub invocations: usize,
    pub gb_seconds: f64,
    /// None where they could not be counted: in a database that exists already.
    pub statements: Option<i64>,
    pub connections: i64,
    pub latency: Latency,
    pub dollars: f64,
}

/// A warning of an execution, in order of the executions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation: they are the summary file's keys")]
pub struct Warning {
    pub tournament: Option<String>,
    pub operation: String,
    pub text: String,
}

/// The tournament's row.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the column's names")]
pub struct Tournament {
    pub id: String,
    pub label: String,
    pub slug: String,
    pub season: String,
    pub mode: String,
    pub status: String,
    pub current_round: Option<String>,
    pub rounds: i64,
    pub teams: i64,
}

/// Matches by status.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the statuses' names")]
pub struct Matches {
    pub total: i64,
    pub ended: i64,
    pub open: i64,
    pub not_defined: i64,
}

/// One standings table.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the column's names")]
pub struct Group {
    pub group: String,
    pub rows: Vec<Row>,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the column's names")]
pub struct Row {
    pub order: i32,
    pub team: String,
    pub points: i32,
    pub games: i32,
    pub wins: i32,
    pub draws: i32,
    pub losses: i32,
    pub goals_for: i32,
    pub goals_against: i32,
    pub goal_difference: i32,
    pub form: Vec<String>,
}

/// One round of the bracket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct BracketRound {
    pub round: String,
    pub ties: Vec<Tie>,
}

/// One tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Tie {
    pub home: Option<String>,
    pub away: Option<String>,
    pub legs: Vec<Leg>,
    pub aggregate: Option<[i32; 2]>,
    pub winner: Option<String>,
    pub decided_by: Option<String>,
}

/// One match of a tie. Goals and penalties of the tie's home side come first, whoever played at home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub struct Leg {
    pub home_score: Option<i32>,
    pub away_score: Option<i32>,
    pub penalties: Option<[i32; 2]>,
}

/// Executions by status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the statuses' names")]
pub struct Executions {
    pub completed: i64,
    pub partial_failure: i64,
    pub failed: i64,
    pub in_progress: i64,
}

/// Schedules, as counted by the executions, and how many fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the outcomes' names")]
pub struct Schedules {
    pub created: i64,
    pub updated: i64,
    pub deleted: i64,
    pub fired: usize,
    pub left: usize,
}

/// Rows, as counted by the executions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the outcomes' names")]
pub struct Rows {
    pub inserted: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub unresolved: i64,
}

impl Summary {
    /// Reads everything back.
    pub async fn read(replay: &Replay) -> anyhow::Result<Self> {
        let db = postgres::connect(&replay.stack.database_url).await?;
        let Part { tournament, matches, standings, bracket, champion } =
            Part::read(&db, replay.tournament_ids[0]).await?;
        let total = Total::read(replay, &db).await?;
        Ok(Self { tournament, matches, standings, bracket, champion, total })
    }

    /// The problems that make the replay fail.
    pub fn problems(&self) -> Vec<String> {
        self.total.problems()
    }
}

impl Summaries {
    /// Reads everything back.
    pub async fn read(replay: &Replay) -> anyhow::Result<Self> {
        let db = postgres::connect(&replay.stack.database_url).await?;
        let mut tournaments = Vec::new();
        for id in &replay.tournament_ids {
            tournaments.push(Part::read(&db, *id).await?);
        }
        Ok(Self { tournaments, total: Total::read(replay, &db).await? })
    }
}

impl Part {
    async fn read(db: &Client, id: uuid::Uuid) -> anyhow::Result<Self> {
        let matches = matches(db, id).await?;
        let standings = standings(db, id).await?;
        let champion = champion(db, id, &standings, &matches).await?;
        let (tournament, bracket) = (tournament(db, id).await?, bracket(db, id).await?);
        Ok(Self { tournament, matches, standings, bracket, champion })
    }
}

impl Total {
    async fn read(replay: &Replay, db: &Client) -> anyhow::Result<Self> {
        let sums = db
            .query_one(
                "SELECT count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'partial_failure'),
                        count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'in_progress'),
                        COALESCE(sum((summary->'schedules'->>'created')::bigint), 0)::bigint,
                        COALESCE(sum((summary->'schedules'->>'updated')::bigint), 0)::bigint,
                        COALESCE(sum((summary->'schedules'->>'deleted')::bigint), 0)::bigint,
                        COALESCE(sum((summary->'rows'->>'inserted')::bigint), 0)::bigint,
                        COALESCE(sum((summary->'rows'->>'updated')::bigint), 0)::bigint,
                        COALESCE(sum((summary->'rows'->>'unchanged')::bigint), 0)::bigint,
                        COALESCE(sum((summary->'rows'->>'unresolved')::bigint), 0)::bigint
                   FROM data_provider_executions WHERE function IS NOT NULL",
                &[],
            )
            .await?;
        let reports = replay.stack.aws.objects(shared::objects::REPORTS).await?;
        Ok(Self {
            executions: Executions {
                completed: sums.get(0),
                partial_failure: sums.get(1),
                failed: sums.get(2),
                in_progress: sums.get(3),
            },
            schedules: Schedules {
                created: sums.get(4),
                updated: sums.get(5),
                deleted: sums.get(6),
                fired: replay.fired,
                left: replay.stack.aws.schedules().await?.len(),
            },
            provider_requests: replay.provider.requests(),
            provider_requests_by_kind: replay.provider.requests_by_kind(),
            provider_requests_by_day: replay.provider.requests_by_day(),
            rows: Rows {
                inserted: sums.get(7),
                updated: sums.get(8),
                unchanged: sums.get(9),
                unresolved: sums.get(10),
            },
            slack_messages: replay.stack.slack.messages().len(),
            slack_refused: replay.stack.slack.refused().len(),
            reports: reports.iter().filter(|key| key.ends_with(".json")).count(),
            wall_seconds: (replay.began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            peak_rss_mb: replay.stack.functions.peak_rss_mb(),
            warnings: warnings(db).await?,
            errors: replay.errors.clone(),
            cost: Cost {
                invocations: replay.billed.invocations,
                gb_seconds: replay.billed.gb_seconds(),
                statements: replay.watch.statements().await,
                connections: replay.watch.connections(),
                latency: replay.latencies.summary(),
                dollars: Billed { objects: reports.len(), ..replay.billed }.dollars(),
            },
        })
    }

    /// The problems that make the replay fail.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.errors.clone();
        for (count, what) in [
            (self.executions.failed, "executions failed"),
            (self.executions.partial_failure, "executions failed in part"),
            (self.executions.in_progress, "executions never ended"),
            (self.rows.unresolved, "rows were not resolved"),
            (i64::try_from(self.slack_refused).unwrap_or(i64::MAX), "messages were refused by Slack"),
        ] {
            if count > 0 {
                problems.push(format!("{count} {what}"));
            }
        }
        problems
    }
}

impl std::ops::Deref for Summary {
    type Target = Total;

    fn deref(&self) -> &Total {
        &self.total
    }
}

async fn warnings(db: &Client) -> anyhow::Result<Vec<Warning>> {
    let rows = db
        .query(
            "SELECT t.slug, e.operation_type, warning
               FROM data_provider_executions e LEFT JOIN tournament t ON t.id = e.tournament_id
              CROSS JOIN LATERAL jsonb_array_elements_text(e.summary->'warnings') WITH ORDINALITY AS w (warning, place)
              WHERE jsonb_typeof(e.summary->'warnings') = 'array'
              ORDER BY e.planned_for NULLS FIRST, e.started_at, w.place",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| Warning { tournament: row.get(0), operation: row.get(1), text: row.get(2) })
        .collect())
}

async fn tournament(db: &Client, id: uuid::Uuid) -> anyhow::Result<Tournament> {
    let row = db
        .query_opt(
            "SELECT id::text, label, slug, season, mode, status, current_round,
                    (SELECT count(*) FROM tournament_round r WHERE r.tournament_id = t.id),
                    (SELECT count(DISTINCT team) FROM match m, UNNEST(ARRAY[m.home_team_id, m.away_team_id]) AS team
                      WHERE m.tournament_id = t.id)
               FROM tournament t WHERE id = $1",
            &[&id],
        )
        .await?
        .context("the database holds no tournament")?;
    Ok(Tournament {
        id: row.get(0),
        label: row.get(1),
        slug: row.get(2),
        season: row.get(3),
        mode: row.get(4),
        status: row.get(5),
        current_round: row.get(6),
        rounds: row.get(7),
        teams: row.get(8),
    })
}

async fn matches(db: &Client, id: uuid::Uuid) -> anyhow::Result<Matches> {
    let row = db
        .query_one(
            "SELECT count(*), count(*) FILTER (WHERE status = 'ended'), count(*) FILTER (WHERE status = 'open'),
                    count(*) FILTER (WHERE status = 'not-defined')
               FROM match WHERE tournament_id = $1",
            &[&id],
        )
        .await?;
    Ok(Matches { total: row.get(0), ended: row.get(1), open: row.get(2), not_defined: row.get(3) })
}

/// The tables, in order.
pub async fn standings(db: &Client, id: uuid::Uuid) -> anyhow::Result<Vec<Group>> {
    let rows = db
        .query(
            r#"SELECT group_name, "order", long_name, points, games, wins, draws, losses, goals_for, goals_against,
                      goal_difference, form
                 FROM tournament_standings WHERE tournament_id = $1 ORDER BY group_name, "order""#,
            &[&id],
        )
        .await?;
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let group: String = row.get(0);
        if groups.last().is_none_or(|last| last.group != group) {
            groups.push(Group { group, rows: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.rows.push(Row {
                order: row.get(1),
                team: row.get(2),
                points: row.get(3),
                games: row.get(4),
                wins: row.get(5),
                draws: row.get(6),
                losses: row.get(7),
                goals_for: row.get(8),
                goals_against: row.get(9),
                goal_difference: row.get(10),
                form: row.get(11),
            });
        }
    }
    Ok(groups)
}

/// The bracket, round by round.
pub async fn bracket(db: &Client, id: uuid::Uuid) -> anyhow::Result<Vec<BracketRound>> {
    let ties = db
        .query(
            r#"SELECT b.round_slug, COALESCE(h.name, b.home_slot), COALESCE(a.name, b.away_slot), b.home_team_id,
                      b.match_external_ids, b.home_aggregate, b.away_aggregate, w.name, b.decided_by
                 FROM tournament_bracket b
                 JOIN tournament_round r ON r.tournament_id = b.tournament_id AND r.slug = b.round_slug
                 LEFT JOIN team h ON h.id = b.home_team_id LEFT JOIN team a ON a.id = b.away_team_id
                 LEFT JOIN team w ON w.id = b.winner_team_id
                WHERE b.tournament_id = $1 ORDER BY r."order", b.tie_number"#,
            &[&id],
        )
        .await?;
    let mut rounds: Vec<BracketRound> = Vec::new();
    for row in ties {
        let round: String = row.get(0);
        let legs = db
            .query(
                "SELECT CASE WHEN home_team_id = $2 THEN home_score ELSE away_score END,
                        CASE WHEN home_team_id = $2 THEN away_score ELSE home_score END,
                        CASE WHEN home_team_id = $2 THEN home_penalties_score ELSE away_penalties_score END,
                        CASE WHEN home_team_id = $2 THEN away_penalties_score ELSE home_penalties_score END
                   FROM match WHERE external_id = ANY($1) ORDER BY array_position($1, external_id)",
                &[&row.get::<_, Vec<String>>(4), &row.get::<_, Option<uuid::Uuid>>(3)],
            )
            .await?;
        let pair = |one: Option<i32>, other: Option<i32>| Some([one?, other?]);
        let legs = legs
            .iter()
            .map(|leg| Leg {
                home_score: leg.get(0),
                away_score: leg.get(1),
                penalties: pair(leg.get(2), leg.get(3)),
            })
            .collect();
        if rounds.last().is_none_or(|last| last.round != round) {
            rounds.push(BracketRound { round, ties: Vec::new() });
        }
        if let Some(last) = rounds.last_mut() {
            last.ties.push(Tie {
                home: row.get(1),
                away: row.get(2),
                legs,
                aggregate: pair(row.get(5), row.get(6)),
                winner: row.get(7),
                decided_by: row.get(8),
            });
        }
    }
    Ok(rounds)
}

/// The winner of the final, or the first of a league that is over.
async fn champion(
    db: &Client,
    id: uuid::Uuid,
    standings: &[Group],
    matches: &Matches,
) -> anyhow::Result<Option<String>> {
    let final_ = db
        .query_opt(
            // The final, or the only tie of the last round, whatever its name.
            r#"SELECT w.name
                 FROM (SELECT slug FROM tournament_round
                        WHERE tournament_id = $1 AND type = 'knockout' AND prefix = '' AND slug !~ '(third|3rd)-place'
                        ORDER BY slug = 'final' DESC, "order" DESC LIMIT 1) last
                 JOIN tournament_bracket b ON b.tournament_id = $1 AND b.round_slug = last.slug
                 JOIN team w ON w.id = b.winner_team_id
                WHERE (SELECT count(*) FROM tournament_bracket o
                        WHERE o.tournament_id = $1 AND o.round_slug = last.slug) = 1"#,
            &[&id],
        )
        .await?;
    let league = db
        .query_one(
            "SELECT count(*) = 0 FROM tournament_round WHERE type = 'knockout' AND tournament_id = $1",
            &[&id],
        )
        .await?;
    Ok(match final_ {
        Some(row) => Some(row.get(0)),
        None if league.get::<_, bool>(0) && matches.open == 0 => {
            standings.first().and_then(|table| table.rows.first()).map(|row| row.team.clone())
        }
        None => None,
    })
}
