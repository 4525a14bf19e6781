//! The AWS emulator (moto), with the resources of a deployment: bucket, secret, schedule group.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, Target};
use chrono::{DateTime, NaiveDateTime, Utc};
use rustix::process::Signal;
use serde_json::Value;
use shared::aws;
use shared::objects::IMAGES;

use crate::tools::{self, Part, Tools};

/// The variables with which clients and functions use the emulator instead of AWS.
pub const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local"), ("AWS_REGION", "eu-central-1")];

/// A running emulator; dropping it stops it.
pub struct Emulator {
    _server: Part,
    /// Its address.
    pub endpoint: String,
}

impl Emulator {
    /// Starts it.
    pub async fn start(tools: &Tools) -> anyhow::Result<Self> {
        Self::start_at(tools, tools::free_port()?).await
    }

    /// The same on this port.
    pub async fn start_at(tools: &Tools, port: u16) -> anyhow::Result<Self> {
        let mut server = Part::start(
            Command::new(&tools.moto_server)
                .args(["-H", "127.0.0.1", "-p", &port.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
            Signal::TERM,
        )?;
        server.listening(port, "the AWS emulator").await?;
        Ok(Self { _server: server, endpoint: format!("http://127.0.0.1:{port}") })
    }
}

/// The AWS resources of one environment.
pub struct Deployment {
    /// The environment.
    pub environment: String,
    /// The emulator's address.
    pub endpoint: String,
    /// ARN of the secret.
    pub secret_arn: String,
    s3: aws_sdk_s3::Client,
    secrets: aws_sdk_secretsmanager::Client,
    scheduler: aws_sdk_scheduler::Client,
    seen: std::sync::Mutex<HashMap<String, (Option<i64>, Scheduled)>>,
}

/// The SDK's configuration for the emulator at `endpoint`.
pub(crate) async fn config(endpoint: &str) -> aws_config::SdkConfig {
    aws::install_tls_provider();
    let [(_, id), (_, key), (_, region)] = CREDENTIALS;
    aws::config()
        .endpoint_url(endpoint)
        .region(Region::new(region))
        .credentials_provider(Credentials::new(id, key, None, None, "local"))
        .load()
        .await
}

/// A one-time schedule, as a driver needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// When it fires.
    pub at: DateTime<Utc>,
    /// The function it invokes.
    pub function: String,
    /// The event, with Scheduler's placeholders not yet filled in.
    pub input: String,
    /// Whether it is deleted once it has fired.
    pub deletes_itself: bool,
}

impl Scheduled {
    /// The event that it delivers.
    pub fn event(&self) -> anyhow::Result<Value> {
        filled(&self.input, &stamp(self.at), &self.arn).with_context(|| format!("the input of {}", self.name))
    }
}

/// A moment as Scheduler writes it into an event.
pub fn stamp(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An input with Scheduler's placeholders filled in.
pub(crate) fn filled(input: &str, at: &str, arn: &str) -> serde_json::Result<Value> {
    let input = input.replace("<aws.scheduler.scheduled-time>", at);
    serde_json::from_str(&input.replace("<aws.scheduler.schedule-arn>", arn))
}

impl Deployment {
    /// Creates bucket, secret and schedule group.
    pub async fn make(endpoint: &str, environment: &str, secret: &serde_json::Value) -> anyhow::Result<Self> {
        let config = config(endpoint).await;
        let s3 = aws_sdk_s3::Client::new(&config);
        let scheduler = aws_sdk_scheduler::Client::new(&config);
        let location = aws_sdk_s3::types::BucketLocationConstraint::EuCentral1;
        let place =
            aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(location).build();
        let name = group(environment);
        s3.create_bucket()
            .bucket(&name)
            .create_bucket_configuration(place)
            .send()
            .await
            .context("making the bucket")?;
        // As the template has it: the images are public, the reports are not.
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                           "Resource": format!("arn:aws:s3:::{name}/{IMAGES}/*")}],
        });
        s3.put_bucket_policy()
            .bucket(&name)
            .policy(policy.to_string())
            .send()
            .await
            .context("making the images public")?;
        scheduler.create_schedule_group().name(&name).send().await.context("making the schedule group")?;
        let secrets = aws_sdk_secretsmanager::Client::new(&config);
        let secret = secrets
            .create_secret()
            .name(format!("best-shot/{environment}"))
            .secret_string(secret.to_string())
            .send()
            .await
            .context("making the secret")?;
        Ok(Self {
            environment: environment.to_owned(),
            endpoint: endpoint.to_owned(),
            secret_arn: secret.arn.context("the secret has no ARN")?,
            s3,
            secrets,
            scheduler,
            seen: std::sync::Mutex::default(),
        })
    }

    /// Rotates the secret.
    pub async fn set_secret(&self, secret: &serde_json::Value) -> anyhow::Result<()> {
        self.secrets
            .put_secret_value()
            .secret_id(&self.secret_arn)
            .secret_string(secret.to_string())
            .send()
            .await
            .context("rotating the secret")?;
        Ok(())
    }

    /// The environment of a function, as the template sets it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let name = group(&self.environment);
        let mut variables: Vec<(String, String)> =
            CREDENTIALS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("TARGET_ENV", self.environment.clone()),
            ("SECRET_ARN", self.secret_arn.clone()),
            ("AWS_S3_BUCKET", name.clone()),
            ("AWS_CLOUDFRONT_URL", format!("{}/{name}", self.endpoint)),
            ("SCHEDULE_GROUP", name.clone()),
            ("SCHEDULER_ROLE_ARN", "arn:aws:iam::123456789012:role/best-shot-local-scheduler".to_owned()),
            ("SCHEDULE_DEAD_LETTER_ARN", "arn:aws:sqs:eu-central-1:123456789012:best-shot-local".to_owned()),
            ("FUNCTION_ARN_PREFIX", function_arn_prefix(&self.environment)),
        ] {
            variables.push((name.to_owned(), value));
        }
        variables
    }

    /// All one-time schedules, soonest first.
    pub async fn schedules(&self) -> anyhow::Result<Vec<Scheduled>> {
        let name = group(&self.environment);
        let mut summaries = self.scheduler.list_schedules().group_name(&name).into_paginator().items().send();
        let mut schedules = Vec::new();
        while let Some(summary) = summaries.next().await {
            let summary = summary.context("listing schedules")?;
            let schedule_name = summary.name.context("a schedule has no name")?;
            let modified = summary.last_modification_date.map(|date| date.as_nanos() as i64);
            let seen = self.seen.lock().ok().and_then(|seen| seen.get(&schedule_name).cloned());
            let scheduled = match seen {
                Some((seen, scheduled)) if seen == modified && modified.is_some() => scheduled,
                _ => self.schedule(&name, &schedule_name).await?,
            };
            if let Ok(mut seen) = self.seen.lock() {
                seen.insert(schedule_name, (modified, scheduled.clone()));
            }
            schedules.push(scheduled);
        }
        schedules.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        Ok(schedules)
    }

    async fn schedule(&self, group: &str, name: &str) -> anyhow::Result<Scheduled> {
        let got =
            self.scheduler.get_schedule().group_name(group).name(name).send().await.context("a schedule")?;
        let expression = got.schedule_expression.context("a schedule has no expression")?;
        let target = got.target.context("a schedule has no target")?;
        let function = target
            .arn
            .strip_prefix(&function_arn_prefix(&self.environment))
            .with_context(|| format!("{name} is for a foreign target: {}", target.arn))?;
        Ok(Scheduled {
            name: name.to_owned(),
            arn: got.arn.context("a schedule has no ARN")?,
            // Checked here because the emulator accepts expressions that AWS refuses.
            at: at_moment(&expression)
                .with_context(|| format!("{name}: {expression} is not a valid at(…) expression"))?,
            function: function.to_owned(),
            input: target.input.context("a schedule has no input")?,
            deletes_itself: got.action_after_completion == Some(ActionAfterCompletion::Delete),
        })
    }

    /// Makes a one-time schedule with an input, as another version of the functions did.
    pub async fn make_schedule(
        &self,
        name: &str,
        at: DateTime<Utc>,
        function: &str,
        input: &str,
    ) -> anyhow::Result<()> {
        let target = Target::builder()
            .arn(format!("{}{function}", function_arn_prefix(&self.environment)))
            .role_arn("arn:aws:iam::123456789012:role/best-shot-local-scheduler")
            .input(input)
            .build()?;
        self.scheduler
            .create_schedule()
            .group_name(group(&self.environment))
            .name(name)
            .schedule_expression(at.format("at(%Y-%m-%dT%H:%M:%S)").to_string())
            .flexible_time_window(FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build()?)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(target)
            .send()
            .await?;
        Ok(())
    }

    /// Deletes a schedule, as Scheduler does once it has fired.
    pub async fn delete_schedule(&self, name: &str) -> anyhow::Result<()> {
        self.scheduler.delete_schedule().group_name(group(&self.environment)).name(name).send().await?;
        Ok(())
    }

    /// Keys of the objects below `prefix`.
    pub async fn objects(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let bucket = group(&self.environment);
        let mut pages = self.s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(page?.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    /// One object's bytes.
    pub async fn object(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        let got = self.s3.get_object().bucket(group(&self.environment)).key(key).send().await?;
        Ok(got.body.collect().await?.to_vec())
    }
}

/// The time in an `at(…)` expression.
fn at_moment(expression: &str) -> Option<DateTime<Utc>> {
    let text = expression.strip_prefix("at(")?.strip_suffix(')')?;
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S").ok().map(|moment| moment.and_utc())
}

fn group(environment: &str) -> String {
    format!("best-shot-{environment}")
}

fn function_arn_prefix(environment: &str) -> String {
    format!("arn:aws:lambda:eu-central-1:123456789012:function:best-shot-{environment}-")
}
