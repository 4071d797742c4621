//! Object storage by way of Apache OpenDAL: `s3://bucket/prefix?endpoint=http://host:9000&region=auto`. The only place with
//! async in it: every call waits for its answer, on a runtime of two threads that all buckets share.

use super::{Bucket, Fault, Listed, Variables};
use crate::{Spec, progress};
use credentials::value;
use futures_util::TryStreamExt;
use kiln_sys::clock::Moment;
use kiln_sys::files;
use opendal::{Configurator, EntryMode, ErrorKind, HttpTransporter, OperationContext, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqwest::Certificate;
use std::future::Future;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

mod credentials;

struct Objects {
    wires: Mutex<Wires>,
    /// An authority that the system does not know.
    authority: Vec<Certificate>,
    runtime: &'static Runtime,
}

/// The operator with connections of its own, from its first use on: reading the system's authorities takes a while.
struct Wires {
    operator: Operator,
    /// When they were new.
    made: Option<Moment>,
    /// When they were used last.
    used: Moment,
}

/// Connections that nobody has used for so long are not trusted: a machine was asleep, or has another network now. The client's own
/// clock stands still meanwhile.
const ASLEEP: Duration = Duration::from_secs(300);
/// They are given up at most so often.
const RENEWED: Duration = Duration::from_secs(2);
/// No server takes longer to say that it is there.
const CONNECT: Duration = Duration::from_secs(5);

/// A client without any connection yet.
fn transport(authority: &[Certificate]) -> Result<HttpTransporter, String> {
    let client =
        reqwest::Client::builder().connect_timeout(CONNECT).tls_certs_merge(authority.iter().cloned());
    let client = client.build().map_err(|error| error.to_string())?;
    Ok(HttpTransporter::new(ReqwestTransport::new(client)))
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

fn authority(spec: &Spec) -> Result<Vec<Certificate>, String> {
    let Some(path) = spec.option("ca") else { return Ok(Vec::new()) };
    let message = |error: &dyn std::fmt::Display| format!("ca: {error}");
    let pem = files::read_limited(Path::new(&path), 1 << 20).map_err(|error| message(&error))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(message(&format!("there is no certificate in {path}"))),
        Err(error) => Err(message(&error)),
    }
}

pub fn s3(spec: &Spec, variables: &Variables) -> Result<Box<dyn Bucket>, String> {
    let variable = |name: &str| value(variables, name);
    let bucket = spec.url.host_str().ok_or("s3:// takes a bucket")?;
    let endpoint = spec.option("endpoint").or_else(|| variable("AWS_ENDPOINT_URL_S3"));
    let endpoint = endpoint.or_else(|| variable("AWS_ENDPOINT_URL"));
    let region = spec.option("region").or_else(|| variable("AWS_REGION"));
    let region = region.or_else(|| variable("AWS_DEFAULT_REGION"));
    let mut config = services::S3Config::default();
    config.bucket = bucket.to_owned();
    config.root = Some(format!("/{}", spec.url.path().trim_matches('/')));
    // Where an endpoint is named it is mostly not Amazon's, and `auto` is what those take.
    let region = region.or_else(|| endpoint.as_ref().map(|_| "auto".to_owned()));
    let region = region.ok_or("s3:// takes ?region=NAME, or AWS_REGION")?;
    config.region = Some(region.clone());
    if endpoint.as_ref().is_some_and(|endpoint| endpoint.contains('@')) {
        // Nothing is signed with them, and every error would show them.
        return Err(
            "the endpoint takes no user and no password (access_key_id and secret_access_key are meant)"
                .to_owned(),
        );
    }
    config.endpoint = endpoint;
    config.enable_virtual_host_style = spec.option("style").as_deref() == Some("virtual");
    config.skip_signature = spec.option("anonymous").as_deref() == Some("true");
    config.disable_config_load = true; // the daemon's own environment is nobody's
    config.server_side_encryption = spec.option("sse");
    config.server_side_encryption_aws_kms_key_id = spec.option("sse_kms_key_id");
    config.default_storage_class = spec.option("storage_class");
    let builder =
        config.into_builder().credential_provider_chain(credentials::chain(spec, variables, &region)?);
    let operator = Operator::new(builder).map_err(|error| error.to_string())?;
    let (runtime, authority) = (runtime()?, authority(spec)?);
    let wires = Mutex::new(Wires { operator, made: None, used: Moment::now() });
    Ok(Box::new(Objects { wires, authority, runtime }))
}

impl Objects {
    fn wires(&self) -> MutexGuard<'_, Wires> {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operator(&self) -> Operator {
        let mut wires = self.wires();
        if wires.made.is_none() || wires.used.elapsed() > ASLEEP {
            self.renew(&mut wires);
        }
        wires.used = Moment::now();
        wires.operator.clone()
    }

    /// Nobody hears anything over connections that somebody on the way has forgotten; new ones are made.
    fn renew(&self, wires: &mut Wires) {
        if wires.made.is_some_and(|made| made.elapsed() <= RENEWED) {
            return;
        }
        if let Ok(transport) = transport(&self.authority) {
            let context = OperationContext::new().with_http_transport(transport);
            wires.operator = wires.operator.clone().with_context(context);
            wires.made = Some(Moment::now());
        }
    }

    /// An object as it comes, and no more of it than one piece over `most`.
    async fn read(&self, name: &str, most: usize) -> opendal::Result<Vec<u8>> {
        let mut pieces = self.operator().reader(name).await?.into_stream(..).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.try_next().await? {
            progress::note();
            piece.for_each(|part| bytes.extend_from_slice(&part));
            if bytes.len() > most {
                break;
            }
        }
        Ok(bytes)
    }

    fn wait<T>(
        &self,
        within: Duration,
        work: impl Future<Output = opendal::Result<T>>,
    ) -> Result<T, opendal::Error> {
        let late = || opendal::Error::new(ErrorKind::Unexpected, LATE);
        let timed = async { tokio::time::timeout(within, work).await.unwrap_or_else(|_| Err(late())) };
        let answer = self.runtime.block_on(timed);
        if answer.as_ref().is_err_and(|error| error.message() == LATE) {
            self.renew(&mut self.wires());
        }
        answer
    }
}

const LATE: &str = "no answer in time";

fn fault(error: &opendal::Error) -> Fault {
    // As a whole it goes on for lines and has the request's address in it.
    let sources = std::iter::successors(std::error::Error::source(error), |source| source.source());
    let last = sources.last().map(ToString::to_string).filter(|last| *last != error.message());
    let whole =
        last.map_or_else(|| error.message().to_owned(), |last| format!("{}: {last}", error.message()));
    let message: String = whole.lines().next().unwrap_or_default().chars().take(200).collect();
    match error.kind() {
        _ if error.message() == LATE => Fault::Late,
        // Reqsign 3: "failed to load signing credential".
        _ if whole.contains("load signing credential") => {
            Fault::Refused("there are no credentials for it".into())
        }
        ErrorKind::PermissionDenied | ErrorKind::ConfigInvalid => Fault::Refused(message),
        ErrorKind::RateLimited => Fault::Busy(message),
        // rustls: "invalid peer certificate: UnknownIssuer"
        _ if whole.contains("certificate") => Fault::Refused(message),
        _ if error.to_string().contains("error sending request") => {
            Fault::Unreachable("no connection".to_owned())
        }
        _ => Fault::Broken(message),
    }
}

impl Bucket for Objects {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        match self.wait(within, self.read(name, most)) {
            Ok(bytes) if bytes.len() > most => Err(Fault::TooLarge),
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(&error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        let written = self.wait(within, self.operator().write(name, bytes.to_vec()));
        written.map(|_| ()).map_err(|error| fault(&error))
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.wait(within, self.operator().exists(name)).map_err(|error| fault(&error))
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.wait(within, self.operator().delete(name)).map_err(|error| fault(&error))
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        let operator = self.operator();
        let listed = operator.list_with(prefix).recursive(true);
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
