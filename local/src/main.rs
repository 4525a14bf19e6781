//! `local`: the whole pipeline on one machine. See `local help`.
#![allow(clippy::print_stdout, reason = "a command's results go to standard output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use futures_util::{StreamExt as _, TryStreamExt as _};
use local::chaos;
use local::driver::{self, Options, Replay};
use local::emulator::{CREDENTIALS, Emulator};
use local::injection::Kind as ChaosKind;
use local::postgres::{self, Cluster};
use local::replay::{Fault, Season};
use local::summary::Summary;
use local::tools::{self, Tools};
use local::{aws_record, bench, lambda_check, page};
use shared::provider::decode::{Kind, decode};
use strum::VariantNames as _;

/// The Best Shot data pipeline on one machine.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Replay a season: create its tournament, then only fire schedules
    Replay {
        /// A season in the openfootball JSON format
        season: PathBuf,
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
        /// Use this database (empty, or the application's) instead of a throwaway one
        #[arg(long)]
        database_url: Option<String>,
        /// Keep the services running at the end, until Ctrl-C
        #[arg(long)]
        serve: bool,
    },
    /// Replay a season with random faults, and compare the database with that of a replay without faults
    Chaos {
        /// A season in the openfootball JSON format
        season: PathBuf,
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
    /// Show how the pipeline decodes one reply of the provider
    Decode {
        /// The kind of request it is a reply to
        #[arg(value_parser = PossibleValuesParser::new(Kind::VARIANTS))]
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
    /// Run benchmarks: database, start, memory, provider, browser
    Bench,
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
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
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
        Command::Replay { season, summary, rules, faults, until, bulk, database_url, serve } => {
            let output = driver::output_dir(summary.as_deref(), &season);
            let options =
                Options { season, rules, faults, until, bulk, database_url, output, ..Options::default() };
            replay(&options, summary, serve).await
        }
        Command::Chaos { season, seed, jobs, only, table } => {
            replays_with_faults(&season, seed, jobs, only, table.as_deref()).await
        }
        Command::Decode { kind, file } => decode_file(kind.parse()?, &file),
        Command::LambdaCheck { functions, chromium, summary, calls } => {
            let options = lambda_check::Options { functions, chromium, summary, calls };
            println!("{}", lambda_check::run(&options).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Bench => bench::run().await.map(|()| ExitCode::SUCCESS),
        Command::Services { calls, command } => services(&command, calls.as_deref()).await,
    }
}

async fn replay(options: &Options, summary_file: Option<PathBuf>, serve: bool) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&options.output)?;
    let mut replay = Replay::start(options).await?;
    replay.run(options.until, true).await?;
    let summary = Summary::read(&replay).await?;
    println!("{}", page::tables(&summary.standings));
    if let Some(champion) = &summary.champion {
        println!("Champion: {champion}");
    }
    println!(
        "{} of {} matches ended; executions: {} completed, {} in part, {} failed; {} schedules fired; \
         {} requests; {:.0} s",
        summary.matches.ended,
        summary.matches.total,
        summary.executions.completed,
        summary.executions.partial_failure,
        summary.executions.failed,
        summary.schedules.fired,
        summary.provider_requests,
        summary.wall_seconds,
    );
    if let Some(file) = &summary_file {
        std::fs::write(file, serde_json::to_string_pretty(&summary)?)
            .with_context(|| format!("writing {}", file.display()))?;
        println!("summary:  {}", file.display());
    }
    let page = page::write(&replay, &summary, &options.output).await?;
    println!("page:     {} (with every execution's report)", page.display());
    println!("logs:     {}", options.output.join("logs").display());
    let problems = summary.problems();
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
        // Ctrl-C is the normal way to end this; the services stop when they are dropped.
        tokio::signal::ctrl_c().await?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

async fn replays_with_faults(
    season: &Path,
    Seeds(first, last): Seeds,
    jobs: usize,
    only: Option<ChaosKind>,
    table: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let output = Path::new("target/chaos");
    println!("A replay of {} without faults…", season.display());
    let undisturbed = chaos::undisturbed(season, output, None).await?;
    let disturbed = futures_util::stream::iter(first..=last)
        .map(|seed| chaos::disturbed(season, output, seed, only, &undisturbed, None))
        .buffered(jobs.max(1))
        .inspect_ok(|outcome| println!("seed {}: {} rows differ", outcome.seed, outcome.differences.len()));
    let outcomes: Vec<chaos::Outcome> = disturbed.try_collect().await?;
    println!("{}", chaos::table(&outcomes));
    if let Some(file) = table {
        let text = chaos::page(Season::load(season)?.label(), &outcomes);
        std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    let problems: Vec<String> = outcomes.iter().flat_map(chaos::Outcome::problems).collect();
    for problem in &problems {
        eprintln!("problem: {problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn decode_file(kind: Kind, file: &Path) -> anyhow::Result<ExitCode> {
    let body = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    println!("{}", serde_json::to_string_pretty(&decode(kind, &body)?)?);
    Ok(ExitCode::SUCCESS)
}

async fn services(command: &[String], calls: Option<&Path>) -> anyhow::Result<ExitCode> {
    let tools = Tools::find()?;
    let cluster = Cluster::start(&tools).await?;
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
