//! Ties and brackets: every way of deciding, properties, and real seasons.

mod deciding;
mod joining;
mod properties;
mod seasons;

use chrono::{DateTime, Duration, Utc};

use super::*;

/// A match that is over, `day` days after the first day, with `h` and `a` as its score.
fn played(id: u32, (home, away): (&str, &str), day: i64, (h, a): (i32, i32)) -> KnockoutMatch {
    KnockoutMatch { status: MatchStatus::Ended, score: Some(Score::new(h, a)), ..open(id, (home, away), day) }
}

/// A match to come.
fn open(id: u32, (home, away): (&str, &str), day: i64) -> KnockoutMatch {
    let entrant = |name: &str| match name.strip_prefix('?') {
        Some(place) => Entrant::Placeholder(place.to_owned()),
        None => Entrant::Team(name.to_owned()),
    };
    KnockoutMatch {
        external_id: id.to_string(),
        round_slug: "round".to_owned(),
        home: entrant(home),
        away: entrant(away),
        kickoff: Some(day_of(day)),
        status: MatchStatus::Open,
        score: None,
        extra_time: false,
        awarded: false,
        winner: None,
        tie_winner: None,
        previous_leg: None,
        legs: None,
    }
}

fn day_of(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::days(day)
}

fn void(id: u32, pair: (&str, &str), day: i64) -> KnockoutMatch {
    KnockoutMatch { status: MatchStatus::NotDefined, ..open(id, pair, day) }
}

fn shootout(mut game: KnockoutMatch, goals: (i32, i32)) -> KnockoutMatch {
    game.score = game.score.map(|score| Score { shootout: Some(goals), ..score });
    game
}

fn round(slug: &str, order: i32, matches: &[KnockoutMatch]) -> (String, i32, Vec<Tie>) {
    (slug.to_owned(), order, ties(slug, matches, AwayGoals::Inferred))
}

/// The ties of matches, whichever round they name.
fn ties(slug: &str, matches: &[KnockoutMatch], away_goals: AwayGoals) -> Vec<Tie> {
    let named = |game: &KnockoutMatch| KnockoutMatch { round_slug: slug.to_owned(), ..game.clone() };
    super::ties(slug, &matches.iter().map(named).collect::<Vec<_>>(), away_goals)
}
