//! The course of a match with its faults: when it kicks off, which entries it has in the provider's lists, when it is
//! interrupted. Without faults: the file's kickoff, one entry, no interruption.

use chrono::{DateTime, Duration, Utc};

use super::model::{Fault, Fixture, Ruling, Score, When};

/// How far the id of a match that was postponed under a new one is from the old id.
pub(super) const NEW_ID: u64 = 500_000;

/// A postponement with its times.
pub(super) struct Move {
    /// Since when it is postponed.
    pub(super) off: DateTime<Utc>,
    /// Since when the new kickoff is known.
    pub(super) announced: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    pub(super) new_id: bool,
}

/// A manually set status with its times.
pub(super) struct ByHand<'a> {
    /// `status.code`.
    pub code: u32,
    /// `status.type`.
    pub kind: &'a str,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when; `None`: for ever.
    pub to: Option<DateTime<Utc>>,
}

/// Where play stopped before its time.
#[derive(Clone, Copy)]
pub(super) struct Stop {
    /// In seconds after the start of play.
    pub at: i64,
    /// When it went on.
    pub resumed: Option<DateTime<Utc>>,
}

impl Fixture {
    /// Kickoff in UTC after the last postponement.
    pub fn last_kickoff(&self) -> DateTime<Utc> {
        let moved = self.faults.iter().rev().find_map(|fault| match fault {
            Fault::Postpone { kickoff, .. } => Some(*kickoff),
            _ => None,
        });
        moved.unwrap_or(self.kickoff)
    }

    /// When play begins: the last kickoff and its delays.
    pub fn start(&self) -> DateTime<Utc> {
        let late = self.faults.iter().map(|fault| match fault {
            Fault::Late { minutes, .. } => i64::from(*minutes),
            _ => 0,
        });
        self.last_kickoff() + Duration::minutes(late.sum())
    }

    /// The final result: after corrections; none if the match was cancelled or abandoned for good.
    pub fn counted_score(&self) -> Option<Score> {
        let abandoned = self.stop().is_some_and(|stop| stop.resumed.is_none());
        let score = self.score.filter(|_| self.ruling != Ruling::Cancelled && !abandoned)?;
        Some(self.corrections().last().map_or(score, |(_, goals)| corrected(score, *goals)))
    }

    /// Is the match left out of the lists at `now`?
    pub fn hidden(&self, now: DateTime<Utc>) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::Vanish { from, to, .. } => {
                let at = |when: When| when.instant(self.last_kickoff());
                at(*from) <= now && to.is_none_or(|to| now < at(to))
            }
            _ => false,
        })
    }

    /// Can the match ever have this id?
    pub(super) fn owns(&self, id: u64) -> bool {
        let new_ids = self.moves().iter().filter(|step| step.new_id).count() as u64;
        (0..=new_ids).any(|n| self.id + n * NEW_ID == id)
    }

    /// The manually set statuses.
    pub(super) fn statuses(&self) -> impl Iterator<Item = ByHand<'_>> {
        let kickoff = self.last_kickoff();
        self.faults.iter().filter_map(move |fault| match fault {
            Fault::Status { code, kind, from, to, .. } => Some(ByHand {
                code: *code,
                kind,
                from: from.map_or(DateTime::<Utc>::MIN_UTC, |from| from.instant(kickoff)),
                to: to.map(|to| to.instant(kickoff)),
            }),
            _ => None,
        })
    }

    /// The corrections, earliest first: seconds after the end, and the score from then on.
    pub(super) fn corrections(&self) -> Vec<(i64, [u32; 2])> {
        let all = self.faults.iter().filter_map(|fault| match fault {
            Fault::Correct { minutes_after_end, score, .. } => {
                Some((i64::from(*minutes_after_end) * 60, *score))
            }
            _ => None,
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(after, _)| *after);
        all
    }

    /// Where play stopped, if it did.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Abandon { minute, resume, .. } => {
                let resumed = resume.map(|at| at.instant(self.last_kickoff()));
                Some(Stop { at: i64::from(*minute) * 60, resumed })
            }
            _ => None,
        })
    }

    pub(super) fn moves(&self) -> Vec<Move> {
        let day = Duration::hours(24);
        let (mut kickoff, mut before) = (self.kickoff, DateTime::<Utc>::MIN_UTC);
        let mut moves = Vec::new();
        for fault in &self.faults {
            if let Fault::Postpone { kickoff: to, new_id, .. } = fault {
                let off = (kickoff - day).max(before);
                let announced = (kickoff + day).min(*to - day).max(off);
                moves.push(Move { off, announced, to: *to, new_id: *new_id });
                (kickoff, before) = (*to, announced);
            }
        }
        moves
    }
}

/// The score with other goals: those of the last period, the ones before cut down to fit.
pub(super) fn corrected(score: Score, goals: [u32; 2]) -> Score {
    let fit = |of: [u32; 2]| [of[0].min(goals[0]), of[1].min(goals[1])];
    let ft = if score.et.is_some() { fit(score.ft) } else { goals };
    Score { ht: score.ht.map(fit), ft, et: score.et.map(|_| goals), p: score.p }
}
