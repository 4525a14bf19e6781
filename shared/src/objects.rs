//! S3: private reports and public images.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;

use crate::config::ObjectsConfig;

/// Reports live below this, private.
pub const REPORTS: &str = "data-provider-operation-reports";
/// Images live below this, public.
pub const IMAGES: &str = "data-providers";

/// An object could not be stored.
#[derive(Debug, thiserror::Error)]
#[error("S3 did not take {key}: {reason}")]
pub struct ObjectError {
    /// Which object.
    pub key: String,
    /// What it said.
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
    /// The bucket of `config`, reached by `client`.
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

    /// Where an image is read from: CloudFront where there is one, else the bucket itself.
    pub fn image_url(&self, key: &str) -> String {
        match &self.config.public_url {
            Some(url) => format!("{url}/{key}"),
            None => format!("https://{}.s3.{}.amazonaws.com/{key}", self.config.bucket, self.region),
        }
    }

    /// The stable link to an execution's report: the operator API's, which signs on demand; where that is not known,
    /// CloudFront's (in front of images alone it would answer 403: reports are private).
    pub fn report_url(&self, key: &str, execution: uuid::Uuid) -> Option<String> {
        match (&self.config.operator_api_url, &self.config.public_url) {
            (Some(url), _) => Some(format!("{url}/api/v2/data-provider/executions/{execution}/report")),
            (None, Some(url)) => Some(format!("{url}/{key}")),
            (None, None) => None,
        }
    }
}
