#![no_main]

use libfuzzer_sys::fuzz_target;
use football::domain::standings::{Criterion, Rules};

fuzz_target!(|text: &str| {
    let rules = Rules::parse(text);
    assert!(rules.criteria.iter().any(|step| !matches!(step, Criterion::Unknown(_))), "{rules}");
});
