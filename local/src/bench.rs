//! Benchmarks: the time of each kind of work on this machine, with its target. A slow result is not a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{Days, NaiveDate, TimeDelta};
use football::domain::standings::{Entrant, Result as Played, Terms, table};
use football::domain::{Match, MatchStatus, Mode, RoundAddress, Score, Stage, StandingsMode, Team, TieFacts};
use serde_json::{Value, json};
use shared::browser::{Browser, Fetched, Want};
use shared::clock::Clock;
use shared::config::ProviderConfig;
use shared::gate::Gate;
use shared::provider::{ProviderName, SofaScore, SofaScoreSeason};
use shared::store::teams::{self, TeamRow};
use shared::store::tournaments::{self, NewTournament};
use shared::store::{Store, matches};

use crate::driver::{Options, Replay, create_event_at};
use crate::emulator::Emulator;
use crate::emulator::stamp;
use crate::full_day::{self, Day};
use crate::postgres::{self, Cluster};
use crate::replay::{ReplayClock, ReplayProvider, Season};
use crate::stack::{self, Ingredients, Stack};
use crate::summary::Summary;
use crate::tools::Tools;

/// A double round robin of this many teams is 38 rounds of 10 matches.
const TEAMS: u32 = 20;
const ROUNDS: u32 = 2 * (TEAMS - 1);
/// Number of cold starts of each function, browser launches and readings of the season.
const TIMES: usize = 5;
/// Number of rounds written by a cold function, and by a warm one.
const ROUNDS_BROUGHT: u32 = 10;
/// The pause between requests in production.
const PAUSE: Duration = Duration::from_millis(2500);
const SCORES: &str = "scores-and-standings";
const WORLD_CUP: &str = "local/seasons/2022-world-cup.json";
/// An event that every function with an environment refuses.
const REFUSED: &str = r#"{"targetEnv": "elsewhere"}"#;
const HEALTH: &str = include_str!("../../events/operator-api-health.json");

/// Measures everything and prints a Markdown table, each line as soon as it is measured.
pub async fn run(only_pages: bool) -> anyhow::Result<()> {
    let tools = Tools::find()?;
    let cluster = Cluster::start(&tools).await?;
    let emulator = Emulator::start(&tools).await?;
    let season = double_round_robin()?;
    let output = tempfile::tempdir()?;
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    say(format!("Profile {profile}, {cores} cores; all services and the provider on this machine.\n"));
    say("| Work | Target | Measured: median of n (min–max) |");
    say("|---|---|---|");

    let clock = ReplayClock::new(season.first_kickoff() - TimeDelta::hours(12));
    let provider = ReplayProvider::start(vec![season.clone()], clock.clone()).await?;
    let stack = Stack::start(Ingredients {
        tools: &tools,
        aws_endpoint: &emulator.endpoint,
        environment: "bench",
        database_url: &postgres::create_database(&cluster.url("postgres"), "best_shot").await?,
        functions_database_url: None,
        provider_origin: &provider.origin(),
        migrated: false,
        variables: &[],
        logs: output.path().to_owned(),
    })
    .await?;
    if only_pages {
        return pages(&stack).await;
    }
    let url = postgres::create_database(&cluster.url("postgres"), "bench").await?;
    let store = Store::new(&url.into(), None)?;
    store.migrate().await?;
    writing(&store, &season).await?;
    standings(&season);
    cold_starts(&stack, output.path()).await?;
    one_round(&stack, ProviderName::SofaScore, &season, &clock, output.path()).await?;
    memory("memory of a function after work, without Chromium", "< 30 MB", &stack.functions.peak_rss_mb());
    without_browser(&tools, &emulator, &cluster, &season, &output.path().join("football-data")).await?;
    pages(&stack).await?;

    // From here on the season is over and every payload has its full size.
    clock.set(season.last_end());
    let mut config = ProviderConfig {
        origin: provider.origin(),
        pause: Duration::ZERO,
        refusal_wait: TimeDelta::hours(2),
        chromium: tools.chromium.clone(),
        single_process: false,
        request_timeout: Duration::from_secs(20),
    };
    all_rounds(&mut config, &store, &season).await?;
    browser(&config, &season).await?;
    world_cup(&output.path().join("world-cup")).await
}

/// Writing matches: new ones, then the same again.
async fn writing(store: &Store, season: &Season) -> anyhow::Result<()> {
    let client = store.client().await?;
    let now = Clock::default().now();
    let rows = season.teams.iter().map(|team| TeamRow {
        team: Team { external_id: team.id.to_string(), name: team.name.clone(), short_name: None },
        badge: None,
    });
    let rows: Vec<TeamRow> = rows.collect();
    teams::upsert(&*client, ProviderName::SofaScore.as_str(), &rows, now).await?;
    let new = NewTournament {
        external_id: season.unique_tournament_id.to_string(),
        base_url: season_ref(season)?.base_url(),
        public_url: None,
        slug: season.slug(),
        provider: ProviderName::SofaScore,
        season: season.season_year().to_owned(),
        mode: Mode::RegularSeasonOnly,
        standings_mode: StandingsMode::UniqueGroup,
        label: season.label().to_owned(),
        logo: String::new(),
    };
    let tournament = tournaments::insert(&*client, &new, now).await?;
    for (count, times, aims) in [(380, 20, ["–", "< 10 ms, 0 rows"]), (10_000, 10, ["< 150 ms", "–"])] {
        let matches = matches_of(season, count);
        let (mut took, mut written) = (<[Samples; 2]>::default(), [0, 0]);
        for _ in 0..times {
            client.batch_execute("TRUNCATE match CASCADE").await?;
            for pass in 0..2 {
                let (provider, read_from) = (ProviderName::SofaScore, |_: &Match| ProviderName::SofaScore);
                let writing = matches::upsert(&*client, provider, tournament, &matches, read_from, now);
                let outcomes = took[pass].time(writing).await?.outcomes;
                written[pass] = outcomes.inserted + outcomes.updated;
            }
        }
        for (pass, kind) in ["new", "unchanged"].into_iter().enumerate() {
            let measured = format!("{}; {} rows written", took[pass], written[pass]);
            row(format!("writing {count} matches, {kind}: one statement"), aims[pass], measured);
        }
    }
    Ok(())
}

fn standings(season: &Season) {
    let entrants: Vec<Entrant> = (season.teams.iter())
        .map(|team| Entrant { team: team.id.to_string(), group: String::new(), name: team.name.clone() })
        .collect();
    let results: Vec<Played> = matches_of(season, season.fixtures.len())
        .into_iter()
        .filter_map(|Match { group_name: group, home, away, kickoff, score, .. }| {
            let Score { home: home_goals, away: away_goals, .. } = score?;
            Some(Played { group, home, away, home_goals, away_goals, shootout: None, kickoff })
        })
        .collect();
    let mut took = Samples::default();
    for _ in 0..200 {
        let began = Instant::now();
        black_box(table(&entrants, black_box(&results), &Terms::default()));
        took.0.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    row(format!("standings of {} matches", results.len()), "< 1 ms", took);
}

/// A cold start of every function, with an event it answers at once.
async fn cold_starts(stack: &Stack, logs: &Path) -> anyhow::Result<()> {
    let refusing = ["daily-routine", SCORES, "knockouts", "tournaments"].map(|name| (name, REFUSED));
    for (name, event) in refusing.into_iter().chain([("operator-api", HEALTH), ("migrate", "{}")]) {
        for _ in 0..TIMES {
            stack.functions.stop(name).await;
            stack.functions.invoke_raw(name, event.to_owned()).await?;
        }
        row(format!("INIT of {name}"), "< 12 ms", Samples(logged(logs, name, "INIT REPORT(durationMs: ")?));
    }
    memory("memory of a function after its first, quick event", "< 15 MB", &stack.functions.peak_rss_mb());
    Ok(())
}

/// Pages of the desk with 1,000 tournaments and 10,000 matches, end to end: HTTP, API Gateway's event, the function.
async fn pages(stack: &Stack) -> anyhow::Result<()> {
    let db = postgres::connect(&stack.database_url).await?;
    full_day::fill(&db, Day::Ordinary).await?;
    page(stack, "/", "an ordinary day", "< 50 ms").await?;
    for path in ["/checks", "/executions", "/trends", "/search?q=team+7"] {
        page(stack, path, "an ordinary day", "–").await?;
    }
    db.batch_execute("TRUNCATE tournament, team, data_provider_executions CASCADE").await?;
    full_day::fill(&db, Day::Troubled).await?;
    page(stack, "/", "half of all matches stay open", "–").await
}

async fn page(stack: &Stack, path: &str, day: &str, aim: &str) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let (mut took, mut bytes) = (Samples::default(), 0);
    for time in 0..=20 {
        let began = Instant::now();
        let request =
            client.get(format!("{}{path}", stack.desk_url)).header("x-internal-token", stack::TOKEN);
        bytes = request.send().await?.error_for_status()?.bytes().await?.len();
        // The first one starts the function.
        if time > 0 {
            took.0.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    row(format!("page {path}, 10,000 matches, {day}: {bytes} bytes"), aim, took);
    Ok(())
}

/// The same work with football-data.org, for which no browser is launched: all of a run's memory is the function's.
async fn without_browser(
    tools: &Tools,
    emulator: &Emulator,
    cluster: &Cluster,
    season: &Season,
    logs: &Path,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(logs)?;
    let clock = ReplayClock::new(season.first_kickoff() - TimeDelta::hours(12));
    let provider = ReplayProvider::start(vec![season.clone()], clock.clone()).await?;
    let stack = Stack::start(Ingredients {
        tools,
        aws_endpoint: &emulator.endpoint,
        environment: "bench-football-data",
        database_url: &postgres::create_database(&cluster.url("postgres"), "best_shot_football_data").await?,
        functions_database_url: None,
        provider_origin: &provider.origin(),
        migrated: false,
        variables: &[],
        logs: logs.to_owned(),
    })
    .await?;
    one_round(&stack, ProviderName::FootballData, season, &clock, logs).await?;
    memory("memory of a run without a browser", "–", &stack.functions.peak_rss_mb());
    Ok(())
}

/// Creates the tournament, then updates one round after another: first each in a new process, then all in one.
async fn one_round(
    stack: &Stack,
    provider: ProviderName,
    season: &Season,
    clock: &ReplayClock,
    logs: &Path,
) -> anyhow::Result<()> {
    let mut creation = Samples::default();
    creation.time(stack.invoke("tournaments", create_event_at(provider, season, clock.now()))).await?;
    let work = "creating the tournament: 38 rounds, 380 matches, 21 images, with reports";
    row(format!("{provider}: {work}"), "–", creation);
    let store = Store::new(&stack.database_url.clone().into(), None)?;
    let active = tournaments::active(&*store.client().await?).await?.rows;
    let tournament = active.first().context("the tournament was not created")?;

    let (mut took, mut wrote) = (<[Samples; 2]>::default(), Vec::new());
    for number in 1..=2 * ROUNDS_BROUGHT {
        let cold = number <= ROUNDS_BROUGHT;
        if cold {
            stack.functions.stop(SCORES).await;
        }
        let mut fixtures = season.fixtures.iter().filter(|fixture| fixture.round.number == number);
        let kickoff = fixtures.next().context("a round has no match")?.kickoff;
        let at = kickoff + TimeDelta::minutes(120);
        clock.set(at);
        let event = json!({
            "tournamentId": tournament.id,
            "roundSlug": number.to_string(),
            "check": "closing",
            "kickoff": stamp(kickoff),
            "scheduledTime": stamp(at),
        });
        let answer = took[usize::from(!cold)].time(stack.invoke(SCORES, event)).await?;
        wrote.push(answer["matches_update"]["rows"]["updated"].as_u64().unwrap_or_default());
    }
    let rows = wrote.iter().sum::<u64>() / wrote.len() as u64;
    // The runtime emulator logs the function's own time, without the emulator's start.
    let mut own = logged(logs, SCORES, "\tDuration: ")?;
    let own = own.split_off(own.len().saturating_sub(wrote.len()));
    for ((kind, took), own) in ["cold", "warm"].into_iter().zip(took).zip(own.chunks(ROUNDS_BROUGHT as usize))
    {
        let work = format!(
            "{provider}: one round, launch to database, {kind} process: {rows} matches and the table written"
        );
        row(work, "< 600, then < 300 ms", format!("{took}; the function alone {}", Samples(own.to_vec())));
    }
    Ok(())
}

/// Reads all rounds in one session: how long the launch took with the list of rounds, and each round after it.
async fn read_all(config: &ProviderConfig, store: &Store, season: &Season) -> anyhow::Result<(f64, Samples)> {
    let (season, mut launch, mut each) = (season_ref(season)?, Samples::default(), Samples::default());
    let gate = Gate::new(
        ProviderName::SofaScore,
        store.clone(),
        Clock::default(),
        None,
        false,
        (config.pause, config.refusal_wait),
    );
    let mut session = SofaScore::new(config.clone(), gate);
    launch.time(session.rounds(&season)).await?;
    // Waits for the pause after the list's request, so that the first round is requested without delay.
    tokio::time::sleep(config.pause).await;
    for number in 1..=ROUNDS {
        let round = each.time(session.round(&season, &number.to_string(), &address(number))).await?;
        anyhow::ensure!(round.matches.len() == 10, "round {number}: {} matches", round.matches.len());
    }
    session.close().await;
    Ok((launch.sum(), each))
}

/// All rounds without pauses, then with them.
async fn all_rounds(config: &mut ProviderConfig, store: &Store, season: &Season) -> anyhow::Result<()> {
    let [mut whole, mut apart, mut each] = <[Samples; 3]>::default();
    for _ in 0..TIMES {
        let (launch, rounds) = read_all(config, store, season).await?;
        apart.0.push(rounds.sum());
        whole.0.push(launch + rounds.sum());
        each.0.extend(rounds.0);
    }
    row("38 rounds, no pauses, with launch and list of rounds", "< 2,000 ms", whole);
    row("38 rounds, no pauses, in a warm browser", "< 1,000 ms", apart);
    row("one of these rounds", "–", each);

    // The time in excess of the pauses is the pipeline's.
    let full = std::env::var("BENCH_FULL").is_ok_and(|value| value == "1");
    config.pause = if full { PAUSE } else { PAUSE / 10 };
    let (_, each) = read_all(config, store, season).await?;
    let (pause, pauses) = (config.pause.as_secs_f64(), (config.pause * (ROUNDS - 1)).as_secs_f64());
    let work = format!("38 rounds with pauses of {pause} s (BENCH_FULL=1: 2.5 s): {pauses} s of pauses");
    let above = (each.sum() / 1000.0 / pauses - 1.0) * 100.0;
    row(work, "at most 2 % above", format!("{:.0} ms: {above:+.2} %", each.sum()));
    Ok(())
}

async fn browser(config: &ProviderConfig, season: &Season) -> anyhow::Result<()> {
    let (mut launches, mut fetches) = (Samples::default(), Samples::default());
    let address = season_ref(season)?.round_url(&address(1));
    let path = address.split_once("/api/v1").map_or_else(String::new, |(_, path)| format!("/api/v1{path}"));
    for _ in 0..TIMES {
        let launching =
            Browser::launch(&config.chromium, &config.origin, config.request_timeout, config.single_process);
        let mut browser = launches.time(launching).await?;
        for _ in 0..10 {
            let fetched = fetches.time(browser.fetch(&path, Want::Text)).await?;
            anyhow::ensure!(matches!(fetched, Fetched::Answer { status: 200, .. }), "{path}: {fetched:?}");
        }
        browser.close().await;
    }
    row("the browser: launch and warm-up", "–", launches);
    row("the browser: one fetch in the page", "–", fetches);
    Ok(())
}

/// A whole World Cup, replayed by schedules alone.
async fn world_cup(output: &Path) -> anyhow::Result<()> {
    const WORK: &str = "the 2022 World Cup by schedules alone";
    if !Path::new(WORLD_CUP).is_file() {
        row(WORK, "< 120 s", format!("not measured: {WORLD_CUP} does not exist"));
        return Ok(());
    }
    let (season, output) = (WORLD_CUP.into(), output.to_owned());
    let options = Options { seasons: vec![season], output, ..Options::default() };
    let mut replay = Replay::start(&options).await?;
    replay.run(None, false).await?;
    let summary = Summary::read(&replay).await?;
    let kickoffs: BTreeSet<_> =
        replay.season().fixtures.iter().map(|f| (f.kickoff, f.round.number)).collect();
    let requests = summary.provider_requests_by_kind.get("events").copied().unwrap_or_default();
    let (ended, problems) = (summary.matches.ended, summary.problems().len());
    row(WORK, "< 120 s", format!("{} s; {ended} matches ended, {problems} problems", summary.wall_seconds));
    let (each, others) = (requests as f64 / kickoffs.len() as f64, summary.provider_requests - requests);
    let measured = format!("{each:.2}; {requests} in total, and {others} for other purposes");
    row(format!("its requests for matches a kickoff ({} kickoffs)", kickoffs.len()), "–", measured);
    memory("memory of a function after it, without Chromium", "< 30 MB", &summary.peak_rss_mb);
    Ok(())
}

/// A league season: the circle method, one matchday a week, each pair at home and away.
fn double_round_robin() -> anyhow::Result<Season> {
    let first = NaiveDate::from_ymd_opt(2024, 8, 17).context("no such day")?;
    let others = TEAMS - 1;
    let matches: Vec<Value> = (0..ROUNDS)
        .flat_map(|round| (0..TEAMS / 2).map(move |place| (round, place)))
        .map(|(round, place)| {
            // One team keeps its place, the others rotate.
            let left = (round + place) % others;
            let right = if place == 0 { others } else { (round + others - place) % others };
            let turned = (round / others + if place == 0 { round % others } else { 0 }) % 2 == 1;
            let (home, away) = if turned { (right, left) } else { (left, right) };
            json!({
                "round": format!("Matchday {}", round + 1),
                "date": (first + Days::new(7 * u64::from(round))).to_string(),
                "time": "15:00",
                "team1": format!("Town {home:02}"),
                "team2": format!("Town {away:02}"),
                "score": { "ft": [(round * 7 + home * 3) % 5, (round * 5 + away * 2) % 4] },
            })
        })
        .collect();
    let season =
        Season::parse("bench", &json!({ "name": "Bench League 2024/25", "matches": matches }).to_string())?;
    anyhow::ensure!(season.fixtures.len() == 380 && season.rounds.len() == 38, "no double round robin");
    Ok(season)
}

/// `count` ended matches: the season's, repeated under new ids.
fn matches_of(season: &Season, count: usize) -> Vec<Match> {
    let team = |index: usize| season.teams.get(index).map(|team| team.id.to_string()).unwrap_or_default();
    let goals = |goals: u32| i32::try_from(goals).unwrap_or_default();
    (season.fixtures.iter().cycle().take(count).enumerate())
        .map(|(index, fixture)| Match {
            external_id: (9_000_001 + index).to_string(),
            round_slug: fixture.round.number.to_string(),
            group_name: String::new(),
            home: team(fixture.home),
            away: team(fixture.away),
            kickoff: Some(fixture.kickoff),
            stage: Stage::Unknown,
            status: MatchStatus::Ended,
            called_off: None,
            score: fixture.score.map(|score| score.display().map(goals)).map(|[h, a]| Score::new(h, a)),
            changed_at: Some(fixture.kickoff + TimeDelta::minutes(113)),
            tie: TieFacts::default(),
        })
        .collect()
}

fn season_ref(season: &Season) -> anyhow::Result<SofaScoreSeason> {
    let (tournament, season) = (season.unique_tournament_id.try_into()?, season.season_id.try_into()?);
    Ok(SofaScoreSeason { tournament, season })
}

fn address(number: u32) -> RoundAddress {
    RoundAddress { number, slug: None, prefix: None }
}

/// All numbers that follow `marker` in a function's log, in order.
fn logged(logs: &Path, function: &str, marker: &str) -> anyhow::Result<Vec<f64>> {
    let log = std::fs::read_to_string(logs.join(format!("{function}.log")))?;
    let number = |rest: &str| rest.split([' ', ')']).next().and_then(|text| text.parse().ok());
    Ok(log.split(marker).skip(1).filter_map(number).collect())
}

/// The measurements of one figure, in milliseconds.
#[derive(Default)]
struct Samples(Vec<f64>);

impl Samples {
    async fn time<T, E>(&mut self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let began = Instant::now();
        let outcome = work.await;
        self.0.push(began.elapsed().as_secs_f64() * 1000.0);
        outcome
    }

    fn sum(&self) -> f64 {
        self.0.iter().sum()
    }
}

impl Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let count = sorted.len();
        let (least, median, most) = (at(0), at(count / 2), at(count.saturating_sub(1)));
        let digits = usize::from(median < 100.0) + 2 * usize::from(median < 1.0);
        match count {
            1 => write!(f, "{median:.digits$} ms"),
            _ => write!(f, "{median:.digits$} ms of {count} ({least:.digits$}–{most:.digits$})"),
        }
    }
}

fn memory(work: &str, aim: &str, peaks: &BTreeMap<String, f64>) {
    let peaks: Vec<String> = peaks.iter().map(|(name, mb)| format!("{name} {mb}")).collect();
    row(work, aim, format!("MB: {}", peaks.join(", ")));
}

fn row(work: impl Display, aim: &str, measured: impl Display) {
    say(format!("| {work} | {aim} | {measured} |"));
}

#[allow(clippy::print_stdout, reason = "the table is the command's output")]
fn say(line: impl Display) {
    println!("{line}");
}
