//! The stack of one environment: database, AWS, Slack, provider and functions, wired together.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::aws_gate::AwsGate;
use crate::aws_record::Recording;
use crate::emulator::Deployment;
use crate::front::{self, Place, Serving};
use crate::functions::Functions;
use crate::replay::FOOTBALL_DATA_KEY;
use crate::slack_sink::SlackSink;
use crate::tools::Tools;

/// The components of a stack.
pub struct Ingredients<'a> {
    /// The programs.
    pub tools: &'a Tools,
    /// The AWS emulator's address.
    pub aws_endpoint: &'a str,
    /// The environment's name; unique per stack, since an emulator may be shared.
    pub environment: &'a str,
    /// The database's address.
    pub database_url: &'a str,
    /// The database's address for the functions, if they use a proxy.
    pub functions_database_url: Option<&'a str>,
    /// The provider's origin.
    pub provider_origin: &'a str,
    /// Whether the database is a copy of a migrated one.
    pub migrated: bool,
    /// Further variables for the functions; they override the stack's own.
    pub variables: &'a [(&'a str, &'a str)],
    /// Where the functions' logs go.
    pub logs: PathBuf,
}

/// A running stack.
pub struct Stack {
    /// The deployment's AWS resources.
    pub aws: Deployment,
    /// Slack.
    pub slack: SlackSink,
    /// The functions.
    pub functions: Arc<Functions>,
    /// The database's address.
    pub database_url: String,
    /// Where the operator's API and pages are.
    pub desk_url: String,
    /// Where Lambda's own API is.
    pub lambda_url: String,
    /// The proxy between the functions and AWS.
    pub gate: AwsGate,
    _serving: [Serving; 2],
    /// The functions' AWS calls.
    pub recording: Recording,
}

/// The token of the operator's API.
pub const TOKEN: &str = "local-operator-token-for-this-machine-only";

impl Stack {
    /// Builds a stack and, unless its database is migrated already, migrates that with the `migrate` function.
    pub async fn start(ingredients: Ingredients<'_>) -> anyhow::Result<Self> {
        let slack = SlackSink::start()?;
        let secret = json!({
            "DATABASE_URL": ingredients.functions_database_url.unwrap_or(ingredients.database_url),
            "SLACK_JOB_EXECUTIONS_WEBHOOK": slack.webhook_url(),
            "INTERNAL_SERVICE_TOKEN": TOKEN,
            "FOOTBALL_DATA_KEY": FOOTBALL_DATA_KEY,
        });
        let aws = Deployment::make(ingredients.aws_endpoint, ingredients.environment, &secret).await?;
        let (api, lambda) = (Place::find().await?, Place::find().await?);
        let (desk_url, lambda_url) = (api.url.clone(), lambda.url.clone());
        let gate = AwsGate::start(ingredients.aws_endpoint)?;
        let lambda_gate = AwsGate::start(&lambda.url)?;
        let (aws_gate, lambda_gate_url) = (gate.endpoint(), lambda_gate.endpoint());
        let mut variables = aws.variables();
        for (name, value) in [
            ("SOFASCORE_ORIGIN", ingredients.provider_origin),
            ("FOOTBALL_DATA_ORIGIN", ingredients.provider_origin),
            ("REQUEST_PAUSE_MS", "0"),
            // A replay has its own time.
            ("CLOCK", "scheduled"),
            // As in the template. Without it a launch takes half as long again.
            ("CHROMIUM_SINGLE_PROCESS", "true"),
            ("OPERATOR_API_URL", &desk_url),
            ("AWS_ENDPOINT_URL", &aws_gate),
            ("AWS_ENDPOINT_URL_LAMBDA", &lambda_gate_url),
        ]
        .into_iter()
        .chain(ingredients.variables.iter().copied())
        {
            variables.push((name.to_owned(), value.to_owned()));
        }
        let functions = Arc::new(Functions::new(ingredients.tools, variables, ingredients.logs)?);
        let serving = [
            front::serve_api(api, Arc::clone(&functions)),
            front::serve_lambda(lambda, Arc::clone(&functions)),
        ];
        let stack = Self {
            aws,
            slack,
            functions,
            database_url: ingredients.database_url.to_owned(),
            desk_url,
            lambda_url,
            recording: Recording {
                gates: [gate.clone(), lambda_gate],
                environment: ingredients.environment.to_owned(),
            },
            gate,
            _serving: serving,
        };
        if !ingredients.migrated {
            stack.functions.invoke("migrate", &json!({})).await?;
        }
        Ok(stack)
    }

    /// Invokes a function with an event for this environment.
    pub async fn invoke(&self, function: &str, mut event: Value) -> anyhow::Result<Value> {
        event["targetEnv"] = self.aws.environment.as_str().into();
        self.functions.invoke(function, &event).await
    }
}
