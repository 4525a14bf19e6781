//! Teams and matches by a text.

use chrono::{DateTime, Utc};
use tokio_postgres::GenericClient;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::matches::{self, MatchView};
use super::{Page, moment, words};
use shared::store::matches::OPEN;
use shared::store::{StoreError, stamp};

/// A team that was found.
pub(crate) struct FoundTeam {
    /// Its name.
    pub(crate) name: String,
    /// Address of its badge; empty: none is stored.
    pub(crate) badge: String,
    /// Its tournaments that are not deleted, by the last match there: id, label and season; five at most.
    pub(crate) tournaments: Vec<(Uuid, String, String)>,
    /// The kickoff of its next match.
    pub(crate) next: Option<DateTime<Utc>>,
}

/// Teams whose names hold every word, by name.
pub(crate) async fn teams(
    client: &impl GenericClient,
    text: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Page<FoundTeam>, StoreError> {
    let rows = client
        .query_typed(
            &"WITH found AS (
               SELECT id, name, badge FROM team
                WHERE (SELECT bool_and(strpos(lower(concat_ws(' ', name, short_name)), word) > 0) FROM unnest($1::text[]) word)
                ORDER BY name, id LIMIT $2)
             SELECT f.name, f.badge, o.ids, o.labels, o.seasons,
                    (SELECT min(m.date) FROM match m JOIN tournament t ON t.id = m.tournament_id AND t.deleted_at IS NULL
                      WHERE (m.home_team_id = f.id OR m.away_team_id = f.id) AND m.date > $3 AND {OPEN}) AS next
               FROM found f CROSS JOIN LATERAL (
                    SELECT COALESCE(array_agg(t.id ORDER BY t.at DESC), '{}') AS ids,
                           COALESCE(array_agg(t.label ORDER BY t.at DESC), '{}') AS labels,
                           COALESCE(array_agg(t.season ORDER BY t.at DESC), '{}') AS seasons
                      FROM (SELECT t.id, t.label, t.season, max(m.date) AS at
                              FROM match m JOIN tournament t ON t.id = m.tournament_id AND t.deleted_at IS NULL
                             WHERE m.home_team_id = f.id OR m.away_team_id = f.id
                             GROUP BY t.id ORDER BY max(m.date) DESC LIMIT 5) t) o
              ORDER BY f.name, f.id"
                .replace("{OPEN}", OPEN),
            &[(&words(text), Type::TEXT_ARRAY), (&(limit + 1), Type::INT8), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    let team = |row: &tokio_postgres::Row| {
        let (ids, labels): (Vec<Uuid>, Vec<String>) = (row.get("ids"), row.get("labels"));
        let seasons: Vec<String> = row.get("seasons");
        FoundTeam {
            name: row.get("name"),
            badge: row.get("badge"),
            tournaments: ids.into_iter().zip(labels).zip(seasons).map(|((id, l), s)| (id, l, s)).collect(),
            next: moment(row, "next"),
        }
    };
    Ok(Page::of(rows.iter().map(team).collect(), limit))
}

/// Matches whose teams, tournament, season and round hold every word: those nearest to now first.
pub(crate) async fn matches(
    client: &impl GenericClient,
    text: &str,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Page<(MatchView, String)>, StoreError> {
    let rows = client
        .query_typed(
            &format!(
                "{select} JOIN tournament t ON t.id = m.tournament_id AND t.deleted_at IS NULL
                  WHERE (SELECT bool_and(strpos(lower(concat_ws(' ', h.name, h.short_name, a.name, a.short_name, t.label,
                                                                t.season, m.round_slug)), word) > 0)
                           FROM unnest($1::text[]) word)
                  ORDER BY abs(date_part('epoch', m.date - $3)) NULLS LAST, m.id LIMIT $2",
                select = matches::select("t.label || ' ' || t.season AS tournament_label")
            ),
            &[(&words(text), Type::TEXT_ARRAY), (&(limit + 1), Type::INT8), (&stamp(now), Type::TIMESTAMP)],
        )
        .await?;
    Ok(Page::of(rows.iter().map(|row| (matches::view(row), row.get("tournament_label"))).collect(), limit))
}
