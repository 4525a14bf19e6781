//! Values in words, as people read them.

use serde_json::Value;

/// So much of a list is written out.
const LISTED: usize = 8;

/// A duration in ms: `812 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`.
pub fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// The data of an operation: `rows: inserted 3, unchanged 7; current: 38`. Within a field, counts of zero and what is null
/// are left out, and of a long list all but its beginning.
pub fn data(data: &Value) -> String {
    let Value::Object(fields) = data else {
        return if data.is_null() { String::new() } else { inner(data) };
    };
    let known = fields.iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| format!("{}: {}", spaced(name), inner(value))).collect::<Vec<_>>().join("; ")
}

fn inner(value: &Value) -> String {
    let parts: Vec<String> = match value {
        Value::Null => return "none".to_owned(),
        Value::Bool(yes) => return if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => return number.to_string(),
        Value::String(text) => return text.clone(),
        Value::Array(list) => {
            let more = list.len().saturating_sub(LISTED);
            let more = (more > 0).then(|| format!("and {more} more"));
            list.iter().take(LISTED).map(inner).chain(more).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null() && value.as_u64() != Some(0))
            .map(|(name, value)| format!("{} {}", spaced(name), inner(value)))
            .collect(),
    };
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{data, duration};

    #[test]
    fn data_in_words() {
        for (value, words) in [
            (json!(null), ""),
            (json!({}), ""),
            (json!({"rows": {"inserted": 3, "updated": 0, "unchanged": 7}}), "rows: inserted 3, unchanged 7"),
            (json!({"rows": {"inserted": 0}, "current": null}), "rows: none"),
            (json!({"deleted": 0, "still_open": ["1", "2"]}), "deleted: 0; still open: 1, 2"),
            (
                json!({"rounds": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}),
                "rounds: 1, 2, 3, 4, 5, 6, 7, 8, and 2 more",
            ),
            (json!({"updated": true, "url": "https://a/b_c"}), "updated: yes; url: https://a/b_c"),
        ] {
            assert_eq!(data(&value), words);
        }
    }

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
