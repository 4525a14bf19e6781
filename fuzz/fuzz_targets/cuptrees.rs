#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::provider::decode::{Kind, decode};

fuzz_target!(|body: &str| {
    let _ = decode(Kind::Cuptrees, body);
});
