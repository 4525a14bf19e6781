//! The secrets: read on first use, and again when one of them was rejected.

use std::sync::{Arc, PoisonError, RwLock};

use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::config::{SecretSource, Secrets};
use crate::database_url;

/// Replaces a secret in a text.
const MASK: &str = "[secret]";
/// Shorter secrets are not masked: they may occur in ordinary text, and a mask would then reveal them.
const SHORTEST: usize = 6;

impl Secrets {
    /// The text with secrets masked: an error may quote its input.
    pub fn mask(&self, text: &str) -> String {
        let whole = [
            Some(&self.database_url),
            self.slack_webhook.as_ref(),
            self.sentry_dsn.as_ref(),
            self.football_data_key.as_ref(),
        ];
        let whole = whole.into_iter().flatten().chain(&self.tokens).map(ExposeSecret::expose_secret);
        let database = database_url::read(self.database_url.expose_secret()).ok();
        let password = database.as_ref().and_then(|database| database.config.get_password());
        let url = |secret: &secrecy::SecretString| secret.expose_secret().parse::<Url>().ok();
        let parts = [
            password.map(|password| String::from_utf8_lossy(password).into_owned()),
            url(&self.database_url).and_then(|url| url.password().map(ToOwned::to_owned)),
            self.slack_webhook.as_ref().and_then(url).map(|url| url.path().to_owned()),
            self.sentry_dsn.as_ref().and_then(url).map(|url| url.username().to_owned()),
        ];
        // The whole secret before its parts.
        let secrets = whole.map(ToOwned::to_owned).chain(parts.into_iter().flatten());
        secrets
            .filter(|secret| secret.len() >= SHORTEST)
            .fold(text.to_owned(), |text, secret| text.replace(&secret, MASK))
    }
}

/// A text, percent-encoded for any part of a URL.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The secret could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the secret {arn}: {reason}")]
pub struct SecretError {
    /// The secret's ARN.
    pub arn: String,
    /// What is wrong with it; never contains a value of the secret.
    pub reason: String,
}

/// The cached secrets. A warm environment may outlast a rotation, so a secret read earlier may be rejected later.
pub struct Vault {
    source: Source,
    current: RwLock<Arc<Secrets>>,
}

enum Source {
    Environment,
    SecretsManager { client: aws_sdk_secretsmanager::Client, arn: String },
}

impl Vault {
    /// Reads the secrets.
    pub async fn open(source: &SecretSource, aws: &aws_config::SdkConfig) -> Result<Self, SecretError> {
        Ok(match source {
            SecretSource::Environment(secrets) => {
                Self { source: Source::Environment, current: RwLock::new(Arc::new(secrets.clone())) }
            }
            SecretSource::SecretsManager(arn) => {
                let client = aws_sdk_secretsmanager::Client::new(aws);
                let secrets = read(&client, arn).await?;
                let source = Source::SecretsManager { client, arn: arn.clone() };
                Self { source, current: RwLock::new(Arc::new(secrets)) }
            }
        })
    }

    /// The secrets as last read.
    pub fn current(&self) -> Arc<Secrets> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the secrets again: one of them was rejected, or may have been rotated.
    pub async fn renew(&self) -> Result<Arc<Secrets>, SecretError> {
        if let Source::SecretsManager { client, arn } = &self.source {
            tracing::info!(arn, "reading the secret from Secrets Manager again…");
            let secrets = Arc::new(read(client, arn).await?);
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = secrets;
        }
        Ok(self.current())
    }
}

async fn read(client: &aws_sdk_secretsmanager::Client, arn: &str) -> Result<Secrets, SecretError> {
    let failed = |reason: String| SecretError { arn: arn.to_owned(), reason };
    let secret = client
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .map_err(|error| failed(aws_sdk_secretsmanager::error::DisplayErrorContext(error).to_string()))?;
    // The parser's error may quote the text, so it is not passed on.
    let values: Map<String, Value> = serde_json::from_str(secret.secret_string().unwrap_or_default())
        .map_err(|_| failed("must be a JSON object of texts".to_owned()))?;
    secrets_of(&values).map_err(failed)
}

/// The secrets of a JSON object of texts. Text is trimmed: a console or a file adds a line break.
fn secrets_of(values: &Map<String, Value>) -> Result<Secrets, String> {
    let text = |value: &Value| Some(value.as_str()?.trim().to_owned()).filter(|text| !text.is_empty());
    let value = |name| values.get(name).and_then(text);
    Ok(Secrets {
        database_url: match value("DATABASE_URL") {
            Some(url) => url,
            None => url_of_parts(values)?,
        }
        .into(),
        slack_webhook: value("SLACK_JOB_EXECUTIONS_WEBHOOK").map(Into::into),
        sentry_dsn: value("SENTRY_DSN").map(Into::into),
        football_data_key: value("FOOTBALL_DATA_KEY").map(Into::into),
        tokens: values
            .get("INTERNAL_SERVICE_TOKEN")
            .into_iter()
            .flat_map(|value| value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice))
            .chain(values.get("INTERNAL_SERVICE_TOKEN_PREVIOUS"))
            .filter_map(text)
            .map(Into::into)
            .collect(),
    })
}

/// The URL of the parts that the secret has which RDS makes and rotates: `engine`, `host`, `port`, `username`,
/// `password`, `dbname`.
fn url_of_parts(values: &Map<String, Value>) -> Result<String, String> {
    let none = || {
        "has no DATABASE_URL: add it as a text, or the parts host, username and password, as RDS makes them"
            .to_owned()
    };
    let text =
        |name: &str| values.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let (Some(host), Some(user), Some(password)) = (text("host"), text("username"), text("password")) else {
        return Err(none());
    };
    if text("engine").is_some_and(|engine| !engine.contains("postgres")) {
        return Err("is for another engine: the pipeline needs Postgres".to_owned());
    }
    let port = match values.get("port") {
        None | Some(Value::Null) => Some(5432),
        Some(Value::String(port)) => port.trim().parse().ok(),
        Some(port) => port.as_u64().and_then(|port| u16::try_from(port).ok()),
    };
    let port = port.ok_or_else(|| "has a port that is no port number".to_owned())?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let database = text("dbname").or_else(|| text("database")).unwrap_or("postgres");
    let [user, password, database] = [user, password, database].map(encoded);
    Ok(format!("postgres://{user}:{password}@{host}:{port}/{database}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(secret: Value) -> Result<Secrets, String> {
        let Value::Object(values) = secret else { panic!() };
        secrets_of(&values)
    }

    #[test]
    fn texts_are_trimmed() {
        let secrets = read(json!({
            "DATABASE_URL": "postgres://app:pw123456@127.0.0.1:5432/app\n",
            "INTERNAL_SERVICE_TOKEN": ["0123456789abcdef0123456789abcdef\n", " "],
            "SLACK_JOB_EXECUTIONS_WEBHOOK": "https://hooks.example/T0/B0/x\r\n",
        }))
        .unwrap();
        assert_eq!(secrets.database_url.expose_secret(), "postgres://app:pw123456@127.0.0.1:5432/app");
        let tokens: Vec<&str> = secrets.tokens.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(tokens, ["0123456789abcdef0123456789abcdef"]);
        let webhook = secrets.slack_webhook.as_ref().map(ExposeSecret::expose_secret);
        assert_eq!(webhook, Some("https://hooks.example/T0/B0/x"));
    }

    #[test]
    fn the_secret_that_rds_makes_gives_the_url() {
        let secret = json!({"engine": "postgres", "host": "db.example.com", "port": 5432, "dbname": "app",
            "username": "app", "password": "p@ss /w#r%d%41?:+", "INTERNAL_SERVICE_TOKEN": "x"});
        let url = read(secret.clone()).unwrap().database_url;
        let config = database_url::read(url.expose_secret()).unwrap().config;
        assert_eq!(config.get_password(), Some(b"p@ss /w#r%d%41?:+".as_slice()));
        assert_eq!((config.get_user(), config.get_dbname()), (Some("app"), Some("app")));
        let mut other = secret;
        other["engine"] = json!("mysql");
        assert!(read(other).unwrap_err().contains("another engine"));
        assert!(read(json!({"host": "h"})).unwrap_err().contains("has no DATABASE_URL"));
    }

    #[test]
    fn a_secret_and_its_parts_are_taken_out_of_a_text() {
        let secrets = Secrets {
            database_url: "postgres://user:p%40ssword@db.example/app?sslmode=verify-full".into(),
            slack_webhook: Some("https://hooks.example/services/T000/B000".into()),
            sentry_dsn: Some("https://0123456789abcdef@sentry.example/42".into()),
            football_data_key: Some("fedcba9876543210".into()),
            tokens: vec!["first-token".into(), "second-token".into(), "short".into()],
        };
        for (text, masked) in [
            ("at postgres://user:p%40ssword@db.example/app?sslmode=verify-full!", "at [secret]!"),
            ("p@ssword, p%40ssword", "[secret], [secret]"),
            ("https://hooks.example/services/T000/B000 or /services/T000/B000", "[secret] or [secret]"),
            ("0123456789abcdef and first-tokensecond-token", "[secret] and [secret][secret]"),
            ("X-Auth-Token: fedcba9876543210", "X-Auth-Token: [secret]"),
            ("user of db.example in short", "user of db.example in short"),
        ] {
            assert_eq!(secrets.mask(text), masked);
        }
        let few = Secrets {
            database_url: "postgres://user@db/app".into(),
            slack_webhook: None,
            sentry_dsn: Some("nonsense".into()),
            football_data_key: None,
            tokens: vec!["".into()],
        };
        assert_eq!(few.mask("user@db nonsense"), "user@db [secret]");
    }
}
