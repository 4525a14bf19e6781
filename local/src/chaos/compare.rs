//! What a database says of its tournaments, without what two runs of one story may differ in: ids and stamps.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// The content of each table, a line a row, in an order of its own.
pub type Content = BTreeMap<&'static str, Vec<String>>;

/// Each table with what is read of a row: not what no two runs have in common (ids, stamps, the bucket in an image's
/// address), and not the columns that are given.
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

/// What hangs on when the provider was asked: the cup trees as last read, and a score that one run doubted and that waits
/// for the next.
const OF_THE_MOMENT: &[&str] = &["cup_trees", "doubted_score"];

/// Reads what is the same in bad weather as in good, though checks came at other moments.
pub async fn content(db: &Client) -> anyhow::Result<Content> {
    read(db, OF_THE_MOMENT).await
}

/// Reads all that is the same when one event, delivered at one moment, was dealt with in another way.
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

/// The lines that only one of two has, each with its table and a sign.
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
    fn a_row_that_differs_is_told_on_both_sides() {
        let of = |line: &str| Content::from([("match", vec![line.to_owned(), "same".to_owned()])]);
        assert_eq!(differences(&of("1-0"), &of("1-1")), ["- match 1-0", "+ match 1-1"]);
        assert_eq!(differences(&of("1-0"), &of("1-0")), Vec::<String>::new());
    }
}
