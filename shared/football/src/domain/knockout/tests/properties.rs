use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What happens in one tie.
#[derive(Debug, Clone)]
struct Luck {
    legs: [(i32, i32); 2],
    shootout: (i32, i32),
    extra_time: bool,
}

fn luck() -> impl Strategy<Value = Luck> {
    let goals = || (0..4, 0..4);
    let shootout = (2..6, 2..6).prop_filter("someone wins it", |(home, away)| home != away);
    (goals(), goals(), shootout, any::<bool>()).prop_map(|(first, second, shootout, extra_time)| Luck {
        legs: [first, second],
        shootout,
        extra_time,
    })
}

/// A cup of 2^n teams: per round whether it has two legs, and the outcome of every tie.
#[derive(Debug, Clone)]
struct Cup {
    two_legs: Vec<bool>,
    luck: Vec<Luck>,
}

fn cup() -> impl Strategy<Value = Cup> {
    (1_usize..6).prop_flat_map(|rounds| {
        (prop::collection::vec(any::<bool>(), rounds), prop::collection::vec(luck(), (1 << rounds) - 1))
            .prop_map(|(two_legs, luck)| Cup { two_legs, luck })
    })
}

/// Plays a cup. The winners are computed here in the simplest way, as the expected result.
fn play(
    cup: &Cup,
    name: impl Fn(usize) -> String,
    shift: i64,
) -> (Vec<Vec<KnockoutMatch>>, Vec<Vec<String>>) {
    let mut teams: Vec<usize> = (0..1 << cup.two_legs.len()).collect();
    let mut luck = cup.luck.iter();
    let (mut rounds, mut winners, mut id) = (Vec::new(), Vec::new(), 0);
    for (round, two_legs) in cup.two_legs.iter().enumerate() {
        let (mut matches, mut through) = (Vec::new(), Vec::new());
        for pair in teams.chunks(2) {
            let (Some(luck), [home, away]) = (luck.next(), pair) else { panic!("odd") };
            let (first, second) = (name(*home), name(*away));
            let day = shift + 30 * i64::try_from(round).unwrap();
            let (one, two) = (luck.legs[0], luck.legs[1]);
            id += 2;
            let mut last = if *two_legs {
                matches.push(played(id, (&first, &second), day, one));
                played(id + 1, (&second, &first), day + 7, two)
            } else {
                played(id, (&first, &second), day, one)
            };
            last.legs = Some(if *two_legs { 2 } else { 1 });
            let balance = if *two_legs { one.0 + two.1 - one.1 - two.0 } else { one.0 - one.1 };
            let home_first = if balance == 0 {
                last = shootout(last, luck.shootout);
                (luck.shootout.0 > luck.shootout.1) != *two_legs
            } else {
                last.extra_time = luck.extra_time;
                balance > 0
            };
            matches.push(last);
            through.push(if home_first { *home } else { *away });
        }
        rounds.push(matches);
        winners.push(through.iter().map(|team| name(*team)).collect());
        teams = through;
    }
    (rounds, winners)
}

/// The bracket of the first `known` rounds; the others are not drawn yet.
fn joined(rounds: &[Vec<KnockoutMatch>], known: usize) -> Bracket {
    let last = rounds.len();
    let parts = rounds.iter().zip(1..).map(|(matches, order)| {
        let at = usize::try_from(order).unwrap();
        let slug = if at == last { "final".to_owned() } else { format!("round-{at}") };
        super::round(&slug, order, if at <= known { matches } else { &[] })
    });
    bracket(&parts.collect::<Vec<_>>(), &[])
}

proptest! {
    #[test]
    fn a_cup_has_one_champion_and_every_winner_goes_on(cup in cup()) {
        let (rounds, winners) = play(&cup, |team| format!("{team}"), 0);
        let bracket = joined(&rounds, rounds.len());
        prop_assert_eq!(&bracket.notes, &[]);
        prop_assert_eq!(bracket.champion.as_ref(), winners.last().and_then(|last| last.first()));
        for (at, round) in bracket.rounds.iter().enumerate() {
            let through: Vec<_> = round.ties.iter().filter_map(Tie::winning_team).collect();
            prop_assert_eq!(&through, &winners[at]);
            let ends = at + 1 == bracket.rounds.len();
            let mut taken = BTreeSet::new();
            for tie in &round.ties {
                prop_assert_eq!(tie.next.is_none(), ends);
                if let Some(next) = &tie.next {
                    let later = &bracket.rounds[at + 1].ties[usize::try_from(next.number - 1).unwrap()];
                    prop_assert_eq!(later.entrant(next.side).team(), tie.winning_team());
                    prop_assert!(taken.insert((next.number, next.side == Side::Home)));
                }
            }
        }
    }

    #[test]
    fn names_dates_and_the_order_of_the_input_change_nothing_else(cup in cup(), shift in -9000_i64..9000) {
        let (rounds, _) = play(&cup, |team| format!("{team}"), 0);
        let name = |team: &str| format!("x{team}");
        let (mut moved, _) = play(&cup, |team| name(&team.to_string()), shift);
        for matches in &mut moved {
            matches.reverse();
        }
        let mut plain = joined(&rounds, rounds.len());
        let mut other = joined(&moved, moved.len());
        let rename = |entrant: &mut Entrant| {
            if let Entrant::Team(team) = entrant {
                *team = name(team);
            }
        };
        plain.champion = plain.champion.map(|team| name(&team));
        for tie in plain.rounds.iter_mut().flat_map(|round| &mut round.ties) {
            [&mut tie.home, &mut tie.away].into_iter().for_each(rename);
            for leg in &mut tie.legs {
                [&mut leg.home, &mut leg.away].into_iter().for_each(rename);
            }
        }
        for round in plain.rounds.iter_mut().chain(&mut other.rounds) {
            for leg in round.ties.iter_mut().flat_map(|tie| &mut tie.legs) {
                leg.kickoff = None;
            }
        }
        prop_assert_eq!(plain, other);
    }

    #[test]
    fn the_final_is_filled_before_it_is_published(cup in cup()) {
        let (rounds, winners) = play(&cup, |team| format!("{team}"), 0);
        let semifinals = rounds.len() - 1;
        prop_assume!(semifinals > 0);
        let bracket = joined(&rounds, semifinals);
        let last = &bracket.rounds[semifinals].ties;
        prop_assert_eq!(last.len(), 1);
        let teams: Vec<_> = [&last[0].home, &last[0].away].iter().filter_map(|side| side.team()).collect();
        prop_assert_eq!(&teams, &winners[semifinals - 1]);
        prop_assert_eq!((&bracket.champion, last[0].winner), (&None, None));
    }

    #[test]
    fn nothing_panics_and_no_match_is_lost(games in prop::collection::vec(anything(), 0..12), mode in 0..3_usize) {
        let number = |(game, id): (KnockoutMatch, u32)| KnockoutMatch { external_id: id.to_string(), ..game };
        let matches: Vec<KnockoutMatch> = games.into_iter().zip(0..).map(number).collect();
        let ties = ties("semifinals", &matches, [AwayGoals::No, AwayGoals::Yes, AwayGoals::Inferred][mode]);
        let legs: Vec<_> = ties.iter().flat_map(|tie| &tie.legs).map(|leg| leg.external_id.clone()).collect();
        for game in matches.iter().filter(|game| game.status != MatchStatus::NotDefined) {
            prop_assert_eq!(legs.iter().filter(|id| **id == game.external_id).count(), 1);
        }
        for tie in &ties {
            prop_assert_eq!(tie.winner.is_some(), tie.decided_by.is_some());
            prop_assert!(tie.winner.is_some() || tie.unclear.is_some());
        }
        bracket(&[("semifinals".to_owned(), 1, ties), ("final".to_owned(), 2, Vec::new())], &[]);
    }
}

/// Any match at all, sensible or not.
fn anything() -> impl Strategy<Value = KnockoutMatch> {
    let statuses = [MatchStatus::Open, MatchStatus::Ended, MatchStatus::NotDefined];
    let slot = prop::sample::select(vec!["?TBD", "1", "2", "3"]);
    let goals = prop::option::of((0..3, 0..3));
    let previous = prop::option::of(0..12_u32);
    let winner = prop::option::of(prop::sample::select(vec![Side::Home, Side::Away]));
    let status = prop::sample::select(statuses.to_vec());
    (slot.clone(), slot, status, 0..9_i64, goals, previous, winner).prop_map(
        |(home, away, status, day, goals, previous, winner)| KnockoutMatch {
            status,
            score: goals.map(|(home, away)| Score::new(home, away)),
            previous_leg: previous.map(|id| id.to_string()),
            tie_winner: winner,
            ..open(0, (home, away), day)
        },
    )
}
