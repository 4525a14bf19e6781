//! Matches of a reply as matches of rounds.

use std::collections::HashMap;

use serde::Deserialize as _;
use serde_json::Value;

use super::SeasonRef;
use super::payload::{CompetitionPayload, GoalsPayload, MatchPayload, TeamPayload};
use super::result::{FirstLeg, Outcome, outcome};
use super::stage::{self, Legs};
use crate::provider::reading::{ListedRound, Reading, Refusal, Remark, Rounds};
use crate::provider::reply::place;
use football::domain::round::is_same_round;
use football::domain::{Match, MatchStatus, Round, RoundKind, Stage, Team, TieFacts};

/// A match of a list over several rounds, with its season and round.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::provider) struct ListedGame {
    /// The provider's id.
    pub(in crate::provider) external_id: String,
    /// Its round.
    pub(in crate::provider) round: ListedRound,
    /// Its season, by the competition's code and by its id.
    pub(in crate::provider) seasons: Vec<SeasonRef>,
    /// The match as it was read.
    pub(in crate::provider) reading: Reading,
}

/// The matches of a reply: those that could be read, and why the others could not.
#[derive(Debug, Default)]
pub(super) struct Games {
    games: Vec<MatchPayload>,
    refused: Vec<Refusal>,
}

impl Games {
    /// Reads each match on its own.
    pub(super) fn of(matches: Vec<Value>) -> Self {
        let mut read = Self::default();
        for value in matches {
            let id = value.get("id").and_then(Value::as_u64).map(|id| id.to_string()).unwrap_or_default();
            match serde_path_to_error::deserialize::<_, MatchPayload>(value) {
                Ok(game) => read.games.push(game),
                Err(error) => read.refused.push(Refusal {
                    external_id: id,
                    field: place(&error).unwrap_or_else(|| MATCH.to_owned()),
                    reason: error.inner().to_string(),
                }),
            }
        }
        read
    }

    /// What could not be read, or belongs to no round that is known: it is in no round's reading.
    fn unplaced(&self) -> Vec<Refusal> {
        let unknown = self.games.iter().filter(|game| stage::round(&game.stage, game.matchday).is_none());
        let refused = unknown.map(|game| Refusal {
            external_id: game.id.to_string(),
            field: "stage".to_owned(),
            reason: format!("is not known: stage {:?}, matchday {:?}", game.stage, game.matchday),
        });
        self.refused.iter().cloned().chain(refused).collect()
    }

    /// Why the match of this id could not be read, if it is in the reply.
    pub(super) fn refusal(&self, id: &str) -> Option<Refusal> {
        self.unplaced().into_iter().find(|refusal| refusal.external_id == id)
    }

    /// The rounds of the matches, by first kickoff: there is no list of rounds. The current one is the first that has an
    /// open match, since the provider's own matchday stays where it is in knockout rounds.
    pub(super) fn rounds(&self) -> Rounds {
        let mut first: HashMap<String, (Round, Option<chrono::DateTime<chrono::Utc>>)> = HashMap::new();
        for game in &self.games {
            let Some(round) = stage::round(&game.stage, game.matchday) else { continue };
            let entry = first.entry(round.slug.clone()).or_insert((round, None));
            entry.1 = [entry.1, game.utc_date].into_iter().flatten().min();
        }
        let mut rounds: Vec<_> = first.into_values().collect();
        // Qualifying, then matchdays by number (one may have a match that was brought forward), then the rounds to the final.
        rounds.sort_by_key(|(round, kickoff)| match round.kind {
            RoundKind::Knockout if is_qualifying(round) => (0, 0, *kickoff, round.slug.clone()),
            RoundKind::Season => (1, round.address.number, None, round.slug.clone()),
            RoundKind::Knockout => (2, 0, *kickoff, round.slug.clone()),
        });
        let mut rounds: Vec<Round> = rounds.into_iter().map(|(round, _)| round).collect();
        rounds.iter_mut().zip(1..).for_each(|(round, order)| round.order = order);
        let open = |round: &&Round| {
            let reading = self.round(&round.slug);
            reading.open_slots > 0 || reading.matches.iter().any(|m| m.status == MatchStatus::Open)
        };
        let current = rounds.iter().find(open).or(rounds.last()).map(|round| round.slug.clone());
        Rounds { rounds, current, refused: self.unplaced() }
    }

    /// A team of the matches, by its id.
    pub(super) fn team(&self, id: &str) -> Option<&TeamPayload> {
        let mut teams = self.games.iter().flat_map(|game| [&game.home_team, &game.away_team]);
        teams.find(|team| team.id.is_some_and(|known| known.to_string() == id))
    }

    /// The matches of a list over several rounds, each with its season and round.
    pub(super) fn listed(&self) -> Vec<ListedGame> {
        let listed = self.games.iter().filter_map(|game| {
            let competition = game.competition.as_ref()?;
            let year = chrono::Datelike::year(&game.season.as_ref()?.start_date?).to_string();
            // Competitions outside the free plan are stored by whichever name their address has.
            let by_id = SeasonRef::of(&competition.id.to_string(), &year)?;
            let by_code = competition.code.as_deref().and_then(|code| SeasonRef::of(code, &year));
            let round = stage::round(&game.stage, game.matchday);
            let reading = self.reading_of(|other| other.id == game.id, |_| true);
            let round = round.map(|round| ListedRound {
                number: Some(round.address.number),
                slug: round.address.slug,
                prefix: round.address.prefix,
            });
            let seasons = by_code.into_iter().chain([by_id]).collect();
            Some(ListedGame {
                external_id: game.id.to_string(),
                round: round.unwrap_or_default(),
                seasons,
                reading,
            })
        });
        listed.collect()
    }

    /// The matches of a round.
    pub(super) fn round(&self, slug: &str) -> Reading {
        let mut reading = self.reading(|round| is_same_round(&round.slug, slug));
        // Under the name that it was asked for.
        reading.matches.iter_mut().for_each(|m| slug.clone_into(&mut m.round_slug));
        reading
    }

    /// All matches, and what could not be read.
    pub(super) fn all(&self) -> Reading {
        let mut reading = self.reading(|_| true);
        reading.refused.extend(self.unplaced());
        reading
    }

    fn reading(&self, of: impl Fn(&Round) -> bool) -> Reading {
        self.reading_of(|_| true, of)
    }

    fn reading_of(&self, wanted: impl Fn(&MatchPayload) -> bool, of: impl Fn(&Round) -> bool) -> Reading {
        let mut reading = Reading::default();
        for game in self.games.iter().filter(|game| wanted(game)) {
            let external_id = game.id.to_string();
            let refuse = |field: &str, reason: String| Refusal {
                external_id: external_id.clone(),
                field: field.to_owned(),
                reason,
            };
            let Some(round) = stage::round(&game.stage, game.matchday) else { continue };
            if !of(&round) {
                continue;
            }
            let (Some(home), Some(away)) = (team(&game.home_team), team(&game.away_team)) else {
                reading.open_slots += 1;
                continue;
            };
            if home.external_id == away.external_id {
                let reason = "is the home team's: a team can't play itself".to_owned();
                reading.refused.push(refuse("awayTeam.id", reason));
                continue;
            }
            let Some(outcome) = outcome(&game.status, &game.score, self.legs(game), self.first_leg(game))
            else {
                reading.refused.push(refuse("status", format!("is not known: {:?}", game.status)));
                continue;
            };
            if let Some(held) = outcome.held {
                let text = format!("{} is taken for running: {held}", game.status);
                reading.remarks.push(Remark { external_id: external_id.clone(), text });
            }
            reading.matches.push(as_match(game, &round, &home, &away, outcome));
            [home, away].into_iter().for_each(|team| reading.add_team(team));
        }
        reading
    }

    /// The legs of a match's tie: two where both are in the reply.
    fn legs(&self, game: &MatchPayload) -> Legs {
        let legs = stage::legs(&game.stage, game.matchday);
        if legs == Legs::One && self.other_leg(game).is_some() { Legs::Two } else { legs }
    }

    /// The other match of the same two teams in the same stage.
    fn other_leg(&self, game: &MatchPayload) -> Option<&MatchPayload> {
        let pair = |game: &MatchPayload| {
            let mut ids = [game.home_team.id, game.away_team.id];
            ids.sort_unstable();
            ids
        };
        let is_known = game.home_team.id.is_some() && game.away_team.id.is_some();
        let is_other = |other: &&MatchPayload| {
            other.id != game.id && other.stage == game.stage && pair(other) == pair(game)
        };
        self.games.iter().filter(|_| is_known).find(is_other)
    }

    /// The goals of the first leg of a match that is the second one, from the side of its own home team.
    fn first_leg(&self, game: &MatchPayload) -> Option<FirstLeg> {
        if stage::legs(&game.stage, game.matchday) == Legs::None {
            return None;
        }
        let first = self.other_leg(game).filter(|first| first.utc_date < game.utc_date)?;
        let (home, away) =
            first.score.full_time.and_then(GoalsPayload::both).filter(|_| first.status == "FINISHED")?;
        let (home, away) = if first.home_team.id == game.home_team.id { (home, away) } else { (away, home) };
        let began = game.season.as_ref().and_then(|season| season.start_date);
        let away_goals_count = began.is_some_and(|day| chrono::Datelike::year(&day) <= LAST_WITH_AWAY_GOALS);
        Some(FirstLeg { home, away, away_goals_count })
    }
}

/// The last season in which goals scored away decided a level tie in UEFA's competitions, by the year it began.
const LAST_WITH_AWAY_GOALS: i32 = 2020;

fn is_qualifying(round: &Round) -> bool {
    round.slug.starts_with("qualification")
}

fn as_match(game: &MatchPayload, round: &Round, home: &Team, away: &Team, outcome: Outcome) -> Match {
    Match {
        external_id: game.id.to_string(),
        round_slug: round.slug.clone(),
        stage: Stage::Unknown,
        group_name: game.group.as_deref().map(group).unwrap_or_default(),
        home: home.external_id.clone(),
        away: away.external_id.clone(),
        kickoff: game.utc_date,
        status: outcome.status,
        called_off: outcome.called_off,
        score: outcome.score,
        // `lastUpdated` goes back, and lies hours ahead: it is no time of a change.
        changed_at: None,
        tie: TieFacts {
            extra_time: outcome.extra_time,
            awarded: outcome.awarded,
            winner: outcome.winner,
            ..TieFacts::default()
        },
    }
}

/// A team, if it is decided.
pub(super) fn team(payload: &TeamPayload) -> Option<Team> {
    let name = payload.name.clone().filter(|name| !name.trim().is_empty())?;
    let short_name = payload.short_name.clone().filter(|name| !name.trim().is_empty());
    Some(Team { external_id: payload.id?.to_string(), name, short_name })
}

/// The label of a group: `Group A`, of `GROUP_A` or `Group A`.
pub(super) fn group(text: &str) -> String {
    let letter = text.strip_prefix("GROUP_").or_else(|| text.strip_prefix("Group "));
    letter.map_or_else(|| text.to_owned(), |letter| format!("Group {letter}"))
}

/// The field at fault where it is the match as a whole.
pub(super) const MATCH: &str = "match";

/// A match that is not in a list.
pub(super) fn one(value: Value) -> Result<Reading, Refusal> {
    let mut reading = Games::of(vec![value]).all();
    match reading.refused.pop() {
        Some(refusal) => Err(refusal),
        None => Ok(reading),
    }
}

/// Where a match of a list over all competitions belongs: the code of its competition, and the year its season began.
pub(super) fn season_of(value: &Value) -> Option<(u32, String, i32)> {
    let game = MatchPayload::deserialize(value).ok()?;
    let competition = game.competition?;
    let year = chrono::Datelike::year(&game.season?.start_date?);
    Some((competition.id, competition.code?, year))
}

/// The address of a team's badge.
pub(super) fn badge(payload: &TeamPayload) -> Option<String> {
    as_png(payload.crest.as_deref()?)
}

/// The address of a competition's logo.
pub(super) fn emblem(payload: &CompetitionPayload) -> Option<String> {
    as_png(payload.emblem.as_deref()?)
}

/// An image's address as PNG: the provider stores one beside each SVG.
fn as_png(address: &str) -> Option<String> {
    let address = Some(address).filter(|address| address.starts_with("https://"))?;
    Some(address.strip_suffix(".svg").map_or_else(|| address.to_owned(), |stem| format!("{stem}.png")))
}
