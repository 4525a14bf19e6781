//! Matches that do not go as planned, shown by the replay provider and followed by schedules alone.

use crate::harness::{LEAGUE, texts};
use crate::played::{Played, played};

async fn faulty(faults: &[&str]) -> Played {
    played(LEAGUE, None, faults).await
}

const TABLE: [&str; 4] = ["Ash 6 16", "Birch 6 8", "Elm 6 6", "Cedar 6 2"];

#[tokio::test]
async fn a_postponed_match_is_played_on_its_new_date_and_counts_once() {
    let world = faulty(&["postpone:Birch-Cedar:2024-03-20T19:30"]).await;
    assert_eq!(world.matches("Birch", "Cedar").await, ["3-0 ended 03-20 19:30"]);
    assert_eq!(world.table(), TABLE);
    assert_eq!(world.summary.schedules.left, 0);
}

#[tokio::test]
async fn a_postponed_match_that_gets_a_new_id_leaves_its_old_entry_behind() {
    let world = faulty(&["postpone:Birch-Cedar:2024-03-20T19:30:new-id"]).await;
    let matches = world.matches("Birch", "Cedar").await;
    assert!(matches.contains(&"3-0 ended 03-20 19:30".to_owned()), "{matches:?}");
    assert_eq!(matches.iter().filter(|line| line.contains("not-defined")).count(), 1, "{matches:?}");
    assert_eq!(world.table(), TABLE);
}

#[tokio::test]
async fn an_abandoned_match_is_resumed_and_one_that_starts_late_is_followed() {
    let world = faulty(&["abandon:Ash-Birch:60:2024-03-05T18:00", "late:Elm-Ash:45:moves"]).await;
    assert_eq!(world.table(), TABLE);
    assert!(world.matches("Ash", "Birch").await[0].starts_with("2-1 ended"));
    assert_eq!(world.matches("Elm", "Ash").await, ["1-4 ended 03-09 15:45"]);
    // The later kickoff was seen by the interim check, and its own closing check was made on the spot.
    let closing = "SELECT to_char(planned_for, 'MM-DD HH24:MI') FROM data_provider_executions
                    WHERE idempotency_key LIKE '%:2:closing:%' AND operation_type = 'matches_update' ORDER BY 1";
    let closing = texts(&world.db, closing).await;
    assert!(closing.contains(&"03-09 17:45".to_owned()), "{closing:?}");
}

#[tokio::test]
async fn a_correction_after_the_whistle_is_taken_and_said() {
    let world = faulty(&["correct:Ash-Cedar:300:2-1"]).await;
    assert_eq!(world.matches("Ash", "Cedar").await, ["2-1 ended 03-16 15:00"]);
    assert!(
        world.warnings().await.contains("was corrected after it had ended"),
        "{}",
        world.warnings().await
    );
    assert_eq!(world.table()[0], "Ash 6 18");
}

#[tokio::test]
async fn a_goal_taken_back_waits_for_a_second_sighting_and_is_right_in_the_end() {
    // The interim check falls into the five minutes in which one goal too many is shown.
    let world = faulty(&["disallow:Birch-Elm:88"]).await;
    assert_eq!(world.matches("Birch", "Elm").await, ["2-2 ended 03-16 15:00"]);
    assert_eq!(world.table(), TABLE);
}

#[tokio::test]
async fn an_unheard_of_status_leaves_the_row_as_it_was_and_is_reported() {
    let world = faulty(&["status:Birch-Ash:77:strange:0:240"]).await;
    assert!(world.warnings().await.contains("status is not known: code 77"), "{}", world.warnings().await);
    assert!(world.matches("Birch", "Ash").await[0].starts_with("0-1 ended"), "taken once it is known again");
    assert_eq!(world.table(), TABLE);
}

#[tokio::test]
async fn a_match_that_vanishes_from_its_round_is_found_by_its_own_id() {
    let world = faulty(&["vanish:Elm-Cedar:-600"]).await;
    assert_eq!(world.matches("Elm", "Cedar").await, ["2-0 ended 03-23 15:00"]);
    assert!(world.warnings().await.contains("found by its own id"), "{}", world.warnings().await);
    assert!(world.replay.provider.requests_by_kind()["event"] >= 1);
    assert_eq!(world.table(), TABLE);
}

#[tokio::test]
async fn a_cancelled_match_is_not_waited_for() {
    let world = faulty(&["status:Elm-Birch:70:canceled:-2000"]).await;
    assert!(
        world.matches("Elm", "Birch").await[0].contains("not-defined"),
        "{:?}",
        world.matches("Elm", "Birch").await
    );
    assert_eq!(world.summary.schedules.left, 0);
    assert_eq!(world.summary.matches.open, 0);
}
