//! Determines which AWS call an HTTP request is: service, IAM action and resource, by the same rules as AWS.

use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::Value;
use url::form_urlencoded;

/// An AWS service, named as in IAM actions and credential scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Service {
    /// S3.
    S3,
    /// EventBridge Scheduler.
    Scheduler,
    /// Secrets Manager.
    SecretsManager,
    /// EventBridge.
    Events,
    /// Lambda.
    Lambda,
    /// Any other.
    Other,
}

/// A call and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The caller: the id of its access key, as in AWS; empty for an unsigned call.
    pub caller: String,
    /// The service.
    pub service: Service,
    /// The IAM action without its service, such as `PutObject`, or method and path where none is known.
    pub operation: String,
    /// `bucket/key`, `group/schedule`, the secret's id, the bus or the function's name, as the caller wrote it; else the path.
    pub resource: String,
    /// The HTTP status that the caller got; 0 when it got no answer.
    pub status: u16,
}

/// The call that a request makes. Its status is not known yet.
pub(crate) fn asked(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Call {
    let query: Vec<(String, String)> = uri
        .query()
        .map(|query| form_urlencoded::parse(query.as_bytes()).into_owned().collect())
        .unwrap_or_default();
    let request = Request { method, uri, headers, query, body };
    let service = request.service();
    let known = match service {
        Service::S3 => request.s3(),
        Service::Scheduler => request.scheduler(),
        Service::SecretsManager => request.secrets_manager(),
        Service::Events => request.events(),
        Service::Lambda => request.lambda(),
        Service::Other => None,
    };
    let (operation, resource) =
        known.unwrap_or_else(|| (format!("{method} {}", uri.path()), uri.path().to_owned()));
    let caller = request.credential(0).unwrap_or_default().to_owned();
    Call { caller, service, operation, resource, status: 0 }
}

struct Request<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    query: Vec<(String, String)>,
    body: &'a [u8],
}

impl Request<'_> {
    /// The service in the credential's scope.
    fn service(&self) -> Service {
        match self.credential(3) {
            Some(name) => name.parse().unwrap_or(Service::Other),
            None if self.uri.path().starts_with("/moto-api") => Service::Other,
            // The only unsigned requests made here are those for public objects.
            None => Service::S3,
        }
    }

    /// A part of the credential, `ID/DATE/REGION/SERVICE/aws4_request`, in a header or, presigned, in the query.
    fn credential(&self, part: usize) -> Option<&str> {
        let credential = self
            .header(header::AUTHORIZATION.as_str())
            .and_then(|value| value.split_once("Credential=").map(|(_, credential)| credential))
            .or_else(|| self.parameter("X-Amz-Credential"))?;
        Some(credential.split('/').nth(part).unwrap_or_default())
    }

    fn s3(&self) -> Option<(String, String)> {
        let path = decoded(self.uri.path().trim_start_matches('/'));
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        // `?policy` names a subresource of the bucket; `?prefix=` is a parameter.
        let part = self.uri.query().and_then(|query| query.split('&').find(|part| !part.contains('=')));
        let operation = match (self.method.as_str(), !bucket.is_empty(), !key.is_empty(), part) {
            ("GET", false, _, None) => "ListAllMyBuckets",
            ("GET" | "HEAD", _, false, None) => "ListBucket",
            ("GET", _, false, Some("location")) => "GetBucketLocation",
            ("PUT", _, false, None) => "CreateBucket",
            ("DELETE", _, false, None) => "DeleteBucket",
            ("GET" | "HEAD", _, _, None) => "GetObject",
            ("PUT", _, _, None) => "PutObject",
            ("DELETE", _, true, None) | ("POST", _, false, Some("delete")) => "DeleteObject",
            _ => return None,
        };
        let resource = if key.is_empty() { bucket } else { &path };
        Some((operation.to_owned(), resource.to_owned()))
    }

    fn scheduler(&self) -> Option<(String, String)> {
        let path = decoded(self.uri.path().trim_matches('/'));
        let (collection, name) = path.split_once('/').unwrap_or((&path, ""));
        let verb = match self.method.as_str() {
            "GET" if name.is_empty() => "List",
            "GET" => "Get",
            "POST" => "Create",
            "PUT" => "Update",
            "DELETE" => "Delete",
            _ => return None,
        };
        let plural = if name.is_empty() { "s" } else { "" };
        match collection {
            "schedules" if name.is_empty() => {
                let group = self.parameter("ScheduleGroup").unwrap_or_default();
                Some((format!("{verb}Schedule{plural}"), group.to_owned()))
            }
            "schedules" => {
                let body = self.json("GroupName");
                let group = self.parameter("groupName").or(body.as_deref()).unwrap_or("default");
                Some((format!("{verb}Schedule"), format!("{group}/{name}")))
            }
            "schedule-groups" => Some((format!("{verb}ScheduleGroup{plural}"), name.to_owned())),
            _ => None,
        }
    }

    fn secrets_manager(&self) -> Option<(String, String)> {
        let (_, operation) = self.header("x-amz-target")?.split_once('.')?;
        let resource = self.json("SecretId").or_else(|| self.json("Name")).unwrap_or_default();
        Some((operation.to_owned(), resource))
    }

    /// The resource is the bus of the first event.
    fn events(&self) -> Option<(String, String)> {
        let (_, operation) = self.header("x-amz-target")?.split_once('.')?;
        let body: Value = serde_json::from_slice(self.body).ok()?;
        let bus = body.pointer("/Entries/0/EventBusName").and_then(Value::as_str).unwrap_or("default");
        Some((operation.to_owned(), bus.to_owned()))
    }

    fn lambda(&self) -> Option<(String, String)> {
        let path = decoded(self.uri.path());
        let name = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
        (self.method == Method::POST).then(|| ("InvokeFunction".to_owned(), name.to_owned()))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn json(&self, name: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(self.body).ok()?;
        Some(body.get(name)?.as_str()?.to_owned())
    }
}

/// A path without its percent escapes.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| path_byte(after)).flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn path_byte(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits.get(..2)?).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(service: &str, line: &str, target: &str, body: &str) -> String {
        let (method, uri) = line.split_once(' ').unwrap();
        let mut headers = HeaderMap::new();
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/{service}/aws4_request, SignedHeaders=host"
        );
        if !service.is_empty() {
            headers.insert(header::AUTHORIZATION, credential.parse().unwrap());
        }
        if !target.is_empty() {
            headers.insert("x-amz-target", target.parse().unwrap());
        }
        let call = asked(&method.parse().unwrap(), &uri.parse().unwrap(), &headers, body.as_bytes());
        format!("{}:{} {}", call.service, call.operation, call.resource)
    }

    #[test]
    fn calls_have_the_names_that_policies_know() {
        for (service, line, body, call) in [
            ("s3", "PUT /b/reports/a%20b%2Bc.json?x-id=PutObject", "", "s3:PutObject b/reports/a b+c.json"),
            ("s3", "GET /b/k?x-id=GetObject", "", "s3:GetObject b/k"),
            ("s3", "HEAD /b/k", "", "s3:GetObject b/k"),
            ("s3", "DELETE /b/k?x-id=DeleteObject", "", "s3:DeleteObject b/k"),
            ("s3", "POST /b?delete", "", "s3:DeleteObject b"),
            ("s3", "GET /b?list-type=2&prefix=", "", "s3:ListBucket b"),
            ("s3", "GET /b/?list-type=2&prefix=reports%2F", "", "s3:ListBucket b"),
            ("s3", "HEAD /b", "", "s3:ListBucket b"),
            ("s3", "PUT /b", "", "s3:CreateBucket b"),
            ("s3", "GET /b?location", "", "s3:GetBucketLocation b"),
            ("s3", "GET /?x-id=ListBuckets", "", "s3:ListAllMyBuckets "),
            ("s3", "GET /b?policy", "", "s3:GET /b /b"),
            ("s3", "PUT /b/k?acl", "", "s3:PUT /b/k /b/k"),
            ("", "GET /b/logo.png", "", "s3:GetObject b/logo.png"),
            (
                "",
                "GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=local%2F20260101%2Feu%2Fs3%2Faws4_request",
                "",
                "s3:GetObject b/k",
            ),
            ("scheduler", "POST /schedules/n", r#"{"GroupName":"g"}"#, "scheduler:CreateSchedule g/n"),
            ("scheduler", "POST /schedules/n", "{}", "scheduler:CreateSchedule default/n"),
            ("scheduler", "PUT /schedules/n", r#"{"GroupName":"g"}"#, "scheduler:UpdateSchedule g/n"),
            ("scheduler", "GET /schedules/n?groupName=g", "", "scheduler:GetSchedule g/n"),
            (
                "scheduler",
                "DELETE /schedules/n?groupName=g&clientToken=1",
                "",
                "scheduler:DeleteSchedule g/n",
            ),
            ("scheduler", "GET /schedules?ScheduleGroup=g&MaxResults=5", "", "scheduler:ListSchedules g"),
            ("scheduler", "POST /schedule-groups/g", "{}", "scheduler:CreateScheduleGroup g"),
            ("scheduler", "GET /schedule-groups", "", "scheduler:ListScheduleGroups "),
            ("scheduler", "GET /tags/arn", "", "scheduler:GET /tags/arn /tags/arn"),
            ("lambda", "POST /2015-03-31/functions/f/invocations", "", "lambda:InvokeFunction f"),
            (
                "lambda",
                "POST /2015-03-31/functions/arn%3Aaws%3Af/invocations",
                "",
                "lambda:InvokeFunction arn:aws:f",
            ),
            ("sts", "POST /", "Action=GetCallerIdentity", "other:POST / /"),
            ("", "POST /moto-api/reset", "", "other:POST /moto-api/reset /moto-api/reset"),
        ] {
            assert_eq!(of(service, line, "", body), call, "{line}");
        }
        let secret = |operation: &str, body| {
            of("secretsmanager", "POST /", &format!("secretsmanager.{operation}"), body)
        };
        assert_eq!(secret("GetSecretValue", r#"{"SecretId":"s"}"#), "secretsmanager:GetSecretValue s");
        assert_eq!(secret("CreateSecret", r#"{"Name":"s"}"#), "secretsmanager:CreateSecret s");
        assert_eq!(secret("ListSecrets", "{}"), "secretsmanager:ListSecrets ");
    }

    #[test]
    fn the_caller_is_whose_key_it_is_signed_or_presigned() {
        let caller = |uri: &str, authorization: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, authorization.parse().unwrap())]);
            asked(&Method::GET, &uri.parse().unwrap(), &headers, b"").caller
        };
        let signed =
            "AWS4-HMAC-SHA256 Credential=daily-routine/20260101/eu/s3/aws4_request, SignedHeaders=host";
        assert_eq!(caller("/b/k", signed), "daily-routine");
        assert_eq!(
            caller("/b/k?X-Amz-Credential=operator-api%2F20260101%2Feu%2Fs3%2Faws4_request", ""),
            "operator-api"
        );
        assert_eq!(caller("/b/k", ""), "");
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(decoded("a%2Fb%zz%4"), "a/b%zz%4");
        assert_eq!(decoded("%C3%A9"), "é");
    }
}
