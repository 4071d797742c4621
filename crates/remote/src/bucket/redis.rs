//! `redis://user:password@host:6379/0`, `rediss://` (TLS), `redis+cluster://`, `redis+sentinel://host:26379/0?master=name`. A blocking
//! client and a handful of connections: a GET is one write and one read.

use super::{Bucket, Fault, Listed};
use crate::Spec;
use redis::cluster::{ClusterClient, ClusterConnection};
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{Client, Cmd, Connection, ConnectionLike, ErrorKind, FromRedisValue, RedisError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

enum Server {
    One(Box<Client>),
    Cluster(Box<ClusterClient>),
    Sentinel(Mutex<Box<SentinelClient>>),
}

enum Wire {
    One(Box<Connection>),
    Cluster(Box<ClusterConnection>),
}

struct Redis {
    server: Server,
    /// Connections that nobody uses now.
    idle: Mutex<Vec<Wire>>,
    /// In front of every name.
    prefix: String,
    /// Seconds after which an object goes by itself.
    expires: Option<u64>,
}

/// More than any pack or segment, and little enough for a server that other things live on.
const LARGEST: u64 = 64 << 20;

pub fn open(spec: &Spec) -> Result<Box<dyn Bucket>, String> {
    spec.allow(&["prefix", "expires", "master", "node"])?;
    let told = |error: RedisError| error.to_string();
    let mut url = spec.url.clone();
    url.set_query(None);
    let (scheme, kind) = match spec.url.scheme().split_once('+') {
        Some((scheme, kind)) => (scheme, kind),
        None => (spec.url.scheme(), ""),
    };
    // `Url::set_scheme` does not go from one unknown scheme to another with a port kept; the text does.
    let address = |text: &str| text.split_once("://").map(|(_, rest)| format!("{scheme}://{rest}"));
    let first = address(url.as_str()).ok_or("redis:// takes a host")?;
    let others = spec.url.query_pairs().filter(|(name, _)| name == "node");
    let nodes: Vec<String> =
        std::iter::once(first.clone()).chain(others.map(|(_, node)| format!("{scheme}://{node}"))).collect();
    let server = match kind {
        "cluster" => {
            let mut builder = ClusterClient::builder(nodes).retries(1);
            if let Some(password) = url.password() {
                builder = builder.password(password);
            }
            if !url.username().is_empty() {
                builder = builder.username(url.username());
            }
            Server::Cluster(Box::new(builder.build().map_err(told)?))
        }
        "sentinel" => {
            let master = spec.option("master").ok_or("redis+sentinel:// takes ?master=NAME")?;
            let info = Client::open(first.as_str()).map_err(told)?.get_connection_info().clone();
            let node = SentinelNodeConnectionInfo::default()
                .set_redis_connection_info(info.redis_settings().clone());
            let bare: Vec<String> = nodes.iter().map(|node| without_login(node)).collect();
            let client = SentinelClient::build(bare, master, Some(node), SentinelServerType::Master);
            Server::Sentinel(Mutex::new(Box::new(client.map_err(told)?)))
        }
        _ => Server::One(Box::new(Client::open(first.as_str()).map_err(told)?)),
    };
    let expires = match spec.option("expires").map(|text| text.parse()) {
        Some(Ok(seconds)) => Some(seconds),
        Some(Err(_)) => return Err("expires takes seconds".to_owned()),
        None => None,
    };
    let prefix =
        spec.option("prefix").map_or(String::new(), |prefix| format!("{}/", prefix.trim_matches('/')));
    Ok(Box::new(Redis { server, idle: Mutex::default(), prefix, expires }))
}

/// Sentinels are asked without the login of what they watch.
fn without_login(node: &str) -> String {
    match (node.split_once("://"), node.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => {
            format!("{scheme}://{}", host.split('/').next().unwrap_or(host))
        }
        _ => node.to_owned(),
    }
}

fn fault(error: &RedisError) -> Fault {
    let told: String = error.to_string().chars().take(200).collect();
    match error.kind() {
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => Fault::Refused(told),
        _ if error.is_timeout() => Fault::Late,
        _ if error.is_connection_refusal() || error.is_io_error() => Fault::Unreachable(told),
        _ => Fault::Broken(told),
    }
}

impl Redis {
    fn connect(&self, within: Duration) -> Result<Wire, RedisError> {
        Ok(match &self.server {
            Server::One(client) => Wire::One(Box::new(client.get_connection_with_timeout(within)?)),
            Server::Cluster(client) => Wire::Cluster(Box::new(client.get_connection()?)),
            Server::Sentinel(client) => {
                let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
                Wire::One(Box::new(client.get_client()?.get_connection_with_timeout(within)?))
            }
        })
    }

    fn ask<T: FromRedisValue>(&self, command: &Cmd, within: Duration) -> Result<T, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let kept = idle.is_some();
        let asked = |wire: Wire| self.ask_over(wire, command, within);
        let first = match idle {
            Some(wire) => asked(wire),
            None => self.connect(within).and_then(asked),
        };
        let answer = match first {
            // The server has closed what was kept open meanwhile: once more, with a new one.
            Err(error) if kept && error.is_io_error() && !error.is_timeout() => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
                self.connect(within).and_then(asked)
            }
            answer => answer,
        };
        answer.map_err(|error| fault(&error))
    }

    fn ask_over<T: FromRedisValue>(
        &self,
        mut wire: Wire,
        command: &Cmd,
        within: Duration,
    ) -> Result<T, RedisError> {
        let within = Some(within.max(Duration::from_millis(1)));
        let answer = match &mut wire {
            Wire::One(one) => {
                one.set_read_timeout(within)?;
                one.set_write_timeout(within)?;
                one.req_command(command)
            }
            Wire::Cluster(cluster) => {
                cluster.set_read_timeout(within)?;
                cluster.set_write_timeout(within)?;
                cluster.req_command(command)
            }
        };
        // After a fault of the wire half an answer may be in it.
        if !answer
            .as_ref()
            .is_err_and(|error| error.is_io_error() || error.is_timeout() || error.is_connection_dropped())
        {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(wire);
        }
        redis::from_redis_value(answer?.extract_error()?).map_err(RedisError::from)
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Bucket for Redis {
    fn get(&self, name: &str, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        self.ask(redis::cmd("GET").arg(self.name(name)), within)
    }

    fn put(&self, name: &str, bytes: &[u8], within: Duration) -> Result<(), Fault> {
        if bytes.len() as u64 > LARGEST {
            return Err(Fault::TooLarge);
        }
        let mut command = redis::cmd("SET");
        command.arg(self.name(name)).arg(bytes);
        if let Some(seconds) = self.expires {
            command.arg("EX").arg(seconds);
        }
        self.ask(&command, within)
    }

    fn has(&self, name: &str, within: Duration) -> Result<bool, Fault> {
        self.ask(redis::cmd("EXISTS").arg(self.name(name)), within)
    }

    fn remove(&self, name: &str, within: Duration) -> Result<(), Fault> {
        self.ask(redis::cmd("DEL").arg(self.name(name)), within)
    }

    fn list(&self, prefix: &str, within: Duration) -> Result<Vec<Listed>, Fault> {
        let (mut cursor, mut found) = (0_u64, Vec::new());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{}*", self.name(prefix))).arg("COUNT").arg(1000);
            let (next, names): (u64, Vec<String>) = self.ask(&scan, within)?;
            for name in names {
                let size = self.ask(redis::cmd("STRLEN").arg(&name), within)?;
                let name = name[self.prefix.len()..].to_owned();
                found.push(Listed { name, size, written: None });
            }
            if next == 0 {
                return Ok(found);
            }
            cursor = next;
        }
    }

    fn largest(&self) -> u64 {
        LARGEST
    }
}
