//! A day with a thousand tournaments: their matches, checks, executions and history, for the size and speed of pages.

use tokio_postgres::Client;

/// 10,000 matches of today, with two weeks of history. Badges and logos have addresses as long as real ones.
const ROWS: &str = r#"INSERT INTO team (name, external_id, badge, provider)
SELECT 'Team ' || n, n::text, 'https://assets.bestshot.example/images/badges/sofascore/team-' || n || '-badge.png', 'sofascore' FROM generate_series(1, 40) n;
INSERT INTO tournament (external_id, base_url, slug, provider, season, mode, label, logo)
SELECT n::text, 'x', 'cup-' || n, 'sofascore', '2024', 'regular-season-only', 'Competition with a name ' || n,
       'https://assets.bestshot.example/images/logos/sofascore/tournament-' || n || '-logo.png'
  FROM generate_series(1, 1000) n;
INSERT INTO match (external_id, provider, tournament_id, round_slug, home_team_id, external_home_team_id,
       away_team_id, external_away_team_id, date, status)
SELECT t.external_id || '-' || n, 'sofascore', t.id, ({KICKOFF} % 3)::text, h.id, h.external_id, a.id, a.external_id,
       {DATE},
       CASE WHEN {OPEN} THEN 'open' ELSE 'ended' END
  FROM tournament t CROSS JOIN generate_series(1, 10) n
  JOIN team h ON h.external_id = n::text JOIN team a ON a.external_id = (n + 20)::text;
INSERT INTO data_provider_executions (request_id, tournament_id, operation_type, status, started_at,
       completed_at, planned_for, idempotency_key, function, summary)
SELECT gen_random_uuid(), m.tournament_id, 'matches_update',
       CASE WHEN m.external_id LIKE '{FAILED}' THEN 'failed' ELSE 'completed' END, m.date + interval '2 hours',
       m.date + interval '2 hours', m.date + interval '2 hours', 'scores-and-standings:matches_update:' || m.tournament_id || ':' || m.round_slug
       || ':closing:' || to_char(m.date + interval '2 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       'scores-and-standings', '{"requests": 1, "errors": ["the provider did not answer"]}'
  FROM match m WHERE m.status = 'ended' ON CONFLICT DO NOTHING;
INSERT INTO scheduled_check (key, function, kind, tournament_id, round_slug, kickoff, due_at, created_at, done_at,
       outcome)
SELECT 'scores-and-standings:matches_update:' || m.tournament_id || ':' || m.round_slug || ':closing:'
       || to_char(m.date + interval '2 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'scores-and-standings', 'closing',
       m.tournament_id, m.round_slug, m.date, m.date + interval '2 hours', m.date,
       CASE WHEN m.status = 'ended' THEN m.date + interval '2 hours' END,
       CASE WHEN m.status = 'ended' THEN 'done' END
  FROM match m ON CONFLICT DO NOTHING;
-- Two weeks of results, of which some were corrected, and running scores before them.
INSERT INTO change_history (changed_at, tournament_id, subject, match_id, part, changes, event)
SELECT now() AT TIME ZONE 'UTC' - n * interval '8 hours', m.tournament_id, 'match', m.id, m.external_id,
       '{"home_score": [0, 1]}', CASE WHEN n % 20 = 0 THEN 'match-corrected' WHEN n % 3 = 0 THEN 'match-ended' END
  FROM match m CROSS JOIN generate_series(1, 10) n WHERE m.status = 'ended';
ANALYZE"#;

/// How the day goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// Matches are over three hours after their kickoff, and few checks failed.
    Ordinary,
    /// Two matches start at a time, of which one stays open, and a tenth of the checks failed.
    Troubled,
}

/// Fills a migrated database.
pub async fn fill(client: &Client, day: Day) -> Result<(), tokio_postgres::Error> {
    let (open, failed, kickoff) = match day {
        Day::Ordinary => ("{DATE} > now() AT TIME ZONE 'UTC' - interval '3 hours'", "77_-%", "n"),
        Day::Troubled => ("n % 2 = 0", "%7-%", "((n + 1) / 2 * 2)"),
    };
    let date = "date_trunc('day', now() AT TIME ZONE 'UTC') + {KICKOFF} * interval '137 minutes'
                + (t.external_id::int % 60) * interval '1 minute'";
    let rows = ROWS.replace("{OPEN}", open).replace("{FAILED}", failed).replace("{DATE}", date);
    let rows = rows.replace("{KICKOFF}", kickoff);
    client.batch_execute(&rows).await
}
