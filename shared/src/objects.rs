//! S3: private reports and public images.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;

use crate::config::ObjectsConfig;

/// Key prefix of reports, which are private.
pub const REPORTS: &str = "data-provider-operation-reports";
/// Key prefix of images, which are public.
pub const IMAGES: &str = "data-providers";

/// An object could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[error("S3 and {key}: {reason}")]
pub struct ObjectError {
    /// Which object.
    pub key: String,
    /// S3's error.
    pub reason: String,
}

/// The bucket.
#[derive(Clone)]
pub struct Objects {
    client: Client,
    config: ObjectsConfig,
    region: String,
}

impl Objects {
    /// The bucket of `config`, accessed through `client`.
    pub fn new(client: Client, config: ObjectsConfig) -> Self {
        let region = client.config().region().map_or_else(|| "us-east-1".to_owned(), ToString::to_string);
        Self { client, config, region }
    }

    /// Stores an object.
    pub async fn put(
        &self,
        key: &str,
        content_type: &str,
        cache_control: &str,
        bytes: Vec<u8>,
    ) -> Result<(), ObjectError> {
        self.client
            .put_object()
            .bucket(&self.config.bucket)
            .key(key)
            .content_type(content_type)
            .cache_control(cache_control)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map(drop)
            .map_err(|error| ObjectError {
                key: key.to_owned(),
                reason: DisplayErrorContext(error).to_string(),
            })
    }

    /// A link to a private object, usable by anyone for `valid`. It is short-lived: it also expires with the session of
    /// the role that signed it.
    pub async fn presigned(
        &self,
        key: &str,
        content_type: &str,
        valid: Duration,
    ) -> Result<String, ObjectError> {
        let failed = |reason: String| ObjectError { key: key.to_owned(), reason };
        let valid = PresigningConfig::expires_in(valid).map_err(|error| failed(error.to_string()))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.config.bucket)
            .key(key)
            .response_content_type(content_type)
            .presigned(valid)
            .await;
        let request = request.map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
        Ok(request.uri().to_owned())
    }

    /// Whether an object exists. Without the permission to list the bucket, S3 answers 403 for one that does not.
    pub async fn exists(&self, key: &str) -> Result<bool, ObjectError> {
        match self.client.head_object().bucket(&self.config.bucket).key(key).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.raw_response().map(|answer| answer.status().as_u16()) {
                Some(404) => Ok(false),
                Some(403) => {
                    tracing::warn!(
                        key,
                        "S3 denies access to an object: it is taken for one that is not there"
                    );
                    Ok(false)
                }
                _ => {
                    let reason = DisplayErrorContext(error).to_string();
                    Err(ObjectError { key: key.to_owned(), reason })
                }
            },
        }
    }

    /// An object's bytes, if it exists and is no larger than `limit` bytes.
    pub async fn get(&self, key: &str, limit: i64) -> Result<Option<Vec<u8>>, ObjectError> {
        let failed = |reason: String| ObjectError { key: key.to_owned(), reason };
        let got = match self.client.get_object().bucket(&self.config.bucket).key(key).send().await {
            Ok(got) => got,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => {
                return Ok(None);
            }
            // Without the permission to list the bucket, S3 answers this for a key that is not there.
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 403) => {
                tracing::warn!(key, "S3 denies access to an object: it is taken for one that is not there");
                return Ok(None);
            }
            Err(error) => return Err(failed(DisplayErrorContext(error).to_string())),
        };
        if got.content_length().is_some_and(|length| length > limit) {
            return Ok(None);
        }
        let bytes = got.body.collect().await.map_err(|error| failed(error.to_string()))?;
        Ok(Some(bytes.to_vec()))
    }

    /// The public URL of an image: on CloudFront if there is one, else on the bucket itself.
    pub fn image_url(&self, key: &str) -> String {
        match &self.config.public_url {
            Some(url) => format!("{url}/{key}"),
            None => format!("https://{}.s3.{}.amazonaws.com/{key}", self.config.bucket, self.region),
        }
    }

    /// The address of the operator's desk, if it is known.
    pub fn desk_url(&self) -> Option<&str> {
        self.config.operator_api_url.as_deref()
    }

    /// The stable link to an execution's report: the operator API's, which signs on demand; if its URL is not set,
    /// CloudFront's (one that serves only images answers 403: reports are private).
    pub fn report_url(&self, key: &str, execution: uuid::Uuid) -> Option<String> {
        match (&self.config.operator_api_url, &self.config.public_url) {
            (Some(url), _) => Some(format!("{url}/api/v2/data-provider/executions/{execution}/report")),
            (None, Some(url)) => Some(format!("{url}/{key}")),
            (None, None) => None,
        }
    }
}
