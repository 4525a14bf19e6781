//! Which matches count in which table: by the ids of stages, the provider's rows and the numbers of games.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::domain::standings::{Carried, ProviderRow, ProviderTable};
use crate::domain::{Match, MatchStatus, StandingsMode};

/// A table, its teams and the matches that count in it, for those of their sides that are among the teams.
#[derive(Debug)]
pub(super) struct Counting<'m> {
    /// Its label; empty in a competition of one table.
    pub(super) label: &'m str,
    /// The provider's ids of its teams.
    pub(super) teams: BTreeSet<&'m str>,
    /// The matches.
    pub(super) matches: Vec<&'m Match>,
}

impl<'m> Counting<'m> {
    fn new(label: &'m str) -> Self {
        Self { label, teams: BTreeSet::new(), matches: Vec::new() }
    }

    /// Counts a match for both sides.
    fn add(&mut self, game: &'m Match) {
        self.teams.extend([game.home.as_str(), game.away.as_str()]);
        self.matches.push(game);
    }
}

/// Decides which matches of other stages each of the provider's tables includes, by the numbers of games. What was
/// decided before stays, unless another way fits better by more than the `recent` matches of the teams explain. Returns
/// the labels of tables of which it is decided anew.
pub(super) fn decide_carried(
    tables: &mut [ProviderTable],
    before: &[ProviderTable],
    matches: &[Match],
    recent: impl Fn(&str) -> i32,
) -> Vec<String> {
    let same =
        |a: &ProviderTable, b: &ProviderTable| (&a.id, &a.stage, &a.group) == (&b.id, &b.stage, &b.group);
    let known: Vec<Option<Carried>> = tables
        .iter()
        .map(|table| before.iter().find(|before| same(before, table)).map(|before| before.carried))
        .collect();
    let decided: Vec<Carried> = (0..tables.len())
        .map(|at| {
            let table = &tables[at];
            let apart = |carried: &Carried| -> i32 {
                let counted = of_table(tables, at, *carried, matches);
                let played =
                    counted.matches.iter().filter(|m| m.status == MatchStatus::Ended && m.score.is_some());
                let mut games: BTreeMap<&str, i32> = BTreeMap::new();
                for side in played.flat_map(|m| [m.home.as_str(), &m.away]) {
                    *games.entry(side).or_default() += 1;
                }
                let own = |team: &str| games.get(team).copied().unwrap_or_default();
                let apart = |row: &ProviderRow| (row.matches - own(&row.team)).abs() - recent(&row.team);
                table.rows.iter().map(|row| apart(row).max(0)).sum()
            };
            // The first of several that fit equally well.
            let ways = [Carried::Unplaced, Carried::Nothing, Carried::All, Carried::BetweenItsTeams];
            known[at].into_iter().chain(ways).min_by_key(apart).unwrap_or_default()
        })
        .collect();
    let mut anew = Vec::new();
    for ((table, carried), known) in tables.iter_mut().zip(decided).zip(known) {
        if known.is_some_and(|known| known != carried) {
            anew.push(table.group.clone());
        }
        table.carried = carried;
    }
    anew
}

/// The tables of a competition.
///
/// A competition of one table counts all matches in it, whatever the provider shows. Without the provider's tables, and
/// until every result has been read with its stage, the labels of the matches tell the groups.
pub(super) fn tables<'m>(
    matches: &'m [Match],
    mode: StandingsMode,
    provider: &'m [ProviderTable],
) -> Vec<Counting<'m>> {
    match mode {
        StandingsMode::UniqueGroup => by_label(matches.iter(), |_| ""),
        StandingsMode::MultiGroup if matches.iter().any(Match::is_result_without_stage) => {
            // As they were labelled: a match that was read again may have a label that none had.
            let labels: BTreeSet<&str> = matches
                .iter()
                .filter(|m| m.is_result_without_stage())
                .map(|m| m.group_name.as_str())
                .collect();
            let label = |m: &'m Match| match labels.contains(m.group_name.as_str()) || !labels.contains("") {
                true => m.group_name.as_str(),
                false => "",
            };
            by_label(matches.iter(), label)
        }
        StandingsMode::MultiGroup if provider.is_empty() => by_label(matches.iter(), |m| &m.group_name),
        StandingsMode::MultiGroup => {
            let of_provider =
                (0..provider.len()).map(|at| of_table(provider, at, provider[at].carried, matches));
            let unlisted = matches.iter().filter(|m| {
                matches!(place(provider, m), Place::BySides)
                    && !provider.iter().any(|table| table.lists(&m.home) || table.lists(&m.away))
            });
            of_provider.chain(by_label(unlisted, |m| &m.group_name)).collect()
        }
    }
}

fn by_label<'m>(
    matches: impl Iterator<Item = &'m Match>,
    label: impl Fn(&'m Match) -> &'m str,
) -> Vec<Counting<'m>> {
    let mut tables: BTreeMap<&str, Counting<'m>> = BTreeMap::new();
    for game in matches {
        let label = label(game);
        tables.entry(label).or_insert_with(|| Counting::new(label)).add(game);
    }
    tables.into_values().collect()
}

/// Where a match counts, as far as its stage and label tell.
enum Place {
    /// In the one table of its stage, or of its label.
    Table(usize),
    /// In those tables of its stage that list its sides.
    Stage,
    /// In the tables that list its sides.
    BySides,
}

fn place(tables: &[ProviderTable], game: &Match) -> Place {
    let mut of_stage = tables.iter().enumerate().filter(|(_, table)| table.is_of(&game.stage));
    match (of_stage.next(), of_stage.next()) {
        (Some((at, _)), None) => Place::Table(at),
        (Some(_), Some(_)) => Place::Stage,
        (None, _) => {
            // A label tells only where one of the two has no stage: stages have groups of one name.
            let labelled = |table: &ProviderTable| {
                !table.group.is_empty()
                    && table.group == game.group_name
                    && (table.stage.is_none() || game.stage.id().is_none())
            };
            tables.iter().position(labelled).map_or(Place::BySides, Place::Table)
        }
    }
}

/// The matches that count in one table of the provider.
fn of_table<'m>(
    tables: &'m [ProviderTable],
    at: usize,
    carried: Carried,
    matches: &'m [Match],
) -> Counting<'m> {
    let table = &tables[at];
    let mut counting = Counting::new(&table.group);
    // A team of a row that plays no match here is reported, and has no row of ours.
    let plays = |team: &str| matches.iter().any(|m| m.home == team || m.away == team);
    counting.teams = table.rows.iter().map(|row| row.team.as_str()).filter(|team| plays(team)).collect();
    let listed = |m: &Match| table.lists(&m.home) || table.lists(&m.away);
    let mut rest: Vec<&Match> = Vec::new();
    let mut loose: Vec<&Match> = Vec::new();
    for game in matches {
        match place(tables, game) {
            Place::Table(own) if own == at => counting.add(game),
            Place::Stage if table.is_of(&game.stage) && listed(game) => counting.matches.push(game),
            Place::BySides if listed(game) => loose.push(game),
            _ => rest.push(game),
        }
    }
    // A table without matches of its own stage has those of no table's stage.
    if counting.matches.is_empty() || carried == Carried::Unplaced {
        counting.matches.extend(loose);
    } else {
        rest.extend(loose);
    }
    // A stage is earlier as a whole: one of its matches may have been postponed.
    let first_of = |of: &dyn Fn(&Match) -> bool| -> Option<DateTime<Utc>> {
        matches.iter().filter(|m| of(m)).filter_map(|m| m.kickoff).min()
    };
    let first = counting.matches.iter().filter_map(|m| m.kickoff).min();
    let earlier = |m: &&Match| {
        let began = first_of(&|other| other.stage == m.stage);
        first.is_none_or(|first| began.is_some_and(|began| began < first))
    };
    let included = |m: &&Match| match carried {
        Carried::Unplaced | Carried::Nothing => false,
        Carried::All => listed(m),
        Carried::BetweenItsTeams => table.lists(&m.home) && table.lists(&m.away),
    };
    counting.matches.extend(rest.into_iter().filter(included).filter(earlier));
    counting
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::standings::{StandingsTerms, plan};
    use super::*;
    use crate::domain::standings::ProviderRow;
    use crate::domain::{CalledOff, Score, Stage, TieFacts};

    /// A match on a day: stage, group, `home goals:goals away`.
    fn game(day: i64, stage: &str, group: &str, line: &str) -> Match {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (home, away) = words[1].split_once(':').unwrap();
        let score = home.parse().ok().zip(away.parse().ok());
        Match {
            external_id: format!("{day}-{line}"),
            round_slug: "1".into(),
            stage: if stage.is_empty() { Stage::Unknown } else { Stage::Id(stage.into()) },
            group_name: group.into(),
            home: words[0].into(),
            away: words[2].into(),
            kickoff: DateTime::from_timestamp(day * 86_400, 0),
            status: if score.is_some() { MatchStatus::Ended } else { MatchStatus::Open },
            called_off: None,
            score: score.map(|(home, away)| Score::new(home, away)),
            changed_at: None,
            tie: TieFacts::default(),
        }
    }

    /// A table of the provider: stage, label, `team games points`.
    fn listed(stage: &str, group: &str, rows: &[(&str, i32, i32)]) -> ProviderTable {
        let row = |(position, (team, games, points)): (i32, &(&str, i32, i32))| ProviderRow {
            group: group.into(),
            team: (*team).into(),
            position,
            matches: *games,
            points: *points,
            ..ProviderRow::default()
        };
        ProviderTable {
            id: None,
            stage: (!stage.is_empty()).then(|| stage.to_owned()),
            group: group.into(),
            carried: Carried::default(),
            tie_breaking_rule: None,
            rows: (1..).zip(rows).map(row).collect(),
        }
    }

    /// Our tables: label, then team, games and points.
    fn ours(matches: &[Match], tables: &[ProviderTable]) -> Vec<String> {
        let now = DateTime::from_timestamp(0, 0).unwrap() + TimeDelta::days(400);
        let mode = StandingsMode::MultiGroup;
        let terms = StandingsTerms::default();
        let plan = plan(matches.to_vec(), str::to_owned, mode, terms, Some((tables, now)));
        let rows = plan.table.rows.iter();
        rows.map(|row| format!("{}: {} {} {}", row.group, row.team, row.games, row.points)).collect()
    }

    #[test]
    fn a_stage_is_a_table_whatever_its_name() {
        let matches = [game(1, "91", "", "a 2:0 b"), game(1, "92", "", "c 1:1 d")];
        let tables = [
            listed("91", "League A, Gr. 1", &[("a", 1, 3), ("b", 1, 0)]),
            listed("92", "League B, Gr. 1", &[("c", 1, 1), ("d", 1, 1)]),
        ];
        let expected = [
            "League A, Gr. 1: a 1 3",
            "League A, Gr. 1: b 1 0",
            "League B, Gr. 1: c 1 1",
            "League B, Gr. 1: d 1 1",
        ];
        assert_eq!(ours(&matches, &tables), expected);
    }

    #[test]
    fn a_match_across_tables_counts_in_each_sides_own() {
        let matches = [game(1, "90", "", "a 2:0 c"), game(1, "90", "", "d 0:0 b")];
        let tables = [
            listed("91", "MLS", &[("a", 1, 3), ("b", 1, 1)]),
            listed("92", "LIGA MX", &[("d", 1, 1), ("c", 1, 0)]),
        ];
        assert_eq!(ours(&matches, &tables), ["LIGA MX: d 1 1", "LIGA MX: c 1 0", "MLS: a 1 3", "MLS: b 1 1"]);
        // Zones with a derby across, and no ids at all.
        let matches = [
            game(1, "", "Group A", "a 1:0 b"),
            game(1, "", "Group B", "c 1:0 d"),
            game(2, "", "", "a 0:0 c"),
        ];
        let zones = [
            listed("", "Group A", &[("a", 2, 4), ("b", 1, 0)]),
            listed("", "Group B", &[("c", 2, 4), ("d", 1, 0)]),
        ];
        assert_eq!(
            ours(&matches, &zones),
            ["Group A: a 2 4", "Group A: b 1 0", "Group B: c 2 4", "Group B: d 1 0"]
        );
    }

    #[test]
    fn tables_of_one_stage_tell_by_their_teams() {
        let matches =
            [game(1, "18", "", "a 1:0 b"), game(1, "18", "", "c 1:0 d"), game(2, "18", "", "a 0:0 c")];
        let tables = [
            listed("18", "All", &[("a", 2, 4), ("c", 2, 4), ("b", 1, 0), ("d", 1, 0)]),
            listed("18", "East", &[("a", 2, 4), ("b", 1, 0)]),
            listed("18", "West", &[("c", 2, 4), ("d", 1, 0)]),
        ];
        let expected = [
            "All: a 2 4",
            "All: c 2 4",
            "All: b 1 0",
            "All: d 1 0",
            "East: a 2 4",
            "East: b 1 0",
            "West: c 2 4",
            "West: d 1 0",
        ];
        assert_eq!(ours(&matches, &tables), expected);
    }

    #[test]
    fn groups_of_one_name_in_two_stages_stay_apart() {
        let matches = [game(1, "71", "Group B", "a 1:0 b"), game(200, "72", "Group B", "b 0:1 a")];
        let apart = [
            listed("71", "Apertura, Group B", &[("a", 1, 3), ("b", 1, 0)]),
            listed("72", "Clausura, Group B", &[("a", 1, 3), ("b", 1, 0)]),
        ];
        let expected = [
            "Apertura, Group B: a 1 3",
            "Apertura, Group B: b 1 0",
            "Clausura, Group B: a 1 3",
            "Clausura, Group B: b 1 0",
        ];
        assert_eq!(ours(&matches, &apart), expected);
        // The year's table carries both.
        let year = [&apart[..], &[listed("72", "Year", &[("a", 2, 6), ("b", 2, 0)])]].concat();
        assert_eq!(ours(&matches, &year)[4..], ["Year: a 2 6".to_owned(), "Year: b 2 0".to_owned()]);
    }

    #[test]
    fn a_label_does_not_overrule_a_stage_that_no_table_has() {
        let matches = [game(1, "71", "Group B", "a 1:0 b"), game(200, "72", "Group B", "b 0:1 a")];
        let clausura = [listed("72", "Group B", &[("a", 1, 3), ("b", 1, 0)])];
        assert_eq!(ours(&matches, &clausura), ["Group B: a 1 3", "Group B: b 1 0"]);
    }

    #[test]
    fn a_table_that_lags_behind_recent_matches_changes_nothing_that_was_decided() {
        let matches = [game(1, "1", "", "a 1:0 b"), game(399, "9", "", "a 0:0 c")];
        let zone = |games: i32| listed("1", "Zone", &[("a", games, 0), ("b", 1, 0)]);
        let decide = |before: &[ProviderTable], games: i32, recent: i32| {
            let mut tables = [zone(games)];
            let anew =
                decide_carried(&mut tables, before, &matches, |team| if team == "a" { recent } else { 0 });
            (tables[0].carried, anew)
        };
        assert_eq!(decide(&[], 1, 1), (Carried::Unplaced, vec![]));
        assert_eq!(decide(&[zone(1)], 1, 1), (Carried::Unplaced, vec![]));
        // Hours later the provider still does not count it: it counts for another table, and that is reported.
        assert_eq!(decide(&[zone(1)], 1, 0), (Carried::Nothing, vec!["Zone".to_owned()]));
        assert_eq!(decide(&[zone(2)], 2, 0), (Carried::Unplaced, vec![]));
    }

    #[test]
    fn the_numbers_of_games_tell_what_a_later_stage_carries() {
        let first = [game(1, "1", "", "a 1:0 b"), game(2, "1", "", "a 1:0 c"), game(3, "1", "", "b 1:0 c")];
        let second = [game(10, "2", "", "a 0:0 b"), game(11, "2", "", "b ?:? a")];
        let matches = [&first[..], &second].concat();
        let upper = |games: i32| [listed("2", "Upper", &[("a", games, 0), ("b", games, 0)])];
        let games =
            |rows: Vec<String>| rows.into_iter().filter(|row| row.starts_with("Upper")).collect::<Vec<_>>();
        assert_eq!(games(ours(&matches, &upper(1))), ["Upper: a 1 1", "Upper: b 1 1"]);
        assert_eq!(games(ours(&matches, &upper(2))), ["Upper: a 2 4", "Upper: b 2 1"]);
        assert_eq!(games(ours(&matches, &upper(3))), ["Upper: a 3 7", "Upper: b 3 4"]);
        // Before its first match.
        let mut before = matches.clone();
        before[3] = game(10, "2", "", "a ?:? b");
        assert_eq!(games(ours(&before, &upper(2))), ["Upper: a 2 6", "Upper: b 2 3"]);
    }

    #[test]
    fn results_without_a_stage_count_by_their_labels_until_all_are_read() {
        let tables = [
            listed("91", "League A, Gr. 1", &[("a", 1, 3), ("b", 1, 0)]),
            listed("92", "League B, Gr. 1", &[("c", 1, 1), ("d", 1, 1)]),
        ];
        let mut matches = [game(1, "91", "", "a 2:0 b"), game(1, "92", "", "c 1:1 d")];
        matches[0].stage = Stage::Unread;
        assert_eq!(ours(&matches, &tables), [": a 1 3", ": c 1 1", ": d 1 1", ": b 1 0"]);
        // A match that was called off is not read again.
        matches[0].status = MatchStatus::NotDefined;
        matches[0].called_off = Some(CalledOff::Cancelled);
        matches[0].score = None;
        assert_eq!(ours(&matches, &tables).len(), 4);
        assert!(ours(&matches, &tables)[0].starts_with("League A"));
    }
}
