//! `…/cuptrees`: the knockout rounds as a tree, in the format of the only captured reply (Africa Cup 2025).
//!
//! Like that reply: scores are strings; the first round's result is `2:1`, that of later ones `home won`; the
//! match for third place is not a round of the tree but takes up a round's `order`, and across that gap (semifinals to
//! final) nothing is linked. In every second block the participants are in reverse order to the event.

use serde_json::{Value, json};

use super::bracket::Tie;
use super::model::{Kind, RoundKey};
use super::payload::{View, placeholder_json, team_json};

/// A round of the tree.
struct Level<'a> {
    round: &'a RoundKey,
    /// Its place in the tree, from 1; the match for third place takes up one too.
    order: u64,
    /// In the tree's order.
    entries: Vec<Entry>,
}

impl Level<'_> {
    fn ties(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Tie(tie) => Some(*tie),
            Entry::Bye { .. } => None,
        })
    }
}

/// The content of a block of the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// Index into the bracket's ties.
    Tie(usize),
    /// A team that advances without a match: this side of a tie of the next round.
    Bye { tie: usize, side: usize },
}

impl View<'_> {
    /// `…/cuptrees`: one for each stage, from its first draw on.
    pub fn cup_trees(&self) -> Option<Value> {
        let mut stages: Vec<Option<&str>> = Vec::new();
        for round in self.season.rounds.iter().filter(|round| round.slug.is_some()) {
            if !stages.contains(&round.prefix.as_deref()) {
                stages.push(round.prefix.as_deref());
            }
        }
        let trees: Vec<Value> =
            (0..).zip(stages).filter_map(|(place, stage)| self.tree(place, stage)).collect();
        (!trees.is_empty()).then(|| json!({ "cupTrees": trees }))
    }

    fn tree(&self, place: u64, stage: Option<&str>) -> Option<Value> {
        let mut levels = self.levels(stage);
        if !levels.iter().any(|level| self.drawn(level.round)) {
            return None;
        }
        let tree_id = 10_000_000 + self.season.season_id + place * 100_000;
        for next in (1..levels.len()).rev() {
            let (before, after) = levels.split_at_mut(next);
            self.put_below(&mut before[next - 1], &after[0]);
        }
        let mut blocks_before = 0;
        let mut rounds = Vec::new();
        for (at, level) in levels.iter().enumerate() {
            let linked = |to: Option<&Level<'_>>| to.is_some_and(|to| to.order.abs_diff(level.order) == 1);
            let below =
                at.checked_sub(1).and_then(|below| levels.get(below)).filter(|below| linked(Some(below)));
            let above = linked(levels.get(at + 1));
            let blocks: Vec<Value> = (1..)
                .zip(&level.entries)
                .map(|(place, entry)| {
                    let id = tree_id * 1_000 + blocks_before + place;
                    match *entry {
                        Entry::Tie(tie) => self.block(tie, place, id, level.order == 1, below, above),
                        Entry::Bye { tie, side } => self.bye(tie, side, place, id),
                    }
                })
                .collect();
            blocks_before += level.entries.len() as u64;
            rounds.push(json!({
                "order": level.order, "type": level.entries.len(), "description": description(level),
                "blocks": blocks, "id": tree_id * 10 + level.order,
            }));
        }
        let open = levels.iter().find(|level| level.ties().any(|tie| !self.over(&self.bracket.ties[tie])));
        let label = self.season.label();
        Some(json!({
            "id": tree_id,
            "name": format!("{label} {}, {}", self.season.season_year(), stage.unwrap_or("Knockout stage")),
            "tournament": self.stage_json(Kind::Knockout, None),
            "rounds": rounds,
            "currentRound": open.or(levels.last()).map(|level| level.order),
            "type": 1, "showSingleParticipantByeBlocks": false, "hideRoundsWithoutParticipants": false,
        }))
    }

    /// The rounds of the stage by first kickoff, their ties as they come.
    fn levels(&self, stage: Option<&str>) -> Vec<Level<'_>> {
        let of_stage = |round: &&RoundKey| round.slug.is_some() && round.prefix.as_deref() == stage;
        let knockout = self.season.rounds.iter().filter(of_stage);
        let all = (1..).zip(knockout).map(|(order, round)| {
            let ties = (0..self.bracket.ties.len()).filter(|tie| self.bracket.ties[*tie].round == *round);
            Level { round, order, entries: ties.map(Entry::Tie).collect() }
        });
        all.filter(|level| level.round.number != 50).collect()
    }

    /// Orders the ties and byes of a round by the ties that their winners play next; ties without a next one come last.
    fn put_below(&self, level: &mut Level<'_>, next: &Level<'_>) {
        let mut order: Vec<Entry> = Vec::new();
        for (tie, side) in next.ties().flat_map(|tie| [(tie, 0), (tie, 1)]) {
            let team = self.sides(tie)[side];
            match self.source(tie, team).map(Entry::Tie).filter(|source| level.entries.contains(source)) {
                Some(source) => order.push(source),
                None if self.season.byes().contains(&team) => order.push(Entry::Bye { tie, side }),
                None => {}
            }
        }
        for tie in level.entries.drain(..) {
            if !order.contains(&tie) {
                order.push(tie);
            }
        }
        level.entries = order;
    }

    /// Home and away of the first leg (indices into the teams).
    fn sides(&self, tie: usize) -> [usize; 2] {
        let first = self.bracket.ties[tie].legs.first().map(|leg| &self.season.fixtures[*leg]);
        first.map_or([0, 0], |first| [first.home, first.away])
    }

    /// The tie that `team` won.
    fn source(&self, tie: usize, team: usize) -> Option<usize> {
        let earlier = self.bracket.earlier(self.season, tie, team)?;
        (self.bracket.ties[earlier].winner == Some(team)).then_some(earlier)
    }

    /// Has every leg ended or been cancelled?
    fn over(&self, tie: &Tie) -> bool {
        let ended = |leg: &usize| {
            super::story::ended_at(&self.season.fixtures[*leg]).is_some_and(|end| end <= self.now)
        };
        tie.legs.iter().all(ended)
    }

    /// The block of a team that advances without a match.
    fn bye(&self, tie: usize, side: usize, place: u64, id: u64) -> Value {
        let participant = self.participant(tie, side, 1, id);
        json!({
            "finished": false, "matchesInRound": 1, "order": place, "participants": [participant],
            "hasNextRoundLink": true, "eventInProgress": false, "id": id, "events": [], "blockId": place,
            "automaticProgression": true,
        })
    }

    /// The team on a side of a tie, or its placeholder until it is known.
    fn participant(&self, tie: usize, side: usize, order: u64, block: u64) -> Value {
        let team = self.sides(tie)[side];
        let slots = self.bracket.ties[tie].legs.first().and_then(|leg| self.bracket.slots(*leg));
        let slot = slots.map(|slots| &slots[side]).filter(|slot| !slot.known(self.now));
        json!({
            "team": slot.map_or_else(|| team_json(&self.season.teams[team]), placeholder_json),
            "winner": false, "order": order, "id": block * 10 + order,
        })
    }

    fn block(
        &self,
        tie: usize,
        place: u64,
        id: u64,
        first: bool,
        below: Option<&Level<'_>>,
        above: bool,
    ) -> Value {
        let entry = &self.bracket.ties[tie];
        let legs: Vec<_> =
            entry.legs.iter().filter_map(|leg| self.season.fixtures[*leg].listings(self.now).pop()).collect();
        let drawn = self.drawn(&entry.round);
        let events: Vec<u64> = legs.iter().map(|leg| leg.id).filter(|_| drawn).collect();
        let winner = self.bracket.winner_at(self.season, tie, self.now);
        let sides = self.sides(tie);
        let swapped = place.is_multiple_of(2);
        let order = if swapped { [1, 0] } else { [0, 1] };
        let participants: Vec<Value> = (1..)
            .zip(order)
            .map(|(order, side)| {
                let mut participant = self.participant(tie, side, order, id);
                participant["winner"] = json!(winner == Some(sides[side]));
                let source = self.source(tie, sides[side]).map(Entry::Tie);
                let comes_from = |entry: &Entry| Some(*entry) == source || *entry == Entry::Bye { tie, side };
                let block = below.and_then(|below| below.entries.iter().position(comes_from));
                if let Some(block) = block {
                    participant["sourceBlockId"] = json!(block + 1);
                }
                participant
            })
            .collect();
        let running = legs.iter().any(|leg| leg.moment.kind == "inprogress");
        let mut block = json!({
            "finished": winner.is_some(), "matchesInRound": entry.legs.len(), "order": place,
            "participants": participants, "hasNextRoundLink": above, "eventInProgress": running,
            "id": id, "events": events, "blockId": place, "automaticProgression": false,
        });
        if let Some(first) = legs.first().filter(|_| drawn) {
            block["seriesStartDateTimestamp"] = json!(first.kickoff.timestamp());
        }
        if let Some(winner) = winner {
            let [home, away] = order.map(|side| self.goals(entry, sides[side]));
            let home_won = winner == sides[order[0]];
            block["result"] = match (first, home_won) {
                (true, _) => json!(format!("{}:{}", home.0, away.0)),
                (false, true) => json!("home won"),
                (false, false) => json!("away won"),
            };
            block["homeTeamScore"] = json!(written(home));
            block["awayTeamScore"] = json!(written(away));
        }
        block
    }

    /// A team's goals over all legs, and in the shootout of the last.
    fn goals(&self, tie: &Tie, team: usize) -> (u32, Option<u32>) {
        let mut total = 0;
        let mut kicks = None;
        for leg in &tie.legs {
            let fixture = &self.season.fixtures[*leg];
            let side = usize::from(fixture.home != team);
            let moment = super::listing::moment(fixture, self.now);
            total += moment.result().map_or(0, |goals| goals[side]);
            kicks = moment.kicks().map(|kicks| kicks[side]);
        }
        (total, kicks)
    }
}

/// `2`, or `0 (4)` with a shootout.
fn written((goals, kicks): (u32, Option<u32>)) -> String {
    kicks.map_or_else(|| goals.to_string(), |kicks| format!("{goals} ({kicks})"))
}

/// `1/8` for eight ties, as the provider writes early rounds; other rounds have their name.
fn description(level: &Level<'_>) -> String {
    match level.round.slug.as_deref() {
        Some("round-of-32") => "1/16".to_owned(),
        Some("round-of-16") => "1/8".to_owned(),
        _ => level.round.name.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bracket::Bracket;
    use super::super::model::Season;
    use super::super::sample;
    use super::*;

    fn tree(season: &Season, now: &str) -> Option<Value> {
        let bracket = Bracket::of(season);
        View { season, bracket: &bracket, now: sample::at(now) }.cup_trees()
    }

    fn rounds(season: &Season, now: &str) -> Vec<Value> {
        tree(season, now).unwrap()["cupTrees"][0]["rounds"].as_array().unwrap().clone()
    }

    #[test]
    fn it_is_there_from_the_first_draw_with_placeholders() {
        let season = sample::cup();
        assert_eq!(tree(&season, "2030-06-05T16:52:00Z"), None);
        let rounds = rounds(&season, "2030-06-05T16:53:00Z");
        let orders: Vec<_> = rounds.iter().map(|r| (r["order"].clone(), r["type"].clone())).collect();
        assert_eq!(
            orders,
            [(json!(1), json!(2)), (json!(3), json!(1))],
            "third place takes 2 and is not there"
        );
        let first = &rounds[0]["blocks"][0];
        assert_eq!((&first["finished"], first.get("result")), (&json!(false), None));
        assert_eq!(first["events"], json!([9_000_007]));
        let name =
            |round: usize, side: usize| &rounds[round]["blocks"][0]["participants"][side]["team"]["name"];
        assert_eq!([name(0, 0), name(0, 1)], ["A1", "Runner-up Group B"]);
        assert_eq!([name(1, 0), name(1, 1)], ["Winner SF1", "Winner SF2"]);
        assert_eq!(rounds[1]["blocks"][0]["events"], json!([]), "its round is not there yet");
    }

    #[test]
    fn a_finished_tree() {
        let season = sample::cup();
        let rounds = rounds(&season, "2030-06-20T00:00:00Z");
        let semifinals = rounds[0]["blocks"].as_array().unwrap();
        // The final is B2 against B1: B2's semifinal comes first.
        assert_eq!(semifinals[0]["events"], json!([9_000_007]));
        assert_eq!(
            (&semifinals[0]["result"], &semifinals[0]["homeTeamScore"], &semifinals[0]["awayTeamScore"]),
            (&json!("1:1"), &json!("1 (3)"), &json!("1 (4)"))
        );
        let names = |block: &Value| {
            let list = block["participants"].as_array().unwrap().clone();
            list.iter().map(|p| (p["team"]["name"].clone(), p["winner"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(names(&semifinals[0]), [(json!("A1"), json!(false)), (json!("B2"), json!(true))]);
        // The event is B1 against A2; the second block shows it in reverse order.
        assert_eq!(names(&semifinals[1]), [(json!("A2"), json!(false)), (json!("B1"), json!(true))]);
        assert_eq!(semifinals[1]["result"], "0:1");
        let last = &rounds[1]["blocks"][0];
        assert_eq!((&last["result"], &last["homeTeamScore"]), (&json!("away won"), &json!("0")));
        assert_eq!(last["participants"][0].get("sourceBlockId"), None, "nothing is linked across the gap");
        assert_eq!(
            (&semifinals[0]["hasNextRoundLink"], &rounds[1]["description"]),
            (&json!(false), &json!("Final"))
        );
    }

    #[test]
    fn real_trees_hang_together() {
        let Some(data) = std::env::var_os("REAL_DATA") else {
            eprintln!("left out: REAL_DATA does not name a folder with real season files");
            return;
        };
        for (file, levels) in [
            ("2022_worldcup", vec![(1, 8), (2, 4), (3, 2), (5, 1)]),
            ("2014_worldcup", vec![(1, 8), (2, 4), (3, 2), (5, 1)]),
            ("2020_euro", vec![(1, 8), (2, 4), (3, 2), (4, 1)]),
            ("2018-19_uefa.cl", vec![(1, 8), (2, 4), (3, 2), (4, 1)]),
            ("2024-25_uefa.cl", vec![(1, 8), (2, 8), (3, 4), (4, 2), (5, 1)]),
        ] {
            let path = std::path::Path::new(&data).join(format!("openfootball/{file}.json"));
            let season = Season::load(&path).unwrap();
            let rounds = rounds(&season, &season.last_end().to_rfc3339());
            let number = |value: &Value| value.as_u64().unwrap();
            let seen: Vec<_> = rounds.iter().map(|r| (number(&r["order"]), number(&r["type"]))).collect();
            assert_eq!(seen, levels, "{file}");
            for (at, round) in rounds.iter().enumerate() {
                for block in round["blocks"].as_array().unwrap() {
                    let participants = block["participants"].as_array().unwrap();
                    // The file has no winner of the 2025 final.
                    if file.starts_with("2024-25") && at == 4 {
                        assert_eq!((&block["finished"], block.get("result")), (&json!(false), None));
                        continue;
                    }
                    let winners = participants.iter().filter(|p| p["winner"] == true).count();
                    assert_eq!((winners, &block["finished"]), (1, &json!(true)), "{file}: {block}");
                    assert_eq!(
                        block["events"].as_array().unwrap().len() as u64,
                        number(&block["matchesInRound"])
                    );
                    for participant in participants {
                        let Some(source) = participant["sourceBlockId"].as_u64() else { continue };
                        let below = &rounds[at - 1]["blocks"][source as usize - 1];
                        let sent = below["participants"].as_array().unwrap();
                        let sent = sent.iter().find(|p| p["winner"] == true).unwrap();
                        assert_eq!(sent["team"]["id"], participant["team"]["id"], "{file}: {block}");
                        assert_eq!(below["hasNextRoundLink"], true, "{file}: {below}");
                        let pairs = !file.starts_with("2024-25") || at > 1;
                        assert!(!pairs || number(&block["blockId"]) == source.div_ceil(2), "{file}: {block}");
                    }
                }
            }
        }
    }
}
