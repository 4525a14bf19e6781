//! `local`: the whole pipeline on one machine. See `local help`.
#![allow(clippy::print_stdout, reason = "a command's results go to standard output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Parser, Subcommand};
use futures_util::{StreamExt as _, TryStreamExt as _};
use local::chaos;
use local::driver::{self, Options, Replay};
use local::emulator::{CREDENTIALS, Emulator};
use local::injection::Kind as ChaosKind;
use local::postgres::{self, Cluster};
use local::replay::{Block, Fault, Season};
use local::summary::{Summaries, Summary, Total};
use local::tools::{self, Tools};
use local::up::Ports;
use local::{aws_record, bench, crowd, lambda_check, page, samples, up, watch};
use shared::provider::{ProviderName, decode, football_data_decode};
use strum::VariantNames as _;

/// The Best Shot data pipeline on one machine.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Replay seasons: create their tournaments, then only fire schedules
    Replay {
        /// Seasons in the openfootball JSON format, or folders of them: all in one database, by one clock
        #[arg(required = true)]
        seasons: Vec<PathBuf>,
        /// Write the summary (JSON) here, and a page and the reports next to it
        #[arg(long)]
        summary: Option<PathBuf>,
        /// The competition's rules (JSON): {"tie_breaking_rule": text, "deductions": {team: points}, "byes": [team]}
        #[arg(long)]
        rules: Option<PathBuf>,
        /// Disrupt a match, as KIND:MATCH:…: postpone, abandon, late, correct, status, disallow, vanish
        #[arg(long = "fault")]
        faults: Vec<Fault>,
        /// Stop at the beginning of this day (YYYY-MM-DD)
        #[arg(long)]
        until: Option<NaiveDate>,
        /// Start when the season is already over
        #[arg(long)]
        bulk: bool,
        /// Who is asked
        #[arg(long, default_value_t, value_parser = provider_name())]
        provider: ProviderName,
        /// Who is asked while that one refuses
        #[arg(long, value_parser = provider_name())]
        stand_in: Option<ProviderName>,
        /// A provider refuses from a moment on, as sofascore@2022-12-09, or sofascore@2022-12-09..2022-12-15 until another
        #[arg(long = "block")]
        blocks: Vec<Block>,
        /// Use this database (empty, or the application's) instead of a throwaway one
        #[arg(long)]
        database_url: Option<String>,
        /// Keep the services running at the end, until Ctrl-C
        #[arg(long)]
        serve: bool,
    },
    /// Replay seasons with random faults, and compare the database with that of a replay without faults
    Chaos {
        /// Seasons in the openfootball JSON format, or folders of them
        #[arg(required = true)]
        seasons: Vec<PathBuf>,
        /// Seeds of the random faults: one seed, or from..to
        #[arg(long, default_value = "1", value_parser = seeds)]
        seed: Seeds,
        /// Number of seeds at once
        #[arg(long, default_value_t = 1)]
        jobs: usize,
        /// Cause only this kind of fault
        #[arg(long)]
        only: Option<ChaosKind>,
        /// Write faults and outcomes here, as a page (Markdown)
        #[arg(long)]
        table: Option<PathBuf>,
    },
    /// Measure what it costs when many competitions are due at one moment
    Crowd {
        /// How many competitions: one round each, all matches ended
        count: usize,
        /// The pause between requests to the provider, in ms
        #[arg(long, default_value_t = 2_500)]
        pause: u64,
        /// Where the reports go, in place of the emulator, whose one process takes most of the time: an S3 server with the
        /// bucket `best-shot-local` and the key `scores-and-standings` (its secret: `local`)
        #[arg(long)]
        s3: Option<String>,
        /// Write the figures (JSON) here
        #[arg(long)]
        summary: Option<PathBuf>,
    },
    /// Show how the pipeline decodes one reply of the provider
    Decode {
        /// Whose reply it is
        #[arg(long, default_value_t, value_parser = provider_name())]
        provider: ProviderName,
        /// The kind of request it is a reply to: rounds, round, standings, cuptrees, event or scheduled-events of SofaScore;
        /// matches, match, standings, teams or day of football-data
        kind: String,
        /// The reply's body
        file: PathBuf,
    },
    /// Start the functions as deployed, and send each its sample events
    LambdaCheck {
        /// Holds NAME/bootstrap for each function
        #[arg(long)]
        functions: PathBuf,
        /// The browser
        #[arg(long)]
        chromium: PathBuf,
        /// Where the figures go (JSON)
        #[arg(long)]
        summary: PathBuf,
        /// Where the calls to AWS go (JSON)
        #[arg(long)]
        calls: PathBuf,
    },
    /// Run benchmarks: database, start, memory, pages, provider, browser
    Bench {
        /// Only the operator's pages
        #[arg(long)]
        pages: bool,
    },
    /// Start database, AWS emulator, provider and Slack on fixed ports, for `cargo lambda watch` and SAM
    Up {
        /// The season, which is shifted so that matches are played today
        #[arg(long, default_value = "local/seasons/2022-world-cup.json")]
        season: PathBuf,
        /// The ports
        #[command(flatten)]
        ports: Ports,
    },
    /// Write the sample events of `events/` anew
    Samples {
        /// List them in place of that, in an order that works: name, function and, if it is refused, the field
        #[arg(long)]
        list: bool,
    },
    /// Run a command with its own Postgres and AWS emulator
    Services {
        /// Write the functions' AWS calls (JSON) here
        #[arg(long)]
        calls: Option<PathBuf>,
        /// The command, after `--`
        #[arg(required = true, last = true)]
        command: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = tokio::select! {
        // A replay with `--serve` handles Ctrl-C itself, as a success.
        biased;
        outcome = run(Cli::parse().command) => outcome,
        () = tools::interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Replay {
            seasons,
            summary,
            rules,
            faults,
            until,
            bulk,
            provider,
            stand_in,
            blocks,
            database_url,
            serve,
        } => {
            let output = driver::output_dir(summary.as_deref(), &seasons[0]);
            let seasons = files(&seasons)?;
            let options = Options {
                seasons,
                rules,
                faults,
                until,
                bulk,
                provider,
                stand_in,
                blocks,
                database_url,
                output,
                ..Options::default()
            };
            replay(&options, summary, serve).await
        }
        Command::Chaos { seasons, seed, jobs, only, table } => {
            replays_with_faults(&files(&seasons)?, seed, jobs, only, table.as_deref()).await
        }
        Command::Crowd { count, pause, s3, summary } => {
            let pause = std::time::Duration::from_millis(pause);
            let crowd = crowd::run(count, pause, s3.as_deref()).await?;
            let figures = serde_json::to_string_pretty(&crowd)?;
            println!("{figures}");
            if let Some(file) = summary {
                std::fs::write(&file, figures).with_context(|| format!("writing {}", file.display()))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Decode { provider, kind, file } => decode_file(provider, &kind, &file),
        Command::LambdaCheck { functions, chromium, summary, calls } => {
            let options = lambda_check::Options { functions, chromium, summary, calls };
            println!("{}", lambda_check::run(&options).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Up { season, ports } => {
            up::run(&season, ports, Path::new(".")).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Samples { list: true } => {
            for sample in samples::samples()? {
                println!("{} {} {}", sample.name, sample.function, sample.refused.unwrap_or("-"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Samples { list: false } => {
            println!("{} samples in events/", samples::write(Path::new("events"))?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench { pages } => bench::run(pages).await.map(|()| ExitCode::SUCCESS),
        Command::Services { calls, command } => services(&command, calls.as_deref()).await,
    }
}

async fn replay(options: &Options, summary_file: Option<PathBuf>, serve: bool) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&options.output)?;
    let mut replay = Replay::start(options).await?;
    replay.run(options.until, true).await?;
    let (summary, problems) = match replay.tournament_ids.as_slice() {
        [_] => {
            let summary = Summary::read(&replay).await?;
            print_part(&summary.standings, summary.champion.as_deref());
            println!("{} of {} matches ended", summary.matches.ended, summary.matches.total);
            print_total(&summary.total);
            let page = page::write(&replay, &summary, &options.output).await?;
            println!("page:     {} (with every execution's report)", page.display());
            (serde_json::to_string_pretty(&summary)?, summary.problems())
        }
        _ => {
            let summary = Summaries::read(&replay).await?;
            for part in &summary.tournaments {
                println!("\n{}", part.tournament.label);
                print_part(&part.standings, part.champion.as_deref());
            }
            print_total(&summary.total);
            (serde_json::to_string_pretty(&summary)?, summary.total.problems())
        }
    };
    if let Some(file) = &summary_file {
        std::fs::write(file, summary).with_context(|| format!("writing {}", file.display()))?;
        println!("summary:  {}", file.display());
    }
    println!("logs:     {}", options.output.join("logs").display());
    for problem in &problems {
        eprintln!("problem: {problem}");
    }
    if serve {
        println!("database: {}", replay.stack.database_url);
        println!("AWS:      {}", replay.stack.aws.endpoint);
        println!("provider: {}", replay.provider.origin());
        let day = replay.clock.now().format("%Y-%m-%d");
        println!("desk:     {}/?day={day} (token: {})", replay.stack.desk_url, local::stack::TOKEN);
        println!("The services keep running until Ctrl-C.");
        // The normal way to end this; the services stop when they are dropped.
        tools::interrupted().await;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_part(standings: &[local::summary::Group], champion: Option<&str>) {
    println!("{}", page::tables(standings));
    if let Some(champion) = champion {
        println!("Champion: {champion}");
    }
}

fn print_total(total: &Total) {
    println!(
        "executions: {} completed, {} in part, {} failed; {} alarms fired; {} requests; {:.0} s",
        total.executions.completed,
        total.executions.partial_failure,
        total.executions.failed,
        total.schedules.fired,
        total.provider_requests,
        total.wall_seconds,
    );
    let cost = &total.cost;
    println!(
        "{} invocations, {:.1} GB seconds, ${:.4}; from the whistle to the database: median {} min, worst {} min",
        cost.invocations,
        cost.gb_seconds,
        cost.dollars,
        cost.latency.median_minutes,
        cost.latency.worst_minutes,
    );
}

/// Seeds from the first to the last.
#[derive(Debug, Clone, Copy)]
struct Seeds(u64, u64);

fn seeds(text: &str) -> Result<Seeds, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text:?}: {error}"));
    let (first, last) = (number(first)?, number(last)?);
    if first <= last { Ok(Seeds(first, last)) } else { Err("the first is larger than the last".to_owned()) }
}

/// The season files that are named, alone or by a folder.
fn files(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let entries = std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
            let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            found.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
            found.sort();
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    anyhow::ensure!(!files.is_empty(), "the folders have no .json file");
    Ok(files)
}

async fn replays_with_faults(
    seasons: &[PathBuf],
    Seeds(first, last): Seeds,
    jobs: usize,
    only: Option<ChaosKind>,
    table: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let output = Path::new("target/chaos");
    let names: Vec<String> = seasons.iter().map(|season| season.display().to_string()).collect();
    println!("A replay of {} without faults…", names.join(", "));
    let undisturbed = chaos::undisturbed(seasons, output, None).await?;
    let disturbed = futures_util::stream::iter(first..=last)
        .map(|seed| chaos::disturbed(seasons, output, seed, only, &undisturbed, None))
        .buffered(jobs.max(1))
        .inspect_ok(|outcome| println!("seed {}: {} rows differ", outcome.seed, outcome.differences.len()));
    let outcomes: Vec<chaos::Outcome> = disturbed.try_collect().await?;
    println!("{}", chaos::table(&outcomes));
    if let Some(file) = table {
        let labels: Vec<String> = seasons
            .iter()
            .map(|file| Ok(Season::load(file)?.label().to_owned()))
            .collect::<anyhow::Result<_>>()?;
        let text = chaos::page(&labels.join(", "), &outcomes);
        std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    let problems: Vec<String> = outcomes.iter().flat_map(chaos::Outcome::problems).collect();
    for problem in &problems {
        eprintln!("problem: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the name of a provider.
fn provider_name() -> impl clap::builder::TypedValueParser<Value = ProviderName> {
    PossibleValuesParser::new(ProviderName::VARIANTS).map(|name| name.parse().unwrap_or_default())
}

fn decode_file(provider: ProviderName, kind: &str, file: &Path) -> anyhow::Result<ExitCode> {
    let body = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let unknown =
        |kinds: &[&str]| anyhow::anyhow!("kind {kind:?} is not one of {provider}'s: {}", kinds.join(", "));
    let decoded = match provider {
        ProviderName::SofaScore => {
            decode::decode(kind.parse().map_err(|_| unknown(decode::Kind::VARIANTS))?, &body)?
        }
        ProviderName::FootballData => {
            use football_data_decode::{Kind, decode};
            decode(kind.parse().map_err(|_| unknown(Kind::VARIANTS))?, &body)?
        }
    };
    println!("{}", serde_json::to_string_pretty(&decoded)?);
    Ok(ExitCode::SUCCESS)
}

async fn services(command: &[String], calls: Option<&Path>) -> anyhow::Result<ExitCode> {
    let tools = Tools::find()?;
    let cluster = Cluster::start_with(&tools, &watch::SETTINGS, &[]).await?;
    let emulator = Emulator::start(&tools).await?;
    postgres::make_template(&cluster.url("postgres")).await?;
    let (program, arguments) = command.split_first().context("no command")?;
    let recorded = tempfile::NamedTempFile::new()?;
    let temporary = tempfile::Builder::new().prefix("best-shot-").tempdir_in(tools::temp_dir())?;
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .envs(calls.map(|_| (aws_record::FILE, recorded.path())))
        .envs(CREDENTIALS)
        .env("TMPDIR", temporary.path())
        .env("TEST_DATABASE_URL", cluster.url("postgres"))
        .env("TEST_AWS_ENDPOINT", &emulator.endpoint)
        .kill_on_drop(true)
        .status()
        .await
        .with_context(|| format!("running {program}"))?;
    if let Some(file) = calls {
        aws_record::write(&aws_record::read(recorded.path())?, file)?;
    }
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
