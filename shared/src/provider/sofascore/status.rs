//! SofaScore's status of an event as a [`MatchStatus`], from its type and code.

use super::payload::StatusPayload;
use football::domain::{CalledOff, MatchStatus};

/// The state of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) status: MatchStatus,
    /// Why it is not defined.
    pub(super) called_off: Option<CalledOff>,
}

impl State {
    /// A state of a match that is not called off.
    pub(super) fn of(status: MatchStatus) -> Self {
        Self { status, called_off: None }
    }

    fn without_result(reason: CalledOff) -> Self {
        Self { status: MatchStatus::NotDefined, called_off: Some(reason) }
    }
}

/// The state of a match, or none for an unknown status: the row then stays unchanged and the status is reported. A match
/// that was awarded with a score has ended, however it was called off.
pub(super) fn state(status: &StatusPayload, awarded: bool) -> Option<State> {
    use MatchStatus::{Ended, Open};

    let called_off = |reason| if awarded { State::of(Ended) } else { State::without_result(reason) };
    match (status.kind.as_str(), status.code) {
        ("notstarted", 0) | ("delayed", 61) | ("willcontinue", 140) => Some(State::of(Open)),
        ("inprogress", 6 | 7 | 20 | 31 | 32 | 33 | 34 | 40 | 41 | 42 | 50) => Some(State::of(Open)),
        ("interrupted", 6 | 7 | 31 | 80) | ("suspended", 6 | 7 | 31 | 81) => Some(State::of(Open)),
        // A removed match has no result, whatever its type.
        ("finished", 93) => Some(State::without_result(CalledOff::Removed)),
        ("finished", 41 | 91 | 92 | 100 | 110 | 120) => Some(State::of(Ended)),
        ("postponed", 60 | 61) => Some(called_off(CalledOff::Postponed)),
        ("canceled" | "cancelled", 60 | 70) => Some(called_off(CalledOff::Cancelled)),
        ("canceled" | "cancelled", 90) => Some(called_off(CalledOff::Abandoned)),
        _ => None,
    }
}

/// Whether it is a final status with an unknown code.
pub(super) fn is_unknown_end(status: &StatusPayload) -> bool {
    status.kind == "finished" && state(status, false).is_none()
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
            (6, "interrupted", Some(Open)),
            (31, "suspended", Some(Open)),
            (61, "postponed", Some(NotDefined)),
            (70, "cancelled", Some(NotDefined)),
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
            assert_eq!(state(&status, false).map(|state| state.status), expected, "{code} {kind}");
        }
        for (code, kind) in [(70, "canceled"), (90, "canceled"), (60, "postponed")] {
            let status = StatusPayload { code, kind: kind.to_owned(), description: String::new() };
            assert_eq!(state(&status, true), Some(State::of(Ended)), "{code} awarded");
            let called_off = state(&status, false).and_then(|state| state.called_off);
            assert_eq!(called_off.is_some_and(CalledOff::may_be_played), code != 70, "{code}");
        }
    }
}
