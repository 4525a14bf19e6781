//! The bulk statements against a real database: what they write, and what they leave unchanged.

use std::time::Duration;

use chrono::TimeDelta;
use football::domain::{Match, MatchStatus, Mode, ProviderName, Score, Stage, StandingsMode, Team, TieFacts};
use shared::outcomes::Outcomes;
use shared::store::circuit::{self, Admission};
use shared::store::pace::{self, Turn};
use shared::store::teams::TeamRow;
use shared::store::tournaments::NewTournament;
use shared::store::{Connection, Store, matches, teams, tournaments};
use uuid::Uuid;

use crate::harness::{empty_database, migrated_database, moment};
use crate::records::{Records, texts};

const PROVIDER: &str = "sofascore";
const SOFASCORE: ProviderName = ProviderName::SofaScore;

async fn store() -> Store {
    Store::new(&migrated_database().await.into(), None).unwrap()
}

fn now() -> chrono::DateTime<chrono::Utc> {
    moment("2024-01-01T00:00:00Z")
}

async fn tournament(client: &Connection, slug: &str) -> Uuid {
    let new = NewTournament {
        external_id: "1".into(),
        base_url: "https://www.sofascore.com/api/v1/unique-tournament/1/season/2".into(),
        public_url: None,
        slug: slug.into(),
        provider: ProviderName::SofaScore,
        season: "2024".into(),
        mode: Mode::RegularSeasonOnly,
        standings_mode: StandingsMode::UniqueGroup,
        label: "L".into(),
        logo: String::new(),
    };
    tournaments::insert(&**client, &new, now()).await.unwrap()
}

fn team(id: u32, badge: Option<&str>) -> TeamRow {
    let team = Team { external_id: id.to_string(), name: format!("Team {id}"), short_name: None };
    TeamRow { team, badge: badge.map(Into::into) }
}

fn game(id: &str, home: u32, status: MatchStatus, score: Option<(i32, i32)>, changed: i64) -> Match {
    Match {
        external_id: id.into(),
        round_slug: "1".into(),
        stage: Stage::Unknown,
        group_name: String::new(),
        home: home.to_string(),
        away: "2".into(),
        kickoff: Some(now()),
        status,
        called_off: None,
        score: score.map(|(home, away)| Score::new(home, away)),
        changed_at: Some(now() + TimeDelta::seconds(changed)),
        tie: TieFacts::default(),
    }
}

fn outcomes(inserted: u64, updated: u64, unchanged: u64, unresolved: u64) -> Outcomes {
    Outcomes { inserted, updated, unchanged, unresolved }
}

#[tokio::test]
async fn only_what_changed_is_written_and_what_names_no_team_is_given_back() {
    let store = store().await;
    let client = store.client().await.unwrap();
    let id = tournament(&client, "l").await;
    teams::upsert(&*client, PROVIDER, &[team(1, None), team(2, None)], now()).await.unwrap();
    let write = async |matches: &[Match], minute: i64| {
        matches::upsert(&*client, SOFASCORE, id, matches, |_| SOFASCORE, now() + TimeDelta::minutes(minute))
            .await
            .unwrap()
    };
    let open = MatchStatus::Open;
    let batch = [game("10", 1, open, None, 0), game("11", 1, open, None, 0), game("12", 99, open, None, 0)];
    let written = write(&batch, 0).await;
    assert_eq!((written.outcomes, written.unresolved), (outcomes(2, 0, 0, 1), vec!["12".to_owned()]));
    assert_eq!(written.written.keys().collect::<Vec<_>>(), ["10", "11"]);
    assert_eq!(write(&batch[..2], 1).await.outcomes, outcomes(0, 0, 2, 0));
    let scored = [game("10", 1, open, Some((1, 0)), 5), batch[1].clone()];
    assert_eq!(write(&scored, 2).await.outcomes, outcomes(0, 1, 1, 0));
    let touched = "SELECT concat(external_id, ' ', to_char(updated_at, 'MI'), ' ', to_char(last_checked_at, 'MI')) FROM match ORDER BY external_id";
    assert_eq!(texts(&client, touched).await, ["10 02 02", "11 00 00"], "updated_at moves only on change");
}

#[tokio::test]
async fn the_database_itself_keeps_an_ended_match_and_refuses_an_older_payload() {
    let store = store().await;
    let client = store.client().await.unwrap();
    let id = tournament(&client, "l").await;
    teams::upsert(&*client, PROVIDER, &[team(1, None), team(2, None)], now()).await.unwrap();
    let write = async |one: Match| {
        matches::upsert(&*client, SOFASCORE, id, &[one], |_| SOFASCORE, now()).await.unwrap().outcomes
    };
    let ended = MatchStatus::Ended;
    assert_eq!(write(game("10", 1, ended, Some((2, 1)), 100)).await, outcomes(1, 0, 0, 0));
    for poorer in [
        game("10", 1, MatchStatus::Open, Some((0, 0)), 200),
        game("10", 1, MatchStatus::NotDefined, None, 100),
        game("10", 1, ended, None, 200),
        game("10", 1, ended, Some((9, 9)), 50),
    ] {
        assert_eq!(write(poorer).await, outcomes(0, 0, 1, 0));
    }
    assert_eq!(
        texts(&client, "SELECT concat(home_score, '-', away_score, ' ', status) FROM match").await,
        ["2-1 ended"]
    );
    // A correction is a newer payload with a result.
    assert_eq!(write(game("10", 1, ended, Some((2, 2)), 200)).await, outcomes(0, 1, 0, 0));
    // An annulment is a newer decision.
    assert_eq!(write(game("10", 1, MatchStatus::NotDefined, None, 300)).await, outcomes(0, 1, 0, 0));
}

#[tokio::test]
async fn the_applications_own_columns_are_never_touched() {
    let store = store().await;
    let client = store.client().await.unwrap();
    let id = tournament(&client, "l").await;
    teams::upsert(&*client, PROVIDER, &[team(1, Some("https://x/1.png")), team(2, None)], now())
        .await
        .unwrap();
    matches::upsert(
        &*client,
        SOFASCORE,
        id,
        &[game("10", 1, MatchStatus::Open, None, 0)],
        |_| SOFASCORE,
        now(),
    )
    .await
    .unwrap();
    client
        .batch_execute("UPDATE match SET scoreboard_applied_at = '2024-01-02', time = '15:00', stadium = 'S', tournament_match = 'x'")
        .await
        .unwrap();
    matches::upsert(
        &*client,
        SOFASCORE,
        id,
        &[game("10", 1, MatchStatus::Ended, Some((1, 0)), 9)],
        |_| SOFASCORE,
        now(),
    )
    .await
    .unwrap();
    let own =
        "SELECT concat_ws(' ', scoreboard_applied_at, time, stadium, tournament_match, status) FROM match";
    assert_eq!(texts(&client, own).await, ["2024-01-02 00:00:00 15:00 S x ended"]);
    // A team written again without a badge keeps the one it has.
    let again = teams::upsert(&*client, PROVIDER, &[team(1, None)], now()).await.unwrap();
    assert_eq!(again, outcomes(0, 0, 1, 0));
    assert_eq!(texts(&client, "SELECT badge FROM team WHERE external_id = '1'").await, ["https://x/1.png"]);
}

#[tokio::test]
async fn one_tournaments_match_is_not_taken_by_another() {
    let store = store().await;
    let client = store.client().await.unwrap();
    let (one, other) = (tournament(&client, "l").await, tournament(&client, "m").await);
    teams::upsert(&*client, PROVIDER, &[team(1, None), team(2, None)], now()).await.unwrap();
    let game = [game("10", 1, MatchStatus::Open, None, 0)];
    matches::upsert(&*client, SOFASCORE, one, &game, |_| SOFASCORE, now()).await.unwrap();
    let upserted = matches::upsert(&*client, SOFASCORE, other, &game, |_| SOFASCORE, now()).await.unwrap();
    assert_eq!((upserted.outcomes, upserted.unresolved), (outcomes(0, 0, 0, 1), vec!["10".to_owned()]));
}

#[tokio::test]
async fn migrating_twice_does_nothing_the_second_time() {
    let store = Store::new(&empty_database().await.into(), None).unwrap();
    let applied = store.migrate().await.unwrap();
    assert_eq!(applied[..2], ["V1__application_tables", "V2__pipeline_columns"]);
    assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_migration_gives_way_to_the_application_and_is_applied_when_it_can_be() {
    let url = empty_database().await;
    let store = Store::new(&url.clone().into(), None).unwrap();
    store.migrate().await.unwrap();
    let mut dump = local::postgres::connect(&url).await.unwrap();
    dump.batch_execute("DELETE FROM refinery_schema_history WHERE version >= 11").await.unwrap();
    // A dump reads the table for a while.
    let reading = dump.transaction().await.unwrap();
    reading.batch_execute("SELECT count(*) FROM match").await.unwrap();
    let migration = tokio::spawn(async move { store.migrate().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!migration.is_finished());
    // The application's statements are served meanwhile: the migration does not hold its place in the queue.
    let other = local::postgres::connect(&url).await.unwrap();
    let read =
        tokio::time::timeout(Duration::from_secs(10), other.batch_execute("SELECT count(*) FROM match"));
    read.await.expect("the application waits behind the migration").unwrap();
    reading.rollback().await.unwrap();
    let applied = migration.await.unwrap().unwrap();
    assert_eq!(
        applied,
        [
            "V11__decisions_of_the_competition",
            "V12__scheduled_checks",
            "V13__failures_and_browser",
            "V14__change_history",
            "V15__operators_decisions",
            "V16__second_providers"
        ]
    );
}

#[tokio::test]
async fn a_database_of_a_newer_version_can_be_deployed_to() {
    let url = empty_database().await;
    let store = Store::new(&url.clone().into(), None).unwrap();
    store.migrate().await.unwrap();
    let db = local::postgres::connect(&url).await.unwrap();
    db.batch_execute(
        "INSERT INTO refinery_schema_history SELECT 99, 'of_the_future', applied_on, checksum
           FROM refinery_schema_history WHERE version = 1",
    )
    .await
    .unwrap();
    assert_eq!(store.migrate().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn of_many_that_want_to_ask_one_has_the_turn_and_gives_it_back() {
    let store = store().await;
    let pause = Duration::from_secs(100);
    let client = store.client().await.unwrap();
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let take = async |asker, at_most| pace::take_turn(&*client, PROVIDER, asker, at_most).await.unwrap();
    assert_eq!(take(first, pause).await, Turn::Yours);
    assert_eq!(take(second, pause).await, Turn::Wait(Duration::ZERO), "a request is under way");
    pace::end_turn(&*client, PROVIDER, first, pause).await.unwrap();
    assert!(matches!(take(second, pause).await, Turn::Wait(wait) if wait.as_secs() >= 99));
    // A long `Retry-After` applies to all runs.
    pace::hold_off(&*client, PROVIDER, pause * 10).await.unwrap();
    assert!(matches!(take(first, pause).await, Turn::Wait(wait) if wait.as_secs() >= 999));
}

#[tokio::test]
async fn a_turn_that_is_not_given_back_runs_out() {
    let store = store().await;
    let client = store.client().await.unwrap();
    let take = async |asker| {
        pace::take_turn(&*client, PROVIDER, Uuid::from_u128(asker), Duration::from_millis(200)).await.unwrap()
    };
    assert_eq!(take(1).await, Turn::Yours);
    assert_eq!(take(2).await, Turn::Wait(Duration::ZERO));
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(take(2).await, Turn::Yours);
}

#[tokio::test]
async fn a_circuit_opens_lets_one_try_stays_open_longer_and_closes() {
    let store = store().await;
    let client = store.client().await.unwrap();
    let hours = TimeDelta::hours;
    let start = now();
    let admit = async |at| circuit::admit(&*client, PROVIDER, at).await.unwrap();
    let open = async |at| circuit::open(&*client, PROVIDER, "403", at, hours(2)).await.unwrap();
    assert_eq!(admit(start).await, Admission::Closed);
    assert_eq!(open(start).await, start + hours(2));
    // Another run that was in progress when it opened changes nothing.
    assert_eq!(open(start + TimeDelta::minutes(1)).await, start + hours(2));
    let notice = circuit::claim_message(&*client, start).await.unwrap().unwrap();
    assert!(notice.opened);
    assert_eq!(circuit::claim_message(&*client, start).await.unwrap(), None, "somebody is at it");
    circuit::message_sent(&*client, &notice).await.unwrap();

    assert!(
        matches!(admit(start + hours(1)).await, Admission::Refused { until, .. } if until == start + hours(2))
    );
    let later = start + hours(2);
    assert_eq!(admit(later).await, Admission::Trial);
    assert!(matches!(admit(later).await, Admission::Refused { .. }), "one tries, the others wait for it");
    assert_eq!(open(later).await, later + hours(4), "refused again: left alone for longer");
    assert_eq!(circuit::claim_message(&*client, later).await.unwrap(), None, "it was told already");
    let later = later + hours(4);
    assert_eq!(admit(later).await, Admission::Trial);
    assert!(circuit::close(&*client, PROVIDER).await.unwrap());
    assert!(!circuit::close(&*client, PROVIDER).await.unwrap());
    assert_eq!(admit(later).await, Admission::Closed);
    let notice = circuit::claim_message(&*client, later).await.unwrap().unwrap();
    assert_eq!((notice.opened, notice.opened_at), (false, Some(start)));
}

#[tokio::test]
async fn a_database_of_the_application_is_taken_over_with_the_flaws_it_has() {
    let url = empty_database().await;
    let records = Records::of(&url).await;
    records.db.batch_execute(
        "CREATE TABLE tournament (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), external_id text NOT NULL, base_url text
             NOT NULL, public_url text, slug text NOT NULL DEFAULT '', provider text NOT NULL, season text NOT NULL,
             current_round text, mode text NOT NULL, standings_mode text NOT NULL DEFAULT 'unique-group', label text
             NOT NULL, logo text NOT NULL DEFAULT '', status text NOT NULL DEFAULT 'active', deleted_at timestamp,
             created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now(),
             UNIQUE (external_id, slug));
         CREATE TABLE team (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, external_id text NOT NULL,
             short_name text, badge text NOT NULL, provider text NOT NULL, created_at timestamp NOT NULL DEFAULT now(),
             updated_at timestamp NOT NULL DEFAULT now(), UNIQUE (provider, external_id));
         CREATE TABLE tournament_standings (id uuid NOT NULL DEFAULT gen_random_uuid(), team_id uuid NOT NULL REFERENCES
             team (id), team_external_id text NOT NULL, tournament_id uuid NOT NULL REFERENCES tournament (id), \"order\"
             integer NOT NULL, group_name text NOT NULL DEFAULT '', short_name text NOT NULL, long_name text NOT NULL,
             points integer NOT NULL DEFAULT 0, games integer NOT NULL DEFAULT 0, wins integer NOT NULL DEFAULT 0, draws
             integer NOT NULL DEFAULT 0, losses integer NOT NULL DEFAULT 0, goals_for integer NOT NULL DEFAULT 0,
             goals_against integer NOT NULL DEFAULT 0, goal_difference integer NOT NULL DEFAULT 0, form text[] NOT NULL
             DEFAULT '{}', provider text NOT NULL, created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT
             NULL DEFAULT now(), PRIMARY KEY (short_name, tournament_id));
         CREATE TABLE data_provider_executions (id uuid PRIMARY KEY, request_id uuid NOT NULL, tournament_id uuid NOT NULL,
             match_id uuid, operation_type text NOT NULL, status text NOT NULL, started_at timestamp NOT NULL DEFAULT
             now(), completed_at timestamp, duration integer, report_file_url text, report_file_key text, summary jsonb,
             created_at timestamp NOT NULL DEFAULT now(), updated_at timestamp NOT NULL DEFAULT now());
         INSERT INTO tournament (id, external_id, base_url, provider, season, mode, label)
             VALUES ('11111111-1111-4111-8111-111111111111', '1', 'u', 'sofascore', '2024', 'regular-season-only', 'L');
         INSERT INTO team (id, name, external_id, badge, provider)
             VALUES ('22222222-2222-4222-8222-222222222222', 'T', '1', '', 'sofascore');
         INSERT INTO tournament_standings (team_id, team_external_id, tournament_id, \"order\", short_name, long_name,
             points, provider, updated_at)
             VALUES ('22222222-2222-4222-8222-222222222222', '1', '11111111-1111-4111-8111-111111111111', 1, 'Old', 'T', 1,
                     'sofascore', '2024-01-01'),
                    ('22222222-2222-4222-8222-222222222222', '1', '11111111-1111-4111-8111-111111111111', 1, 'New', 'T', 4,
                     'sofascore', '2024-02-01');
         INSERT INTO data_provider_executions (id, request_id, tournament_id, operation_type, status)
             VALUES (gen_random_uuid(), gen_random_uuid(), '00000000-0000-0000-0000-000000000000', 'x', 'running-still')",
    )
    .await
    .unwrap();
    let store = Store::new(&url.into(), None).unwrap();
    assert!(store.migrate().await.unwrap().len() >= 5);
    let left = "SELECT concat(short_name, ' ', points) FROM tournament_standings";
    assert_eq!(records.texts(left).await, ["New 4"]);
    assert_eq!(
        records.texts("SELECT status FROM data_provider_executions").await,
        ["running-still"],
        "kept as it was"
    );
    // An execution without a tournament can be recorded, and two teams may share a short name.
    records.db.batch_execute(
        "INSERT INTO data_provider_executions (id, request_id, operation_type, status)
             VALUES (gen_random_uuid(), gen_random_uuid(), 'daily_schedule', 'completed');
         INSERT INTO tournament_standings (team_id, team_external_id, tournament_id, \"order\", group_name, short_name,
             long_name, provider)
             VALUES ('22222222-2222-4222-8222-222222222222', '1', '11111111-1111-4111-8111-111111111111', 1, 'Group A',
                     'New', 'T', 'sofascore')",
    )
    .await
    .unwrap();
}
