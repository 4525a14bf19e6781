//! Who is asked for a tournament: its first provider, or its stand-in while that one refuses. What leaves this module has the
//! ids of the tournament's own rows, whoever was asked.

use football::domain::knockout::Tree;
use football::domain::{ProviderName, Round, Tournament};

use super::identity;
use crate::execution::Run;
use crate::journal::{Step, What};
use crate::provider::{Listed, ProviderError, Reading, Rounds, SeasonRef, Session, Tables};

/// The season at the provider that is asked first, and at the one that stands in.
#[derive(Debug, Clone)]
pub struct Source<'t> {
    tournament: &'t Tournament,
    first: SeasonRef,
    stand_in: Option<SeasonRef>,
}

/// An answer, and the season of which it is: that of the first provider, or of its stand-in.
struct Answer<'s, T> {
    value: T,
    season: &'s SeasonRef,
}

/// A match that was asked for by its own id.
#[derive(Debug)]
pub enum OneMatch {
    /// It was found; its round is that of the provider.
    Found(Box<Listed>, ProviderName),
    /// There is none of this id.
    Gone,
    /// Its id at the provider is not known: it was not asked for.
    NotAsked,
}

impl<'t> Source<'t> {
    /// Who is asked for a tournament.
    pub fn of(tournament: &'t Tournament) -> anyhow::Result<Self> {
        let first = super::season(tournament)?;
        let stand_in = tournament.sources.stand_in.filter(|stand_in| *stand_in != first.provider());
        let stand_in = stand_in.and_then(|provider| season_at(tournament, provider));
        Ok(Self { tournament, first, stand_in })
    }

    /// The season's rounds, and the season as its provider has it.
    pub async fn rounds(&self, run: &mut Run<'_>) -> Result<(Rounds, SeasonRef), ProviderError> {
        let asked = async |provider: &mut Session, season: &SeasonRef| provider.rounds(season).await;
        let Answer { value, season } = self.ask(run, asked).await?;
        Ok((value, season.clone()))
    }

    /// The matches of one round.
    pub async fn round(&self, run: &mut Run<'_>, round: &Round) -> Result<Reading, ProviderError> {
        let asked = async |provider: &mut Session, season: &SeasonRef| {
            provider.round(season, &round.slug, &round.address).await
        };
        let Answer { value, season } = self.ask(run, asked).await?;
        identity::ours(run, self.tournament, season.provider(), value).await
    }

    /// The matches of a round of which so many are stored; none if it is not drawn yet.
    pub async fn round_if_drawn(
        &self,
        run: &mut Run<'_>,
        round: &Round,
        stored_matches: i64,
    ) -> Result<Option<Reading>, ProviderError> {
        let asked =
            async |provider: &mut Session, season: &SeasonRef| provider.round_if_drawn(season, round).await;
        let Answer { value, season } = self.ask(run, asked).await?;
        match value {
            Some(reading) => identity::ours(run, self.tournament, season.provider(), reading).await.map(Some),
            // Another provider may have the round under a name that is not known.
            None if season.provider() != self.tournament.provider && stored_matches > 0 => {
                Err(ProviderError::Malformed {
                    path: format!("round {} at {}", round.slug, season.provider()),
                    reason: "is not there under this name, though its matches are stored".to_owned(),
                })
            }
            None => Ok(None),
        }
    }

    /// The season's tables; empty where the competition has none.
    pub async fn standings(&self, run: &mut Run<'_>) -> Result<Tables, ProviderError> {
        let asked = async |provider: &mut Session, season: &SeasonRef| provider.standings(season).await;
        let Answer { value, season } = self.ask(run, asked).await?;
        identity::our_tables(run, self.tournament, season.provider(), value).await
    }

    /// The season's cup trees; none where the provider has no such thing.
    pub async fn cup_trees(&self, run: &mut Run<'_>) -> Result<Option<Vec<Tree>>, ProviderError> {
        let asked = async |provider: &mut Session, season: &SeasonRef| provider.cup_trees(season).await;
        let Answer { value, season } = self.ask(run, asked).await?;
        match value {
            Some(trees) => {
                identity::our_trees(run, self.tournament, season.provider(), trees).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// One match of ours by the id that the provider has for it.
    pub async fn one_match(&self, run: &mut Run<'_>, ours: &str) -> Result<OneMatch, ProviderError> {
        let ids = identity::ids_of(run, self.tournament, ours).await?;
        let asked = async |provider: &mut Session, season: &SeasonRef| match ids.get(&season.provider()) {
            Some(id) => provider.event(season, id).await.map(Some),
            None => Ok(None),
        };
        let Answer { value, season } = self.ask(run, asked).await?;
        Ok(match value {
            None => OneMatch::NotAsked,
            // Another provider may have given the match another id.
            Some(None) if season.provider() != self.tournament.provider => OneMatch::NotAsked,
            Some(None) => OneMatch::Gone,
            Some(Some(listed)) => OneMatch::Found(Box::new(listed), season.provider()),
        })
    }

    /// Asks the first provider and, if it refuses, its stand-in. If that one can't answer either, the error is the one after
    /// which a retry comes sooner.
    async fn ask<T>(
        &self,
        run: &mut Run<'_>,
        request: impl AsyncFn(&mut Session, &SeasonRef) -> Result<T, ProviderError>,
    ) -> Result<Answer<'_, T>, ProviderError> {
        let refusal = match request(run.provider, &self.first).await {
            Ok(value) => return Ok(Answer { value, season: &self.first }),
            Err(error) if refuses(&error) => error,
            Err(error) => return Err(error),
        };
        let Some(stand_in) = &self.stand_in else { return Err(refusal) };
        match request(run.provider, stand_in).await {
            Ok(value) => {
                note_stand_in(run, self.first.provider(), stand_in.provider(), &refusal);
                Ok(Answer { value, season: stand_in })
            }
            Err(error) => {
                note_silent_stand_in(run, stand_in.provider(), &error);
                let may_pass = error.may_pass() && !refuses(&error);
                Err(if may_pass { error } else { refusal })
            }
        }
    }
}

/// Records, once in a run, that the stand-in was asked.
pub(super) fn note_stand_in(
    run: &mut Run<'_>,
    first: ProviderName,
    stand_in: ProviderName,
    refusal: &ProviderError,
) {
    run.journal.provider = stand_in;
    if run.journal.facts.stand_in != Some(stand_in) {
        run.journal.facts.stand_in = Some(stand_in);
        run.journal.warn(format!("{stand_in} was asked in place of {first}: {refusal}"));
    }
}

/// Records that the stand-in could not answer either. One that refuses too is no news for each run: its circuit, and the
/// morning's comparison, say so.
fn note_silent_stand_in(run: &mut Run<'_>, stand_in: ProviderName, error: &ProviderError) {
    if refuses(error) {
        return run.journal.skipped(Step::Fetch, What::of("the stand-in", stand_in), &error.to_string());
    }
    let warning = format!("{stand_in} stands in, and can't answer either: {error}");
    if !run.journal.warnings.contains(&warning) {
        run.journal.warn(warning);
    }
}

/// Whether the provider gives nothing now, so that another is asked.
pub(super) fn refuses(error: &ProviderError) -> bool {
    error.kind().is_refusal() || matches!(error, ProviderError::NotAllowed { .. })
}

/// The season at a provider; none where its address is not known.
pub fn season_at(tournament: &Tournament, provider: ProviderName) -> Option<SeasonRef> {
    let address = match tournament.sources.addresses.get(&provider) {
        Some(address) => address,
        None => &tournament.base_url,
    };
    SeasonRef::parse(address).filter(|season| season.provider() == provider)
}

/// All providers that a tournament can be read from.
pub fn providers_of(tournament: &Tournament) -> Vec<ProviderName> {
    ProviderName::ALL.into_iter().filter(|provider| season_at(tournament, *provider).is_some()).collect()
}
