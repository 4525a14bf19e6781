//! SofaScore's status of an event as a [`MatchStatus`], from its type and code.

use super::payload::StatusPayload;
use football::domain::MatchStatus;

/// The state of a match, or none for an unknown status: the row then stays unchanged and the status is reported.
pub(super) fn state(status: &StatusPayload, awarded: bool) -> Option<MatchStatus> {
    use MatchStatus::{Ended, NotDefined, Open};

    match (status.kind.as_str(), status.code) {
        ("notstarted", 0) | ("delayed", 61) | ("willcontinue", 140) => Some(Open),
        ("inprogress", 6 | 7 | 20 | 31 | 32 | 33 | 34 | 40 | 41 | 42 | 50) => Some(Open),
        ("interrupted", 7 | 80) | ("suspended", 81) => Some(Open),
        // A removed match has no result, whatever its type.
        ("finished", 93) => Some(NotDefined),
        ("finished", 41 | 91 | 92 | 100 | 110 | 120) => Some(Ended),
        ("postponed", 60) => Some(NotDefined),
        ("canceled", 70 | 90) => Some(if awarded { Ended } else { NotDefined }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use MatchStatus::{Ended, NotDefined, Open};

    use super::*;

    #[test]
    fn every_known_status_has_its_row() {
        for (code, kind, expected) in [
            (0, "notstarted", Some(Open)),
            (6, "inprogress", Some(Open)),
            (7, "inprogress", Some(Open)),
            (7, "interrupted", Some(Open)),
            (20, "inprogress", Some(Open)),
            (31, "inprogress", Some(Open)),
            (32, "inprogress", Some(Open)),
            (33, "inprogress", Some(Open)),
            (34, "inprogress", Some(Open)),
            (40, "inprogress", Some(Open)),
            (41, "inprogress", Some(Open)),
            (41, "finished", Some(Ended)),
            (42, "inprogress", Some(Open)),
            (50, "inprogress", Some(Open)),
            (60, "postponed", Some(NotDefined)),
            (61, "delayed", Some(Open)),
            (70, "canceled", Some(NotDefined)),
            (80, "interrupted", Some(Open)),
            (81, "suspended", Some(Open)),
            (90, "canceled", Some(NotDefined)),
            (91, "finished", Some(Ended)),
            (92, "finished", Some(Ended)),
            (93, "finished", Some(NotDefined)),
            (100, "finished", Some(Ended)),
            (110, "finished", Some(Ended)),
            (120, "finished", Some(Ended)),
            (140, "willcontinue", Some(Open)),
            (999, "finished", None),
            (100, "inprogress", None),
            (0, "unheard-of", None),
        ] {
            let status = StatusPayload { code, kind: kind.to_owned(), description: String::new() };
            assert_eq!(state(&status, false), expected, "{code} {kind}");
        }
        for code in [70, 90] {
            let status = StatusPayload { code, kind: "canceled".to_owned(), description: String::new() };
            assert_eq!(state(&status, true), Some(Ended), "{code} awarded");
        }
    }
}
