//! A season of the project's own, replayed by schedules alone, and what is left of it.

use local::driver::{Options, Replay};
use local::summary::Summary;

use crate::harness::{empty_database, texts};

pub struct Played {
    pub replay: Replay,
    pub summary: Summary,
    pub db: tokio_postgres::Client,
    _dir: tempfile::TempDir,
}

/// Replays a season file's text, under rules (JSON) if there are any, with faults.
pub async fn played(season: &str, rules: Option<&str>, faults: &[&str]) -> Played {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let options = Options {
        season: write("season.json", season),
        rules: rules.map(|rules| write("rules.json", rules)),
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        database_url: Some(empty_database().await),
        output: dir.path().to_owned(),
        ..Options::default()
    };
    let mut replay = Replay::start(&options).await.unwrap();
    replay.run(None, false).await.unwrap();
    let summary = Summary::read(&replay).await.unwrap();
    assert_eq!(summary.errors, Vec::<String>::new());
    let db = local::postgres::connect(&replay.stack.database_url).await.unwrap();
    Played { replay, summary, db, _dir: dir }
}

impl Played {
    /// `home-away status kickoff` of the matches between two teams.
    pub async fn matches(&self, home: &str, away: &str) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', home_score || '-' || away_score, status, to_char(date, 'MM-DD HH24:MI'))
               FROM match m JOIN team h ON h.id = m.home_team_id JOIN team a ON a.id = m.away_team_id
              WHERE h.name = '{home}' AND a.name = '{away}' ORDER BY date"
        );
        texts(&self.db, &sql).await
    }

    /// Every warning of every execution.
    pub async fn warnings(&self) -> String {
        let sql = "SELECT jsonb_array_elements_text(summary->'warnings') FROM data_provider_executions";
        texts(&self.db, sql).await.join("\n")
    }

    /// `team games points`, best first.
    pub fn table(&self) -> Vec<String> {
        let rows = self.summary.standings.iter().flat_map(|group| &group.rows);
        rows.map(|row| format!("{} {} {}", row.team, row.games, row.points)).collect()
    }

    /// `round: home-away goals of its legs, the aggregate: winner by what decided it`.
    pub fn bracket(&self) -> Vec<String> {
        let rounds = self.summary.bracket.iter();
        let ties = rounds.flat_map(|round| round.ties.iter().map(move |tie| (&round.round, tie)));
        ties.map(|(round, tie)| {
            let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "?".to_owned());
            let goals = |goals: Option<i32>| goals.map_or_else(|| "?".to_owned(), |goals| goals.to_string());
            let legs = tie.legs.iter().map(|leg| {
                let shootout = leg.penalties.map(|[home, away]| format!(" ({home}-{away})"));
                let score = format!("{}-{}", goals(leg.home_score), goals(leg.away_score));
                score + &shootout.unwrap_or_default()
            });
            let legs = legs.collect::<Vec<_>>().join(" and ");
            let aggregate = tie.aggregate.map(|[home, away]| format!(", {home}-{away}")).unwrap_or_default();
            let (home, away) = (name(&tie.home), name(&tie.away));
            let (winner, by) = (name(&tie.winner), name(&tie.decided_by));
            format!("{round}: {home}-{away} {legs}{aggregate}: {winner} by {by}")
        })
        .collect()
    }
}
