//! `deploy/deploy.sh` as a whole against emulated services: CloudFormation, CloudWatch, Lambda, the functions' own
//! binaries and a database. Only `sam deploy` itself, which needs an account, has a stand-in that swaps the code.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use local::emulator::CREDENTIALS;
use local::emulator::stamp;
use local::postgres;
use local::tools::Tools;
use serde_json::json;
use shared::clock::Clock;
use tempfile::TempDir;

use crate::harness::{CUP, Setup, World, empty_database, migrated_database, service};

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const APPLICATION: &str = include_str!("adoption/application.sql");
const FUNCTIONS: [&str; 6] =
    ["daily-routine", "scores-and-standings", "knockouts", "tournaments", "operator-api", "migrate"];

/// An environment that is deployed to.
struct Account {
    world: World,
    project: TempDir,
}

/// How a deployment ended.
struct Verdict {
    succeeded: bool,
    /// The builds that were deployed, in order.
    deployed: Vec<String>,
    /// What was printed.
    output: String,
}

impl Account {
    /// An account with this database, whose functions run the build `old`. The new build is called `build`.
    async fn with(database_url: &str, build: &str) -> Self {
        let project = tempfile::tempdir().unwrap();
        let root = project.path();
        let binaries = Tools::find().unwrap();
        for directory in ["functions", "builds/old", &format!("builds/{build}")] {
            let directory = root.join(directory);
            std::fs::create_dir_all(&directory).unwrap();
            for name in FUNCTIONS {
                symlink(binaries.function(name), directory.join(name)).unwrap();
            }
        }
        std::fs::create_dir_all(root.join("deploy")).unwrap();
        for file in ["deploy.sh", "tools.sh", "operate.py"] {
            let file = format!("deploy/{file}");
            std::fs::copy(Path::new(PROJECT).join(&file), root.join(&file)).unwrap();
        }
        let world = Setup::as_it_is(database_url)
            .functions(&root.join("functions"))
            // The functions' own clock, as in AWS.
            .variables(&[("CLOCK", "wall")])
            .world(&stamp(Clock::default().now()), CUP)
            .await;
        let migrate = root.join(".aws-sam/build/Migrate");
        std::fs::create_dir_all(&migrate).unwrap();
        std::fs::copy(binaries.function("migrate"), migrate.join("bootstrap")).unwrap();
        let account = Self { world, project };
        std::fs::write(account.path(".aws-sam/build/template.yaml"), account.template(build)).unwrap();
        let region = CREDENTIALS[2].1;
        let settings = format!("[{}.global.parameters]\nregion = \"{region}\"\n", account.environment());
        std::fs::write(account.path("samconfig.toml"), settings).unwrap();
        // The tools that deploy.sh puts on its PATH.
        let python =
            std::fs::canonicalize(Path::new(PROJECT).join(".tools/venv/bin")).unwrap().join("python");
        let stand_in = Path::new(PROJECT).join("tests/pipeline/deployment/stand_in.py");
        std::fs::create_dir_all(account.path("tools/venv/bin")).unwrap();
        for (name, command) in [
            ("python", format!("exec {} \"$@\"", python.display())),
            ("sam", format!("exec {} {} \"$@\"", python.display(), stand_in.display())),
        ] {
            account.script(&format!("tools/venv/bin/{name}"), &command);
        }
        account
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.project.path().join(relative)
    }

    fn environment(&self) -> &str {
        &self.world.stack.aws.environment
    }

    fn script(&self, relative: &str, command: &str) {
        let path = self.path(relative);
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, format!("#!/bin/sh\n{command}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A template that names its build, with the outputs that are read.
    fn template(&self, build: &str) -> String {
        let url = &self.world.stack.desk_url;
        format!(
            "Metadata:\n  Build: {build}\nResources:\n  Topic:\n    Type: AWS::SNS::Topic\n\
             Outputs:\n  OperatorApiUrl:\n    Value: {url}\n"
        )
    }

    fn command(&self, program: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(program);
        let stack = &self.world.stack;
        command
            .current_dir(self.project.path())
            .envs(CREDENTIALS)
            .env("AWS_DEFAULT_REGION", CREDENTIALS[2].1)
            .env("AWS_ENDPOINT_URL", service("TEST_AWS_ENDPOINT"))
            .env("AWS_ENDPOINT_URL_LAMBDA", &stack.lambda_url)
            .env("TOOLS_DIR", self.path("tools"))
            .env("STACK", format!("best-shot-{}", self.environment()))
            .env("FUNCTIONS", self.path("functions"))
            .env("BUILDS", self.path("builds"))
            .env("SEEN", self.path("seen"))
            // With the images behind a distribution the account's own settings are not asked for: their address has the
            // account's number before the host, which an emulator's has not.
            .env("PARAMETERS", "CloudFrontDistributionArn=arn:aws:cloudfront::123456789012:distribution/TEST")
            .env("BUILT", "yes")
            .env("UNATTENDED", "yes")
            .env("WATCH_MINUTES", "0.01")
            .kill_on_drop(true);
        command
    }

    async fn sam(&self, arguments: &[&str]) {
        let done = self.command("tools/venv/bin/sam").args(arguments).output().await.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Makes the stack exist already, with the build `old`.
    async fn deployed_before(&self) {
        std::fs::write(self.path("old.yaml"), self.template("old")).unwrap();
        self.sam(&["deploy", "--template-file", "old.yaml"]).await;
        std::fs::remove_file(self.path("seen")).unwrap();
    }

    async fn deploy(&self) -> Verdict {
        let done =
            self.command("bash").args(["deploy/deploy.sh", self.environment()]).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let seen = std::fs::read_to_string(self.path("seen")).unwrap_or_default();
        let deployed = seen.lines().filter_map(|line| line.strip_prefix("deploy ")).map(ToOwned::to_owned);
        Verdict {
            succeeded: done.status.success(),
            deployed: deployed.collect(),
            output: text(&done.stdout) + &text(&done.stderr),
        }
    }
}

impl Verdict {
    fn says(&self, text: &str) -> &Self {
        assert!(self.output.contains(text), "no {text:?} in\n{}", self.output);
        self
    }

    /// It succeeded, or it did not, after these builds were deployed.
    fn is(&self, succeeded: bool, deployed: &[&str]) -> &Self {
        assert_eq!(
            (self.succeeded, self.deployed.as_slice()),
            (succeeded, &deployed.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{}",
            self.output
        );
        self
    }
}

#[tokio::test]
async fn the_first_deployment_on_an_empty_database_is_well() {
    let account = Account::with(&empty_database().await, "new").await;
    let verdict = account.deploy().await;
    verdict.is(true, &["new"]).says("migrations applied: V1").says("smoke test passed").says("is deployed");
    assert_eq!(account.world.count("tournament").await, 0);
    // A second one has nothing to migrate, and ends the same.
    account.deploy().await.is(true, &["new", "new"]).says("none were pending");
}

/// None of it is the deployment's doing: a routine that is 26 hours late, a provider that refuses, an alarm that is on.
#[tokio::test]
async fn what_was_not_well_before_does_not_undo_a_deployment() {
    let database_url = empty_database().await;
    let old = Clock::default().now() - TimeDelta::hours(27);
    let application = APPLICATION.replace("{external_id}", "1").replace("{season_id}", "2");
    let db = postgres::connect(&database_url).await.unwrap();
    db.batch_execute(&application).await.unwrap();
    let account = Account::with(&database_url, "new").await;
    account.deployed_before().await;
    account.world.stack.invoke("migrate", json!({})).await.unwrap();
    db.batch_execute(&format!(
        "UPDATE tournament SET status = 'active', created_at = '{}';
         INSERT INTO provider_circuit VALUES ('sofascore', 'open', '403', now(), now() + interval '3 hours', 3)",
        old.format("%F %T")
    ))
    .await
    .unwrap();
    account.sam(&["alarm", "errors"]).await;
    let verdict = account.deploy().await;
    verdict.is(true, &["new"]).says("in alarm already").says("as before the deployment");
    verdict.says("WARNING: probe: the provider does not answer");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_everything_as_it_was() {
    let database_url = empty_database().await;
    let conflict = "CREATE VIEW tournament AS SELECT 1 AS id";
    postgres::connect(&database_url).await.unwrap().batch_execute(conflict).await.unwrap();
    let account = Account::with(&database_url, "new").await;
    account.deployed_before().await;
    account.deploy().await.is(false, &[]).says("the migrations failed");
}

#[tokio::test]
async fn code_that_does_not_run_is_replaced_by_what_was_there_before() {
    let account = Account::with(&migrated_database().await, "broken").await;
    account.script("builds/broken/daily-routine", "exit 1");
    account.deployed_before().await;
    let verdict = account.deploy().await;
    verdict.is(false, &["broken", "old"]).says("daily-routine: Runtime.ExitError").says("rolling back");
    verdict.says("runs the earlier code again").says("the daily routine has planned two days");
}

#[tokio::test]
async fn an_alarm_that_goes_off_undoes_the_deployment() {
    let account = Account::with(&migrated_database().await, "ringing").await;
    account.deployed_before().await;
    let verdict = account.deploy().await;
    verdict.is(false, &["ringing", "old"]).says("smoke test passed").says("in alarm since the deployment");
}
