//! What functions need on one machine, on fixed ports, for a function that another program runs: `cargo lambda watch`, or
//! SAM. A season of the demo is shifted so that matches are played today, and everything goes by the wall's clock.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Named, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::work::Function;
use strum::VariantNames as _;

use crate::driver::create_event;
use crate::emulator::{Deployment, Emulator, stamp};
use crate::functions::Functions;
use crate::postgres::{self, Cluster};
use crate::replay::{ReplayClock, ReplayProvider, Season};
use crate::samples::{ENVIRONMENT, TOURNAMENT};
use crate::serve::serve_at;
use crate::slack_sink::SlackSink;
use crate::stack::TOKEN;
use crate::tools::{self, Tools};
use crate::watch;

/// How often schedules that are due are looked for.
const EVERY: Duration = Duration::from_secs(5);

/// The ports, each an option of the command.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Ports {
    /// Postgres
    #[arg(long, default_value_t = 5440)]
    postgres_port: u16,
    /// The AWS emulator
    #[arg(long, default_value_t = 5441)]
    aws_port: u16,
    /// The replay provider
    #[arg(long, default_value_t = 5442)]
    provider_port: u16,
    /// The Slack sink
    #[arg(long, default_value_t = 5443)]
    slack_port: u16,
    /// Lambda's Invoke, by which the desk and the schedules start functions
    #[arg(long, default_value_t = 5444)]
    lambda_port: u16,
    /// Where `cargo lambda watch` serves the functions
    #[arg(long, default_value_t = 9000)]
    watch_port: u16,
}

impl Ports {
    /// Refuses a port that is taken, with the option that names another.
    fn check(self) -> anyhow::Result<()> {
        for (option, port) in [
            ("--postgres-port", self.postgres_port),
            ("--aws-port", self.aws_port),
            ("--provider-port", self.provider_port),
            ("--slack-port", self.slack_port),
            ("--lambda-port", self.lambda_port),
        ] {
            TcpListener::bind(("127.0.0.1", port))
                .map(drop)
                .with_context(|| format!("port {port} is taken: name another one with {option}"))?;
        }
        Ok(())
    }
}

/// Starts the services, creates the season's tournament, writes the functions' variables into `directory`, and stays
/// until it is interrupted.
pub async fn run(season: &Path, ports: Ports, directory: &Path) -> anyhow::Result<()> {
    ports.check()?;
    let tools = Tools::find()?;
    let now = Clock::default().now();
    let season = Season::load(season)?.around(now.date_naive());
    let cluster = Cluster::start_at(&tools, ports.postgres_port, &watch::SETTINGS, &[]).await?;
    let emulator = Emulator::start_at(&tools, ports.aws_port).await?;
    let provider =
        ReplayProvider::start_at(ports.provider_port, vec![season.clone()], ReplayClock::wall()).await?;
    let slack = SlackSink::start_at(ports.slack_port)?;
    let database_url = postgres::create_database(&cluster.url("postgres"), "best_shot").await?;
    let secret = json!({
        "DATABASE_URL": database_url,
        "SLACK_JOB_EXECUTIONS_WEBHOOK": slack.webhook_url(),
        "INTERNAL_SERVICE_TOKEN": TOKEN,
    });
    let aws = Deployment::make(&emulator.endpoint, ENVIRONMENT, &secret).await?;
    let watched = format!("http://127.0.0.1:{}", ports.watch_port);
    let desk = format!("http://localhost:{}/lambda-url/operator-api", ports.watch_port);
    let lambda = format!("http://127.0.0.1:{}", ports.lambda_port);
    let mut variables: BTreeMap<String, String> = aws.variables().into_iter().collect();
    for (name, value) in [
        ("SOFASCORE_ORIGIN", provider.origin()),
        ("REQUEST_PAUSE_MS", "0".to_owned()),
        ("CHROMIUM_PATH", tools.chromium.display().to_string()),
        ("CHROMIUM_SINGLE_PROCESS", "true".to_owned()),
        ("OPERATOR_API_URL", desk.clone()),
        ("AWS_ENDPOINT_URL_LAMBDA", lambda),
    ] {
        variables.insert(name.to_owned(), value);
    }
    let logs = tempfile::tempdir()?;
    let functions = Functions::new(&tools, variables.clone().into_iter().collect(), logs.path().to_owned())?;
    functions.invoke("migrate", &json!({})).await?;
    create(&functions, &season, &database_url).await?;
    drop(functions);

    let files = write_variables(directory, variables, &secret)?;
    let forward = Forward { client: reqwest::Client::builder().no_proxy().build()?, watched };
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(forward.clone());
    let _lambda = serve_at(ports.lambda_port, "Lambda's Invoke", router)?;
    let mut lines = vec![
        format!("database: {database_url}"),
        format!("AWS:      {} (bucket and schedule group best-shot-{ENVIRONMENT})", emulator.endpoint),
        format!("provider: {} (matches of {} are played today)", provider.origin(), season.label()),
        format!("Slack:    {}", slack.webhook_url()),
    ];
    lines.extend(files.iter().map(|file| format!("written:  {}", file.display())));
    lines.extend([
        "Now, in another terminal: cargo lambda watch".to_owned(),
        "Then:     cargo lambda invoke daily-routine --data-file events/daily-routine.json".to_owned(),
        format!("Desk:     {desk}/ (token: {TOKEN}), once the functions are served"),
        "The services keep running until Ctrl-C.".to_owned(),
    ]);
    print(&lines);
    tokio::select! {
        () = tools::interrupted() => {}
        () = fire(&aws, &forward) => {}
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "where everything is, is the command's output")]
fn print(lines: &[String]) {
    for line in lines {
        println!("{line}");
    }
}

/// Creates the season's tournament under the id of the sample events, and plans its checks.
async fn create(functions: &Functions, season: &Season, database_url: &str) -> anyhow::Result<()> {
    let database = postgres::connect(database_url).await?;
    let set = |default: &str| format!("ALTER TABLE tournament ALTER COLUMN id SET DEFAULT {default}");
    database.batch_execute(&set(&format!("'{TOURNAMENT}'"))).await?;
    let now = Clock::default().now();
    let mut event = create_event(season, now);
    event["targetEnv"] = ENVIRONMENT.into();
    functions.invoke("tournaments", &event).await.context("creating the tournament")?;
    database.batch_execute(&set("gen_random_uuid()")).await?;
    let event = json!({ "targetEnv": ENVIRONMENT, "scheduledTime": stamp(now) });
    functions.invoke("daily-routine", &event).await.context("the daily routine")?;
    Ok(())
}

/// Writes `.env.local` for cargo-lambda and `events/env.local.json` for SAM; returns their paths.
fn write_variables(
    directory: &Path,
    mut variables: BTreeMap<String, String>,
    secret: &Value,
) -> anyhow::Result<[PathBuf; 2]> {
    // The secret's values, in place of the secret.
    variables.remove("SECRET_ARN");
    let secrets = secret.as_object().into_iter().flatten();
    variables
        .extend(secrets.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())));
    let env = directory.join(".env.local");
    let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(&env, lines).with_context(|| format!("writing {}", env.display()))?;
    let sam = directory.join("events/env.local.json");
    // The container has the layer's browser, and credentials of its own.
    variables.retain(|name, _| {
        !name.starts_with("CHROMIUM") && !name.starts_with("AWS_ACCESS") && name != "AWS_SECRET_ACCESS_KEY"
    });
    variables.insert("SECRET_ARN".to_owned(), String::new());
    let text = serde_json::to_string_pretty(&json!({ "Parameters": variables }))?;
    std::fs::write(&sam, text + "\n").with_context(|| format!("writing {}", sam.display()))?;
    Ok([env, sam])
}

/// Passes an invocation on to the program that serves the functions.
#[derive(Clone)]
struct Forward {
    client: reqwest::Client,
    watched: String,
}

impl Forward {
    async fn send(&self, function: &str, body: Vec<u8>) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.watched);
        self.client.post(url).body(body).send().await
    }
}

/// Lambda's Invoke: the function's ARN ends with its name.
async fn invoke(
    State(forward): State<Forward>,
    Named(name): Named<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(function) = Function::VARIANTS.iter().find(|function| name.ends_with(**function)) else {
        return (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], "{}")
            .into_response();
    };
    if headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event") {
        tokio::spawn(async move {
            if let Err(error) = forward.send(function, body.to_vec()).await {
                eprintln!("{function} could not be started: {error}");
            }
        });
        return StatusCode::ACCEPTED.into_response();
    }
    match forward.send(function, body.to_vec()).await {
        Ok(answer) => {
            let status = answer.status();
            (status, answer.bytes().await.unwrap_or_default()).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Fires schedules when they are due, as EventBridge Scheduler does: the AWS emulator does not.
async fn fire(aws: &Deployment, forward: &Forward) {
    let mut is_away = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let now = Clock::default().now();
        let schedules = match aws.schedules().await {
            Ok(schedules) => schedules,
            Err(error) => {
                eprintln!("schedules can't be read: {error:#}");
                continue;
            }
        };
        for schedule in schedules.into_iter().filter(|schedule| schedule.at <= now) {
            let event = match schedule.event() {
                Ok(event) => event.to_string(),
                Err(error) => {
                    eprintln!("{error:#}");
                    continue;
                }
            };
            match forward.send(&schedule.function, event.into_bytes()).await {
                Ok(answer) => {
                    is_away = false;
                    print(&[format!("{} fired {}: {}", stamp(now), schedule.name, answer.status())]);
                    if let Err(error) = aws.delete_schedule(&schedule.name).await {
                        eprintln!("{} could not be deleted: {error:#}", schedule.name);
                    }
                }
                Err(_) if is_away => break,
                Err(_) => {
                    is_away = true;
                    print(&["Schedules are due and wait for `cargo lambda watch`.".to_owned()]);
                    break;
                }
            }
        }
    }
}
