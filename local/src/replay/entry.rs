//! One match of a season file, read field by field; errors give the place and the remedy.

use std::path::PathBuf;

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use serde_json::{Map, Value};

use super::model::Score;

/// Why a season file cannot be replayed, and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SeasonError {
    /// The file cannot be read.
    #[error("cannot read the season file {}: check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("{name} is not JSON: download the raw file again (not the page that shows it)")]
    Json {
        /// The file's name.
        name: String,
        /// Where the parser stopped.
        source: serde_json::Error,
    },
    /// Neither `matches` nor `rounds` holds a match.
    #[error("{name} has no match: it needs `matches`, or `rounds` each with `matches`")]
    Empty {
        /// The file's name.
        name: String,
    },
    /// The final table names a team that is not in `teams`.
    #[error("`final_table` has {team}, and no match of {name} is that team's: spell it as in `teams`")]
    FinalTable {
        /// The file's name.
        name: String,
        /// What it says.
        team: String,
    },
    /// A match lacks a field.
    #[error("match {index} (counted from 0) has no `{field}`: {remedy}")]
    Missing {
        /// The match's place in the file.
        index: usize,
        /// The field.
        field: &'static str,
        /// What to write there.
        remedy: &'static str,
    },
    /// A match has an invalid field.
    #[error("match {index} (counted from 0): `{field}` is {value}: {remedy}")]
    Invalid {
        /// The match's place in the file.
        index: usize,
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
        /// What to write there.
        remedy: &'static str,
    },
}

/// One match of the file with its place, for errors.
pub(super) struct Entry<'a> {
    /// Its place in the file.
    pub index: usize,
    /// What it says.
    pub fields: &'a Map<String, Value>,
}

impl Entry<'_> {
    /// The error of a missing field.
    pub(super) fn missing(&self, field: &'static str, remedy: &'static str) -> SeasonError {
        SeasonError::Missing { index: self.index, field, remedy }
    }

    /// The error of an invalid field.
    pub(super) fn invalid(
        &self,
        field: &'static str,
        value: impl ToString,
        remedy: &'static str,
    ) -> SeasonError {
        SeasonError::Invalid { index: self.index, field, value: value.to_string(), remedy }
    }

    /// A field's text, if there is any.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.fields.get(field).and_then(Value::as_str).map(|s| s.trim().to_owned()).filter(|s| !s.is_empty())
    }

    /// Kickoff in UTC; 15:00 where the file gives no time.
    pub(super) fn kickoff(&self) -> Result<DateTime<Utc>, SeasonError> {
        const DATE: &str = "write the date as YYYY-MM-DD";
        const TIME: &str = "write HH:MM, if need be with a zone: \"17:00 UTC-3\", \"13:00 UTC+5:30\"";
        let date = self.text("date").ok_or_else(|| self.missing("date", DATE))?;
        let date = date.parse::<NaiveDate>().map_err(|_| self.invalid("date", &date, DATE))?;
        let text = self.text("time").unwrap_or_else(|| "15:00".to_owned());
        let (clock, zone) = text.split_once(' ').unwrap_or((&text, ""));
        let time =
            NaiveTime::parse_from_str(clock, "%H:%M").map_err(|_| self.invalid("time", &text, TIME))?;
        let minutes = zone_minutes(zone.trim()).ok_or_else(|| self.invalid("time", &text, TIME))?;
        Ok(date.and_time(time).and_utc() - Duration::minutes(minutes))
    }

    /// The result; none where the match was not played.
    pub(super) fn score(&self) -> Result<Option<Score>, SeasonError> {
        const PAIR: &str = "write two whole numbers, home first: [2, 1]";
        const GROWS: &str =
            "scores are cumulative (ht, then ft, then et) and cannot shrink: correct the smaller one";
        let pair = |field, value: &Value| -> Result<Option<[u32; 2]>, SeasonError> {
            if value.is_null() {
                return Ok(None);
            }
            let goals = |i: usize| value[i].as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n < 200);
            match (goals(0), goals(1), value.as_array().map(Vec::len)) {
                (Some(home), Some(away), Some(2)) => Ok(Some([home, away])),
                _ => Err(self.invalid(field, value, PAIR)),
            }
        };
        let raw = self.fields.get("score").unwrap_or(&Value::Null);
        if raw.is_array() {
            return Ok(pair("score", raw)?.map(|ft| Score { ht: None, ft, et: None, p: None }));
        }
        let [ht, ft, et, p] = [
            pair("score.ht", &raw["ht"])?,
            pair("score.ft", &raw["ft"])?,
            pair("score.et", &raw["et"])?,
            pair("score.p", &raw["p"])?,
        ];
        let Some(ft) = ft else {
            if et.or(p).is_some() {
                return Err(self
                    .missing("score.ft", "a match with extra time or a shootout needs its score after 90"));
            }
            return Ok(None);
        };
        let shrinks = |from: [u32; 2], to: [u32; 2]| from[0] > to[0] || from[1] > to[1];
        if et.is_some_and(|et| shrinks(ft, et)) {
            return Err(self.invalid("score.et", raw, GROWS));
        }
        if ht.is_some_and(|ht| shrinks(ht, ft)) {
            return Err(self.invalid("score.ht", raw, GROWS));
        }
        Ok(Some(Score { ht, ft, et, p }))
    }
}

/// Minutes east of UTC: `UTC-3`, `UTC+5:30`; nothing means UTC.
fn zone_minutes(zone: &str) -> Option<i64> {
    let rest = zone.strip_prefix("UTC").or_else(|| zone.strip_prefix("GMT")).unwrap_or(zone);
    if rest.is_empty() {
        return Some(0);
    }
    let (sign, rest) = match rest.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-" | "\u{2212}", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    (hours <= 14 && (0..60).contains(&minutes)).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::super::model::Season;
    use super::super::sample;
    use super::*;

    #[test]
    fn kickoffs_in_any_zone() {
        let kickoff = |time: &str| sample::one(&format!(r#""time": "{time}""#)).kickoff;
        assert_eq!(kickoff("17:00 UTC-3"), sample::at("2030-06-01T20:00:00Z"));
        assert_eq!(kickoff("13:00 UTC+5:30"), sample::at("2030-06-01T07:30:00Z"));
        assert_eq!(
            [kickoff("19:00"), sample::one("\"num\": 1").kickoff],
            [19, 15].map(|h| sample::at(&format!("2030-06-01T{h}:00:00Z")))
        );
    }

    #[test]
    fn errors_say_where_and_what_to_do() {
        let error = |fields: &str| {
            let text = format!(
                r#"{{"name": "X 2030", "matches": [{{"round": "Final", "date": "2030-06-01", "team1": "A", {fields}}}]}}"#
            );
            Season::parse("x", &text).unwrap_err().to_string()
        };
        assert!(error(r#""num": 1"#).starts_with("match 0 (counted from 0) has no `team2`: write"));
        assert!(
            error(r#""team2": "B", "score": {"ft": [2]}"#)
                .contains("`score.ft` is [2]: write two whole numbers")
        );
        assert!(error(r#""team2": "B", "score": {"ft": [2, 0], "et": [1, 0]}"#).contains("`score.et`"));
        assert!(error(r#""team2": "B", "time": "soon""#).contains("`time` is soon: write HH:MM"));
        assert!(matches!(Season::parse("x", "{"), Err(SeasonError::Json { .. })));
        assert!(matches!(Season::parse("x", "{}"), Err(SeasonError::Empty { .. })));
    }
}
