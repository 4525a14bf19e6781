//! Failures of the database, the database behind a connection pool, and over TLS.

use std::time::{Duration, Instant};

use local::pgbouncer::PgBouncer;
use local::postgres::{self, Cluster};
use local::tools::Tools;
use local::wire::Moment;
use serde_json::{Value, json};
use shared::store::Store;

use crate::desk::Desk;
use crate::harness::{LEAGUE, Setup, World, empty_database, migrated_database, moment, wire_before};
use crate::records::Records;

const AT: &str = "2024-03-02T19:30:00Z";

fn closing(id: &str) -> Value {
    json!({"tournamentId": id, "roundSlug": "1", "check": "closing", "kickoff": "2024-03-02T15:00:00Z"})
}

#[tokio::test]
async fn a_connection_that_is_cut_around_a_commit_costs_nothing() {
    for moment_of_cut in [
        Moment::BeforeStatement("COMMIT".into()),
        Moment::AfterStatement("COMMIT".into()),
        Moment::BeforeStatement("INSERT INTO match".into()),
    ] {
        let world = Setup::wired().world("2024-03-01T12:00:00Z", LEAGUE).await;
        let (wire, _) = world.gates();
        let id = world.create().await;
        world.clock.set(moment(AT));
        wire.cut_at(moment_of_cut.clone(), 1);
        let (answer, deliveries) = world.delivered("scores-and-standings", &closing(&id), AT).await;
        assert_eq!(wire.fired(), 1, "{moment_of_cut:?}");
        assert_eq!(deliveries, 1, "{moment_of_cut:?}: the transaction was tried again");
        assert_eq!(world.ended().await, 2);
        assert_eq!(answer["standings_update"]["errors"], json!([]));
    }
}

#[tokio::test]
async fn connections_that_died_while_the_function_was_frozen_are_replaced() {
    let world = Setup::wired().world("2024-03-01T12:00:00Z", LEAGUE).await;
    let (wire, _) = world.gates();
    // The others close theirs at the end of each event.
    world.create().await;
    let closed = async {
        while wire.present() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
    let desk = Desk::of(&world);
    assert_eq!(desk.get("/tournaments").await.0, 200);
    assert!(wire.present() > 0);
    for cut in [true, false] {
        if cut {
            wire.cut()
        } else {
            wire.freeze()
        }
        let began = Instant::now();
        assert_eq!(desk.get("/tournaments").await.0, 200);
        println!("with connections {}: {:?}", if cut { "cut" } else { "frozen" }, began.elapsed());
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_seconds_costs_nothing_and_for_minutes_a_redelivery() {
    let world = Setup::wired().world("2024-03-01T12:00:00Z", LEAGUE).await;
    let (wire, _) = world.gates();
    let id = world.create().await;
    world.clock.set(moment(AT));
    wire.refuse();
    let back = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        wire.restore();
    };
    let event = closing(&id);
    let (delivered_now, ()) = tokio::join!(world.invoke_at(AT, "scores-and-standings", event.clone()), back);
    delivered_now.unwrap();

    wire.refuse();
    let error = world
        .invoke_at("2024-03-09T19:30:00Z", "scores-and-standings", closing(&id))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("Database") && error.contains("can't be reached"), "{error}");
    wire.restore();
    world.delivered("scores-and-standings", &closing(&id), "2024-03-09T19:30:00Z").await;
    assert_eq!(world.incomplete().await, 0);
}

/// Restarts the database in the middle of a creation, with or without a connection pool.
async fn creation_survives_a_failover(pooled: bool) {
    let tools = Tools::find().unwrap();
    let mut cluster = Cluster::start(&tools).await.unwrap();
    let url = postgres::create_database(&cluster.url("postgres"), "best_shot").await.unwrap();
    let pool = pooled.then_some(PgBouncer::start(&tools, &url).await.unwrap());
    let through = pool.as_ref().map_or(url.clone(), |pool| pool.url("best_shot"));
    let world = Setup::on(&url).through(&through).world("2024-03-01T12:00:00Z", LEAGUE).await;
    let event = local::driver::create_event(&world.season, world.clock.now());
    let restart = async {
        while world.provider.requests() < 4 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cluster.restart(Duration::from_millis(500)).await.unwrap();
    };
    let ((_, deliveries), ()) =
        tokio::join!(world.delivered("tournaments", &event, "2024-03-01T12:00:00Z"), restart);
    println!("deliveries: {deliveries}");
    let records = Records::of(&url).await;
    assert_eq!((records.count("match").await, records.incomplete().await), (12, 0));
}

#[tokio::test]
async fn a_failover_in_the_middle_of_a_creation_is_survived() {
    creation_survives_a_failover(false).await;
}

#[tokio::test]
async fn a_failover_behind_a_pool_is_survived() {
    creation_survives_a_failover(true).await;
}

#[tokio::test]
async fn transactions_in_each_others_way_are_tried_again() {
    for code in ["40001", "40P01"] {
        let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
        let id = world.create().await;
        // A sequence does not roll back: the first write of the row fails, the next does not.
        let once = format!(
            "CREATE SEQUENCE tried;
             CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('tried') = 1 THEN RAISE EXCEPTION 'in each other''s way' USING ERRCODE = '{code}'; END IF;
                RETURN NEW; END $$;
             CREATE TRIGGER fail_once BEFORE UPDATE ON match FOR EACH STATEMENT EXECUTE FUNCTION fail_once();"
        );
        // A statement-level trigger's return value is ignored.
        world.db.batch_execute(&once.replace("RETURN NEW", "RETURN NULL")).await.unwrap();
        let answer = world.invoke_at(AT, "scores-and-standings", closing(&id)).await.unwrap();
        assert_eq!(answer["matches_update"]["rows"]["updated"], 2, "{code}: counted once");
        assert!(world.texts("SELECT last_value::text FROM tried").await[0].parse::<u32>().unwrap() >= 2);
        assert_eq!(world.ended().await, 2);
    }
}

#[tokio::test]
async fn anothers_lock_is_not_waited_for_for_ever() {
    let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.db.batch_execute("BEGIN; SELECT * FROM match FOR UPDATE").await.unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_secs(12)).await;
        world.db.batch_execute("ROLLBACK").await.unwrap();
    };
    let (answer, ()) = tokio::join!(
        world.stack.invoke("scores-and-standings", {
            let mut event = closing(&id);
            event["scheduledTime"] = json!(AT);
            world.clock.set(moment(AT));
            event
        }),
        release
    );
    assert_eq!(answer.unwrap()["matches_update"]["rows"]["updated"], 2);
}

#[tokio::test]
async fn when_all_connections_are_in_use_the_next_waits_and_then_fails() {
    let store = Store::new(&empty_database().await.into(), None).unwrap();
    let held = (store.client().await.unwrap(), store.client().await.unwrap());
    let error = store.client().await.err().unwrap().to_string();
    assert!(error.contains("can't be reached") && error.contains("waiting"), "{error}");
    drop(held);
    store.client().await.unwrap();
}

#[tokio::test]
async fn through_a_pool_of_transactions_everything_works_as_without() {
    let database = migrated_database().await;
    let pool = PgBouncer::start(&Tools::find().unwrap(), &database).await.unwrap();
    let (_, name) = database.rsplit_once('/').unwrap();
    let setup = Setup::on(&database).through(&pool.url(name));
    let world = setup.world("2024-03-01T12:00:00Z", LEAGUE).await;
    let id = world.create().await;
    world.delivered("daily-routine", &json!({}), "2024-03-02T00:01:00Z").await;
    world.clock.set(moment(AT));
    let (answer, deliveries) = world.delivered("scores-and-standings", &closing(&id), AT).await;
    assert_eq!((deliveries, &answer["standings_update"]["rows"]["updated"]), (1, &json!(4)));
    assert_eq!(world.incomplete().await, 0);
}

#[tokio::test]
async fn through_a_pool_too_a_connection_that_is_cut_around_a_commit_costs_nothing() {
    for moment_of_cut in [Moment::BeforeStatement("COMMIT".into()), Moment::AfterStatement("COMMIT".into())] {
        // Between the functions and the pool once, between the pool and Postgres once.
        for behind in [false, true] {
            let database = migrated_database().await;
            let (wire, through) = wire_before(&database);
            let target = if behind { &through } else { &database };
            let pool = PgBouncer::start(&Tools::find().unwrap(), target).await.unwrap();
            let (_, name) = database.rsplit_once('/').unwrap();
            let (front, through) = wire_before(&pool.url(name));
            let cut = if behind { &wire } else { &front };
            let setup = Setup::on(&database).through(&through);
            let world = setup.world("2024-03-01T12:00:00Z", LEAGUE).await;
            let id = world.create().await;
            world.clock.set(moment(AT));
            cut.cut_at(moment_of_cut.clone(), 1);
            let (answer, deliveries) = world.delivered("scores-and-standings", &closing(&id), AT).await;
            assert_eq!((cut.fired(), deliveries), (1, 1), "{moment_of_cut:?}, behind the pool: {behind}");
            assert_eq!(world.ended().await, 2);
            assert_eq!(answer["standings_update"]["errors"], json!([]));
        }
    }
}

/// A certificate for `host`, and its authority, as PEM: authority, certificate, key.
fn certificate(host: &str) -> (String, String, String) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "An authority of this test");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let signed =
        rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    (authority.pem(), signed.pem(), key.serialize_pem())
}

#[tokio::test]
async fn a_database_over_tls_is_believed_only_with_its_authority_and_its_name() {
    let tools = Tools::find().unwrap();
    let (stranger, ..) = certificate("localhost");
    for (host, known, expected) in [
        ("localhost", true, None),
        ("localhost", false, Some("BadSignature")),
        ("db.example", true, Some("not valid for name")),
    ] {
        let (authority, certificate, key) = certificate(host);
        let files = [("server.crt", certificate.as_str()), ("server.key", key.as_str())];
        let settings = ["ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"];
        let cluster = Cluster::start_with(&tools, &settings, &files).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let ca_file = dir.path().join("ca.pem");
        std::fs::write(&ca_file, if known { &authority } else { &stranger }).unwrap();
        let url = cluster.url("postgres").replace("127.0.0.1", "localhost");
        let variables = [
            ("SECRET_ARN", ""),
            ("DATABASE_URL", url.as_str()),
            ("DATABASE_CA_FILE", ca_file.to_str().unwrap()),
        ];
        // The stack itself has another database; this function uses this one.
        let world = World::at("2024-03-01T12:00:00Z", LEAGUE).await;
        for (name, value) in variables {
            world.stack.functions.set(name, value);
        }
        world.stack.functions.stop("migrate").await;
        let outcome = world.stack.functions.invoke("migrate", &json!({})).await;
        match expected {
            None => {
                outcome.unwrap();
                let db = postgres::connect(&cluster.url("postgres")).await.unwrap();
                let records = Records { db };
                assert_eq!(records.texts("SELECT to_regclass('match')::text").await, ["match"]);
            }
            Some(expected) => {
                let error = outcome.unwrap_err().to_string();
                assert!(error.contains(expected), "{error}");
            }
        }
    }
}
