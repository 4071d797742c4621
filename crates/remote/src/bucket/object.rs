//! Object storage by way of Apache OpenDAL: `s3://bucket/prefix?endpoint=http://host:9000&region=auto`. The only place with
//! async in it: every call waits for its answer, on a runtime of two threads that all buckets share.

use super::{Bucket, Fault, Listed, Variables};
use crate::Spec;
use opendal::{EntryMode, ErrorKind, Operator, services};
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::runtime::Runtime;

struct Objects {
    operator: Operator,
    runtime: &'static Runtime,
}

fn runtime() -> Result<&'static Runtime, String> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        opendal::install_default(); // without it there is no HTTP, and the first request says so
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).thread_name("kiln-network").enable_all();
        builder.build().map_err(|error| error.to_string())
    });
    made.as_ref().map_err(Clone::clone)
}

/// What may stand in the query of an `s3://` URL.
const S3: &[&str] = &[
    "endpoint",
    "region",
    "style",
    "anonymous",
    "profile",
    "role_arn",
    "external_id",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "sse",
    "sse_kms_key_id",
    "storage_class",
];

pub fn s3(spec: &Spec, variables: &Variables) -> Result<Box<dyn Bucket>, String> {
    spec.allow(S3)?;
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let bucket = spec.url.host_str().ok_or("s3:// takes a bucket")?;
    let endpoint = spec.option("endpoint").or_else(|| variable("AWS_ENDPOINT_URL_S3"));
    let endpoint = endpoint.or_else(|| variable("AWS_ENDPOINT_URL"));
    let region = spec.option("region").or_else(|| variable("AWS_REGION"));
    let region = region.or_else(|| variable("AWS_DEFAULT_REGION"));
    let mut config = services::S3Config::default();
    config.bucket = bucket.to_owned();
    config.root = Some(format!("/{}", spec.url.path().trim_matches('/')));
    // Where an endpoint is named it is mostly not Amazon's, and `auto` is what those take.
    config.region = region.or_else(|| endpoint.as_ref().map(|_| "auto".to_owned()));
    config.endpoint = endpoint;
    config.enable_virtual_host_style = match spec.option("style").as_deref() {
        None | Some("path") => false,
        Some("virtual") => true,
        Some(other) => return Err(format!("style={other} is neither path nor virtual")),
    };
    if spec.option("anonymous").as_deref() == Some("true") {
        config.skip_signature = true;
        config.disable_config_load = true;
    }
    config.profile = spec.option("profile").or_else(|| variable("AWS_PROFILE"));
    config.role_arn = spec.option("role_arn");
    config.external_id = spec.option("external_id");
    config.access_key_id = spec.option("access_key_id").or_else(|| variable("AWS_ACCESS_KEY_ID"));
    config.secret_access_key = spec.option("secret_access_key").or_else(|| variable("AWS_SECRET_ACCESS_KEY"));
    config.session_token = spec.option("session_token").or_else(|| variable("AWS_SESSION_TOKEN"));
    config.server_side_encryption = spec.option("sse");
    config.server_side_encryption_aws_kms_key_id = spec.option("sse_kms_key_id");
    config.default_storage_class = spec.option("storage_class");
    let operator = Operator::from_config(config).map_err(|error| error.to_string())?;
    Ok(Box::new(Objects { operator, runtime: runtime()? }))
}

impl Objects {
    fn wait<T>(
        &self,
        within: Duration,
        work: impl Future<Output = opendal::Result<T>>,
    ) -> Result<T, opendal::Error> {
        let late = || opendal::Error::new(ErrorKind::Unexpected, LATE);
        let timed = async { tokio::time::timeout(within, work).await.unwrap_or_else(|_| Err(late())) };
        self.runtime.block_on(timed)
    }
}

const LATE: &str = "no answer in time";

fn fault(error: &opendal::Error) -> Fault {
    // Its own text goes on for lines and has the request's address in it.
    let told = error.to_string();
    let short: String = told.lines().next().unwrap_or_default().chars().take(200).collect();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ConfigInvalid => Fault::Refused(short),
        ErrorKind::RateLimited => Fault::Busy(short),
        _ if error.message() == LATE => Fault::Late,
        _ if told.contains("error sending request") => Fault::Unreachable("no connection".to_owned()),
        _ => Fault::Broken(short),
    }
}

impl Bucket for Objects {
    fn get(&self, name: &str, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        match self.wait(within, self.operator.read(name)) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(&error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        let written = self.wait(within, self.operator.write(name, bytes.to_vec()));
        written.map(|_| ()).map_err(|error| fault(&error))
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.wait(within, self.operator.exists(name)).map_err(|error| fault(&error))
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.wait(within, self.operator.delete(name)).map_err(|error| fault(&error))
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        let listed = self.operator.list_with(prefix).recursive(true);
        let entries = match self.wait(within, listed.into_future()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(&error)),
        };
        let files = entries.into_iter().filter(|entry| entry.metadata().mode() == EntryMode::FILE);
        let listed = files.map(|entry| Listed {
            name: entry.path().to_owned(),
            size: entry.metadata().content_length(),
            written: entry.metadata().last_modified().map(|time| time.into_inner().as_second()),
        });
        Ok(listed.collect())
    }
}
