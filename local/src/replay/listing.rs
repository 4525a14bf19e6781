//! The entries of a match in the provider's lists, and what each shows.

use chrono::{DateTime, Utc};

use super::course::{ByHand, NEW_ID};
use super::model::{Fault, Fixture};
use super::story::{Moment, current};

/// An entry of a match in the provider's lists: the match itself, or the old entry of a postponed match.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The event id.
    pub id: u64,
    /// `startTimestamp`.
    pub kickoff: DateTime<Utc>,
    /// What the entry shows.
    pub moment: Moment,
}

impl Fixture {
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

/// The match at `now`: its valid entry, without those of earlier postponements.
pub fn moment(fixture: &Fixture, now: DateTime<Utc>) -> Moment {
    let last = fixture.listings(now).pop();
    last.map_or_else(|| current(fixture, fixture.kickoff, now), |listing| listing.moment)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use serde_json::json;

    use super::super::bracket::Bracket;
    use super::super::model::Season;
    use super::super::payload::View;
    use super::super::sample;
    use super::super::story::ended_at;
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
            let list =
                view(&season, now, |v| View::scheduled_events(std::iter::once(v), day.parse().unwrap()));
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
            brief(&view(&season, "2030-06-08T00:00:00Z", |v| {
                View::scheduled_events(std::iter::once(v), day.parse().unwrap())
            }))
        };
        assert_eq!(days("2030-06-01")[0], (9_000_001, 60, old));
        assert!(days("2030-06-08").contains(&(9_500_001, 100, new)));
    }

    #[test]
    fn abandoned_and_resumed() {
        let season = cup(&["abandon:9000001:60:2030-06-02T10:00"]);
        // The second half begins in minute 62: two minutes after play is resumed.
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
                view(&season, now, |v| {
                    View::scheduled_events(std::iter::once(v), "2030-06-01".parse().unwrap())
                }),
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
                    View::scheduled_events(std::iter::once(view), now.date_naive());
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
