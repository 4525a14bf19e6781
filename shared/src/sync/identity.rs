//! What a provider read, under the ids of our rows: teams, matches, tables and cup trees of a tournament that has more than one
//! provider. What can't be told apart is refused by name, and a team that nobody knows is put to a person.

use std::collections::{BTreeMap, HashMap, HashSet};

use football::domain::knockout::{Entrant, Tree};
use football::domain::{Match, MatchStatus, ProviderName, Team, Tournament};
use football::plan::identity::{Found, OurMatch, match_of, may_be_of_season, team_of};
use serde_json::json;

use crate::execution::Run;
use crate::gate::GateError;
use crate::journal::Step;
use crate::provider::{Alias, ProviderError, Reading, Refusal, Tables};
use crate::store::aliases::{self, KnownMatch, OurTeam, TeamAlias};
use crate::store::{StoreError, matches as rows};

/// Our ids of a provider's teams.
type TeamIds = HashMap<String, String>;

fn database(error: impl Into<StoreError>) -> ProviderError {
    ProviderError::Gate(GateError::Store(error.into()))
}

/// Whether rows of the tournament may have other ids than those of `provider`.
async fn is_mixed(
    run: &Run<'_>,
    tournament: &Tournament,
    provider: ProviderName,
) -> Result<bool, ProviderError> {
    if tournament.sources.addresses.is_empty() {
        return Ok(false);
    }
    // Whoever is not asked first is noted beside the matches, for the comparison.
    if provider != tournament.provider || provider != super::asked(tournament) {
        return Ok(true);
    }
    let client = run.client().await.map_err(database)?;
    rows::has_other_provider(&*client, tournament.id, provider).await.map_err(database)
}

/// A reading of `provider` under our ids. The rounds of matches that are stored are the stored ones.
pub(super) async fn ours(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: ProviderName,
    mut reading: Reading,
) -> Result<Reading, ProviderError> {
    if !is_mixed(run, tournament, provider).await? {
        return Ok(reading);
    }
    if provider != tournament.provider {
        let teams = team_ids(run, tournament, provider, &reading.teams).await?;
        replace_teams(&mut reading, provider, &teams);
        // They are stored under their own provider's names.
        reading.teams.clear();
    }
    let client = run.client().await.map_err(database)?;
    let known = aliases::matches(&*client, tournament.id, provider).await.map_err(database)?;
    replace_matches(&mut reading, provider, &known);
    Ok(reading)
}

/// The ids of our teams by those of `provider`, for teams that it names. Those that are new are identified by their names.
pub(super) async fn team_ids(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: ProviderName,
    theirs: &[Team],
) -> Result<TeamIds, ProviderError> {
    let client = run.client().await.map_err(database)?;
    let ids: Vec<&str> = theirs.iter().map(|team| team.external_id.as_str()).collect();
    let seen = aliases::teams(&*client, tournament.provider, provider, &ids).await.map_err(database)?;
    let mut known: TeamIds =
        seen.iter().filter_map(|(theirs, ours)| Some((theirs.clone(), ours.clone()?))).collect();
    let unknown: Vec<&Team> = theirs.iter().filter(|team| !known.contains_key(&team.external_id)).collect();
    if unknown.is_empty() {
        return Ok(known);
    }
    let ours = aliases::our_teams(&*client, tournament, provider).await.map_err(database)?;
    let found = identified(&unknown, &ours);
    for TeamAlias { theirs, ours } in &found {
        match ours {
            Some(ours) => drop(known.insert(theirs.external_id.clone(), ours.clone())),
            None => run.journal.warn(format!(
                "{provider}'s team {} is none of ours by its name: say on the tournament's page which one it is",
                named(theirs)
            )),
        }
    }
    if !run.journal.dry_run {
        let noted = aliases::note_teams(&*client, tournament, provider, &found, run.now()).await;
        let noted = noted.map_err(database)?;
        run.journal.completed(
            Step::Apply,
            "teams of another provider",
            json!({ "provider": provider, "teams": found.len(), "written": noted }),
        );
    }
    Ok(known)
}

/// Which of the tournament's teams these are. One that two of theirs would be, or that another one is already, is left to a
/// person.
fn identified(unknown: &[&Team], ours: &[OurTeam]) -> Vec<TeamAlias> {
    let teams: Vec<Team> = ours.iter().map(|ours| ours.team.clone()).collect();
    let is_free = |id: &str| ours.iter().any(|ours| ours.team.external_id == id && !ours.is_known);
    let found = |theirs: &Team| match team_of(theirs, &teams) {
        Found::One(team) => Some(team.external_id.clone()).filter(|id| is_free(id)),
        Found::Nothing | Found::Unclear(_) => None,
    };
    let all: Vec<Option<String>> = unknown.iter().map(|theirs| found(theirs)).collect();
    let is_alone = |id: &String| all.iter().flatten().filter(|other| *other == id).count() == 1;
    let alias = |(theirs, ours): (&&Team, &Option<String>)| TeamAlias {
        theirs: (*theirs).clone(),
        ours: ours.clone().filter(is_alone),
    };
    unknown.iter().zip(&all).map(alias).collect()
}

/// Puts our ids in place of a provider's, in matches between teams that are known; refuses the others.
fn replace_teams(reading: &mut Reading, provider: ProviderName, teams: &TeamIds) {
    let name = |id: &str| {
        let team = reading.teams.iter().find(|team| team.external_id == id);
        team.map_or_else(|| id.to_owned(), named)
    };
    let mut refused = Vec::new();
    let matches = std::mem::take(&mut reading.matches);
    let replaced = matches.into_iter().filter_map(|read| {
        let mut side = |field: &str, id: &str| {
            let ours = teams.get(id).cloned();
            if ours.is_none() {
                refused.push(Refusal {
                    external_id: read.external_id.clone(),
                    field: field.to_owned(),
                    reason: format!(
                        "is not known: say on the tournament's page which of our teams {provider}'s {} is",
                        name(id)
                    ),
                });
            }
            ours
        };
        let (home, away) = (side("home", &read.home), side("away", &read.away));
        Some(Match { home: home?, away: away?, ..read })
    });
    reading.matches = replaced.collect();
    reading.refused.extend(refused);
}

/// Puts our ids in place of a provider's for matches that are stored under another one.
fn replace_matches(reading: &mut Reading, provider: ProviderName, known: &[KnownMatch]) {
    let ids: HashMap<&str, &OurMatch> = known
        .iter()
        .flat_map(|known| known.theirs.iter().map(|theirs| (theirs.as_str(), &known.ours)))
        .collect();
    let listed: HashSet<String> = reading.matches.iter().map(|read| read.external_id.clone()).collect();
    let is_listed = |known: &&KnownMatch| known.theirs.iter().any(|theirs| listed.contains(theirs));
    let unseen: Vec<OurMatch> =
        known.iter().filter(|known| known.theirs.is_empty()).map(|known| known.ours.clone()).collect();
    // The provider may have given a match another id. Then only the day tells: a round may have two of a pair.
    let under_another_id: Vec<OurMatch> = known
        .iter()
        .filter(|known| !known.theirs.is_empty() && !is_listed(known))
        .map(|known| OurMatch { round_slug: String::new(), ..known.ours.clone() })
        .collect();
    let by_our_id: HashMap<&str, &KnownMatch> =
        known.iter().map(|known| (known.ours.external_id.as_str(), known)).collect();
    let all: Vec<OurMatch> = known.iter().map(|known| known.ours.clone()).collect();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut refused: Vec<Refusal> = Vec::new();
    let matches = std::mem::take(&mut reading.matches);
    let replaced = matches.into_iter().filter_map(|mut read| {
        let theirs = read.external_id.clone();
        let found = match ids.get(theirs.as_str()) {
            // The entry that it was is called off, and it is played: another entry of the fixture may be that.
            Some(ours) if ours.is_called_off && read.status != MatchStatus::NotDefined => {
                match match_of(&read, &unseen) {
                    Found::One(other) if !other.is_called_off => Found::One(other),
                    _ => Found::One(*ours),
                }
            }
            Some(ours) => Found::One(*ours),
            None => match match_of(&read, &unseen) {
                Found::Nothing => match_of(&read, &under_another_id),
                found => found,
            },
        };
        let refuse =
            |reason: String| Refusal { external_id: theirs.clone(), field: "match".to_owned(), reason };
        match found {
            Found::One(ours) => {
                if let Some(other) = taken.insert(ours.external_id.clone(), theirs.clone()) {
                    refused.push(refuse(format!(
                        "is match {}, as {other} is: only that one was taken",
                        ours.external_id
                    )));
                    taken.insert(ours.external_id.clone(), other);
                    return None;
                }
                read.external_id.clone_from(&ours.external_id);
                if let Some(known) = by_our_id.get(ours.external_id.as_str()) {
                    keep_what_is_stored(&mut read, known);
                }
            }
            // Its row gets this provider's id, which a row of the other may have.
            Found::Nothing if by_our_id.contains_key(theirs.as_str()) => {
                refused.push(refuse("has an id that another provider's match has".to_owned()));
                return None;
            }
            Found::Nothing if !may_be_of_season(&read, &all) => {
                refused.push(refuse(
                    "is far from the season's other matches: is the season the right one?".to_owned(),
                ));
                return None;
            }
            Found::Nothing => {}
            Found::Unclear(reason) => {
                refused.push(refuse(format!("can't be told apart: {reason}")));
                return None;
            }
        }
        reading.aliases.push(Alias { provider, ours: read.external_id.clone(), theirs });
        Some(read)
    });
    let mut matches: Vec<Match> = replaced.collect();
    let id = |theirs: &str| {
        let now = reading.aliases.iter().find(|alias| alias.theirs == theirs).map(|alias| alias.ours.clone());
        now.or_else(|| ids.get(theirs).map(|ours| ours.external_id.clone()))
    };
    for read in &mut matches {
        read.tie.previous_leg =
            read.tie.previous_leg.as_deref().map(|leg| id(leg).unwrap_or_else(|| leg.to_owned()));
    }
    for external_id in reading
        .refused
        .iter_mut()
        .map(|refusal| &mut refusal.external_id)
        .chain(reading.remarks.iter_mut().map(|remark| &mut remark.external_id))
    {
        if let Some(ours) = id(external_id) {
            *external_id = ours;
        }
    }
    reading.matches = matches;
    reading.refused.extend(refused);
    tracing::debug!(%provider, matches = reading.aliases.len(), "a reading was brought under our ids");
}

/// A match that is stored stays in its round, and keeps what the provider does not tell of its tie, as long as the score is the
/// same.
fn keep_what_is_stored(read: &mut Match, known: &KnownMatch) {
    known.ours.round_slug.clone_into(&mut read.round_slug);
    if read.score == known.score {
        read.tie.tie_winner = read.tie.tie_winner.or(known.tie.tie_winner);
        read.tie.previous_leg = read.tie.previous_leg.take().or_else(|| known.tie.previous_leg.clone());
        read.tie.legs = read.tie.legs.or(known.tie.legs);
    }
}

/// Tables of `provider` under our ids. A table with a team that is not known can't be compared.
pub(super) async fn our_tables(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: ProviderName,
    tables: Tables,
) -> Result<Tables, ProviderError> {
    if provider == tournament.provider {
        return Ok(tables);
    }
    let team = |(id, name): (&String, &String)| Team {
        external_id: id.clone(),
        name: name.clone(),
        short_name: None,
    };
    let named: BTreeMap<&String, &String> =
        tables.tables.iter().flat_map(|table| &table.rows).map(|row| (&row.team, &row.name)).collect();
    let teams: Vec<Team> = named.into_iter().map(team).collect();
    let ids = team_ids(run, tournament, provider, &teams).await?;
    let mut read = Tables { tables: Vec::new(), unread: tables.unread };
    for mut table in tables.tables {
        // Its ids are another provider's: our matches have no such stage.
        (table.id, table.stage) = (None, None);
        let rows = table.rows.iter_mut().map(|row| match ids.get(&row.team) {
            Some(ours) => {
                row.team.clone_from(ours);
                Ok(())
            }
            None => Err(row.name.clone()),
        });
        match rows.collect::<Result<(), String>>() {
            Ok(()) => read.tables.push(table),
            Err(name) => read.unread.push(format!("{}: its team {name} is not known", table.group)),
        }
    }
    Ok(read)
}

/// Cup trees of `provider` under our ids. A team that is not known is left out, as one that is not decided.
pub(super) async fn our_trees(
    run: &mut Run<'_>,
    tournament: &Tournament,
    provider: ProviderName,
    mut trees: Vec<Tree>,
) -> Result<Vec<Tree>, ProviderError> {
    if !is_mixed(run, tournament, provider).await? {
        return Ok(trees);
    }
    let client = run.client().await.map_err(database)?;
    let known = aliases::matches(&*client, tournament.id, provider).await.map_err(database)?;
    let events: HashMap<&str, &str> = known
        .iter()
        .flat_map(|known| {
            known.theirs.iter().map(|theirs| (theirs.as_str(), known.ours.external_id.as_str()))
        })
        .collect();
    let blocks = trees.iter().flat_map(|tree| &tree.rounds).flat_map(|round| &round.blocks);
    let theirs: Vec<&str> = blocks.flat_map(|block| block.teams()).collect();
    let teams = match provider == tournament.provider {
        true => None,
        false => {
            Some(aliases::teams(&*client, tournament.provider, provider, &theirs).await.map_err(database)?)
        }
    };
    let team = |id: &str| match &teams {
        None => Some(id.to_owned()),
        Some(teams) => teams.get(id).cloned().flatten(),
    };
    for block in trees.iter_mut().flat_map(|tree| &mut tree.rounds).flat_map(|round| &mut round.blocks) {
        for event in &mut block.events {
            if let Some(ours) = events.get(event.as_str()) {
                *event = (*ours).to_owned();
            }
        }
        block.winner = block.winner.as_deref().and_then(team);
        for participant in &mut block.participants {
            if let Some(Entrant::Team(id)) = &participant.entrant {
                participant.entrant = team(id).map(Entrant::Team);
            }
        }
    }
    Ok(trees)
}

/// The ids of one match of ours, by provider.
pub(super) async fn ids_of(
    run: &Run<'_>,
    tournament: &Tournament,
    ours: &str,
) -> Result<HashMap<ProviderName, String>, ProviderError> {
    if tournament.sources.addresses.is_empty() {
        return Ok(HashMap::from([(super::asked(tournament), ours.to_owned())]));
    }
    let client = run.client().await.map_err(database)?;
    let mut ids = HashMap::new();
    for provider in ProviderName::ALL {
        let known = aliases::ids_of(&*client, tournament.id, provider, ours).await.map_err(database)?;
        ids.extend(known.map(|id| (provider, id)));
    }
    Ok(ids)
}

/// The names of a team, for a message.
fn named(team: &Team) -> String {
    match &team.short_name {
        Some(short) if *short != team.name => format!("{} ({short})", team.name),
        _ => team.name.clone(),
    }
}
