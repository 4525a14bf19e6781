//! The duration of the parts of a match.

use super::model::Score;

/// A part of the match: its first minute, and the provider's status code.
pub(super) type Phase = (i64, u32);

const ORDINARY: [Phase; 3] = [(0, 6), (47, 31), (62, 7)];
const EXTRA: [Phase; 4] = [(113, 32), (118, 41), (134, 33), (136, 42)];

/// The minute the shootout's kicks begin, if there is one.
pub(super) fn shootout_minute(score: &Score) -> Option<i64> {
    score.p.map(|_| if score.et.is_some() { 157 } else { 118 })
}

pub(super) fn phases(score: &Score) -> Vec<Phase> {
    let mut phases = ORDINARY.to_vec();
    if score.et.is_some() {
        phases.extend(EXTRA);
    }
    match (shootout_minute(score), score.et) {
        (Some(kicks), et) => {
            phases.push((kicks - 5, 34));
            phases.push((kicks, 50));
            phases.push((if et.is_some() { 175 } else { 135 }, 120));
        }
        (None, Some(_)) => phases.push((152, 110)),
        (None, None) => phases.push((113, 100)),
    }
    phases
}

/// The minute of the final whistle.
pub(super) fn whistle(score: &Score) -> i64 {
    phases(score).last().map_or(0, |(minute, _)| *minute)
}
