#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::provider::football_data_decode::{Kind, decode};

fuzz_target!(|body: &str| {
    for kind in [Kind::Matches, Kind::Match, Kind::Standings, Kind::Teams, Kind::Day] {
        let _ = decode(kind, body);
    }
});
