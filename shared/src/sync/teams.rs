//! Teams and their badges.

use serde_json::json;

use super::source::season_at;
use crate::crash;
use crate::execution::Run;
use crate::journal::{RowKind, Step, What};
use crate::objects::IMAGES;
use crate::provider::Image;
use crate::provider::ProviderError;
use crate::store::StoreError;
use crate::store::teams::{self, TeamRow};
use football::domain::{Team, Tournament};

/// Images may change; caching for a day is acceptable.
const IMAGE_CACHE: &str = "public, max-age=86400";

/// Writes teams that are new or differ, and fetches badges for those that have none. A badge that can't be fetched is
/// reported and its team stays without one: the next refresh tries again.
pub async fn sync(run: &mut Run<'_>, tournament: &Tournament, teams: &[Team]) -> anyhow::Result<()> {
    let provider = tournament.provider.as_str();
    let services = run.services;
    let wanting = teams::without_badge(&*services.store.client().await?, provider, teams).await?;
    run.journal.planned("teams", &json!({ "teams": teams, "badges_to_fetch": wanting }));
    if run.journal.dry_run {
        return Ok(());
    }
    // The teams first, then each badge as soon as it is fetched: an interrupted run keeps what it has written.
    let rows: Vec<TeamRow> = teams.iter().map(|team| TeamRow { team: team.clone(), badge: None }).collect();
    let now = run.now();
    let client = services.store.client().await?;
    let mut outcomes = teams::upsert(&*client, provider, &rows, now).await?;
    drop(client);
    crash::point("committed");
    let mut stored = 0;
    for row in rows.into_iter().filter(|row| wanting.contains(&row.team.external_id)) {
        let team = row.team.external_id.clone();
        let team = &team;
        // The teams have the ids of the provider that the tournament was created under.
        let Some(season) = season_at(tournament, tournament.provider) else { break };
        let image = run.provider.team_image(&season, team).await;
        if let Err(error @ ProviderError::OutOfTime { .. }) = &image {
            run.missed("badges", error);
            break;
        }
        let what = What::of("badge of team", team);
        if let Some(url) = store_image(run, what, &format!("{provider}/team/{team}"), image).await? {
            let row = TeamRow { badge: Some(url), ..row };
            let client = services.store.client().await?;
            let badge = teams::upsert(&*client, provider, &[row], now).await?;
            outcomes.updated += badge.updated;
            stored += 1;
            crash::point("committed");
        }
    }
    run.journal.completed(Step::Fetch, "badges", json!({ "wanted": wanting.len(), "stored": stored }));
    run.journal.wrote(RowKind::Teams, outcomes);
    Ok(())
}

/// Stores an image under its name and returns its URL; or records why there is none, and marks it for a retry if one may help. A
/// refusal by the provider (including 429) ends the run instead: it would refuse the next image as well.
pub async fn store_image(
    run: &mut Run<'_>,
    what: impl Into<What>,
    name: &str,
    image: Result<Option<Image>, ProviderError>,
) -> anyhow::Result<Option<String>> {
    let what: What = what.into();
    let image = match image {
        Ok(Some(image)) => image,
        Ok(None) => {
            run.journal.skipped(Step::Fetch, what, "the provider has none");
            return Ok(None);
        }
        Err(
            error @ (ProviderError::Blocked { .. }
            | ProviderError::RateLimited { .. }
            | ProviderError::CircuitOpen { .. }
            | ProviderError::OutOfTime { .. }
            | ProviderError::Browser(_)
            | ProviderError::Gate(_)),
        ) => return Err(error.into()),
        Err(error) => {
            run.missed(what, &error);
            return Ok(None);
        }
    };
    let objects = &run.services.objects;
    let key = format!("{IMAGES}/{name}.{}", image.extension);
    match objects.put(&key, image.content_type, IMAGE_CACHE, image.bytes).await {
        Ok(()) => Ok(Some(objects.image_url(&key))),
        Err(error) => {
            run.not_stored(what, &error);
            Ok(None)
        }
    }
}

/// Ensures that the teams of a reading are stored, without badges: matches refer to them.
pub async fn ensure(
    run: &mut Run<'_>,
    client: &impl tokio_postgres::GenericClient,
    tournament: &Tournament,
    teams: &[Team],
) -> Result<(), StoreError> {
    let rows: Vec<TeamRow> = teams.iter().map(|team| TeamRow { team: team.clone(), badge: None }).collect();
    let outcomes = teams::upsert(client, tournament.provider.as_str(), &rows, run.now()).await?;
    if outcomes.inserted > 0 {
        run.journal.warn(format!(
            "{} teams are new and have no badge yet: refresh the tournament",
            outcomes.inserted
        ));
    }
    run.journal.wrote(RowKind::Teams, outcomes);
    Ok(())
}
