//! A season replayed by schedules alone, and its resulting state.

use std::ops::Deref;
use std::path::Path;

use local::driver::{Options, Replay};
use local::summary::Summary;
use shared::provider::ProviderName;

use crate::harness::parts;
use crate::records::Records;

/// How a season is replayed.
pub(crate) struct Play {
    options: Options,
    dir: tempfile::TempDir,
}

pub(crate) struct Played {
    pub replay: Replay,
    pub summary: Summary,
    records: Records,
    _dir: tempfile::TempDir,
}

impl Play {
    /// A season file.
    pub(crate) fn file(season: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().to_owned();
        Self { options: Options { seasons: vec![season.to_owned()], output, ..Options::default() }, dir }
    }

    /// A season file's text.
    pub(crate) fn text(season: &str) -> Self {
        let mut play = Self::file(Path::new(""));
        play.options.seasons = vec![play.write("season.json", season)];
        play
    }

    fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Under rules (JSON).
    pub(crate) fn rules(mut self, rules: &str) -> Self {
        self.options.rules = Some(self.write("rules.json", rules));
        self
    }

    /// Asked of this provider.
    pub(crate) fn provider(mut self, provider: ProviderName) -> Self {
        self.options.provider = provider;
        self
    }

    /// With another provider to be asked while that one refuses.
    pub(crate) fn stand_in(mut self, provider: ProviderName) -> Self {
        self.options.stand_in = Some(provider);
        self
    }

    /// With a provider that refuses, as `sofascore@2022-12-09`.
    pub(crate) fn block(mut self, block: &str) -> Self {
        self.options.blocks.push(block.parse().unwrap());
        self
    }

    pub(crate) fn faults(mut self, faults: &[&str]) -> Self {
        self.options.faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        self
    }

    /// From the beginning of this day on: earlier matches already have their results.
    pub(crate) fn from(mut self, day: &str) -> Self {
        self.options.from = Some(day.parse().unwrap());
        self
    }

    /// Up to the beginning of this day.
    pub(crate) fn until(mut self, day: &str) -> Self {
        self.options.until = Some(day.parse().unwrap());
        self
    }

    /// Starts when the season is over.
    pub(crate) fn bulk(mut self) -> Self {
        self.options.bulk = true;
        self
    }

    /// Creates the tournament and, unless the season is over, fires what is scheduled.
    pub(crate) async fn run(self) -> Played {
        let bulk = self.options.bulk;
        self.played(!bulk).await
    }

    /// The same, and fires what is scheduled though the season is over.
    pub(crate) async fn run_on(self) -> Played {
        self.played(true).await
    }

    async fn played(mut self, schedules: bool) -> Played {
        let parts = parts().await;
        self.options.parts = Some(parts.clone());
        let mut replay = Replay::start(&self.options).await.unwrap();
        if schedules {
            replay.run(self.options.until, false).await.unwrap();
        }
        let summary = Summary::read(&replay).await.unwrap();
        assert_eq!(summary.errors, Vec::<String>::new());
        let records = Records::of(&parts.database_url).await;
        Played { replay, summary, records, _dir: self.dir }
    }
}

impl Deref for Played {
    type Target = Records;

    fn deref(&self) -> &Records {
        &self.records
    }
}

impl Played {
    /// `round: home-away goals of its legs, the aggregate: winner by what decided it`.
    pub(crate) fn bracket(&self) -> Vec<String> {
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
