//! A cup with every special case of cups, shown by the replay provider and followed by schedules alone.

use crate::played::Play;

/// A qualifying round, a first round with byes, and two rounds of two legs each, with every way to decide a tie.
const CUP: &str = r#"{"name": "Forest Cup 2024", "matches": [
  {"round": "Qualifying, First round", "date": "2024-02-01", "team1": "Rowan", "team2": "Hazel", "score": {"ft": [1, 1], "et": [1, 1], "p": [3, 4]}},
  {"round": "First round", "date": "2024-02-06", "team1": "Ash", "team2": "Birch", "score": {"ft": [1, 1]}},
  {"round": "First round", "date": "2024-02-07", "team1": "Cedar", "team2": "Hazel", "score": {"ft": [0, 1]}},
  {"round": "First round", "date": "2024-02-07", "team1": "Elm", "team2": "Fir", "score": {"ft": [0, 3]}, "status": "awarded"},
  {"round": "First round", "date": "2024-02-07", "team1": "Oak", "team2": "Pine", "status": "cancelled"},
  {"round": "First round, Replay", "date": "2024-02-09", "team1": "Birch", "team2": "Ash", "score": {"ft": [2, 0]}},
  {"round": "Quarter-finals", "date": "2024-02-13", "team1": "Birch", "team2": "Yew", "score": {"ft": [2, 1]}},
  {"round": "Quarter-finals", "date": "2024-02-13", "team1": "Hazel", "team2": "Larch", "score": {"ft": [1, 0]}},
  {"round": "Quarter-finals", "date": "2024-02-14", "team1": "Fir", "team2": "Maple", "score": {"ft": [1, 1]}},
  {"round": "Quarter-finals", "date": "2024-02-14", "team1": "Willow", "team2": "Pine", "score": {"ft": [3, 0]}},
  {"round": "Quarter-finals", "date": "2024-02-17", "team1": "Yew", "team2": "Birch", "score": {"ft": [1, 0]}},
  {"round": "Quarter-finals", "date": "2024-02-17", "team1": "Larch", "team2": "Hazel", "score": {"ft": [1, 0], "et": [1, 0], "p": [2, 4]}},
  {"round": "Quarter-finals", "date": "2024-02-18", "team1": "Maple", "team2": "Fir", "score": {"ft": [1, 1], "et": [1, 2]}},
  {"round": "Quarter-finals", "date": "2024-02-18", "team1": "Pine", "team2": "Willow", "score": {"ft": [0, 3]}, "status": "awarded"},
  {"round": "Semi-finals", "date": "2024-02-21", "team1": "Yew", "team2": "Hazel", "score": {"ft": [0, 2]}},
  {"round": "Semi-finals", "date": "2024-02-21", "team1": "Fir", "team2": "Willow", "score": {"ft": [1, 0]}},
  {"round": "Semi-finals", "date": "2024-02-24", "team1": "Hazel", "team2": "Yew", "score": {"ft": [0, 1]}},
  {"round": "Semi-finals", "date": "2024-02-24", "team1": "Willow", "team2": "Fir", "score": {"ft": [2, 0]}},
  {"round": "Match for third place", "date": "2024-02-27", "team1": "Yew", "team2": "Fir", "score": {"ft": [2, 2], "p": [5, 4]}},
  {"round": "Final", "date": "2024-02-28", "team1": "Hazel", "team2": "Willow", "score": {"ft": [1, 1], "et": [2, 2], "p": [4, 3]}}
]}"#;

const BYES: &str = r#"{"byes": ["Larch", "Maple", "Willow", "Yew"]}"#;

#[tokio::test]
async fn every_way_to_go_through_is_recorded_and_the_champion_came_from_the_qualification() {
    let cup = Play::text(CUP).rules(BYES).run().await;
    assert_eq!(cup.summary.problems(), Vec::<String>::new());
    assert_eq!(
        cup.bracket(),
        [
            "qualification-first-round: Rowan-Hazel 1-1 (3-4): Hazel by shootout",
            "first-round: Ash-Birch 1-1 and 0-2: Birch by replay",
            "first-round: Yew-Bye : Yew by bye",
            "first-round: Cedar-Hazel 0-1: Hazel by single-match",
            "first-round: Larch-Bye : Larch by bye",
            "first-round: Elm-Fir 0-3: Fir by awarded",
            "first-round: Maple-Bye : Maple by bye",
            "first-round: Willow-Bye : Willow by bye",
            "first-round: Oak-Pine ?-?: Pine by provider-only",
            "quarterfinals: Birch-Yew 2-1 and 0-1, 2-2: Yew by away-goals",
            "quarterfinals: Hazel-Larch 1-0 and 0-1 (4-2), 1-1: Hazel by shootout",
            "quarterfinals: Fir-Maple 1-1 and 2-1, 3-2: Fir by extra-time",
            "quarterfinals: Willow-Pine 3-0 and 3-0, 6-0: Willow by aggregate",
            "semifinals: Yew-Hazel 0-2 and 1-0, 1-2: Hazel by aggregate",
            "semifinals: Fir-Willow 1-0 and 0-2, 1-2: Willow by aggregate",
            "match-for-3rd-place: Yew-Fir 2-2 (5-4): Yew by shootout",
            "final: Hazel-Willow 2-2 (4-3): Hazel by shootout",
        ]
    );
    assert_eq!(cup.summary.champion.as_deref(), Some("Hazel"));
    assert_eq!(cup.summary.tournament.status, "completed");
    assert_eq!((cup.summary.matches.open, cup.summary.schedules.left), (0, 0));
}

#[tokio::test]
async fn a_correction_of_the_final_makes_another_champion() {
    // After the season's last match no check is scheduled: the next daily routine rereads the day before.
    let season = CUP.replace(r#""et": [2, 2], "p": [4, 3]"#, r#""et": [2, 1]"#);
    let faults = ["correct:Hazel-Willow:300:2-3"];
    let cup = Play::text(&season).rules(BYES).faults(&faults).from("2024-02-26").run().await;
    assert_eq!(cup.summary.champion.as_deref(), Some("Willow"));
    assert!(cup.warnings().await.contains("was corrected after it had ended"), "{}", cup.warnings().await);
}
