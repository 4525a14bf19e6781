//! SofaScore's cup trees as [`Tree`]s. Their scores are strings, sometimes wrong, and are ignored: events have the
//! scores.

use std::collections::HashMap;

use serde::Deserialize;

use super::payload::or_default;
use football::domain::knockout::{Block, Entrant, Participant, Tree, TreeRound};
use football::domain::team::is_placeholder_name;

/// `…/cuptrees`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CupTreesPayload {
    cup_trees: Vec<TreePayload>,
}

#[derive(Debug, Deserialize)]
struct TreePayload {
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    rounds: Vec<RoundPayload>,
}

#[derive(Debug, Deserialize)]
struct RoundPayload {
    order: i32,
    #[serde(rename = "type")]
    ties: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    description: String,
    #[serde(default, deserialize_with = "or_default")]
    blocks: Vec<BlockPayload>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockPayload {
    block_id: i64,
    order: i32,
    #[serde(default, deserialize_with = "or_default")]
    finished: bool,
    #[serde(default, deserialize_with = "or_default")]
    automatic_progression: bool,
    matches_in_round: Option<u32>,
    #[serde(default, deserialize_with = "or_default")]
    participants: Vec<ParticipantPayload>,
    #[serde(default, deserialize_with = "or_default")]
    events: Vec<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParticipantPayload {
    team: Option<TeamPayload>,
    #[serde(default, deserialize_with = "or_default")]
    winner: bool,
    order: Option<i32>,
    source_block_id: Option<i64>,
    /// Whether its team is the name of a place.
    #[serde(skip)]
    is_place: bool,
}

#[derive(Debug, Deserialize)]
struct TeamPayload {
    id: u64,
    name: String,
}

impl CupTreesPayload {
    /// The trees: a season may have one for its qualification and one for the rest.
    pub(super) fn trees(self) -> Vec<Tree> {
        self.cup_trees.into_iter().map(tree).collect()
    }
}

fn tree(mut payload: TreePayload) -> Tree {
    payload.rounds.sort_by_key(|round| round.order);
    mark_places(&mut payload.rounds);
    let rounds: Vec<TreeRound> = payload
        .rounds
        .into_iter()
        .map(|round| {
            let mut blocks: Vec<Block> = round.blocks.into_iter().map(block).collect();
            blocks.sort_by_key(|block| block.order);
            TreeRound { order: round.order, description: round.description, ties: round.ties, blocks }
        })
        .collect();
    Tree { name: payload.name, rounds }
}

/// Marks participants whose "team" is the name of a place: the block of the round before that they come from is not
/// finished, and lists two other teams. Block ids are unique within a round only.
fn mark_places(rounds: &mut [RoundPayload]) {
    for at in 1..rounds.len() {
        let (before, rest) = rounds.split_at_mut(at);
        let Some(before) = before.last() else { return };
        let undecided: HashMap<i64, Vec<u64>> = before
            .blocks
            .iter()
            .filter(|block| !block.finished)
            .map(|block| {
                let teams = block.participants.iter().filter_map(|participant| participant.team.as_ref());
                (
                    block.block_id,
                    teams.filter(|team| !is_placeholder_name(&team.name)).map(|team| team.id).collect(),
                )
            })
            .filter(|(_, teams): &(i64, Vec<u64>)| teams.len() == 2)
            .collect();
        for participant in rest[0].blocks.iter_mut().flat_map(|block| &mut block.participants) {
            let source = participant.source_block_id.and_then(|id| undecided.get(&id));
            let team = participant.team.as_ref();
            participant.is_place = source.zip(team).is_some_and(|(teams, team)| !teams.contains(&team.id));
        }
    }
}

fn block(mut payload: BlockPayload) -> Block {
    payload.participants.sort_by_key(|participant| participant.order);
    let winners: Vec<String> = payload
        .participants
        .iter()
        .filter(|p| p.winner)
        .filter_map(|p| Some(p.team.as_ref()?.id.to_string()))
        .collect();
    let participants: Vec<Participant> = payload
        .participants
        .into_iter()
        .map(|participant| Participant {
            entrant: participant.team.map(|team| entrant(team, participant.is_place)),
            source_block: participant.source_block_id,
        })
        .collect();
    let mut block = Block {
        id: payload.block_id,
        order: payload.order,
        participants,
        events: payload.events.iter().map(u64::to_string).collect(),
        finished: payload.finished,
        // If two are marked as winners, none is.
        winner: <[String; 1]>::try_from(winners).ok().map(|[winner]| winner),
        legs: payload.matches_in_round,
        bye: false,
    };
    let alone = block.participants.len() == 1 && block.teams().count() == 1 && block.events.is_empty();
    block.bye = alone && (payload.automatic_progression || payload.finished);
    block
}

fn entrant(team: TeamPayload, is_place: bool) -> Entrant {
    if is_place || is_placeholder_name(&team.name) {
        Entrant::Placeholder(team.name)
    } else {
        Entrant::Team(team.id.to_string())
    }
}

#[cfg(test)]
mod real;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn payload(blocks: Value) -> Value {
        json!({"cupTrees": [{"id": 1, "name": "Cup", "type": 1, "rounds": [
            {"order": 2, "type": 1, "description": "Final", "blocks": []},
            {"order": 1, "type": 2, "description": "Semifinals", "id": 7, "blocks": blocks},
        ]}]})
    }

    fn blocks(blocks: Value) -> Vec<Block> {
        let payload: CupTreesPayload = serde_path_to_error::deserialize(payload(blocks)).unwrap();
        let trees = payload.trees();
        assert_eq!(trees[0].rounds.iter().map(|round| round.order).collect::<Vec<_>>(), [1, 2]);
        trees[0].rounds[0].blocks.clone()
    }

    #[test]
    fn participants_stand_in_their_order_and_places_are_no_teams() {
        let read = blocks(json!([
            {"blockId": 2, "order": 2, "participants": [], "result": null},
            {"blockId": 1, "order": 1, "finished": true, "matchesInRound": 2, "events": [10, 11],
             "homeTeamScore": "0 (4)", "awayTeamScore": "0 (2)", "result": "home won", "participants": [
                {"order": 2, "winner": false, "sourceBlockId": 4, "team": {"id": 6, "name": "Winner QF2"}},
                {"order": 1, "winner": true, "sourceBlockId": 3, "team": {"id": 5, "name": "Ajax", "x": []}},
            ]},
        ]));
        let of = |entrant, source| Participant { entrant, source_block: Some(source) };
        let ajax = of(Some(Entrant::Team("5".to_owned())), 3);
        let place = of(Some(Entrant::Placeholder("Winner QF2".to_owned())), 4);
        assert_eq!(read[0].participants, [ajax, place]);
        assert_eq!((read[0].winner.as_deref(), read[0].legs, read[0].bye), (Some("5"), Some(2), false));
        assert_eq!(read[0].events, ["10", "11"]);
        assert_eq!((read[1].id, read[1].participants.len(), read[1].bye), (2, 0, false));
    }

    #[test]
    fn a_lone_participant_goes_through_and_two_winners_are_none() {
        let team =
            |id: u64, winner: bool| json!({"order": id, "winner": winner, "team": {"id": id, "name": "T"}});
        let read = blocks(json!([
            {"blockId": 1, "order": 1, "automaticProgression": true, "participants": [team(1, false)]},
            {"blockId": 2, "order": 2, "participants": [team(2, false)]},
            {"blockId": 3, "order": 3, "finished": true, "participants": [team(3, true), team(4, true)]},
        ]));
        assert_eq!(read.iter().map(|block| block.bye).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(read[2].winner, None);
    }

    #[test]
    fn what_is_null_is_as_good_as_left_out() {
        let block = json!({"blockId": 1, "order": 1, "finished": null, "automaticProgression": null, "events": null,
            "matchesInRound": null, "participants": [{"order": null, "winner": null, "team": null}]});
        let bare = json!({"blockId": 1, "order": 1, "participants": [{}]});
        assert_eq!(blocks(json!([block])), blocks(json!([bare])));
        let round = json!({"order": 1, "type": null, "description": null, "blocks": null});
        let tree = json!({"cupTrees": [{"name": null, "rounds": [round]}]});
        let payload: CupTreesPayload = serde_path_to_error::deserialize(tree).unwrap();
        assert_eq!(payload.trees()[0].rounds[0].blocks, []);
    }

    #[test]
    fn an_error_names_its_field() {
        let broken = payload(
            json!([{"blockId": 1, "order": 1, "participants": [{"team": {"id": "x", "name": "T"}}]}]),
        );
        let error = serde_path_to_error::deserialize::<_, CupTreesPayload>(broken).unwrap_err();
        assert_eq!(error.path().to_string(), "cupTrees[0].rounds[1].blocks[0].participants[0].team.id");
    }
}
