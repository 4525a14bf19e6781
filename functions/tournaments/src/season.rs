//! The events of all rounds of a season.

use football::domain::{Round, Team, Tournament};
use serde_json::json;
use shared::execution::Run;
use shared::journal::{Step, What};
use shared::provider::ProviderError;
use shared::provider::Reading;
use shared::sync;
use shared::sync::matches::RoundReading;
use shared::sync::rounds::stored_rounds;
use shared::sync::source::Source;

/// The events of all rounds: requested once, used for the teams and for the matches.
#[derive(Default)]
pub(crate) struct Season {
    rounds: Option<Vec<(Round, Reading)>>,
    /// Rounds that could not be read.
    missed: Vec<What>,
}

impl Season {
    /// Reads every round that is drawn, unless that was done before. A round that can't be read is reported and left
    /// out; a refusal by the provider ends the run.
    pub(crate) async fn read(&mut self, run: &mut Run<'_>, tournament: &Tournament) -> anyhow::Result<()> {
        if self.rounds.is_some() {
            for step in &self.missed {
                run.journal.failed(
                    Step::Fetch,
                    step,
                    &"it could not be read before, and is not asked for twice in a run",
                );
            }
            return Ok(());
        }
        let source = Source::of(tournament)?;
        let known = stored_rounds(&*run.client().await?, tournament.id).await?;
        let known = sync::readable(run, known);
        run.journal.completed(Step::Fetch, "stored rounds", json!({ "rounds": known.len() }));
        let mut read = Vec::new();
        for stored in known {
            let round = stored.round;
            let reading = source.round_if_drawn(run, &round, stored.matches).await;
            let step = What::of("round", &round.slug);
            match reading {
                Ok(Some(reading)) => {
                    run.journal.completed(Step::Fetch, &step, json!({ "matches": reading.matches.len() }));
                    read.push((round, reading));
                }
                Ok(None) => run.journal.skipped(Step::Fetch, &step, "not drawn yet"),
                Err(error) if error.is_isolated() => {
                    run.missed(&step, &error);
                    self.missed.push(step);
                }
                // What was read so far is stored.
                Err(error @ (ProviderError::OutOfTime { .. } | ProviderError::Busy { .. })) => {
                    run.missed(&step, &error);
                    self.missed.push(What::of("round and those after it:", &round.slug));
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.rounds = Some(read);
        Ok(())
    }

    pub(crate) fn readings(&self) -> Vec<RoundReading<'_>> {
        self.rounds
            .iter()
            .flatten()
            .map(|(round, reading)| RoundReading::whole(&round.slug, reading))
            .collect()
    }

    pub(crate) fn teams(&self) -> Vec<Team> {
        let mut teams: Vec<Team> = Vec::new();
        for team in self.rounds.iter().flatten().flat_map(|(_, reading)| &reading.teams) {
            if !teams.iter().any(|known| known.external_id == team.external_id) {
                teams.push(team.clone());
            }
        }
        teams
    }
}
