//! The course a match takes under its faults: when it kicks off, which entries it has in the provider's lists, when it
//! stands still. Without faults it is the file's kickoff, one entry, no stop.

use chrono::{DateTime, Duration, Utc};

use super::fault::Fault;
use super::season::{Fixture, Ruling, Score};
use super::story::{Moment, current};

/// How far the id of a match that was postponed under a new one is from the old id.
const NEW_ID: u64 = 500_000;

/// An entry of a match in the provider's lists: the match itself, or what a postponement left behind.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The event id.
    pub id: u64,
    /// `startTimestamp`.
    pub kickoff: DateTime<Utc>,
    /// What the entry shows.
    pub moment: Moment,
}

/// A postponement in time.
struct Move {
    /// Since when it is postponed.
    off: DateTime<Utc>,
    /// Since when the new kickoff is known.
    announced: DateTime<Utc>,
    to: DateTime<Utc>,
    new_id: bool,
}

/// A status by hand in time.
pub struct ByHand<'a> {
    /// `status.code`.
    pub code: u32,
    /// `status.type`.
    pub kind: &'a str,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until when; none is for ever.
    pub to: Option<DateTime<Utc>>,
}

/// Where play stopped before its time.
#[derive(Clone, Copy)]
pub struct Stop {
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

    /// The result in the end: corrected if it is, none if the match was cancelled or abandoned for good.
    pub fn counted_score(&self) -> Option<Score> {
        let abandoned = self.stop().is_some_and(|stop| stop.resumed.is_none());
        let score = self.score.filter(|_| self.ruling != Ruling::Cancelled && !abandoned)?;
        Some(self.corrections().last().map_or(score, |(_, goals)| corrected(score, *goals)))
    }

    /// Every entry of the match in the provider's lists at `now`, the valid one last.
    pub fn listings(&self, now: DateTime<Utc>) -> Vec<Listing> {
        let mut listings = self.entries(now);
        if let Some(valid) = listings.last_mut() {
            self.by_hand(&mut valid.moment, now);
        }
        listings
    }

    fn entries(&self, now: DateTime<Utc>) -> Vec<Listing> {
        let mut entries = Vec::new();
        let (mut id, mut kickoff, mut moved) = (self.id, self.kickoff, 0);
        for step in self.moves().into_iter().take_while(|step| step.off <= now) {
            let announced = step.announced <= now;
            if step.new_id || !announced {
                entries.push(Listing { id, kickoff, moment: Moment::postponed(step.off.timestamp()) });
            }
            if !announced {
                return entries;
            }
            id += if step.new_id { NEW_ID } else { 0 };
            (kickoff, moved) = (step.to, step.announced.timestamp());
        }
        let mut moment = current(self, kickoff, now);
        moment.changed = moment.changed.max(moved);
        let moves = self.faults.iter().any(|fault| matches!(fault, Fault::Late { moves: true, .. }));
        if moves && now >= kickoff && kickoff == self.last_kickoff() {
            kickoff = self.start();
        }
        entries.push(Listing { id, kickoff, moment });
        entries
    }

    /// Is the match left out of the lists at `now`?
    pub fn hidden(&self, now: DateTime<Utc>) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::Vanish { from, to, .. } => {
                let at = |when: super::fault::When| when.instant(self.last_kickoff());
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

    /// The statuses by hand.
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

    fn moves(&self) -> Vec<Move> {
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

    fn by_hand(&self, moment: &mut Moment, now: DateTime<Utc>) {
        for ByHand { code, kind, from, to } in self.statuses() {
            if from <= now && to.is_none_or(|to| now < to) {
                moment.set_status(code, kind, from.timestamp());
            } else if let Some(to) = to.filter(|to| *to <= now) {
                moment.changed = moment.changed.max(to.timestamp());
            }
        }
    }
}

/// The score with other goals: those of the last period, the ones before cut down to fit.
pub(super) fn corrected(score: Score, goals: [u32; 2]) -> Score {
    let fit = |of: [u32; 2]| [of[0].min(goals[0]), of[1].min(goals[1])];
    let ft = if score.et.is_some() { fit(score.ft) } else { goals };
    Score { ht: score.ht.map(fit), ft, et: score.et.map(|_| goals), p: score.p }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bracket::Bracket;
    use super::super::payload::View;
    use super::super::sample;
    use super::super::season::Season;
    use super::super::story::{ended_at, moment};
    use super::super::table::table;
    use super::*;

    /// The cup with faults. Its first match is A1 against A2 on 1 June at 15:00, 2-0.
    fn cup(faults: &[&str]) -> Season {
        sample::cup().with_faults(faults.iter().map(|spec| spec.parse().unwrap()).collect()).unwrap()
    }

    fn view<T>(season: &Season, now: &str, look: impl Fn(View<'_>) -> T) -> T {
        look(View { season, bracket: &Bracket::of(season), now: sample::at(now) })
    }

    fn shown(season: &Season, now: &str) -> (u32, Option<u64>, i64) {
        let at = moment(&season.fixtures[0], sample::at(now));
        (at.code, at.home["display"].as_u64(), at.changed)
    }

    /// Id, status code and kickoff of every event.
    fn brief(list: &serde_json::Value) -> Vec<(u64, u64, i64)> {
        let number = |value: &serde_json::Value| value.as_i64().unwrap();
        let own = list["events"].as_array().unwrap().iter().filter(|e| e["id"].as_u64() < Some(20_000_000));
        own.map(|e| {
            (number(&e["id"]) as u64, number(&e["status"]["code"]) as u64, number(&e["startTimestamp"]))
        })
        .collect()
    }

    fn stamp(text: &str) -> i64 {
        sample::at(text).timestamp()
    }

    #[test]
    fn postponed_and_played_later() {
        let season = cup(&["postpone:9000001:2030-06-07T18:00"]);
        let (old, new) = (stamp("2030-06-01T15:00:00Z"), stamp("2030-06-07T18:00:00Z"));
        let round = |now: &str| brief(&view(&season, now, |v| v.round_events(1, None, None).unwrap()))[0];
        let first = |now: &str| {
            let all = brief(&view(&season, now, |v| v.round_events(1, None, None).unwrap()));
            all.into_iter().find(|e| e.0 == 9_000_001).unwrap()
        };
        assert_eq!(round("2030-05-31T14:59:59Z"), (9_000_001, 0, old));
        assert_eq!(round("2030-05-31T15:00:00Z"), (9_000_001, 60, old));
        assert_eq!(
            first("2030-06-02T15:00:00Z"),
            (9_000_001, 0, new),
            "announced 24 hours after the old kickoff"
        );
        assert_eq!(first("2030-06-07T18:00:00Z"), (9_000_001, 6, new));
        assert_eq!(ended_at(&season.fixtures[0]), Some(sample::at("2030-06-07T19:53:00Z")));
        assert_eq!(shown(&season, "2030-06-02T15:00:00Z").2, stamp("2030-06-02T15:00:00Z"));
        let day = |day: &str, now: &str| {
            let list = view(&season, now, |v| v.scheduled_events(day.parse().unwrap()));
            brief(&list).into_iter().any(|e| e.0 == 9_000_001)
        };
        assert!(day("2030-06-01", "2030-06-01T12:00:00Z") && !day("2030-06-01", "2030-06-03T00:00:00Z"));
        assert!(day("2030-06-07", "2030-06-03T00:00:00Z") && !day("2030-06-07", "2030-06-01T12:00:00Z"));
        let points = |now: &str| table(&season, Some("Group A"), sample::at(now))[0].points();
        assert_eq!([points("2030-06-07T19:52:00Z"), points("2030-06-07T19:53:00Z")], [3, 6]);
        let current = |now: &str| view(&season, now, |v| v.rounds()["currentRound"]["round"].clone());
        assert_eq!(current("2030-06-01T23:00:00Z"), 1, "B1-B2 of the first round is still to come");
        assert_eq!(current("2030-06-04T00:00:00Z"), 2);
        assert_eq!(current("2030-06-07T00:00:00Z"), 1, "the match moved behind the second round");
    }

    #[test]
    fn postponed_under_a_new_id() {
        let season = cup(&["postpone:9000001:2030-06-07T18:00:new-id"]);
        let (old, new) = (stamp("2030-06-01T15:00:00Z"), stamp("2030-06-07T18:00:00Z"));
        let of = |now: &str| {
            let mut all = brief(&view(&season, now, |v| v.round_events(1, None, None).unwrap()));
            all.retain(|e| e.0 % 500_000 == 1);
            all
        };
        assert_eq!(of("2030-06-02T14:59:00Z"), [(9_000_001, 60, old)]);
        assert_eq!(of("2030-06-02T15:00:00Z"), [(9_000_001, 60, old), (9_500_001, 0, new)]);
        assert_eq!(of("2030-06-08T00:00:00Z"), [(9_000_001, 60, old), (9_500_001, 100, new)]);
        let event =
            |id, now: &str| view(&season, now, |v| v.event(id)).map(|e| e["event"]["status"]["code"].clone());
        assert_eq!(event(9_500_001, "2030-06-02T14:59:00Z"), None);
        assert_eq!(event(9_500_001, "2030-06-08T00:00:00Z"), Some(json!(100)));
        assert_eq!(event(9_000_001, "2030-06-08T00:00:00Z"), Some(json!(60)));
        assert_eq!(event(10_000_001, "2030-06-08T00:00:00Z"), None);
        let days = |day: &str| {
            brief(&view(&season, "2030-06-08T00:00:00Z", |v| v.scheduled_events(day.parse().unwrap())))
        };
        assert_eq!(days("2030-06-01")[0], (9_000_001, 60, old));
        assert!(days("2030-06-08").contains(&(9_500_001, 100, new)));
    }

    #[test]
    fn abandoned_and_resumed() {
        let season = cup(&["abandon:9000001:60:2030-06-02T10:00"]);
        // The second half begins in minute 62: two minutes after play goes on.
        assert_eq!(shown(&season, "2030-06-01T15:59:00Z").0, 31);
        let still = (90, Some(1), stamp("2030-06-01T16:00:00Z"));
        let again = (31, Some(1), stamp("2030-06-02T10:00:00Z"));
        assert_eq!(
            ["2030-06-01T16:00:00Z", "2030-06-02T09:59:59Z", "2030-06-02T10:00:00Z"]
                .map(|t| shown(&season, t)),
            [still, still, again]
        );
        assert_eq!(shown(&season, "2030-06-02T10:02:00Z").0, 7);
        let end = sample::at("2030-06-02T10:53:00Z");
        assert_eq!(shown(&season, "2030-06-02T10:53:00Z"), (100, Some(2), end.timestamp()));
        assert_eq!(ended_at(&season.fixtures[0]), Some(end));
        let season = cup(&["abandon:9000001:60"]);
        assert_eq!(shown(&season, "2030-07-01T00:00:00Z"), still);
        assert_eq!(season.fixtures[0].counted_score(), None);
        let rows = table(&season, Some("Group A"), sample::at("2030-07-01T00:00:00Z"));
        assert_eq!(rows.iter().map(|r| r.played()).sum::<u32>(), 4, "it does not count");
        let current = view(&season, "2030-06-04T00:00:00Z", |v| v.rounds()["currentRound"]["round"].clone());
        assert_eq!(current, 2, "nobody waits for it");
    }

    #[test]
    fn late() {
        for (fault, kickoff) in
            [("late:9000001:30", "2030-06-01T15:00:00Z"), ("late:9000001:30:moves", "2030-06-01T15:30:00Z")]
        {
            let season = cup(&[fault]);
            let first = |now: &str| brief(&view(&season, now, |v| v.round_events(1, None, None).unwrap()))[0];
            assert_eq!(first("2030-06-01T14:59:59Z"), (9_000_001, 0, stamp("2030-06-01T15:00:00Z")));
            assert_eq!(first("2030-06-01T15:00:00Z"), (9_000_001, 61, stamp(kickoff)));
            assert_eq!(first("2030-06-01T15:30:00Z"), (9_000_001, 6, stamp(kickoff)));
            assert_eq!(ended_at(&season.fixtures[0]), Some(sample::at("2030-06-01T17:23:00Z")));
        }
    }

    #[test]
    fn corrected_after_the_whistle() {
        let season = cup(&["correct:9000001:60:0-1"]);
        assert_eq!(shown(&season, "2030-06-01T17:52:59Z"), (100, Some(2), stamp("2030-06-01T16:53:00Z")));
        assert_eq!(shown(&season, "2030-06-01T17:53:00Z"), (100, Some(0), stamp("2030-06-01T17:53:00Z")));
        let winner =
            |now: &str| view(&season, now, |v| v.event(9_000_001).unwrap()["event"]["winnerCode"].clone());
        assert_eq!([winner("2030-06-01T17:00:00Z"), winner("2030-06-01T18:00:00Z")], [1, 2]);
        let first = |now: &str| table(&season, Some("Group A"), sample::at(now))[0].team;
        assert_eq!(["2030-06-01T17:00:00Z", "2030-06-01T18:00:00Z"].map(first), [0, 1]);
        let awarded = sample::one(r#""score": {"ft": [3, 0]}, "status": "awarded""#);
        let faults = vec!["correct:9000001:60:0-3".parse().unwrap()];
        let struck = Fixture { faults, ..awarded };
        assert_eq!(moment(&struck, sample::at("2030-06-01T16:00:00Z")).result(), Some([0, 3]));
    }

    #[test]
    fn a_status_by_hand() {
        let season = cup(&["status:9000001:7:interrupted:30:50"]);
        let codes = ["2030-06-01T15:29:59Z", "2030-06-01T15:30:00Z", "2030-06-01T15:50:00Z"];
        assert_eq!(codes.map(|t| shown(&season, t).0), [6, 7, 31]);
        assert_eq!(shown(&season, "2030-06-01T15:50:00Z").2, stamp("2030-06-01T15:50:00Z"));
        let at = moment(&season.fixtures[0], sample::at(codes[1]));
        assert_eq!((at.kind.as_ref(), at.description.as_ref()), ("interrupted", "2nd half"));
        let season = cup(&["status:9000001:93:finished", "status:B1-B2:60:postponed:-60"]);
        assert_eq!(shown(&season, "2030-06-09T00:00:00Z").0, 93);
        let rows = |group| table(&season, Some(group), sample::at("2030-06-09T00:00:00Z"));
        for group in ["Group A", "Group B"] {
            assert_eq!(rows(group).iter().map(|r| r.played()).sum::<u32>(), 4, "neither is a result");
        }
        assert_eq!(ended_at(&season.fixtures[1]), None);
        let current = view(&season, "2030-06-03T00:00:00Z", |v| v.rounds()["currentRound"]["round"].clone());
        assert_eq!(current, 2, "nobody waits for either");
    }

    #[test]
    fn a_goal_that_was_none() {
        let season = cup(&["disallow:9000001:50"]);
        let (from, until) = (stamp("2030-06-01T15:50:00Z"), stamp("2030-06-01T15:55:00Z"));
        assert_eq!(shown(&season, "2030-06-01T15:49:59Z").1, Some(1));
        assert_eq!(shown(&season, "2030-06-01T15:50:00Z"), (31, Some(2), from));
        assert_eq!(shown(&season, "2030-06-01T15:55:00Z"), (31, Some(1), until));
        assert_eq!(shown(&season, "2030-06-01T18:00:00Z").1, Some(2));
        let last = cup(&["disallow:9000001:111:away"]);
        let away = |now: &str| moment(&last.fixtures[0], sample::at(now)).away["display"].clone();
        assert_eq!(
            [away("2030-06-01T16:51:00Z"), away("2030-06-01T16:53:00Z")],
            [1, 0],
            "gone at the whistle"
        );
    }

    #[test]
    fn vanished_from_the_lists_only() {
        let season = cup(&["vanish:9000001:2030-06-01T10:00:2030-06-01T12:00"]);
        let there = |now: &str| {
            let lists = [
                view(&season, now, |v| v.round_events(1, None, None).unwrap()),
                view(&season, now, |v| v.scheduled_events("2030-06-01".parse().unwrap())),
            ];
            lists.map(|list| brief(&list).iter().any(|e| e.0 == 9_000_001))
        };
        assert_eq!(there("2030-06-01T09:59:59Z"), [true; 2]);
        assert_eq!(there("2030-06-01T10:00:00Z"), [false; 2]);
        assert_eq!(there("2030-06-01T12:00:00Z"), [true; 2]);
        assert!(view(&season, "2030-06-01T11:00:00Z", |v| v.event(9_000_001)).is_some());
    }

    #[test]
    fn under_every_fault_tables_and_events_agree() {
        for fault in [
            "postpone:ID:2030-06-16T18:00:new-id",
            "postpone:ID:2030-06-16T18:00",
            "abandon:ID:60",
            "abandon:ID:60:600",
            "late:ID:45:moves",
            "correct:ID:30:4-4",
            "disallow:ID:20:away",
            "status:ID:93:finished:200",
            "status:ID:100:finished:20",
            "status:ID:70:canceled:-100:400",
            "status:ID:999:mystery",
        ] {
            for id in [9_000_001, 9_000_008] {
                let season = cup(&[&fault.replace("ID", &id.to_string())]);
                let bracket = Bracket::of(&season);
                let kickoff = season.fixtures[id as usize - 9_000_001].kickoff;
                for minutes in [-1500, -50, 10, 25, 65, 115, 145, 205, 420, 660, 1500, 30_000] {
                    let now = kickoff + Duration::minutes(minutes);
                    let view = View { season: &season, bracket: &bracket, now };
                    let lists = [1, 2].map(|round| view.round_events(round, None, None).unwrap());
                    let events = lists.iter().flat_map(|list| list["events"].as_array().unwrap());
                    let results = events
                        .filter(|e| e["status"]["type"] == "finished" && e["status"]["code"] != 93)
                        .filter(|e| e["homeScore"]["display"].is_number())
                        .count() as u64;
                    let standings = view.standings().unwrap();
                    let tables = standings["standings"].as_array().unwrap().iter();
                    let rows = tables.flat_map(|table| table["rows"].as_array().unwrap());
                    let played: u64 = rows.map(|row| row["matches"].as_u64().unwrap()).sum();
                    assert_eq!(played, 2 * results, "{fault} {id} {now}");
                    assert!(view.rounds()["currentRound"].is_object());
                    view.cup_trees();
                    view.scheduled_events(now.date_naive());
                }
            }
        }
    }

    #[test]
    fn a_knockout_tie_follows_what_is_shown() {
        let season = cup(&["correct:B1-A2:60:0-1", "postpone:A1-B2:2030-06-12T15:00:new-id"]);
        let tree = |now: &str| view(&season, now, |v| v.cup_trees().unwrap())["cupTrees"][0].clone();
        let winner = |now: &str, event: u64| {
            let tree = tree(now);
            let blocks = tree["rounds"][0]["blocks"].as_array().unwrap().clone();
            let block = blocks.into_iter().find(|b| b["events"] == json!([event])).unwrap();
            let names = block["participants"].as_array().unwrap().clone();
            names.into_iter().find(|p| p["winner"] == true).map(|p| p["team"]["name"].clone())
        };
        assert_eq!(winner("2030-06-11T17:00:00Z", 9_000_008), Some(json!("B1")));
        assert_eq!(winner("2030-06-11T18:00:00Z", 9_000_008), Some(json!("A2")));
        assert_eq!(winner("2030-06-11T18:00:00Z", 9_500_007), None);
        assert_eq!(winner("2030-06-12T18:00:00Z", 9_500_007), Some(json!("B2")));
    }
}
