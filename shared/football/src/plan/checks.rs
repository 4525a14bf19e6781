//! Which checks the matches need, which of those that are due are worked on, and when a function must be woken for them.
//!
//! A *check* is one look at the provider, due at a moment. Per (tournament, round, kickoff): an *interim* check while the
//! match runs and a *closing* check when most matches have ended. Per tournament and day: a look at the provider's table
//! and a *knockouts* check after the day's last match, and one in the morning while a draw is pending. Open matches that
//! no check covers are *swept up* first. Further checks follow from what a check finds.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString};
use uuid::Uuid;

/// What a check is for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumIter,
    EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CheckKind {
    /// While the match runs: reads the running score.
    Interim,
    /// When most matches have ended: scores, then the table; makes its own follow-ups.
    Closing,
    /// Again, for a match that was still running at its closing check.
    FollowUp,
    /// Results some minutes after they were first seen: some change after the whistle.
    SecondLook,
    /// The day after a match was interrupted, suspended or abandoned.
    NextDay,
    /// An open match whose kickoff has passed and that nothing else covers.
    Sweep,
    /// A whole round, to find what moved beyond the days of the day's events.
    FullPass,
    /// The provider's table, after the day's last match.
    Table,
    /// The provider's table again, where it could not be read.
    StandingsFollowUp,
    /// New rounds and fixtures of the knockout stage.
    Knockouts,
    /// The same, in the morning, while a draw is pending.
    Draw,
    /// The knockout stage again, for data that the provider could not give.
    KnockoutsFollowUp,
    /// The daily routine again, for data that the provider could not give.
    RoutineFollowUp,
    /// A whole tournament again, for data that the provider could not give.
    Refresh,
    /// Yesterday's results at the providers that are not asked first.
    CrossCheck,
}

impl CheckKind {
    /// Whether the daily routine reconciles these with the matches. The others belong to the run that created them.
    pub fn is_reconciled(self) -> bool {
        matches!(
            self,
            Self::Interim | Self::Closing | Self::Sweep | Self::Table | Self::Knockouts | Self::Draw
        )
    }

    /// Whether a result may depend on it; the others can wait for those.
    pub fn is_urgent(self) -> bool {
        !matches!(self, Self::FullPass | Self::Table | Self::StandingsFollowUp | Self::CrossCheck)
    }

    /// How much a check of this kind does, compared with others of the same subject.
    fn strength(self) -> u8 {
        match self {
            Self::Interim | Self::Draw | Self::CrossCheck => 0,
            Self::SecondLook | Self::NextDay | Self::Table => 1,
            Self::FullPass | Self::Knockouts => 2,
            Self::Sweep => 3,
            Self::FollowUp | Self::KnockoutsFollowUp | Self::StandingsFollowUp => 4,
            Self::Closing | Self::RoutineFollowUp | Self::Refresh => 5,
        }
    }
}

/// One check, to be made at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its purpose.
    pub kind: CheckKind,
    /// The tournament; none for the daily routine.
    pub tournament_id: Option<Uuid>,
    /// The round's slug; none for a tournament as a whole.
    pub round_slug: Option<String>,
    /// The kickoff it belongs to, UTC. For a sweep and a draw the day.
    pub kickoff: Option<DateTime<Utc>>,
    /// If it is a retry: the time of the first attempt.
    pub retrying_since: Option<DateTime<Utc>>,
    /// When it is due, UTC, a whole minute.
    pub at: DateTime<Utc>,
}

impl Check {
    /// A check of a round.
    pub fn of_round(kind: CheckKind, tournament: Uuid, round: &str, at: DateTime<Utc>) -> Self {
        let round_slug = Some(round.to_owned());
        Self { kind, tournament_id: Some(tournament), round_slug, kickoff: None, retrying_since: None, at }
    }

    /// A check of a tournament as a whole.
    pub fn of_tournament(kind: CheckKind, tournament: Uuid, at: DateTime<Utc>) -> Self {
        Self {
            kind,
            tournament_id: Some(tournament),
            round_slug: None,
            kickoff: None,
            retrying_since: None,
            at,
        }
    }

    /// The same, for a kickoff.
    pub fn for_kickoff(self, kickoff: DateTime<Utc>) -> Self {
        Self { kickoff: Some(kickoff), ..self }
    }

    fn subject(&self) -> (Option<Uuid>, Option<&str>) {
        (self.tournament_id, self.round_slug.as_deref())
    }

    /// Whether it belongs to a day and is made once, whatever the moment: moving it on each run would postpone it for ever.
    fn is_once_a_day(&self) -> bool {
        let of_a_day = self.kickoff.is_some_and(|kickoff| kickoff.time() == NaiveTime::MIN);
        of_a_day && matches!(self.kind, CheckKind::Sweep | CheckKind::FullPass | CheckKind::Table)
    }

    fn is_for_same_as(&self, other: &Self) -> bool {
        (self.kind, self.subject(), self.kickoff) == (other.kind, other.subject(), other.kickoff)
    }
}

/// A check that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its row.
    pub id: Uuid,
    /// What it is.
    pub check: Check,
    /// Whether it is over.
    pub done: bool,
}

/// A moment at which matches of a round start, or started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kickoff {
    /// The tournament's id.
    pub tournament_id: Uuid,
    /// The round's slug.
    pub round_slug: String,
    /// The kickoff, UTC.
    pub at: DateTime<Utc>,
    /// Whether one of its matches is still open. If not, existing checks stay, since the table and the bracket need
    /// them, but none is created.
    pub open: bool,
    /// Whether the round counts in a table.
    pub in_table: bool,
}

impl Kickoff {
    fn is_of(&self, check: &Check) -> bool {
        Some(self.tournament_id) == check.tournament_id
            && Some(self.at) == check.kickoff
            && check.round_slug.as_ref().is_none_or(|slug| *slug == self.round_slug)
    }
}

/// What planning needs to know of an active tournament.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TournamentState {
    /// Our id.
    pub id: Uuid,
    /// Its slug.
    pub slug: String,
    /// Whether it has knockout rounds.
    pub has_knockouts: bool,
    /// Whether everything drawn so far has been played, but not the final.
    pub draw_pending: bool,
}

/// Offsets of the checks from kickoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offsets {
    /// From kickoff to the interim check.
    pub interim: TimeDelta,
    /// From kickoff to the closing check.
    pub closing: TimeDelta,
    /// From the day's last kickoff to the knockouts check.
    pub knockouts: TimeDelta,
}

/// What to do with the stored checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckPlan {
    /// Checks that are missing.
    pub create: Vec<Check>,
    /// Rows of checks that no kickoff needs any more, or that have another moment now.
    pub cancel: Vec<Uuid>,
    /// How many are correct.
    pub keep: usize,
}

/// The daily routine looks this many whole days ahead, so that one lost routine loses no match.
const DAYS_AHEAD: i64 = 2;
/// The hour (UTC) of the morning check while a draw is pending.
const DRAW_CHECK_HOUR: u32 = 9;
/// Rounds swept up by one routine at the least; with many tournaments one for every two of them.
const SWEEP_LIMIT: usize = 30;
/// Sweeps due at the same moment.
const SWEPT_AT_ONCE: usize = 10;
/// From the closing check of a day's last kickoff to the look at the provider's table: with the second look, so that both
/// share a wake-up. The looks at the tables of many tournaments are spread over some steps of the same length.
const TABLE_AFTER_CLOSING: TimeDelta = TimeDelta::minutes(15);
const TABLE_STEPS: i64 = 3;

/// The end of the window that a routine at `planning` time reconciles: two whole days, today included.
pub fn window_end(planning: DateTime<Utc>) -> DateTime<Utc> {
    planning.date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(DAYS_AHEAD)
}

/// The first whole minute that is not before `at`: checks are due at whole minutes, so that many share one.
pub fn whole_minute(at: DateTime<Utc>) -> DateTime<Utc> {
    let past =
        TimeDelta::seconds(i64::from(at.second())) + TimeDelta::nanoseconds(i64::from(at.nanosecond()));
    if past.is_zero() { at } else { at - past + TimeDelta::minutes(1) }
}

/// When checks that a routine makes for the night are due at the earliest: the same moment if it is repeated soon after.
pub fn soon(planning: DateTime<Utc>, wall: DateTime<Utc>) -> DateTime<Utc> {
    whole_minute((planning + TimeDelta::minutes(2)).max(wall + TimeDelta::seconds(1)))
}

/// How long after the closing check of a day's last kickoff a tournament's table is looked at.
fn table_after_closing(slug: &str) -> TimeDelta {
    let sum: i64 = slug.bytes().map(i64::from).sum();
    TABLE_AFTER_CLOSING * i32::try_from(1 + sum % TABLE_STEPS).unwrap_or(1)
}

/// The checks that the matches need, given those that are stored.
///
/// `planning` determines the day and what is due; `wall` determines what is already in the past.
// Long for one pass over the kickoffs, which fills maps that must agree.
pub fn checks(
    kickoffs: &[Kickoff],
    tournaments: &[TournamentState],
    stored: &[Stored],
    offsets: &Offsets,
    planning: DateTime<Utc>,
    wall: DateTime<Utc>,
) -> Vec<Check> {
    let tournaments: BTreeMap<Uuid, &TournamentState> = tournaments.iter().map(|t| (t.id, t)).collect();
    let end = window_end(planning);
    // By (tournament, round, moment): where an interim and a closing check of one round meet, the closing one does both.
    let mut rounds: BTreeMap<(Uuid, String, DateTime<Utc>), Check> = BTreeMap::new();
    let mut last_of_day: BTreeMap<(CheckKind, Uuid, chrono::NaiveDate), DateTime<Utc>> = BTreeMap::new();
    let mut uncovered: BTreeMap<(Uuid, String), DateTime<Utc>> = BTreeMap::new();

    for kickoff in kickoffs.iter().filter(|kickoff| kickoff.at < end) {
        let Some(tournament) = tournaments.get(&kickoff.tournament_id) else { continue };
        for (kind, wanted) in
            [(CheckKind::Knockouts, tournament.has_knockouts), (CheckKind::Table, kickoff.in_table)]
        {
            let day = (kind, tournament.id, kickoff.at.date_naive());
            if wanted {
                let last = last_of_day.entry(day).or_insert(kickoff.at);
                *last = kickoff.at.max(*last);
            }
        }
        if !kickoff.open {
            continue;
        }
        let closing = kickoff.at + offsets.closing;
        if closing <= wall {
            let since = uncovered.entry((tournament.id, kickoff.round_slug.clone())).or_insert(kickoff.at);
            *since = kickoff.at.min(*since);
        }
        let interim = kickoff.at + offsets.interim;
        for (kind, at) in [(CheckKind::Closing, closing), (CheckKind::Interim, interim)] {
            let at = whole_minute(at);
            if at > wall {
                let check =
                    Check::of_round(kind, tournament.id, &kickoff.round_slug, at).for_kickoff(kickoff.at);
                rounds
                    .entry((tournament.id, kickoff.round_slug.clone(), at))
                    .and_modify(|there| {
                        if kind == CheckKind::Closing && there.kind == CheckKind::Interim {
                            *there = check.clone();
                        }
                    })
                    .or_insert(check);
            }
        }
    }

    let mut checks = sweeps(&uncovered, tournaments.len(), stored, &rounds, planning, wall);
    checks.extend(rounds.into_values());
    for ((kind, tournament, _), kickoff) in last_of_day {
        let after = match kind {
            CheckKind::Table => offsets.closing + table_after_closing(&tournaments[&tournament].slug),
            _ => offsets.knockouts,
        };
        let at = whole_minute(kickoff + after);
        if at > wall {
            checks.push(Check::of_tournament(kind, tournament, at).for_kickoff(kickoff));
        }
    }
    let today = planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let morning = today + TimeDelta::hours(i64::from(DRAW_CHECK_HOUR));
    for tournament in tournaments.values().filter(|t| t.has_knockouts && t.draw_pending) {
        for at in [morning, morning + TimeDelta::days(1)].into_iter().filter(|at| *at > wall) {
            checks.push(Check::of_tournament(CheckKind::Draw, tournament.id, at).for_kickoff(at));
        }
    }
    checks
}

/// Sweeps for rounds with open matches whose checks are past and that no later check covers, oldest first.
fn sweeps(
    uncovered: &BTreeMap<(Uuid, String), DateTime<Utc>>,
    tournaments: usize,
    stored: &[Stored],
    planned: &BTreeMap<(Uuid, String, DateTime<Utc>), Check>,
    planning: DateTime<Utc>,
    wall: DateTime<Utc>,
) -> Vec<Check> {
    // A check planned for later today reads the whole round, old matches included.
    let tomorrow = wall + TimeDelta::hours(24);
    let covered: BTreeSet<(Uuid, &str)> = stored
        .iter()
        .filter(|stored| !stored.done)
        .map(|stored| &stored.check)
        .filter(|check| check.kind == CheckKind::FollowUp && check.at > wall)
        .chain(planned.values().filter(|check| check.at <= tomorrow))
        .filter_map(|check| Some((check.tournament_id?, check.round_slug.as_deref()?)))
        .collect();
    let mut oldest: Vec<_> = uncovered
        .iter()
        .filter(|((tournament, round), _)| !covered.contains(&(*tournament, round.as_str())))
        .collect();
    oldest.sort_by_key(|(_, kickoff)| **kickoff);
    let limit = SWEEP_LIMIT.max(tournaments / 2);
    if oldest.len() > limit {
        // Rounds that stay open for ever must not keep the others from their turn: another day others come first.
        let days = usize::try_from(planning.date_naive().num_days_from_ce()).unwrap_or_default();
        let first = days.wrapping_mul(limit) % oldest.len();
        oldest.rotate_left(first);
    }
    // The day and not the match's kickoff, so that a round has one sweep a day, however many matches are open.
    let day = planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let first = soon(planning, wall);
    oldest
        .into_iter()
        .take(limit)
        .enumerate()
        .map(|(index, ((tournament, round), _))| {
            let minutes = i64::try_from(index / SWEPT_AT_ONCE).unwrap_or_default();
            let at = first + TimeDelta::minutes(minutes);
            Check::of_round(CheckKind::Sweep, *tournament, round, at).for_kickoff(day)
        })
        .collect()
}

/// Compares the wanted checks with those that are stored. Cancels only reconciled kinds whose kickoff is in the window, so
/// that a routine for an older day undoes nothing of a newer one, and only those that have no kickoff any more or
/// another moment.
pub fn reconcile(
    wanted: &[Check],
    stored: &[Stored],
    kickoffs: &[Kickoff],
    planning: DateTime<Utc>,
) -> CheckPlan {
    let mut plan = CheckPlan::default();
    let mut kept = BTreeSet::new();
    for check in wanted {
        let is_it = |stored: &&Stored| {
            stored.check.is_for_same_as(check) && (stored.check.at == check.at || check.is_once_a_day())
        };
        match stored.iter().find(is_it) {
            None => plan.create.push(check.clone()),
            Some(there) => {
                plan.keep += 1;
                kept.insert(there.id);
            }
        }
    }
    let end = window_end(planning);
    plan.cancel = stored
        .iter()
        .filter(|Stored { id, check, done }| {
            !done
                && check.kind.is_reconciled()
                && check.at > planning
                && check.kickoff.is_some_and(|kickoff| kickoff < end)
                && !kept.contains(id)
        })
        .filter(|Stored { check, .. }| {
            !kickoffs.iter().any(|kickoff| kickoff.is_of(check))
                || wanted.iter().any(|wanted| wanted.is_for_same_as(check))
        })
        .map(|stored| stored.id)
        .collect();
    plan
}

/// Of the checks that are due, which are worked on: of each subject the one that does most, which covers the others.
/// Returns the indices of `due`: for each check that is worked on, itself and those that it covers.
pub fn fold(due: &[Check]) -> Vec<(usize, Vec<usize>)> {
    let mut subjects: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (index, check) in due.iter().enumerate() {
        // A comparison of providers does what nothing else does.
        let is_comparison = check.kind == CheckKind::CrossCheck;
        subjects.entry((is_comparison, check.subject())).or_default().push(index);
    }
    let mut work: Vec<(usize, Vec<usize>)> = subjects
        .into_values()
        .filter_map(|mut checks| {
            // Of several of one kind the last, whose planning time is the latest.
            let strongest =
                checks.iter().copied().max_by_key(|index| (due[*index].kind.strength(), due[*index].at))?;
            checks.retain(|index| *index != strongest);
            Some((strongest, checks))
        })
        .collect();
    work.sort_by_key(|(index, _)| *index);
    work
}

/// When a function is woken once more in case the alarm of its last check is lost: at the first half hour that is at
/// least twenty minutes later.
pub fn after_last(last: DateTime<Utc>) -> DateTime<Utc> {
    let earliest = last + TimeDelta::minutes(20);
    let past = TimeDelta::seconds(earliest.timestamp().rem_euclid(1800));
    if past.is_zero() { earliest } else { earliest - past + TimeDelta::minutes(30) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Uuid = Uuid::from_u128(7);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn open(round: &str, kickoff: &str) -> Kickoff {
        let in_table = round.parse::<u8>().is_ok();
        Kickoff { tournament_id: T, round_slug: round.into(), at: at(kickoff), open: true, in_table }
    }

    fn tournament(has_knockouts: bool, draw_pending: bool) -> TournamentState {
        TournamentState { id: T, slug: "fifa-world-cup-2022".into(), has_knockouts, draw_pending }
    }

    fn offsets() -> Offsets {
        Offsets {
            interim: TimeDelta::minutes(90),
            closing: TimeDelta::minutes(120),
            knockouts: TimeDelta::minutes(150),
        }
    }

    fn plan_at(now: &str, matches: &[Kickoff], state: &TournamentState, stored: &[Stored]) -> CheckPlan {
        let wanted = checks(matches, std::slice::from_ref(state), stored, &offsets(), at(now), at(now));
        reconcile(&wanted, stored, matches, at(now))
    }

    fn as_stored(checks: &[Check]) -> Vec<Stored> {
        (1..)
            .zip(checks)
            .map(|(id, check)| Stored { id: Uuid::from_u128(id), check: check.clone(), done: false })
            .collect()
    }

    const MATCHDAY: [(&str, &str); 4] = [
        ("1", "2022-11-21T13:00:00Z"),
        ("1", "2022-11-21T16:00:00Z"),
        ("1", "2022-11-22T10:00:00Z"),
        ("2", "2022-11-25T10:00:00Z"),
    ];

    #[test]
    fn a_day_of_a_cup() {
        let matches = MATCHDAY.map(|(round, kickoff)| open(round, kickoff));
        let plan = plan_at("2022-11-21T00:01:00Z", &matches, &tournament(true, false), &[]);
        let lines: Vec<_> = plan
            .create
            .iter()
            .map(|check| {
                let round = check.round_slug.as_deref().unwrap_or("-");
                format!("{} {} {round}", check.at.format("%m-%d %H:%M"), check.kind)
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn planning_twice_changes_nothing() {
        let matches = MATCHDAY.map(|(round, kickoff)| open(round, kickoff));
        let state = tournament(true, false);
        let stored = as_stored(&plan_at("2022-11-21T00:01:00Z", &matches, &state, &[]).create);
        let again = plan_at("2022-11-21T00:05:00Z", &matches, &state, &stored);
        assert_eq!(again, CheckPlan { keep: stored.len(), ..CheckPlan::default() });
    }

    #[test]
    fn a_moved_kickoff_makes_new_checks_and_the_old_ones_are_cancelled() {
        let state = tournament(false, false);
        let stored = as_stored(
            &plan_at("2022-11-21T00:01:00Z", &[open("1", "2022-11-21T13:00:00Z")], &state, &[]).create,
        );
        let plan = plan_at("2022-11-21T08:00:00Z", &[open("1", "2022-11-29T13:00:00Z")], &state, &stored);
        assert_eq!((plan.create.len(), plan.cancel.len()), (0, 3), "with the look at the table");
        let plan = plan_at("2022-11-21T08:00:00Z", &[open("1", "2022-11-21T14:00:00Z")], &state, &stored);
        assert_eq!((plan.create.len(), plan.cancel.len()), (3, 3));
    }

    #[test]
    fn a_check_with_another_offset_replaces_the_old_one() {
        let state = tournament(false, false);
        let matches = [open("1", "2022-11-21T13:00:00Z")];
        let stored = as_stored(&plan_at("2022-11-21T00:01:00Z", &matches, &state, &[]).create);
        let offsets = Offsets { closing: TimeDelta::minutes(125), ..offsets() };
        let now = at("2022-11-21T00:05:00Z");
        let wanted = checks(&matches, &[state], &stored, &offsets, now, now);
        let plan = reconcile(&wanted, &stored, &matches, now);
        assert_eq!((plan.create.len(), plan.cancel.len(), plan.keep), (2, 2, 1));
    }

    #[test]
    fn a_routine_for_an_older_day_undoes_nothing_of_a_newer_one() {
        let state = tournament(false, false);
        let matches = [open("1", "2022-11-26T13:00:00Z")];
        let later = as_stored(&plan_at("2022-11-25T00:01:00Z", &matches, &state, &[]).create);
        assert_eq!(plan_at("2022-11-21T00:01:00Z", &[], &state, &later).cancel, Vec::<Uuid>::new());
    }

    #[test]
    fn where_an_interim_and_a_closing_check_meet_one_request_is_made() {
        let matches = [open("1", "2022-11-21T13:00:00Z"), open("1", "2022-11-21T13:30:00Z")];
        let plan = plan_at("2022-11-21T00:01:00Z", &matches, &tournament(false, false), &[]);
        let kinds: Vec<_> = plan.create.iter().map(|check| check.kind).collect();
        assert_eq!(kinds, [CheckKind::Interim, CheckKind::Closing, CheckKind::Closing, CheckKind::Table]);
    }

    #[test]
    fn old_open_matches_are_swept_first_unless_a_follow_up_has_them() {
        let matches = [
            open("5", "2022-11-18T13:00:00Z"),
            open("4", "2022-11-11T13:00:00Z"),
            open("4", "2022-11-12T13:00:00Z"),
            open("6", "2022-11-20T22:30:00Z"),
        ];
        let follow_up = Check::of_round(CheckKind::FollowUp, T, "6", at("2022-11-21T00:40:00Z"));
        let mut stored = as_stored(&[follow_up]);
        let state = tournament(false, false);
        let plan = plan_at("2022-11-21T00:35:00Z", &matches, &state, &stored);
        let swept = |plan: &CheckPlan| {
            let sweeps = plan.create.iter().filter(|check| check.kind == CheckKind::Sweep);
            sweeps.map(|check| check.round_slug.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(swept(&plan), ["4", "5"]);
        assert_eq!(plan.cancel, Vec::<Uuid>::new(), "a follow-up is not the routine's to cancel");
        // Once a day, even if it is over.
        for sweep in &plan.create {
            stored.push(Stored { id: Uuid::from_u128(99), check: sweep.clone(), done: true });
        }
        assert_eq!(swept(&plan_at("2022-11-21T09:00:00Z", &matches, &state, &stored)), ["6"]);
    }

    #[test]
    fn rounds_that_stay_open_do_not_keep_the_others_from_being_swept() {
        let matches: Vec<Kickoff> =
            (0..70).map(|round| open(&round.to_string(), "2022-10-01T13:00:00Z")).collect();
        let mut seen = BTreeSet::new();
        for day in 1..=4 {
            let now = format!("2022-11-0{day}T00:01:00Z");
            let plan = plan_at(&now, &matches, &tournament(false, false), &[]);
            assert_eq!(plan.create.len(), SWEEP_LIMIT);
            seen.extend(plan.create.into_iter().filter_map(|check| check.round_slug));
        }
        assert_eq!(seen.len(), 70);
    }

    #[test]
    fn what_is_planned_for_a_match_stays_though_it_has_ended() {
        let state = tournament(true, false);
        let late = open("1", "2022-11-21T22:00:00Z");
        let stored =
            as_stored(&plan_at("2022-11-21T00:01:00Z", std::slice::from_ref(&late), &state, &[]).create);
        // Past midnight: the match has ended, its knockouts check (00:30) is still to come.
        let ended = Kickoff { open: false, ..late };
        let plan = plan_at("2022-11-22T00:01:00Z", &[ended], &state, &stored);
        assert_eq!((plan.create.len(), plan.cancel.len()), (0, 0));
    }

    #[test]
    fn a_pending_draw_is_looked_at_in_the_morning() {
        let plan = plan_at("2022-12-03T00:01:00Z", &[], &tournament(true, true), &[]);
        let kinds: Vec<_> = plan.create.iter().map(|check| (check.kind, check.at)).collect();
        assert_eq!(
            kinds,
            [(CheckKind::Draw, at("2022-12-03T09:00:00Z")), (CheckKind::Draw, at("2022-12-04T09:00:00Z"))]
        );
    }

    #[test]
    fn of_each_round_the_check_that_does_most_covers_the_others() {
        let due = "2022-11-21T15:00:00Z";
        let earlier = "2022-11-21T14:30:00Z";
        let round = |kind, round, moment| Check::of_round(kind, T, round, at(moment));
        let due = [
            round(CheckKind::Interim, "1", earlier),
            round(CheckKind::FollowUp, "2", due),
            round(CheckKind::Closing, "1", due),
            round(CheckKind::SecondLook, "1", due),
            round(CheckKind::FollowUp, "2", earlier),
        ];
        assert_eq!(fold(&due), [(1, vec![4]), (2, vec![0, 3])]);
    }

    #[test]
    fn moments_are_whole_minutes_and_the_last_alarm_of_a_function_is_on_a_half_hour() {
        assert_eq!(whole_minute(at("2022-11-21T15:00:00Z")), at("2022-11-21T15:00:00Z"));
        assert_eq!(whole_minute(at("2022-11-21T15:00:00.1Z")), at("2022-11-21T15:01:00Z"));
        assert_eq!(after_last(at("2022-11-21T15:10:00Z")), at("2022-11-21T15:30:00Z"));
        assert_eq!(after_last(at("2022-11-21T15:11:00Z")), at("2022-11-21T16:00:00Z"));
    }
}
