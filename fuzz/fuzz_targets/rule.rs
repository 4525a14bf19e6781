#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::domain::standings::Rules;

fuzz_target!(|text: &str| {
    let rules = Rules::parse(text);
    assert_eq!(Rules::parse(&rules.to_string()), rules, "{rules}");
});
