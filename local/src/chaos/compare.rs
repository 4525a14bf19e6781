//! The content of a database's tournaments, without what differs between two runs of one season: ids and timestamps.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// The content of each table, one line per row, in a fixed order.
pub type Content = BTreeMap<&'static str, Vec<String>>;

/// Each table with the columns that are read: not those that differ in every run (ids, timestamps, the bucket in an
/// image's address), and not the given columns.
const TABLES: [(&str, &str); 6] = [
    (
        "tournament",
        "SELECT (to_jsonb(t) - '{id,created_at,updated_at,standings_checked_at,logo}'::text[] - $1::text[])::text
                || COALESCE(substring(t.logo FROM 'data-providers/.*'), t.logo, '')
           FROM tournament t",
    ),
    (
        "tournament_round",
        "SELECT t.slug || (to_jsonb(r) - '{id,tournament_id,created_at,updated_at,last_read_at}'::text[] - $1::text[])::text
           FROM tournament_round r JOIN tournament t ON t.id = r.tournament_id",
    ),
    (
        "team",
        "SELECT (to_jsonb(t) - '{id,badge,created_at,updated_at}'::text[] - $1::text[])::text
                || COALESCE(substring(t.badge FROM 'data-providers/.*'), t.badge, '')
           FROM team t",
    ),
    (
        "match",
        "SELECT (to_jsonb(m) - '{id,tournament_id,home_team_id,away_team_id,last_checked_at,created_at,updated_at}'::text[]
                 - $1::text[])::text
           FROM match m",
    ),
    (
        "tournament_standings",
        "SELECT (to_jsonb(s) - '{id,team_id,tournament_id,created_at,updated_at}'::text[] - $1::text[])::text
           FROM tournament_standings s",
    ),
    (
        "tournament_bracket",
        "SELECT (to_jsonb(b) - '{id,tournament_id,home_team_id,away_team_id,winner_team_id,created_at,updated_at}'::text[]
                 - $1::text[])::text
                || concat_ws(' ', '', h.external_id, a.external_id, w.external_id)
           FROM tournament_bracket b LEFT JOIN team h ON h.id = b.home_team_id LEFT JOIN team a ON a.id = b.away_team_id
           LEFT JOIN team w ON w.id = b.winner_team_id",
    ),
];

/// Columns that depend on the times of the requests: the cup trees as last read, and a doubtful score that must be read
/// twice.
const OF_THE_MOMENT: &[&str] = &["cup_trees", "doubted_score"];

/// Columns that depend on whom the pipeline asked: ids, addresses, and what only one provider tells.
const OF_A_PROVIDER: &[&str] = &[
    "asked_provider",
    "base_url",
    "cup_trees",
    "doubted_score",
    "external_away_team_id",
    "external_home_team_id",
    "external_id",
    "match_external_ids",
    "previous_leg_external_id",
    "provider",
    "provider_changed_at",
    "provider_id",
    "provider_stage_id",
    "provider_standings",
    "provider_tables",
    "provider_url",
    "public_url",
    "stand_in_provider",
    "team_external_id",
    "tie_breaking_rule",
    "tie_legs",
    "tie_winner_code",
];

/// Reads what must be the same whoever was asked.
pub async fn content_whoever_was_asked(db: &Client) -> anyhow::Result<Content> {
    read(db, OF_A_PROVIDER).await
}

/// Reads what must be the same with and without faults, though checks ran at other times.
pub async fn content(db: &Client) -> anyhow::Result<Content> {
    read(db, OF_THE_MOMENT).await
}

/// Reads all that must be the same when one event, delivered at one time, was processed in another way.
pub async fn content_under_one_clock(db: &Client) -> anyhow::Result<Content> {
    read(db, &[]).await
}

async fn read(db: &Client, without: &[&str]) -> anyhow::Result<Content> {
    let mut content = Content::new();
    for (table, sql) in TABLES {
        let rows = db.query(sql, &[&without]).await?;
        let mut lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        lines.sort();
        content.insert(table, lines);
    }
    Ok(content)
}

/// The lines that only one of the two contains, each with its table and a sign.
pub fn differences(undisturbed: &Content, disturbed: &Content) -> Vec<String> {
    let mut differences = Vec::new();
    for (table, wanted) in undisturbed {
        let there = disturbed.get(table).map(Vec::as_slice).unwrap_or_default();
        differences.extend(
            wanted.iter().filter(|line| !there.contains(line)).map(|line| format!("- {table} {line}")),
        );
        differences.extend(
            there.iter().filter(|line| !wanted.contains(line)).map(|line| format!("+ {table} {line}")),
        );
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_differs_is_listed_for_both_sides() {
        let of = |line: &str| Content::from([("match", vec![line.to_owned(), "same".to_owned()])]);
        assert_eq!(differences(&of("1-0"), &of("1-1")), ["- match 1-0", "+ match 1-1"]);
        assert_eq!(differences(&of("1-0"), &of("1-0")), Vec::<String>::new());
    }
}
