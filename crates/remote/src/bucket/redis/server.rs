//! Which Redis a URL means, and how a connection to it is made: one server, a cluster, or the master that sentinels name.

use crate::Spec;
use kiln_sys::clock::Moment;
use kiln_sys::files;
use redis::cluster::{ClusterClient, ClusterConnection};
use redis::{
    Client, ClientTlsConfig, Connection, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, TlsCertificates,
};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Who is asked for an address is not waited for as long as whoever has the objects.
const ADDRESS: Duration = Duration::from_secs(2);
/// No certificate is longer.
const LONGEST: u64 = 1 << 20;

/// A connection over which commands go.
pub enum Wire {
    /// To one server.
    One(Box<Connection>),
    /// To all of a cluster.
    Cluster(Box<ClusterConnection>),
}

/// Login, database and certificates: what every connection to a server that keeps objects needs.
struct Login {
    settings: RedisConnectionInfo,
    /// For `rediss://`; without certificates in it the system's own count.
    tls: Option<TlsCertificates>,
}

/// Who keeps the objects.
pub enum Server {
    /// One server.
    One(Box<Client>),
    /// A cluster.
    Cluster(Box<Cluster>),
    /// Whoever is the master.
    Sentinel(Box<Sentinel>),
}

/// A connection to a Redis cluster.
pub struct Cluster {
    client: ClusterClient,
    login: Login,
}

/// Sentinels, who say where the master is.
pub struct Sentinel {
    sentinels: Vec<Client>,
    /// Which of them answered last.
    answered: AtomicUsize,
    master: String,
    login: Login,
}

impl Login {
    fn address(&self, host: String, port: u16) -> ConnectionAddr {
        match self.tls {
            Some(_) => ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None },
            None => ConnectionAddr::Tcp(host, port),
        }
    }

    /// A client of the server at this address.
    fn client(&self, host: String, port: u16) -> RedisResult<Client> {
        let info = self.address(host, port).into_connection_info()?;
        client(info.set_redis_settings(self.settings.clone()), self.tls.as_ref())
    }
}

fn client(info: ConnectionInfo, tls: Option<&TlsCertificates>) -> RedisResult<Client> {
    match tls {
        Some(tls) => Client::build_with_tls(info, tls.clone()),
        None => Client::open(info),
    }
}

/// What the words `ca`, `cert` and `key` name.
fn certificates(spec: &Spec, secure: bool) -> Result<Option<TlsCertificates>, String> {
    let read = |word: &str| {
        let Some(path) = spec.option(word) else { return Ok(None) };
        let bytes = files::read_limited(Path::new(&path), LONGEST);
        bytes.map(Some).map_err(|error| format!("{word}: {error}"))
    };
    if !secure {
        return Ok(None);
    }
    let (root_cert, client_cert, client_key) = (read("ca")?, read("cert")?, read("key")?);
    let client_tls = match (client_cert, client_key) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig { client_cert, client_key }),
        (None, None) => None,
        _ => return Err("cert and key go together".to_owned()),
    };
    Ok(Some(TlsCertificates { client_tls, root_cert }))
}

/// The server that a URL means.
pub fn parse(spec: &Spec) -> Result<Server, String> {
    let message = |error: RedisError| error.to_string();
    let (scheme, kind) = match spec.url.scheme().split_once('+') {
        Some((scheme, kind)) => (scheme, kind),
        None => (spec.url.scheme(), ""),
    };
    let tls = certificates(spec, scheme == "rediss")?;
    let mut url = spec.url.clone();
    url.set_query(None);
    if kind == "sentinel" && url.port().is_none() {
        let _ = url.set_port(Some(26379));
    }
    // `Url::set_scheme` does not go from one unknown scheme to another with a port kept; the text does.
    let first = url.as_str().split_once("://").map(|(_, rest)| format!("{scheme}://{rest}"));
    let first = first.ok_or("redis:// takes a host")?.into_connection_info().map_err(message)?;
    let login = Login { settings: first.redis_settings().clone(), tls };
    let mut addresses = vec![first.addr().clone()];
    for (_, node) in spec.url.query_pairs().filter(|(name, _)| name == "node") {
        let (host, port) = node.rsplit_once(':').ok_or("node takes host:port")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        addresses.push(login.address(host, port.parse().map_err(|_| "node takes host:port")?));
    }
    match kind {
        "cluster" => cluster(login, addresses).map_err(message),
        "sentinel" => sentinel(spec, login, addresses),
        _ => Ok(Server::One(Box::new(client(first, login.tls.as_ref()).map_err(message)?))),
    }
}

fn cluster(login: Login, addresses: Vec<ConnectionAddr>) -> RedisResult<Server> {
    let mut builder = ClusterClient::builder(addresses).retries(1).connection_timeout(ADDRESS);
    if let Some(password) = login.settings.password() {
        builder = builder.password(password);
    }
    if let Some(username) = login.settings.username() {
        builder = builder.username(username);
    }
    if let Some(tls) = &login.tls {
        builder = builder.certs(tls.clone()).tls(redis::cluster::TlsMode::Secure);
    }
    Ok(Server::Cluster(Box::new(Cluster { client: builder.build()?, login })))
}

/// Sentinels have a login of their own, or none.
fn sentinel(spec: &Spec, login: Login, addresses: Vec<ConnectionAddr>) -> Result<Server, String> {
    let master = spec.option("master").ok_or("redis+sentinel:// takes ?master=NAME")?;
    let mut own = RedisConnectionInfo::default();
    if let Some(password) = spec.option("sentinel_password") {
        own = own.set_password(password);
    }
    if let Some(username) = spec.option("sentinel_user") {
        own = own.set_username(username);
    }
    let one = |address: ConnectionAddr| {
        let info = address.into_connection_info()?.set_redis_settings(own.clone());
        client(info, login.tls.as_ref())
    };
    let sentinels: RedisResult<Vec<Client>> = addresses.into_iter().map(one).collect();
    let sentinels = sentinels.map_err(|error| error.to_string())?;
    Ok(Server::Sentinel(Box::new(Sentinel { sentinels, answered: AtomicUsize::new(0), master, login })))
}

impl Server {
    /// A connection to whoever keeps the objects now.
    pub fn connect(&self, within: Duration) -> RedisResult<Wire> {
        Ok(match self {
            Server::One(client) => Wire::One(Box::new(client.get_connection_with_timeout(within)?)),
            Server::Cluster(cluster) => Wire::Cluster(Box::new(cluster.client.get_connection()?)),
            Server::Sentinel(sentinel) => Wire::One(Box::new(sentinel.connect(within)?)),
        })
    }

    /// A connection to each server that has a part of the objects.
    pub fn connect_to_each(&self, within: Duration) -> RedisResult<Vec<Connection>> {
        match self {
            Server::One(client) => Ok(vec![client.get_connection_with_timeout(within)?]),
            Server::Sentinel(sentinel) => Ok(vec![sentinel.connect(within)?]),
            Server::Cluster(cluster) => {
                let nodes: String =
                    redis::cmd("CLUSTER").arg("NODES").query(&mut cluster.client.get_connection()?)?;
                let each = masters(&nodes).into_iter().map(|(host, port)| {
                    cluster.login.client(host, port)?.get_connection_with_timeout(within)
                });
                each.collect()
            }
        }
    }
}

/// The masters in what `CLUSTER NODES` says: `id host:port@bus[,name] flags ...`.
fn masters(nodes: &str) -> Vec<(String, u16)> {
    let master = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (address, flags) = (words.next()?, words.next()?);
        let flags: Vec<&str> = flags.split(',').collect();
        let (host, port) = address.split('@').next()?.rsplit_once(':')?;
        let counts = flags.contains(&"master") && !flags.contains(&"fail") && !flags.contains(&"noaddr");
        counts.then_some(())?;
        Some((host.to_owned(), port.parse().ok()?))
    };
    nodes.lines().filter_map(master).collect()
}

impl Sentinel {
    /// Asks the sentinels, beginning with the one that answered last, and looks whether who they name is a master indeed
    /// (<https://redis.io/docs/latest/develop/reference/sentinel-clients>).
    fn connect(&self, within: Duration) -> RedisResult<Connection> {
        let (asked, first) = (Moment::now(), self.answered.load(Ordering::Relaxed));
        let mut fault = RedisError::from((ErrorKind::Client, "no sentinel knows a master of this name"));
        for step in 0..self.sentinels.len() {
            let at = (first + step) % self.sentinels.len();
            let Some(left) = within.checked_sub(asked.elapsed()).filter(|left| !left.is_zero()) else {
                break;
            };
            match self.ask(&self.sentinels[at], left) {
                Ok(Some(connection)) => {
                    self.answered.store(at, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(None) => {}
                Err(error) => fault = error,
            }
        }
        Err(fault)
    }

    fn ask(&self, sentinel: &Client, within: Duration) -> RedisResult<Option<Connection>> {
        let mut connection = sentinel.get_connection_with_timeout(within.min(ADDRESS))?;
        connection.set_read_timeout(Some(within.min(ADDRESS)))?;
        let mut asked = redis::cmd("SENTINEL");
        asked.arg("get-master-addr-by-name").arg(&self.master);
        let Some((host, port)) = asked.query::<Option<(String, u16)>>(&mut connection)? else {
            return Ok(None);
        };
        let mut master = self.login.client(host, port)?.get_connection_with_timeout(within.min(ADDRESS))?;
        master.set_read_timeout(Some(within.min(ADDRESS)))?;
        let role: Vec<redis::Value> = redis::cmd("ROLE").query(&mut master)?;
        let role = role.into_iter().next().and_then(|role| redis::from_redis_value::<String>(role).ok());
        Ok((role.as_deref() == Some("master")).then_some(master))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_found_in_what_a_cluster_says() {
        let reply = "07c3 127.0.0.1:30004@31004,hostname4 slave e7d1 0 1426238317239 4 connected\n\
                    67ed 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922\n\
                    292f ::1:30003@31003 master - 0 1426238318243 3 connected 10923-16383\n\
                    6ec2 127.0.0.1:30005@31005 master,fail - 0 1426238316232 5 connected\n\
                    e7d1 127.0.0.1:30001@31001 myself,master - 0 0 1 connected 0-5460\n";
        let found = masters(reply);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], ("::1".to_owned(), 30003));
    }

    #[test]
    fn words_that_do_not_fit_are_refused() {
        for (url, message) in [
            ("rediss://h?ca=/not-a-file/at-all", "ca: cannot open"),
            ("rediss://h?cert=/dev/null", "go together"),
            ("redis+cluster://h?node=there", "host:port"),
            ("redis+sentinel://h", "?master=NAME"),
        ] {
            let error = parse(&Spec::parse(url).unwrap()).err().unwrap_or_default();
            assert!(error.contains(message), "{url}: {error}");
        }
    }
}
