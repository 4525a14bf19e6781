//! A consumer of results: an EventBridge bus with a rule, and a queue that the rule fills.

use anyhow::Context as _;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::Target;
use serde_json::{Value, json};

use crate::emulator::{self, CREDENTIALS};

/// The source of the pipeline's events.
const SOURCE: &str = "best-shot.data-pipeline";
const RULE: &str = "results";

/// The consumer of one environment's results.
pub struct Consumer {
    /// The bus's name: the functions' `EVENT_BUS`.
    pub bus: String,
    endpoint: String,
    queue: String,
    client: reqwest::Client,
}

impl Consumer {
    /// Creates bus, rule and queue in the AWS emulator at `endpoint`.
    pub async fn start(endpoint: &str, bus: &str) -> anyhow::Result<Self> {
        let events = Client::new(&emulator::config(endpoint).await);
        events.create_event_bus().name(bus).send().await.context("making the event bus")?;
        let mut consumer = Self {
            bus: bus.to_owned(),
            endpoint: endpoint.to_owned(),
            queue: String::new(),
            client: reqwest::Client::builder().no_proxy().build()?,
        };
        let made = consumer.sqs("CreateQueue", json!({ "QueueName": bus })).await?;
        consumer.queue = made["QueueUrl"].as_str().context("the queue has no URL")?.to_owned();
        let asked = json!({ "QueueUrl": consumer.queue, "AttributeNames": ["QueueArn"] });
        let attributes = consumer.sqs("GetQueueAttributes", asked).await?;
        let arn = attributes["Attributes"]["QueueArn"].as_str().context("the queue has no ARN")?;
        let pattern = json!({ "source": [SOURCE] }).to_string();
        events
            .put_rule()
            .name(RULE)
            .event_bus_name(bus)
            .event_pattern(pattern)
            .send()
            .await
            .context("making the rule")?;
        let target = Target::builder().id("queue").arn(arn).build().context("the target")?;
        events
            .put_targets()
            .rule(RULE)
            .event_bus_name(bus)
            .targets(target)
            .send()
            .await
            .context("making the target")?;
        Ok(consumer)
    }

    /// The details of the events that came since the last call, in the order in which they came.
    pub async fn received(&self) -> anyhow::Result<Vec<Value>> {
        let mut details = Vec::new();
        loop {
            let asked = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0 });
            let answer = self.sqs("ReceiveMessage", asked).await?;
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(details);
            }
            for message in messages {
                let body: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
                anyhow::ensure!(body["detail-type"] == body["detail"]["kind"], "two names: {body}");
                details.push(body["detail"].clone());
                let done = json!({ "QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"] });
                self.sqs("DeleteMessage", done).await?;
            }
        }
    }

    async fn sqs(&self, operation: &str, body: Value) -> anyhow::Result<Value> {
        let [(_, id), _, (_, region)] = CREDENTIALS;
        let scope = format!("AWS4-HMAC-SHA256 Credential={id}/20240101/{region}/sqs/aws4_request");
        let answer = self
            .client
            .post(&self.endpoint)
            .header("x-amz-target", format!("AmazonSQS.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", format!("{scope}, SignedHeaders=host, Signature=0"))
            .body(body.to_string())
            .send()
            .await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "SQS {operation}: {status} {text}");
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }
}
