//! `local chaos`: a seed causes the same faults again, and they have no lasting effect.

use local::chaos::{disturbed, undisturbed};

use crate::harness::{CUP, parts};

#[tokio::test]
async fn a_seed_brings_the_same_faults_again_and_the_database_is_that_of_an_undisturbed_replay() {
    let dir = tempfile::tempdir().unwrap();
    let season = dir.path().join("cup.json");
    std::fs::write(&season, CUP).unwrap();
    let seasons = [season];
    let expected = undisturbed(&seasons, &dir.path().join("undisturbed"), Some(parts().await)).await.unwrap();
    let play = async |output| {
        let parts = Some(parts().await);
        disturbed(&seasons, &dir.path().join(output), 7, None, &expected, parts).await.unwrap()
    };
    let (first, again) = tokio::join!(play("first"), play("again"));
    println!("{:#?}", first.drawn);
    for outcome in [&first, &again] {
        assert_eq!(outcome.problems(), Vec::<String>::new());
        assert!(outcome.faults.len() >= 3, "{:?}", outcome.faults);
    }
    assert_eq!(first.drawn, again.drawn);
}
