//! `redis://user:password@host:6379/0`, `rediss://` (TLS), `redis+cluster://`, `redis+sentinel://host:26379/0?master=name`. A blocking
//! client and a handful of connections: a GET is one write and one read.

use super::{Bucket, Fault, Listed};
use crate::Spec;
use kiln_sys::clock::Moment;
use redis::{Cmd, Connection, ConnectionLike, ErrorKind, FromRedisValue, RedisError, ServerErrorKind};
use server::{Server, Wire};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod server;

struct Redis {
    server: Server,
    /// Connections that nobody uses now, and since when: the one that was used last is used next.
    idle: Mutex<Vec<(Moment, Wire)>>,
    /// In front of every name.
    prefix: String,
    /// Seconds after which an object goes by itself.
    expires: Option<u64>,
}

/// More than any pack or segment, and little enough for a server that other things live on.
const LARGEST: u64 = 64 << 20;

/// A connection that was not needed for so long, with others in use, is one too many.
const TOO_MANY: Duration = Duration::from_secs(60);

/// One that nobody has used for so long is not trusted.
const ASLEEP: Duration = Duration::from_secs(120);

pub fn open(spec: &Spec) -> Result<Box<dyn Bucket>, String> {
    let server = server::parse(spec)?;
    let expires = spec.option("expires").and_then(|seconds| seconds.parse().ok());
    let prefix =
        spec.option("prefix").map_or(String::new(), |prefix| format!("{}/", prefix.trim_matches('/')));
    Ok(Box::new(Redis { server, idle: Mutex::default(), prefix, expires }))
}

fn fault(error: &RedisError) -> Fault {
    let message: String = error.to_string().chars().take(200).collect();
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig, _) => Fault::Refused(message),
        (ErrorKind::Server(ServerErrorKind::NoPerm | ServerErrorKind::ReadOnly), _) => {
            Fault::Refused(message)
        }
        // "command not allowed when used memory > 'maxmemory'", and a server that cannot save
        (_, Some("OOM" | "MISCONF")) => Fault::Full(message),
        (_, Some("LOADING" | "CLUSTERDOWN" | "MASTERDOWN" | "NOREPLICAS" | "TRYAGAIN")) => {
            Fault::Busy(message)
        }
        _ if error.is_timeout() => Fault::Late,
        // What rustls says ("invalid peer certificate: UnknownIssuer"), and a cluster none of whose nodes let us in.
        _ if message.contains("certificate") || message.contains("AuthenticationFailed") => {
            Fault::Refused(message)
        }
        _ if error.is_connection_refusal() || error.is_io_error() => Fault::Unreachable(message),
        _ => Fault::Broken(message),
    }
}

impl Redis {
    fn idle(&self) -> MutexGuard<'_, Vec<(Moment, Wire)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T: FromRedisValue>(&self, command: &Cmd, within: Duration) -> Result<T, Fault> {
        let idle = self.fresh();
        let kept = idle.is_some();
        let asked = |wire: Wire| self.ask_over(wire, command, within);
        let first = match idle {
            Some(wire) => asked(wire),
            None => self.server.connect(within).and_then(asked),
        };
        let answer = match first {
            // The server has closed what was kept open meanwhile, or is no master any more: once more, with a new one.
            Err(error) if kept && is_over(&error) => {
                self.idle().clear();
                self.server.connect(within).and_then(asked)
            }
            // Somebody on the way has forgotten it, and the others most likely, too.
            Err(error) if kept && error.is_timeout() => {
                self.idle().clear();
                Err(error)
            }
            answer => answer,
        };
        answer.map_err(|error| fault(&error))
    }

    /// The connection that was used last, unless that was long ago: a machine was asleep, or has another network now.
    fn fresh(&self) -> Option<Wire> {
        let mut idle = self.idle();
        let (used, wire) = idle.pop()?;
        if used.elapsed() <= ASLEEP {
            return Some(wire);
        }
        idle.clear();
        None
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
            let mut idle = self.idle();
            idle.push((Moment::now(), wire));
            if idle[0].0.elapsed() > TOO_MANY {
                idle.remove(0);
            }
        }
        redis::from_redis_value(answer?.extract_error()?).map_err(RedisError::from)
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn list_on(
        &self,
        one: &mut Connection,
        pattern: &str,
        found: &mut Vec<Listed>,
    ) -> Result<(), RedisError> {
        let mut cursor = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(1000);
            let (next, names): (u64, Vec<String>) = scan.query(one)?;
            let mut lengths = redis::pipe();
            for name in &names {
                lengths.cmd("STRLEN").arg(name);
            }
            let sizes: Vec<u64> = if names.is_empty() { Vec::new() } else { lengths.query(one)? };
            found.extend(names.iter().zip(sizes).map(|(name, size)| Listed {
                name: name[self.prefix.len()..].to_owned(),
                size,
                written: None,
            }));
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}

/// Whether a connection that was kept is of no use any more.
fn is_over(error: &RedisError) -> bool {
    error.is_io_error() && !error.is_timeout() || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// So that a pattern means exactly this text.
fn literal(text: &str) -> String {
    text.chars().flat_map(|c| "*?[]^-\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

impl Bucket for Redis {
    fn get(&self, name: &str, most: u64, within: Duration) -> Result<Option<Vec<u8>>, Fault> {
        let found: Option<Vec<u8>> = self.ask(redis::cmd("GET").arg(self.name(name)), within)?;
        // The server itself takes nothing over 512 MiB.
        if found.as_ref().is_some_and(|bytes| bytes.len() as u64 > most) {
            Err(Fault::TooLarge)
        } else {
            Ok(found)
        }
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
        let pattern = format!("{}*", literal(&self.name(prefix)));
        let mut found = Vec::new();
        let listed = self.server.connect_to_each(within).and_then(|each| {
            each.into_iter().try_for_each(|mut one| {
                one.set_read_timeout(Some(within))?;
                self.list_on(&mut one, &pattern, &mut found)
            })
        });
        listed.map(|()| found).map_err(|error| fault(&error))
    }

    fn largest(&self) -> u64 {
        LARGEST
    }
}
