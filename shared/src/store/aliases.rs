//! Statements on `team_alias` and `match_alias`: what another provider than a tournament's own calls its teams and matches.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{StoreError, stamp, utc};
use football::domain::{Match, ProviderName, Score, Team, TieFacts, Tournament, Winner};
use football::plan::identity::OurMatch;

/// A team at another provider, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamAlias {
    /// The team, as that provider names it.
    pub theirs: Team,
    /// Our team, by the id at the provider that the tournament was created under; none: a person must say.
    pub ours: Option<String>,
}

/// Those of these teams of another provider that were seen before: our id (none: not known which it is), by theirs.
pub async fn teams(
    client: &impl GenericClient,
    of: ProviderName,
    provider: ProviderName,
    theirs: &[&str],
) -> Result<HashMap<String, Option<String>>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT a.external_id, t.external_id FROM team_alias a LEFT JOIN team t ON t.id = a.team_id
              WHERE a.of_provider = $1 AND a.provider = $2 AND a.external_id = ANY($3)",
            &[(&of.as_str(), Type::TEXT), (&provider.as_str(), Type::TEXT), (&theirs, Type::TEXT_ARRAY)],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A team of a tournament, and whether it is known at another provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OurTeam {
    /// The team.
    pub team: Team,
    /// Whether that provider has a team that is this one.
    pub is_known: bool,
}

/// The teams of a tournament's matches, and whether they are known at `provider`.
pub async fn our_teams(
    client: &impl GenericClient,
    tournament: &Tournament,
    provider: ProviderName,
) -> Result<Vec<OurTeam>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT t.external_id, t.name, t.short_name,
                    EXISTS (SELECT 1 FROM team_alias a WHERE a.team_id = t.id AND a.provider = $2)
               FROM team t
              WHERE t.id IN (SELECT home_team_id FROM match WHERE tournament_id = $1
                             UNION SELECT away_team_id FROM match WHERE tournament_id = $1)",
            &[(&tournament.id, Type::UUID), (&provider.as_str(), Type::TEXT)],
        )
        .await?;
    let team = |row: &tokio_postgres::Row| Team {
        external_id: row.get(0),
        name: row.get(1),
        short_name: row.get(2),
    };
    Ok(rows.iter().map(|row| OurTeam { team: team(row), is_known: row.get(3) }).collect())
}

/// Records what was found of teams. What a person has decided, and what was found before, stays.
pub async fn note_teams(
    client: &impl GenericClient,
    tournament: &Tournament,
    provider: ProviderName,
    found: &[TeamAlias],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let theirs: Vec<&str> = found.iter().map(|alias| alias.theirs.external_id.as_str()).collect();
    let names: Vec<&str> = found.iter().map(|alias| alias.theirs.name.as_str()).collect();
    let short_names: Vec<Option<&str>> =
        found.iter().map(|alias| alias.theirs.short_name.as_deref()).collect();
    let ours: Vec<Option<&str>> = found.iter().map(|alias| alias.ours.as_deref()).collect();
    let rows = client
        .query_typed(
            "INSERT INTO team_alias AS a (provider, external_id, of_provider, team_id, name, short_name, tournament_id, created_at)
             SELECT $1, i.theirs, $2, t.id, i.name, i.short_name, $3, $8
               FROM UNNEST($4::text[], $5::text[], $6::text[], $7::text[]) AS i (theirs, name, short_name, ours)
               LEFT JOIN team t ON t.provider = $2 AND t.external_id = i.ours
              ORDER BY i.theirs
             -- One that is still asked for is asked for where it was seen last.
             ON CONFLICT (provider, external_id, of_provider) DO UPDATE
                SET team_id = excluded.team_id, tournament_id = excluded.tournament_id
              WHERE a.team_id IS NULL
                AND (excluded.team_id IS NOT NULL OR a.tournament_id IS DISTINCT FROM excluded.tournament_id)
             RETURNING 1",
            &[
                (&provider.as_str(), Type::TEXT),
                (&tournament.provider.as_str(), Type::TEXT),
                (&tournament.id, Type::UUID),
                (&theirs, Type::TEXT_ARRAY),
                (&names, Type::TEXT_ARRAY),
                (&short_names, Type::TEXT_ARRAY),
                (&ours, Type::TEXT_ARRAY),
                (&stamp(now), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.len() as u64)
}

/// A match of ours, and what a provider calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMatch {
    /// The match.
    pub ours: OurMatch,
    /// The provider's ids of it, one for each time that it replaced it.
    pub theirs: Vec<String>,
    /// Its score, as it is stored.
    pub score: Option<Score>,
    /// The facts of its tie, as they are stored.
    pub tie: TieFacts,
}

/// The matches of a tournament, each with its ids at `provider`.
pub async fn matches(
    client: &impl GenericClient,
    tournament: Uuid,
    provider: ProviderName,
) -> Result<Vec<KnownMatch>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT m.external_id, m.round_slug, m.external_home_team_id, m.external_away_team_id, m.date,
                    array_remove(array_agg(a.external_id) || CASE WHEN m.provider = $2 THEN m.external_id END, NULL),
                    m.status = 'not-defined', m.home_score, m.away_score, m.home_penalties_score, m.away_penalties_score,
                    m.tie_winner_code, m.previous_leg_external_id, m.tie_legs
               FROM match m LEFT JOIN match_alias a ON a.match_id = m.id AND a.provider = $2
              WHERE m.tournament_id = $1 GROUP BY m.id",
            &[(&tournament, Type::UUID), (&provider.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| KnownMatch {
            ours: OurMatch {
                external_id: row.get(0),
                round_slug: row.get(1),
                home: row.get(2),
                away: row.get(3),
                kickoff: row.get::<_, Option<NaiveDateTime>>(4).map(utc),
                is_called_off: row.get(6),
            },
            theirs: row.get(5),
            score: both(row, 7).map(|(home, away)| Score { home, away, shootout: both(row, 9) }),
            tie: TieFacts {
                tie_winner: row.get::<_, Option<i32>>(11).and_then(Winner::from_code),
                previous_leg: row.get(12),
                legs: row.get(13),
                ..TieFacts::default()
            },
        })
        .collect())
}

fn both(row: &tokio_postgres::Row, first: usize) -> Option<(i32, i32)> {
    Some((row.get::<_, Option<i32>>(first)?, row.get::<_, Option<i32>>(first + 1)?))
}

/// The id that `provider` has for a match, the latest if it had several; none: it is not known there.
pub async fn ids_of(
    client: &impl GenericClient,
    tournament: Uuid,
    provider: ProviderName,
    ours: &str,
) -> Result<Option<String>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT COALESCE((SELECT a.external_id FROM match_alias a WHERE a.match_id = m.id AND a.provider = $3
                               ORDER BY a.read_at DESC LIMIT 1),
                             CASE WHEN m.provider = $3 THEN m.external_id END)
               FROM match m WHERE m.tournament_id = $1 AND m.external_id = $2",
            &[(&tournament, Type::UUID), (&ours, Type::TEXT), (&provider.as_str(), Type::TEXT)],
        )
        .await?;
    Ok(rows.first().and_then(|row| row.get(0)))
}

/// Records what `provider` calls matches of a tournament and what it says of them: its id of each, and the match under our id.
pub async fn note_matches(
    client: &impl GenericClient,
    tournament: Uuid,
    provider: ProviderName,
    read: &[(&str, &Match)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let column = |get: fn(&Match) -> Option<i32>| read.iter().map(|(_, m)| get(m)).collect::<Vec<_>>();
    let theirs: Vec<&str> = read.iter().map(|(theirs, _)| *theirs).collect();
    let ours: Vec<&str> = read.iter().map(|(_, m)| m.external_id.as_str()).collect();
    let statuses: Vec<String> = read.iter().map(|(_, m)| m.status.to_string()).collect();
    let dates: Vec<Option<NaiveDateTime>> = read.iter().map(|(_, m)| m.kickoff.map(stamp)).collect();
    client
        .query_typed(
            "INSERT INTO match_alias AS a (provider, external_id, match_id, status, home_score, away_score,
                                           home_penalties_score, away_penalties_score, date, read_at)
             SELECT DISTINCT ON (i.theirs) $1, i.theirs, m.id, i.status, i.home, i.away, i.home_penalties, i.away_penalties,
                    i.date, $3
               FROM UNNEST($4::text[], $5::text[], $6::text[], $7::int[], $8::int[], $9::int[], $10::int[], $11::timestamp[])
                    AS i (theirs, ours, status, home, away, home_penalties, away_penalties, date)
               JOIN match m ON m.tournament_id = $2 AND m.external_id = i.ours
              ORDER BY i.theirs
             ON CONFLICT (provider, external_id) DO UPDATE
                SET match_id = excluded.match_id, status = excluded.status, home_score = excluded.home_score, away_score = excluded.away_score,
                    home_penalties_score = excluded.home_penalties_score,
                    away_penalties_score = excluded.away_penalties_score, date = excluded.date, read_at = excluded.read_at
              WHERE (a.match_id, a.status, a.home_score, a.away_score, a.home_penalties_score, a.away_penalties_score, a.date)
                    IS DISTINCT FROM (excluded.match_id, excluded.status, excluded.home_score, excluded.away_score,
                    excluded.home_penalties_score, excluded.away_penalties_score, excluded.date)
                 -- Of a match that is over too late only the time of the reading tells.
                 OR (excluded.status <> 'ended' AND a.read_at < excluded.read_at - interval '1 hour')
             RETURNING 1",
            &[
                (&provider.as_str(), Type::TEXT),
                (&tournament, Type::UUID),
                (&stamp(now), Type::TIMESTAMP),
                (&theirs, Type::TEXT_ARRAY),
                (&ours, Type::TEXT_ARRAY),
                (&statuses, Type::TEXT_ARRAY),
                (&column(|m| m.score.map(|score| score.home)), Type::INT4_ARRAY),
                (&column(|m| m.score.map(|score| score.away)), Type::INT4_ARRAY),
                (&column(|m| m.score?.shootout.map(|(home, _)| home)), Type::INT4_ARRAY),
                (&column(|m| m.score?.shootout.map(|(_, away)| away)), Type::INT4_ARRAY),
                (&dates, Type::TIMESTAMP_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// SQL condition: what the provider of the alias `a`, which is not the one that is asked first for the tournament `t`, says
/// of the match `m` differs from what is stored. It counts once the match is over there, or should be; of a match that a
/// person has locked nothing counts.
pub const DIFFERS: &str = "(a.provider <> COALESCE(t.asked_provider, t.provider)
    AND (a.status = 'ended' OR a.read_at > a.date + interval '6 hours')
    AND ((m.status, m.home_score, m.away_score, m.home_penalties_score, m.away_penalties_score)
          IS DISTINCT FROM (a.status, a.home_score, a.away_score, a.home_penalties_score, a.away_penalties_score)
         OR abs(extract(epoch FROM m.date - a.date)) > 3600)
    AND NOT EXISTS (SELECT 1 FROM match_lock l WHERE l.match_id = m.id))";

/// A difference between what is stored and what another provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The match.
    pub match_id: Uuid,
    /// The tournament's label.
    pub tournament: String,
    /// The match, as `Ash – Birch`.
    pub teams: String,
    /// The other provider.
    pub provider: String,
    /// What is stored, as `ended 2-1, 2024-03-02 15:00`.
    pub ours: String,
    /// What that provider says, in the same form.
    pub theirs: String,
    /// When it was asked.
    pub read_at: DateTime<Utc>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tournament, teams, provider, ours, theirs, .. } = self;
        write!(f, "{tournament}, {teams}: {provider} says {theirs}; stored is {ours}")
    }
}

/// SQL expression: the state of a match in words, from the columns of the alias or match `x`.
pub fn said(x: &str) -> String {
    format!(
        "concat_ws(', ', concat_ws(' ', {x}.status, {x}.home_score || '-' || {x}.away_score,
             '(' || {x}.home_penalties_score || '-' || {x}.away_penalties_score || ')'), to_char({x}.date, 'YYYY-MM-DD HH24:MI'))"
    )
}

/// The differences of these matches (our ids at the provider) of a tournament, or of all matches since a moment.
pub async fn differences(
    client: &impl GenericClient,
    of: DifferencesOf<'_>,
) -> Result<Vec<Difference>, StoreError> {
    let (tournament, ids, since) = match of {
        DifferencesOf::Matches(tournament, ids) => (Some(tournament), ids, None),
        DifferencesOf::Since(tournament, moment) => (tournament, &[][..], Some(stamp(moment))),
    };
    let sql = format!(
        "SELECT t.label, h.name || ' – ' || g.name, a.provider, {ours}, {theirs}, m.id, a.read_at
           FROM match_alias a JOIN match m ON m.id = a.match_id JOIN tournament t ON t.id = m.tournament_id
           JOIN team h ON h.id = m.home_team_id JOIN team g ON g.id = m.away_team_id
          WHERE {DIFFERS} AND t.deleted_at IS NULL
            AND ($1::uuid IS NULL OR m.tournament_id = $1)
            AND CASE WHEN $3::timestamp IS NULL THEN m.external_id = ANY($2) ELSE a.date >= $3 END
          ORDER BY m.date DESC, m.external_id",
        ours = said("m"),
        theirs = said("a"),
    );
    let rows = client
        .query_typed(&sql, &[(&tournament, Type::UUID), (&ids, Type::TEXT_ARRAY), (&since, Type::TIMESTAMP)])
        .await?;
    Ok(rows
        .iter()
        .map(|row| Difference {
            tournament: row.get(0),
            teams: row.get(1),
            provider: row.get(2),
            ours: row.get(3),
            theirs: row.get(4),
            match_id: row.get(5),
            read_at: utc(row.get(6)),
        })
        .collect())
}

/// Which differences are asked for.
#[derive(Debug, Clone, Copy)]
pub enum DifferencesOf<'a> {
    /// Those of matches of a tournament, by our ids at the provider.
    Matches(Uuid, &'a [&'a str]),
    /// Those of matches of a tournament, or of all, that kicked off since.
    Since(Option<Uuid>, DateTime<Utc>),
}

/// The matches of tournaments that kicked off within a time and are not called off: tournament and our id at the provider.
pub async fn played_within(
    client: &impl GenericClient,
    tournaments: &[Uuid],
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<(Uuid, String)>, StoreError> {
    let rows = client
        .query_typed(
            "SELECT tournament_id, external_id FROM match
              WHERE tournament_id = ANY($1) AND date >= $2 AND date < $3 AND status <> 'not-defined'",
            &[
                (&tournaments, Type::UUID_ARRAY),
                (&stamp(since), Type::TIMESTAMP),
                (&stamp(until), Type::TIMESTAMP),
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
