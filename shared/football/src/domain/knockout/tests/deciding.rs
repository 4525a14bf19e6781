use DecidedBy::{Aggregate, Awarded, ExtraTime, ProviderOnly, Replay, Shootout, SingleMatch, Walkover};

use super::*;

const AB: (&str, &str) = ("A", "B");
const BA: (&str, &str) = ("B", "A");

/// The only tie of a round.
fn only(matches: &[KnockoutMatch], away_goals: AwayGoals) -> Tie {
    let ties = ties("round", matches, away_goals);
    assert_eq!(ties.len(), 1, "{ties:#?}");
    ties.into_iter().next().unwrap()
}

fn decided(matches: &[KnockoutMatch], away_goals: AwayGoals) -> Result<(String, DecidedBy), Unclear> {
    let tie = only(matches, away_goals);
    assert_eq!(tie.notes, Vec::<String>::new());
    match (tie.winning_team(), tie.decided_by) {
        (Some(team), Some(by)) => Ok((team.to_owned(), by)),
        _ => Err(tie.unclear.unwrap()),
    }
}

fn by(team: &str, by: DecidedBy) -> Result<(String, DecidedBy), Unclear> {
    Ok((team.to_owned(), by))
}

#[test]
fn one_match() {
    let level = played(1, AB, 0, (1, 1));
    let longer = KnockoutMatch { extra_time: true, ..played(1, AB, 0, (1, 2)) };
    let table = KnockoutMatch { awarded: true, ..played(1, AB, 0, (3, 0)) };
    let abandoned = KnockoutMatch { awarded: true, winner: Some(Side::Away), ..played(1, AB, 0, (1, 0)) };
    let away =
        KnockoutMatch { awarded: true, score: None, winner: Some(Side::Away), ..played(1, AB, 0, (0, 0)) };
    for (game, expected) in [
        (played(1, AB, 0, (2, 1)), by("A", SingleMatch)),
        (longer, by("B", ExtraTime)),
        (shootout(level.clone(), (3, 4)), by("B", Shootout)),
        (shootout(played(1, AB, 0, (2, 0)), (3, 4)), by("B", Shootout)),
        (shootout(level.clone(), (4, 4)), Err(Unclear::LevelShootout)),
        (table, by("A", Awarded)),
        (abandoned, by("B", Awarded)),
        (away, by("B", Walkover)),
        (KnockoutMatch { score: None, ..level.clone() }, Err(Unclear::MissingScore)),
        (KnockoutMatch { winner: Some(Side::Home), score: None, ..level.clone() }, by("A", ProviderOnly)),
        (KnockoutMatch { winner: Some(Side::Away), ..level.clone() }, by("B", ProviderOnly)),
        (open(1, AB, 0), Err(Unclear::NotPlayed)),
        (void(1, AB, 0), Err(Unclear::NotPlayed)),
        (
            KnockoutMatch { winner: Some(Side::Away), score: level.score, ..open(1, AB, 0) },
            Err(Unclear::NotPlayed),
        ),
        (level, Err(Unclear::Level { away_goals: None })),
    ] {
        assert_eq!(decided(std::slice::from_ref(&game), AwayGoals::Yes), expected, "{game:?}");
    }
}

#[test]
fn two_legs() {
    let legs = |first, second| [played(1, AB, 0, first), played(2, BA, 7, second)];
    assert_eq!(decided(&legs((2, 0), (2, 1)), AwayGoals::Yes), by("A", Aggregate));
    let tie = only(&legs((2, 0), (2, 1)), AwayGoals::Yes);
    assert_eq!(tie.aggregate, Some((3, 2)));
    assert_eq!(tie.legs.iter().map(|leg| leg.reversed).collect::<Vec<_>>(), [false, true]);
    assert_eq!((tie.home.team(), tie.away.team()), (Some("A"), Some("B")));

    // 2-1 and 0-1: level; A scored none away, B one.
    let level = legs((2, 1), (1, 0));
    assert_eq!(decided(&level, AwayGoals::Yes), by("B", DecidedBy::AwayGoals));
    assert_eq!(decided(&level, AwayGoals::No), Err(Unclear::Level { away_goals: None }));
    let open = Err(Unclear::Level { away_goals: Some(Side::Away) });
    assert_eq!(decided(&level, AwayGoals::Inferred), open);
    assert_eq!(decided(&legs((1, 1), (1, 1)), AwayGoals::Yes), Err(Unclear::Level { away_goals: None }));

    let mut longer = legs((1, 0), (2, 0));
    longer[1].extra_time = true;
    assert_eq!(decided(&longer, AwayGoals::Yes), by("B", ExtraTime));
    // A shootout decides the tie though its leg has another winner.
    let [first, second] = legs((1, 0), (1, 0));
    assert_eq!(decided(&[first, shootout(second, (2, 3))], AwayGoals::No), by("A", Shootout));
}

#[test]
fn the_provider_decides_what_the_matches_leave_open_and_is_noted_where_it_differs() {
    let mut legs = [played(1, AB, 0, (2, 1)), played(2, BA, 7, (1, 0))];
    legs[1].winner = Some(Side::Home);
    legs[1].tie_winner = Some(Side::Home);
    assert_eq!(decided(&legs, AwayGoals::Inferred), by("B", DecidedBy::AwayGoals));
    assert_eq!(decided(&legs, AwayGoals::No), by("B", ProviderOnly));
    legs[1].tie_winner = Some(Side::Away);
    assert_eq!(decided(&legs, AwayGoals::Inferred), by("A", ProviderOnly));
    let tie = only(&legs, AwayGoals::Yes);
    assert_eq!((tie.winning_team(), tie.decided_by), (Some("B"), Some(DecidedBy::AwayGoals)));
    assert_eq!(
        tie.notes,
        ["the away side goes through (away-goals), but the provider's winner has the home side"]
    );
    // The winner of the second leg is not the winner of the tie.
    let mut legs = [played(1, AB, 0, (3, 0)), played(2, BA, 7, (1, 0))];
    legs[1].winner = Some(Side::Home);
    assert_eq!(decided(&legs, AwayGoals::No), by("A", Aggregate));
}

#[test]
fn away_goals_do_not_decide_after_extra_time_or_where_they_do_not_count() {
    let level = |home: (i32, i32), away: (i32, i32)| {
        let mut legs = [played(1, AB, 0, home), played(2, BA, 7, away)];
        legs[1].extra_time = true;
        legs[1].tie_winner = Some(Side::Home);
        legs
    };
    // Nobody scored in extra time: they had not decided, so there is no such rule.
    assert_eq!(decided(&level((1, 1), (0, 0)), AwayGoals::Inferred), by("B", ProviderOnly));
    // Both scored in it: the visitors' goal decides.
    let mut legs = level((1, 1), (2, 2));
    legs[1].tie_winner = Some(Side::Away);
    assert_eq!(decided(&legs, AwayGoals::Inferred), by("A", DecidedBy::AwayGoals));

    // Another tie of the competition went to a shootout although one side had scored away.
    let no_rule = [played(3, ("C", "D"), 0, (2, 1)), shootout(played(4, ("D", "C"), 7, (1, 0)), (4, 2))];
    let mut open = [played(1, AB, 0, (2, 1)), played(2, BA, 7, (1, 0))];
    open[1].tie_winner = Some(Side::Home);
    assert_eq!(away_goals(&open), AwayGoals::Inferred);
    assert_eq!(away_goals(&[open.as_slice(), &no_rule].concat()), AwayGoals::No);
    // Or the better placed team went through.
    open[1].tie_winner = Some(Side::Away);
    assert_eq!(away_goals(&open), AwayGoals::No);
}

#[test]
fn best_of_three_is_two_wins() {
    let of_three = |matches: &[KnockoutMatch]| -> Vec<KnockoutMatch> {
        matches.iter().map(|game| KnockoutMatch { legs: Some(3), ..game.clone() }).collect()
    };
    let two = [played(1, AB, 0, (2, 1)), played(2, BA, 7, (3, 0))];
    let tie = only(&of_three(&two), AwayGoals::No);
    assert_eq!((tie.winner, tie.unclear, tie.aggregate), (None, Some(Unclear::NotPlayed), None));
    let third = played(3, AB, 14, (1, 0));
    let all = [two.as_slice(), std::slice::from_ref(&third)].concat();
    assert_eq!(decided(&of_three(&all), AwayGoals::No), by("A", DecidedBy::Series));
    // The same where the provider does not give the number of matches, and while the third is to come.
    assert_eq!(decided(&all, AwayGoals::No), by("A", DecidedBy::Series));
    let waiting = [two.as_slice(), &[open(3, AB, 14)]].concat();
    assert_eq!(decided(&waiting, AwayGoals::No), Err(Unclear::NotPlayed));
    // Two wins, one of them in a shootout, are enough.
    let early = [played(1, AB, 0, (2, 1)), shootout(played(2, BA, 7, (1, 1)), (3, 4))];
    assert_eq!(decided(&of_three(&early), AwayGoals::No), by("A", DecidedBy::Series));
}

#[test]
fn a_first_leg_decides_nothing() {
    let first = played(1, AB, 0, (3, 0));
    let second = open(2, BA, 7);
    let tie = only(&[second.clone(), first.clone()], AwayGoals::No);
    assert_eq!((tie.winner, tie.unclear, tie.aggregate), (None, Some(Unclear::NotPlayed), Some((3, 0))));
    // The second is not published yet, but other ties of the round, or the provider, say that there is one.
    let others = [played(3, ("C", "D"), 0, (1, 0)), open(4, ("D", "C"), 7)];
    let round = ties("round", &[&others[..], std::slice::from_ref(&first)].concat(), AwayGoals::No);
    assert!(round.iter().all(|tie| tie.winner.is_none()), "{round:#?}");
    let said = KnockoutMatch { legs: Some(2), ..first };
    assert_eq!(decided(&[said], AwayGoals::No), Err(Unclear::MissingLeg));
    // Only the second leg is known.
    let mut second = played(2, BA, 7, (2, 0));
    second.previous_leg = Some("1".to_owned());
    let tie = only(&[second.clone()], AwayGoals::No);
    assert_eq!((tie.winner, tie.unclear, tie.aggregate), (None, Some(Unclear::MissingLeg), None));
    assert_eq!((tie.home.team(), tie.away.team()), (Some("A"), Some("B")));
    second.tie_winner = Some(Side::Away);
    assert_eq!(decided(&[second], AwayGoals::No), by("A", ProviderOnly));
}

#[test]
fn replays() {
    // An English cup: other ties took one match.
    let others = [played(8, ("C", "D"), 0, (1, 0)), played(9, ("E", "F"), 0, (0, 2))];
    let of_round = |matches: &[KnockoutMatch]| {
        let ties = ties("round", &[&others[..], matches].concat(), AwayGoals::Inferred);
        ties.into_iter().find(|tie| tie.side_of("A").is_some()).unwrap()
    };
    let tie = of_round(&[played(1, AB, 0, (1, 1)), played(2, BA, 10, (2, 1))]);
    assert_eq!((tie.winning_team(), tie.decided_by, tie.aggregate), (Some("B"), Some(Replay), None));
    let tie = of_round(&[played(1, AB, 0, (1, 1)), open(2, BA, 10)]);
    assert_eq!((tie.winner, tie.unclear), (None, Some(Unclear::NotPlayed)));
    let tie = of_round(&[played(1, AB, 0, (1, 1)), shootout(played(2, BA, 10, (0, 0)), (5, 4))]);
    assert_eq!((tie.winning_team(), tie.decided_by), (Some("B"), Some(Shootout)));

    // A third match after two legs, even where goals away would have decided: they did not count, or one was annulled.
    let legs = [played(1, AB, 0, (3, 0)), played(2, BA, 14, (4, 1))];
    let third = played(3, AB, 21, (1, 2));
    assert_eq!(decided(&[legs[0].clone(), legs[1].clone(), third], AwayGoals::Yes), by("B", Replay));
    // A coin was tossed.
    let third = KnockoutMatch { extra_time: true, ..played(3, AB, 21, (2, 2)) };
    let toss = decided(&[legs[0].clone(), legs[1].clone(), third], AwayGoals::No);
    assert_eq!(toss, Err(Unclear::Level { away_goals: None }));
    // A replayed match says nothing about the other ties of its round.
    let again = [played(1, AB, 0, (2, 1)), played(2, AB, 10, (0, 1)), played(3, ("C", "D"), 0, (1, 0))];
    let round = ties("round", &again, AwayGoals::No);
    let winners: Vec<_> = round.iter().map(|tie| (tie.winning_team(), tie.decided_by)).collect();
    assert_eq!(winners, [(Some("B"), Some(Replay)), (Some("C"), Some(SingleMatch))]);
    // A replayed final at the same ground is no second leg.
    assert_eq!(
        decided(&[played(1, AB, 0, (1, 1)), played(2, AB, 2, (4, 0))], AwayGoals::No),
        by("A", Replay)
    );
}

#[test]
fn old_ids_are_no_legs() {
    let game = played(3, AB, 9, (1, 0));
    assert_eq!(decided(&[void(1, AB, 0), void(2, AB, 3), game.clone()], AwayGoals::No), by("A", SingleMatch));
    // Played at the other's ground after all.
    assert_eq!(decided(&[void(1, BA, 0), game.clone()], AwayGoals::No), by("A", SingleMatch));
    let legs = [void(1, AB, 0), played(2, AB, 3, (1, 0)), void(4, BA, 7), played(5, BA, 8, (3, 0))];
    assert_eq!(decided(&legs, AwayGoals::No), by("B", Aggregate));
    assert_eq!(only(&legs, AwayGoals::No).legs.len(), 2);
    // The first leg's old id is not taken for the second.
    let first = [void(1, AB, 0), KnockoutMatch { legs: Some(2), ..played(2, AB, 3, (1, 0)) }];
    assert_eq!(only(&first, AwayGoals::No).legs.len(), 1);
    // A postponed second leg without a new date is still to be played.
    let waiting = [KnockoutMatch { legs: Some(2), ..game }, void(4, BA, 10)];
    let tie = only(&waiting, AwayGoals::No);
    assert_eq!((tie.winner, tie.unclear, tie.legs.len()), (None, Some(Unclear::NotPlayed), 2));
    // An opponent withdrew, and another took its place.
    let round = ties("round", &[void(1, ("A", "C"), 0), played(2, AB, 1, (1, 0))], AwayGoals::No);
    assert_eq!(round.len(), 1);
}

#[test]
fn legs_find_each_other_and_slots_stay_apart() {
    // Without kickoffs the link gives the order; with different slots too.
    let mut legs = [open(5, ("?Winner QF1", "?Winner QF2"), 7), open(10, ("?TBD", "?TBD"), 0)];
    legs[0].previous_leg = Some("10".to_owned());
    for leg in &mut legs {
        leg.kickoff = None;
    }
    let tie = only(&legs, AwayGoals::No);
    assert_eq!(tie.legs[0].external_id, "10");
    assert!(!tie.legs[0].reversed);
    // Two matches between unknown slots are two ties.
    let nobody = [open(1, ("?TBD", "?TBD"), 0), open(2, ("?TBD", "?TBD"), 0)];
    assert_eq!(ties("round", &nobody, AwayGoals::No).len(), 2);
    let places = [open(1, ("?W49", "?W50"), 0), open(2, ("?W50", "?W49"), 7)];
    assert_eq!(only(&places, AwayGoals::No).home, Entrant::Placeholder("W49".to_owned()));
    // A later round's match of the same two teams does not belong to this tie.
    let other = KnockoutMatch { round_slug: "other".to_owned(), ..open(2, BA, 7) };
    assert_eq!(
        super::super::ties("round", &[played(1, AB, 0, (1, 0)), other], AwayGoals::No)[0].legs.len(),
        1
    );
    // By kickoff, then by the number in the id.
    let numbers: Vec<_> =
        ties("round", &[open(10, ("C", "D"), 1), open(9, ("E", "F"), 1), open(11, AB, 0)], AwayGoals::No)
            .into_iter()
            .map(|tie| (tie.number, tie.legs[0].external_id.clone()))
            .collect();
    assert_eq!(numbers, [(1, "11".to_owned()), (2, "9".to_owned()), (3, "10".to_owned())]);
}

#[test]
fn a_walkover_in_one_leg_decides_the_tie() {
    let second =
        KnockoutMatch { awarded: true, score: None, winner: Some(Side::Home), ..played(2, BA, 7, (0, 0)) };
    let legs = [played(1, AB, 0, (5, 0)), second];
    assert_eq!(decided(&legs, AwayGoals::No), by("B", Walkover));
    let awarded = KnockoutMatch { awarded: true, ..played(2, BA, 7, (3, 0)) };
    let legs = [played(1, AB, 0, (1, 1)), awarded];
    assert_eq!(decided(&legs, AwayGoals::No), by("B", Aggregate));
}
