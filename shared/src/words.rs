//! Values in words, as people read them.

/// A duration in ms: `812 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`.
pub fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_in_words() {
        for (ms, words) in [
            (0, "0 ms"),
            (812, "812 ms"),
            (1_000, "1.0 s"),
            (59_999, "59.9 s"),
            (83_000, "1 min 23 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(duration(ms), words);
        }
    }
}
