//! Records which function made which AWS calls; `deploy/check_policies.py` compares them with the template's policies.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::aws_gate::{AwsGate, Call, Service};

/// Names a file to which every stack appends its functions' calls when it ends.
pub const FILE: &str = "AWS_CALLS_FILE";

/// The policies are checked for the environment of this name.
const CHECKED: &str = "demo";

/// A kind of call: names of single objects or schedules are left out, since all of a kind need the same permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Recorded {
    /// The calling function.
    pub function: String,
    /// `s3`, `scheduler`, `secretsmanager`, `events`, `lambda`.
    pub service: String,
    /// The IAM action without its service.
    pub operation: String,
    /// The resource, named as in the environment that is checked.
    pub resource: String,
}

impl Recorded {
    /// A call of a function of `environment`. A resource of another environment keeps its name, so that the check
    /// finds it not allowed.
    pub fn of(call: &Call, environment: &str) -> Self {
        let own = |name: &str, between: char| {
            if name == format!("best-shot{between}{environment}") {
                format!("best-shot{between}{CHECKED}")
            } else {
                name.to_owned()
            }
        };
        let resource = call.resource.as_str();
        let resource = match call.service {
            Service::S3 => match resource.split_once('/') {
                None => own(resource, '-'),
                Some((bucket, key)) => {
                    let folder = key.split_once('/').map(|(folder, _)| format!("{folder}/"));
                    format!("{}/{}*", own(bucket, '-'), folder.unwrap_or_default())
                }
            },
            Service::Scheduler => match resource.split_once('/') {
                None => own(resource, '-'),
                Some((group, _)) => format!("{}/*", own(group, '-')),
            },
            Service::SecretsManager => {
                // An ARN ends with six random characters.
                let name = resource.split_once(":secret:").and_then(|(_, name)| name.rsplit_once('-'));
                own(name.map_or(resource, |(name, _)| name), '/')
            }
            Service::Events => own(resource.rsplit('/').next().unwrap_or_default(), '-'),
            Service::Lambda => {
                let name = resource.rsplit(':').next().unwrap_or_default();
                match name.strip_prefix(&format!("best-shot-{environment}-")) {
                    Some(function) => format!("best-shot-{CHECKED}-{function}"),
                    None => name.to_owned(),
                }
            }
            Service::Other => resource.to_owned(),
        };
        Self {
            function: call.caller.clone(),
            service: call.service.to_string(),
            operation: call.operation.clone(),
            resource,
        }
    }
}

/// Records the calls through the proxies of one environment.
pub struct Recording {
    /// The proxies in front of AWS and of Lambda's Invoke.
    pub gates: [AwsGate; 2],
    /// The environment.
    pub environment: String,
}

impl Recording {
    /// The kinds of calls so far.
    pub fn calls(&self) -> BTreeSet<Recorded> {
        let calls = self.gates.iter().flat_map(AwsGate::calls);
        calls.map(|call| Recorded::of(&call, &self.environment)).collect()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(file) = std::env::var_os(FILE) else { return };
        if let Err(error) = add(&self.calls(), Path::new(&file)) {
            eprintln!("the calls to AWS could not be added to {}: {error:#}", Path::new(&file).display());
        }
    }
}

/// Appends calls to a file, one per line, in one write: other processes append to it too.
fn add(calls: &BTreeSet<Recorded>, file: &Path) -> anyhow::Result<()> {
    let mut lines = String::new();
    for call in calls {
        writeln!(lines, "{}", serde_json::to_string(call)?)?;
    }
    Ok(File::options().append(true).create(true).open(file)?.write_all(lines.as_bytes())?)
}

/// Reads the recorded calls from a file, each kind once.
pub fn read(file: &Path) -> anyhow::Result<BTreeSet<Recorded>> {
    let lines = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Writes calls as JSON, one per line.
pub fn write(calls: &BTreeSet<Recorded>, file: &Path) -> anyhow::Result<()> {
    let lines: Vec<String> = calls.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    std::fs::write(file, format!("[\n  {}\n]\n", lines.join(",\n  ")))
        .with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(service: Service, operation: &str, resource: &str) -> Recorded {
        let (operation, resource) = (operation.to_owned(), resource.to_owned());
        Recorded::of(
            &Call { caller: "knockouts".to_owned(), service, operation, resource, status: 200 },
            "t1-1",
        )
    }

    #[test]
    fn a_resource_is_named_as_the_policies_name_it() {
        for (service, resource, expected) in [
            (Service::S3, "best-shot-t1-1/data-providers/team/1.png", "best-shot-demo/data-providers/*"),
            (Service::S3, "best-shot-t1-1/alone.png", "best-shot-demo/*"),
            (Service::S3, "best-shot-t1-1", "best-shot-demo"),
            (Service::S3, "best-shot-t1-12/data-providers/1", "best-shot-t1-12/data-providers/*"),
            (Service::Scheduler, "best-shot-t1-1/t1-1-closing-1", "best-shot-demo/*"),
            (Service::Scheduler, "best-shot-t1-1", "best-shot-demo"),
            (Service::Scheduler, "default/t1-1-closing-1", "default/*"),
            (
                Service::SecretsManager,
                "arn:aws:secretsmanager:r:1:secret:best-shot/t1-1-AbCdEf",
                "best-shot/demo",
            ),
            (Service::SecretsManager, "arn:aws:secretsmanager:r:1:secret:other-AbCdEf", "other"),
            (
                Service::Lambda,
                "arn:aws:lambda:r:1:function:best-shot-t1-1-knockouts",
                "best-shot-demo-knockouts",
            ),
            (Service::Lambda, "best-shot-prod-knockouts", "best-shot-prod-knockouts"),
            (Service::Other, "/moto-api/reset", "/moto-api/reset"),
        ] {
            assert_eq!(recorded(service, "Do", resource).resource, expected, "{resource}");
        }
    }

    #[test]
    fn what_several_stacks_add_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        let (lines, list) = (dir.path().join("lines"), dir.path().join("list.json"));
        let put = recorded(Service::S3, "PutObject", "b/k/1");
        let get = recorded(Service::S3, "GetObject", "b/k/1");
        add(&BTreeSet::from([put.clone()]), &lines).unwrap();
        add(&BTreeSet::from([put.clone(), get.clone()]), &lines).unwrap();
        let read = read(&lines).unwrap();
        assert_eq!(read, BTreeSet::from([get, put]));
        write(&read, &list).unwrap();
        let text = std::fs::read_to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<BTreeSet<Recorded>>(&text).unwrap(), read);
        assert_eq!(text.lines().count(), 4, "{text}");
    }
}
