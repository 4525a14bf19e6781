//! Matches that do not go as planned, shown by the replay provider and followed by schedules alone: one season with a
//! fault in each of most of its matches, which do not disturb each other.

use crate::harness::LEAGUE;
use crate::played::Play;

#[tokio::test]
async fn whatever_happens_to_a_match_is_followed_to_its_right_end() {
    let league = Play::text(LEAGUE)
        .faults(&[
            "abandon:Ash-Birch:60:2024-03-05T18:00",
            "postpone:Birch-Cedar:2024-03-20T19:30",
            "late:Elm-Ash:45:moves",
            "correct:Ash-Cedar:300:2-1",
            // The interim check runs in the five minutes in which one extra goal is shown.
            "disallow:Birch-Elm:88",
            "status:Birch-Ash:77:strange:0:240",
            "vanish:Elm-Cedar:-600",
            "postpone:Cedar-Birch:2024-04-03T19:30:new-id",
            "status:Elm-Birch:70:canceled:-2000",
        ])
        .run()
        .await;
    let warnings = league.warnings().await;
    let matches = async |home, away| league.matches(home, away).await;

    // Abandoned, and resumed three days later.
    assert!(matches("Ash", "Birch").await[0].starts_with("2-1 ended"));
    // Postponed: played on its new date, and counted once.
    assert_eq!(matches("Birch", "Cedar").await, ["3-0 ended 03-20 19:30"]);
    // Begun 45 minutes late: the interim check read the later kickoff, and scheduled a closing check at once.
    assert_eq!(matches("Elm", "Ash").await, ["1-4 ended 03-09 15:45"]);
    let closing = "SELECT to_char(planned_for, 'MM-DD HH24:MI') FROM data_provider_executions
                    WHERE idempotency_key LIKE '%:2:closing:%' AND operation_type = 'matches_update' ORDER BY 1";
    let closing = league.texts(closing).await;
    assert!(closing.contains(&"03-09 17:45".to_owned()), "{closing:?}");
    // Corrected after the final whistle: applied and reported.
    assert_eq!(matches("Ash", "Cedar").await, ["2-1 ended 03-16 15:00"]);
    assert!(warnings.contains("was corrected after it had ended"), "{warnings}");
    // A goal was disallowed: the lower score must be read twice, and the final result is correct.
    assert_eq!(matches("Birch", "Elm").await, ["2-2 ended 03-16 15:00"]);
    // An unknown status for a while: the row is unchanged, which is reported; updated once the status is known again.
    assert!(warnings.contains("status is not known: code 77"), "{warnings}");
    assert!(matches("Birch", "Ash").await[0].starts_with("0-1 ended"));
    // Vanished from its round: found by its own id.
    assert_eq!(matches("Elm", "Cedar").await, ["2-0 ended 03-23 15:00"]);
    assert!(warnings.contains("found by its own id"), "{warnings}");
    assert!(league.replay.provider.requests_by_kind()["event"] >= 1);
    // Postponed under a new id: the old entry stays behind.
    let moved = matches("Cedar", "Birch").await;
    assert!(moved.contains(&"1-2 ended 04-03 19:30".to_owned()), "{moved:?}");
    assert_eq!(moved.iter().filter(|line| line.contains("not-defined")).count(), 1, "{moved:?}");
    // Cancelled: not waited for.
    assert!(matches("Elm", "Birch").await[0].contains("not-defined"));

    assert_eq!(league.table().await, ["Ash 6 18", "Birch 5 7", "Elm 5 5", "Cedar 6 1"]);
    assert_eq!((league.summary.matches.open, league.summary.schedules.left), (0, 0));
}
