use super::*;

fn team(id: &str) -> Option<Entrant> {
    Some(Entrant::Team(id.to_owned()))
}

fn block(id: i64, participants: &[(Option<Entrant>, Option<i64>)]) -> Block {
    let participants = participants
        .iter()
        .map(|(entrant, source)| Participant { entrant: entrant.clone(), source_block: *source })
        .collect();
    Block {
        id,
        order: i32::try_from(id).unwrap(),
        participants,
        events: Vec::new(),
        finished: false,
        winner: None,
        legs: None,
        bye: false,
    }
}

fn column(order: i32, description: &str, blocks: Vec<Block>) -> TreeRound {
    let ties = u32::try_from(blocks.len()).ok();
    TreeRound { order, description: description.to_owned(), ties, blocks }
}

/// Quarterfinals A-B, C-D, E-F, G-H; the drawing has them the other way round.
fn tree() -> Tree {
    let quarters = [("G", "H"), ("F", "E"), ("C", "D"), ("A", "B")];
    let quarters = quarters
        .iter()
        .zip(1..)
        .map(|((home, away), id)| block(id, &[(team(home), None), (team(away), None)]));
    let source = |id| (None, Some(id));
    Tree {
        name: "Cup".to_owned(),
        rounds: vec![
            column(1, "Quarterfinals", quarters.collect()),
            column(
                2,
                "Semifinals",
                vec![block(1, &[source(1), source(2)]), block(2, &[source(3), source(4)])],
            ),
            column(4, "Final", vec![block(1, &[(None, None), (None, None)])]),
        ],
    }
}

fn quarterfinals() -> Vec<KnockoutMatch> {
    vec![
        played(1, ("A", "B"), 0, (1, 0)),
        played(2, ("C", "D"), 1, (0, 1)),
        played(3, ("E", "F"), 2, (2, 0)),
        open(4, ("G", "H"), 3),
    ]
}

fn entrants(tie: &Tie) -> [Option<&str>; 2] {
    [tie.home.team(), tie.away.team()]
}

#[test]
fn winners_flow_along_the_drawing_before_the_next_round_is_published() {
    let parts = [
        round("quarterfinals", 1, &quarterfinals()),
        round("semifinals", 2, &[]),
        round("match-for-3rd-place", 3, &[]),
        round("final", 4, &[]),
    ];
    let bracket = bracket(&parts, &[tree()]);
    let [quarters, semis, third, last] = bracket.rounds.as_slice() else { panic!("{bracket:#?}") };
    let numbers: Vec<_> =
        quarters.ties.iter().map(|tie| (tie.number, tie.legs[0].external_id.as_str())).collect();
    assert_eq!(numbers, [(1, "4"), (2, "3"), (3, "2"), (4, "1")]);
    let lines: Vec<_> = quarters
        .ties
        .iter()
        .map(|tie| tie.next.as_ref().map(|next| (next.number, next.side)).unwrap())
        .collect();
    assert_eq!(lines, [(1, Side::Home), (1, Side::Away), (2, Side::Home), (2, Side::Away)]);
    assert_eq!(
        semis.ties.iter().map(entrants).collect::<Vec<_>>(),
        [[None, Some("E")], [Some("D"), Some("A")]]
    );
    assert_eq!(semis.ties[0].home, Entrant::Placeholder("Winner quarterfinals 1".to_owned()));
    assert_eq!(entrants(&last.ties[0]), [None, None]);
    assert_eq!(last.ties[0].away, Entrant::Placeholder("Winner semifinals 2".to_owned()));
    assert_eq!(third.ties[0].home, Entrant::Placeholder("Loser semifinals 1".to_owned()));
    assert_eq!((bracket.champion, bracket.notes), (None, Vec::new()));
}

#[test]
fn published_slots_are_filled_and_known_teams_stay() {
    // The semifinals are published: one with a team at the other side than drawn, one with two slots.
    let semis = [open(11, ("E", "?Winner QF4"), 10), open(12, ("?W47", "?W48"), 11)];
    let parts = [round("quarterfinals", 1, &quarterfinals()), round("semifinals", 2, &semis)];
    let joined = bracket(&parts, &[tree()]);
    let semis = &joined.rounds[1].ties;
    assert_eq!(semis.iter().map(entrants).collect::<Vec<_>>(), [[Some("E"), None], [Some("D"), Some("A")]]);
    assert_eq!(
        joined.rounds[0].ties[0].next.as_ref().map(|next| (next.number, next.side)),
        Some((1, Side::Away))
    );
    assert_eq!(semis[0].away, Entrant::Placeholder("Winner QF4".to_owned()));
    // Without a drawing only the teams that appear show it.
    let alone = bracket(&parts, &[]);
    let lines: Vec<_> =
        alone.rounds[0].ties.iter().map(|tie| tie.next.as_ref().map(|next| next.number)).collect();
    assert_eq!(lines, [None, None, Some(1), None]);
    assert_eq!(entrants(&alone.rounds[1].ties[1]), [None, None]);
}

#[test]
fn a_drawing_out_of_date_gives_way_to_the_fixtures() {
    // The draw was repeated: A, drawn to meet D, meets E.
    let semis = [open(11, ("A", "E"), 10), open(12, ("D", "?W4"), 11)];
    let parts = [round("quarterfinals", 1, &quarterfinals()), round("semifinals", 2, &semis)];
    let mut tree = tree();
    tree.rounds[1].blocks[0].participants[1].entrant = team("E");
    tree.rounds[1].blocks[1].events = vec!["12".to_owned()];
    tree.rounds[1].blocks[1].participants[0].entrant = team("B");
    tree.rounds[1].blocks[1].participants[1].entrant = team("C");
    let bracket = bracket(&parts, &[tree]);
    let semis: Vec<_> = bracket.rounds[1].ties.iter().map(entrants).collect();
    assert_eq!(semis, [[Some("A"), Some("E")], [Some("D"), None]]);
    let next = bracket.rounds[0].ties.last().and_then(|tie| tie.next.as_ref());
    assert_eq!(next.map(|next| (next.number, next.side)), Some((1, Side::Home)));
}

#[test]
fn a_match_for_third_place_drawn_beside_the_final_is_none_of_its_ties() {
    let mut tree = tree();
    tree.rounds[2].ties = Some(1);
    tree.rounds[2].blocks.push(block(2, &[(None, None), (None, None)]));
    let parts = [
        round("quarterfinals", 1, &quarterfinals()),
        round("semifinals", 2, &[]),
        round("match-for-3rd-place", 3, &[]),
        round("final", 4, &[]),
    ];
    let bracket = bracket(&parts, &[tree]);
    assert_eq!(bracket.rounds.iter().map(|round| round.ties.len()).collect::<Vec<_>>(), [4, 2, 1, 1]);
}

#[test]
fn semifinals_lead_to_the_final_and_to_the_match_for_third_place() {
    let semis = [played(1, ("A", "B"), 0, (1, 0)), shootout(played(2, ("C", "D"), 1, (0, 0)), (1, 3))];
    let parts = |third: &[KnockoutMatch], last: &[KnockoutMatch]| {
        [round("semifinals", 1, &semis), round("match-for-3rd-place", 2, third), round("final", 3, last)]
    };
    let early = bracket(&parts(&[], &[]), &[]);
    assert_eq!(entrants(&early.rounds[1].ties[0]), [Some("B"), Some("C")]);
    assert_eq!(entrants(&early.rounds[2].ties[0]), [Some("A"), Some("D")]);
    assert_eq!(early.champion, None);
    // The provider has them the other way round: the slots are those of its fixtures.
    let late = bracket(&parts(&[played(3, ("C", "B"), 5, (1, 2))], &[played(4, ("D", "A"), 6, (2, 1))]), &[]);
    let ties = &late.rounds[0].ties;
    assert_eq!(
        ties.iter().map(|tie| tie.next.as_ref().unwrap().side).collect::<Vec<_>>(),
        [Side::Away, Side::Home]
    );
    assert_eq!(
        ties[0].loser_next.as_ref().map(|next| (next.round_slug.as_str(), next.side)),
        Some(("match-for-3rd-place", Side::Away))
    );
    assert_eq!((late.champion.as_deref(), late.notes.len()), (Some("D"), 0));
}

#[test]
fn the_next_round_adds_what_the_matches_do_not_have_and_contradictions_are_noted() {
    let toss = played(1, ("A", "B"), 0, (1, 1));
    let later = [played(3, ("B", "D"), 9, (1, 0))];
    let joined = bracket(
        &[round("semifinals", 1, &[toss, played(2, ("C", "D"), 0, (1, 0))]), round("final", 2, &later)],
        &[],
    );
    let [first, second] = joined.rounds[0].ties.as_slice() else { panic!() };
    assert_eq!((first.winning_team(), first.decided_by), (Some("B"), Some(DecidedBy::ProviderOnly)));
    // C won on the pitch, D plays the final: a second chance, perhaps.
    assert_eq!(second.winning_team(), Some("C"));
    let notes: Vec<_> = joined.notes.iter().map(|note| (note.number, note.text.as_str())).collect();
    assert_eq!(
        notes,
        [
            (2, "the home side goes through (single-match), but the next round has the away side"),
            (2, "final tie 1 has two other teams"),
        ]
    );
    assert_eq!(entrants(&joined.rounds[1].ties[0]), [Some("B"), Some("D")]);
}

#[test]
fn a_winner_that_is_excluded_does_not_go_through() {
    // Both the provider's winner and the next round have the team that lost.
    let mut semis = [played(1, ("A", "B"), 0, (1, 0)), played(2, ("C", "D"), 0, (1, 0))];
    semis[1].winner = Some(Side::Away);
    let last = [open(3, ("A", "D"), 9)];
    let joined = bracket(&[round("semifinals", 1, &semis), round("final", 2, &last)], &[]);
    let second = &joined.rounds[0].ties[1];
    assert_eq!((second.winning_team(), second.decided_by), (Some("D"), Some(DecidedBy::ProviderOnly)));
    assert_eq!(second.next.as_ref().map(|next| (next.number, next.side)), Some((1, Side::Away)));
    assert!(joined.notes.iter().any(|note| note.text.ends_with("it goes through by decision")));
    assert_eq!(entrants(&joined.rounds[1].ties[0]), [Some("A"), Some("D")]);
}

#[test]
fn nobody_is_through_too_early() {
    // While a tie is open, neither the next round's fixture nor the drawing decides it.
    let mut tree = tree();
    (tree.rounds[0].blocks[0].finished, tree.rounds[0].blocks[0].winner) = (true, Some("G".to_owned()));
    let semis = [open(11, ("E", "G"), 10)];
    let parts = [round("quarterfinals", 1, &quarterfinals()), round("semifinals", 2, &semis)];
    let undecided = |trees: &[Tree]| {
        let ties = bracket(&parts, trees).rounds[0].ties.clone();
        ties.into_iter().find(|tie| tie.side_of("G").is_some()).unwrap().winner
    };
    assert_eq!((undecided(&[tree]), undecided(&[])), (None, None));
    // A team that appears together with its opponent has not gone through by that.
    let first = [played(1, ("A", "B"), 0, (1, 1)), played(2, ("C", "D"), 0, (1, 0))];
    let second_chance = [open(3, ("A", "B"), 9), open(4, ("C", "X"), 9)];
    let joined = bracket(&[round("round-1", 1, &first), round("round-2", 2, &second_chance)], &[]);
    assert_eq!(joined.rounds[0].ties[0].winner, None);
    // One published semifinal of two is not the final.
    let parts = [
        round("quarterfinals", 1, &quarterfinals()),
        round("semifinals", 2, &[played(9, ("A", "D"), 9, (1, 0))]),
    ];
    assert_eq!(bracket(&parts, &[]).champion, None);
}

#[test]
fn columns_find_their_rounds() {
    // By name: no match of the cup is known.
    let quarters = |tree: &Tree, slug: &str| {
        let bracket =
            bracket(&[round(slug, 1, &[]), round("semifinals", 2, &[])], std::slice::from_ref(tree));
        bracket.rounds.iter().map(|round| round.ties.len()).collect::<Vec<_>>()
    };
    let mut tree = tree();
    assert_eq!(quarters(&tree, "quarterfinals"), [4, 2]);
    tree.rounds[0].description = "1/4".to_owned();
    assert_eq!(quarters(&tree, "round-of-8"), [4, 2]);
    assert_eq!(quarters(&tree, "last-eight"), [0, 2]);
    // By order: the column before has found its round.
    tree.rounds[1].description = "Last four".to_owned();
    assert_eq!(quarters(&tree, "round-of-8"), [4, 2]);
    // By its match: what is drawn beside the final was played in another round.
    tree.rounds[2].ties = None;
    let third = Block { events: vec!["30".to_owned()], ..block(2, &[(team("B"), None), (team("C"), None)]) };
    tree.rounds[2].blocks[0].events = vec!["31".to_owned()];
    tree.rounds[2].blocks.push(third);
    let parts = [
        round("match-for-3rd-place", 3, &[played(30, ("B", "C"), 20, (1, 0))]),
        round("final", 4, &[played(31, ("A", "D"), 21, (1, 0))]),
    ];
    let bracket = bracket(&parts, &[tree]);
    assert_eq!(bracket.rounds.iter().map(|round| round.ties.len()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn stages_stay_apart() {
    // A league phase is between them; a team that appears later has not come directly from the qualification.
    let first = [played(1, ("A", "B"), 0, (0, 0)), played(2, ("C", "D"), 0, (1, 0))];
    let later = [played(3, ("A", "C"), 90, (1, 0))];
    let parts = [round("qualification-final", 1, &first), round("final", 10, &later)];
    let bracket = bracket(&parts, &[]);
    assert!(bracket.rounds[0].ties.iter().all(|tie| tie.next.is_none()));
    assert_eq!(bracket.rounds[0].ties[0].winner, None);
    assert_eq!(bracket.champion.as_deref(), Some("A"));
    // A league's relegation play-off has no champion.
    let parts = [round("relegation-promotion-round-1", 39, &[played(1, ("A", "B"), 0, (1, 0))])];
    assert_eq!(super::bracket(&parts, &[]).champion, None);
}

#[test]
fn the_drawing_knows_byes_legs_and_winners() {
    let mut tree = tree();
    tree.rounds.truncate(2);
    let quarters = &mut tree.rounds[0].blocks;
    quarters[0] = Block { bye: true, ..block(1, &[(team("G"), None)]) };
    quarters[1].legs = Some(2);
    (quarters[2].finished, quarters[2].winner) = (true, Some("C".to_owned()));
    let matches = [
        played(1, ("A", "B"), 0, (1, 0)),
        played(2, ("C", "D"), 1, (1, 1)),
        played(3, ("E", "F"), 2, (2, 0)),
    ];
    let bracket = bracket(&[round("quarterfinals", 1, &matches), round("semifinals", 2, &[])], &[tree]);
    let decided: Vec<_> =
        bracket.rounds[0].ties.iter().map(|tie| (tie.winning_team(), tie.decided_by)).collect();
    assert_eq!(
        decided,
        [
            (Some("G"), Some(DecidedBy::Bye)),
            (None, None),
            (Some("C"), Some(DecidedBy::ProviderOnly)),
            (Some("A"), Some(DecidedBy::SingleMatch)),
        ]
    );
    assert_eq!(
        bracket.rounds[1].ties.iter().map(entrants).collect::<Vec<_>>(),
        [[Some("G"), None], [Some("C"), Some("A")]]
    );
    assert_eq!(bracket.notes, []);
}

#[test]
fn the_summary_has_the_promised_shape() {
    let legs = [played(1, ("A", "B"), 0, (2, 1)), shootout(played(2, ("B", "A"), 7, (1, 0)), (3, 4))];
    let bracket =
        bracket(&[round("semifinals", 1, &legs), round("final", 2, &[open(3, ("A", "?W2"), 20)])], &[]);
    let name = |id: &str| (id == "A").then(|| "Ajax".to_owned());
    assert_eq!(
        serde_json::json!({"bracket": summary(&bracket, name)}),
        serde_json::json!({"bracket": [
            {"round": "semifinals", "ties": [{
                "home": "Ajax", "away": "B",
                "legs": [
                    {"home_score": 2, "away_score": 1, "penalties": null},
                    {"home_score": 0, "away_score": 1, "penalties": [4, 3]},
                ],
                "aggregate": [2, 2], "winner": "Ajax", "decided_by": "shootout",
            }]},
            {"round": "final", "ties": [{
                "home": "Ajax", "away": "W2",
                "legs": [{"home_score": null, "away_score": null, "penalties": null}],
                "aggregate": null, "winner": null, "decided_by": null,
            }]},
        ]})
    );
}
