//! Which one-time checks a day needs, and what that means for the schedules that exist.
//!
//! Per (tournament, round, kickoff): an *interim* check while the match runs and a *closing* check when most
//! matches have ended. Per tournament and day: a *knockouts* check after the day's last match, and one in the
//! morning while a draw is pending. Open matches that no check covers are *swept up* first.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};
use uuid::Uuid;

/// What a check is for. The name is part of the schedule's name and of the event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString,
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
    /// An open match whose kickoff has passed and that nothing else covers.
    Sweep,
    /// New rounds and fixtures of the knockout stage.
    Knockouts,
    /// The same, in the morning, while a draw is pending.
    Draw,
    /// The knockout stage again, for data that the provider could not give.
    KnockoutsFollowUp,
    /// The daily routine again, for data that the provider could not give.
    RoutineFollowUp,
    /// The provider's table again, where the check against it could not be made.
    StandingsFollowUp,
    /// A whole tournament again, for data that the provider could not give.
    Refresh,
}

impl CheckKind {
    /// Whether the daily routine reconciles these with the matches. Follow-ups belong to the run that created them.
    pub fn is_reconciled(self) -> bool {
        !self.is_follow_up()
    }

    /// Whether a run created it for missing data. Each has its own name, by the moment of the check.
    pub fn is_follow_up(self) -> bool {
        matches!(
            self,
            Self::FollowUp
                | Self::KnockoutsFollowUp
                | Self::StandingsFollowUp
                | Self::RoutineFollowUp
                | Self::Refresh
        )
    }
}

/// One check, to be made at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its purpose.
    pub kind: CheckKind,
    /// The tournament's id.
    pub tournament_id: Uuid,
    /// The tournament's slug, for people who read the list of schedules.
    pub tournament_slug: String,
    /// The round's slug; none for the knockout stage as a whole.
    pub round_slug: Option<String>,
    /// The kickoff it belongs to, UTC (for a draw: the moment of the check itself).
    pub kickoff: DateTime<Utc>,
    /// The moment of the check, UTC.
    pub at: DateTime<Utc>,
}

/// An existing schedule that this pipeline created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Its name in the group.
    pub name: String,
    /// The check it starts.
    pub check: Check,
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
    /// Whether one of its matches is still open. If not, existing schedules stay, since the table and the bracket need
    /// them, but none is created.
    pub open: bool,
}

impl Kickoff {
    fn is_of(&self, check: &Check) -> bool {
        self.tournament_id == check.tournament_id
            && self.at == check.kickoff
            && check.round_slug.as_ref().is_none_or(|slug| *slug == self.round_slug)
    }
}

/// What planning needs to know of an active tournament.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TournamentState {
    /// Our id.
    pub id: Uuid,
    /// Part of the schedules' names.
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

/// What to do with the schedules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SchedulePlan {
    /// Checks without a schedule.
    pub create: Vec<Check>,
    /// Checks whose schedule has another moment.
    pub update: Vec<Check>,
    /// Names of schedules that no kickoff needs any more.
    pub delete: Vec<String>,
    /// How many schedules are correct.
    pub keep: usize,
}

/// The daily routine looks this many whole days ahead, so that one lost routine loses no match.
const DAYS_AHEAD: i64 = 2;
/// The hour (UTC) of the morning check while a draw is pending.
const DRAW_CHECK_HOUR: u32 = 9;
/// Rounds swept up by one routine, oldest first: each costs a request.
const SWEEP_LIMIT: usize = 30;

/// The end of the window that a routine at `planning` time reconciles: two whole days, today included.
pub fn window_end(planning: DateTime<Utc>) -> DateTime<Utc> {
    planning.date_naive().and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(DAYS_AHEAD)
}

/// The checks that the matches need, given the schedules that exist.
///
/// `planning` determines the day and what is due; `wall` determines what is already in the past.
// Long for one pass over the kickoffs, which fills two maps that must agree.
pub fn checks(
    kickoffs: &[Kickoff],
    tournaments: &[TournamentState],
    existing: &[Existing],
    offsets: &Offsets,
    planning: DateTime<Utc>,
    wall: DateTime<Utc>,
) -> Vec<Check> {
    let tournaments: BTreeMap<Uuid, &TournamentState> = tournaments.iter().map(|t| (t.id, t)).collect();
    let end = window_end(planning);
    // By (tournament, round, moment): where an interim and a closing check of one round meet, the closing one does both.
    let mut rounds: BTreeMap<(Uuid, String, DateTime<Utc>), Check> = BTreeMap::new();
    let mut last_of_day: BTreeMap<(Uuid, chrono::NaiveDate), DateTime<Utc>> = BTreeMap::new();
    let mut uncovered: BTreeMap<(Uuid, String), DateTime<Utc>> = BTreeMap::new();

    for kickoff in kickoffs.iter().filter(|kickoff| kickoff.at < end) {
        let Some(tournament) = tournaments.get(&kickoff.tournament_id) else { continue };
        if tournament.has_knockouts && kickoff.at + offsets.knockouts > wall {
            let last = last_of_day.entry((tournament.id, kickoff.at.date_naive())).or_insert(kickoff.at);
            *last = kickoff.at.max(*last);
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
            if at > wall {
                let check = Check {
                    kind,
                    tournament_id: tournament.id,
                    tournament_slug: tournament.slug.clone(),
                    round_slug: Some(kickoff.round_slug.clone()),
                    kickoff: kickoff.at,
                    at,
                };
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

    let mut checks = sweeps(&uncovered, &tournaments, existing, &rounds, planning, wall);
    checks.extend(rounds.into_values());
    for ((tournament_id, _), kickoff) in last_of_day {
        checks.push(Check {
            kind: CheckKind::Knockouts,
            tournament_id,
            tournament_slug: tournaments[&tournament_id].slug.clone(),
            round_slug: None,
            kickoff,
            at: kickoff + offsets.knockouts,
        });
    }
    let today = planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    let morning = today + TimeDelta::hours(i64::from(DRAW_CHECK_HOUR));
    for tournament in tournaments.values().filter(|t| t.has_knockouts && t.draw_pending) {
        for at in [morning, morning + TimeDelta::days(1)].into_iter().filter(|at| *at > wall) {
            checks.push(Check {
                kind: CheckKind::Draw,
                tournament_id: tournament.id,
                tournament_slug: tournament.slug.clone(),
                round_slug: None,
                kickoff: at,
                at,
            });
        }
    }
    checks
}

/// Sweeps for rounds with open matches whose checks are past and that no later check covers, oldest first.
fn sweeps(
    uncovered: &BTreeMap<(Uuid, String), DateTime<Utc>>,
    tournaments: &BTreeMap<Uuid, &TournamentState>,
    existing: &[Existing],
    planned: &BTreeMap<(Uuid, String, DateTime<Utc>), Check>,
    planning: DateTime<Utc>,
    wall: DateTime<Utc>,
) -> Vec<Check> {
    // A check planned for later today reads the whole round, old matches included.
    let soon = wall + TimeDelta::hours(24);
    let covered: BTreeSet<(Uuid, &str)> = existing
        .iter()
        .map(|existing| &existing.check)
        .filter(|check| check.kind == CheckKind::FollowUp && check.at > wall)
        .chain(planned.values().filter(|check| check.at <= soon))
        .filter_map(|check| Some((check.tournament_id, check.round_slug.as_deref()?)))
        .collect();
    let mut oldest: Vec<_> = uncovered
        .iter()
        .filter(|((tournament, round), _)| !covered.contains(&(*tournament, round.as_str())))
        .collect();
    oldest.sort_by_key(|(_, kickoff)| **kickoff);
    let day = planning.date_naive().and_time(NaiveTime::MIN).and_utc();
    oldest
        .into_iter()
        .take(SWEEP_LIMIT)
        .zip(1..)
        .map(|(((tournament_id, round_slug), _), minutes)| Check {
            kind: CheckKind::Sweep,
            tournament_id: *tournament_id,
            tournament_slug: tournaments[tournament_id].slug.clone(),
            round_slug: Some(round_slug.clone()),
            // The day and not the match's kickoff, so that a round has one sweep a day, however many matches are open.
            kickoff: day,
            at: wall + TimeDelta::minutes(minutes),
        })
        .collect()
}

/// Compares the wanted checks with the schedules that exist. Deletes only reconciled kinds whose kickoff is in the
/// window, so that a routine for an older day undoes nothing of a newer one, and only those that have no kickoff any
/// more.
pub fn reconcile(
    wanted: &[Check],
    existing: &[Existing],
    kickoffs: &[Kickoff],
    environment: &str,
    planning: DateTime<Utc>,
) -> SchedulePlan {
    let existing: BTreeMap<&str, &Check> =
        existing.iter().map(|existing| (existing.name.as_str(), &existing.check)).collect();
    let mut plan = SchedulePlan::default();
    let mut names = BTreeSet::new();
    for check in wanted {
        let name = schedule_name(environment, check);
        match existing.get(name.as_str()) {
            None => plan.create.push(check.clone()),
            // A pending sweep is not moved: moving it on each run would postpone it for ever.
            Some(there) if there.at == check.at || check.kind == CheckKind::Sweep => plan.keep += 1,
            Some(_) => plan.update.push(check.clone()),
        }
        names.insert(name);
    }
    let end = window_end(planning);
    plan.delete = existing
        .iter()
        .filter(|(name, check)| check.kind.is_reconciled() && check.kickoff < end && !names.contains(**name))
        .filter(|(_, check)| check.at > planning && !kickoffs.iter().any(|kickoff| kickoff.is_of(check)))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    plan
}

/// The schedule's name: readable at the front, unique by the hash at the end, at most 64 of the characters that
/// EventBridge Scheduler allows. It is derived from the check's tournament, round and kickoff, so a check keeps its
/// name, and two rounds at the same minute have two names.
pub fn schedule_name(environment: &str, check: &Check) -> String {
    use sha2::{Digest, Sha256};

    let round = check.round_slug.as_deref().unwrap_or("all");
    let moment = if check.kind.is_follow_up() { check.at } else { check.kickoff };
    let subject =
        format!("{environment}/{}/{}/{round}/{}", check.kind, check.tournament_id, moment.timestamp());
    let hash: String =
        Sha256::digest(subject.as_bytes()).iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    let stamp = moment.format("%Y%m%dT%H%M");
    let mut head: String = format!("{environment}-{}-{}-{round}", check.kind, check.tournament_slug)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .collect();
    head.truncate(NAME_LIMIT - hash.len() - 1 - "20221218T1500".len() - 1);
    format!("{head}-{stamp}-{hash}")
}

const NAME_LIMIT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const T: Uuid = Uuid::from_u128(7);

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn open(round: &str, kickoff: &str) -> Kickoff {
        Kickoff { tournament_id: T, round_slug: round.into(), at: at(kickoff), open: true }
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

    fn plan_at(
        now: &str,
        matches: &[Kickoff],
        state: &TournamentState,
        existing: &[Existing],
    ) -> SchedulePlan {
        let wanted = checks(matches, std::slice::from_ref(state), existing, &offsets(), at(now), at(now));
        reconcile(&wanted, existing, matches, "demo", at(now))
    }

    fn as_existing(plan: &SchedulePlan) -> Vec<Existing> {
        plan.create
            .iter()
            .chain(&plan.update)
            .map(|check| Existing { name: schedule_name("demo", check), check: check.clone() })
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
                format!("{} {} {}", check.at.format("%m-%d %H:%M"), check.kind, schedule_name("demo", check))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn planning_twice_changes_nothing() {
        let matches = MATCHDAY.map(|(round, kickoff)| open(round, kickoff));
        let state = tournament(true, false);
        let existing = as_existing(&plan_at("2022-11-21T00:01:00Z", &matches, &state, &[]));
        let again = plan_at("2022-11-21T00:05:00Z", &matches, &state, &existing);
        assert_eq!(again, SchedulePlan { keep: existing.len(), ..SchedulePlan::default() });
    }

    #[test]
    fn two_rounds_of_one_tournament_at_one_minute_keep_two_schedules() {
        let matches = [open("37", "2022-11-21T13:00:00Z"), open("38", "2022-11-21T13:00:00Z")];
        let plan = plan_at("2022-11-21T00:01:00Z", &matches, &tournament(false, false), &[]);
        let names: BTreeSet<_> = plan.create.iter().map(|check| schedule_name("demo", check)).collect();
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn a_moved_kickoff_makes_new_schedules_and_the_old_ones_go() {
        let state = tournament(false, false);
        let existing =
            as_existing(&plan_at("2022-11-21T00:01:00Z", &[open("1", "2022-11-21T13:00:00Z")], &state, &[]));
        let plan = plan_at("2022-11-21T08:00:00Z", &[open("1", "2022-11-29T13:00:00Z")], &state, &existing);
        assert_eq!((plan.create.len(), plan.delete.len()), (0, 2));
        let plan = plan_at("2022-11-21T08:00:00Z", &[open("1", "2022-11-21T14:00:00Z")], &state, &existing);
        assert_eq!((plan.create.len(), plan.delete.len()), (2, 2));
    }

    #[test]
    fn a_routine_for_an_older_day_undoes_nothing_of_a_newer_one() {
        let state = tournament(false, false);
        let later =
            as_existing(&plan_at("2022-11-25T00:01:00Z", &[open("1", "2022-11-26T13:00:00Z")], &state, &[]));
        assert_eq!(plan_at("2022-11-21T00:01:00Z", &[], &state, &later).delete, Vec::<String>::new());
    }

    #[test]
    fn where_an_interim_and_a_closing_check_meet_one_request_is_made() {
        let matches = [open("1", "2022-11-21T13:00:00Z"), open("1", "2022-11-21T13:30:00Z")];
        let plan = plan_at("2022-11-21T00:01:00Z", &matches, &tournament(false, false), &[]);
        let kinds: Vec<_> = plan.create.iter().map(|check| check.kind).collect();
        assert_eq!(kinds, [CheckKind::Interim, CheckKind::Closing, CheckKind::Closing]);
    }

    #[test]
    fn old_open_matches_are_swept_first_unless_a_follow_up_has_them() {
        let matches = [
            open("5", "2022-11-18T13:00:00Z"),
            open("4", "2022-11-11T13:00:00Z"),
            open("4", "2022-11-12T13:00:00Z"),
            open("6", "2022-11-20T22:30:00Z"),
        ];
        let follow_up = Check {
            kind: CheckKind::FollowUp,
            tournament_id: T,
            tournament_slug: "x".into(),
            round_slug: Some("6".into()),
            kickoff: at("2022-11-20T22:30:00Z"),
            at: at("2022-11-21T00:40:00Z"),
        };
        let existing = [Existing { name: schedule_name("demo", &follow_up), check: follow_up }];
        let plan = plan_at("2022-11-21T00:35:00Z", &matches, &tournament(false, false), &existing);
        let swept: Vec<_> =
            plan.create.iter().map(|check| (check.kind, check.round_slug.as_deref())).collect();
        assert_eq!(swept, [(CheckKind::Sweep, Some("4")), (CheckKind::Sweep, Some("5"))]);
        assert_eq!(plan.delete, Vec::<String>::new(), "a follow-up is not the routine's to delete");
    }

    #[test]
    fn what_is_scheduled_for_a_match_stays_though_it_has_ended() {
        let state = tournament(true, false);
        let late = open("1", "2022-11-21T22:00:00Z");
        let existing =
            as_existing(&plan_at("2022-11-21T00:01:00Z", std::slice::from_ref(&late), &state, &[]));
        // Past midnight: the match has ended, its knockouts check (00:30) is still to come.
        let ended = Kickoff { open: false, ..late };
        let plan = plan_at("2022-11-22T00:01:00Z", &[ended], &state, &existing);
        assert_eq!((plan.create.len(), plan.delete.len()), (0, 0));
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
    fn names_are_what_the_scheduler_accepts() {
        let mut check = plan_at(
            "2022-11-21T00:01:00Z",
            &[open("qualification-round-of-16/ümlaut", "2022-11-21T13:00:00Z")],
            &tournament(false, false),
            &[],
        )
        .create
        .remove(0);
        check.tournament_slug = "a-tournament-with-a-very-long-name-that-does-not-end-2022-23".into();
        let name = schedule_name("production", &check);
        assert!(name.len() <= 64, "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{name}");
        assert!(name.ends_with(char::is_alphanumeric) && name.contains("20221121T1300"), "{name}");
    }
}
