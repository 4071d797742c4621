//! Redis in every way in which people run it: with TLS, with users, as a cluster, behind sentinels.

use super::{Certificates, PLAIN, Server, start};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A Redis server with these arguments on top.
pub fn redis_with(arguments: &[&str]) -> Option<Server> {
    start("redis-server", |command, port, directory| {
        command.args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]).args(arguments);
        command.arg("--port").arg(port.to_string()).arg("--dir").arg(directory);
    })
}

/// A Redis that speaks TLS and nothing else; whether it wants a client's certificate.
pub fn redis_tls(certificates: &Certificates, of_clients: bool) -> Option<Server> {
    start("redis-server", |command, port, directory| {
        command.args(["--save", "", "--bind", "127.0.0.1", "--requirepass", PLAIN, "--port", "0"]);
        command.arg("--tls-port").arg(port.to_string()).arg("--dir").arg(directory);
        command.arg("--tls-cert-file").arg(certificates.certificate("server"));
        command.arg("--tls-key-file").arg(certificates.key("server"));
        command.arg("--tls-ca-cert-file").arg(certificates.certificate("ca"));
        command.args(["--tls-auth-clients", if of_clients { "yes" } else { "no" }]);
    })
}

/// A Redis with a user `kiln` who has the usual password and these rules, and nobody else.
pub fn redis_of_user(rules: &str) -> Option<Server> {
    let password = format!(">{PLAIN}");
    let mut arguments = vec!["--user", "default", "off", "--user", "kiln", "on", &password];
    arguments.extend(rules.split(' '));
    redis_with(&arguments)
}

/// Several servers that belong together.
pub struct Nodes {
    /// All of them.
    pub servers: Vec<Server>,
    /// Where clients begin.
    pub address: SocketAddr,
}

/// Three masters with a third of the slots each.
pub fn redis_cluster() -> Option<Nodes> {
    let node = || {
        start("redis-server", |command, port, directory| {
            command.args(["--save", "", "--bind", "127.0.0.1", "--cluster-enabled", "yes"]);
            command.args(["--requirepass", PLAIN, "--masterauth", PLAIN]);
            command.arg("--cluster-port").arg(super::free_port().to_string());
            command.arg("--port").arg(port.to_string()).arg("--dir").arg(directory);
        })
    };
    let servers = vec![node()?, node()?, node()?];
    for (at, server) in servers.iter().enumerate() {
        let (from, to) = (at * 16384 / 3, (at + 1) * 16384 / 3 - 1);
        say(server.address, PLAIN, &["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()]);
        let bus = say(server.address, PLAIN, &["CONFIG", "GET", "cluster-port"]);
        let bus = bus.lines().last().unwrap_or_default().to_owned();
        let port = server.address.port().to_string();
        say(servers[0].address, PLAIN, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    }
    for server in &servers {
        until("a cluster", || {
            let reply = say(server.address, PLAIN, &["CLUSTER", "INFO"]);
            reply.contains("cluster_state:ok") && reply.contains("cluster_known_nodes:3")
        });
    }
    let address = servers[0].address;
    Some(Nodes { servers, address })
}

/// A master called `kiln`, a replica and a sentinel that has a password of its own; the address is the sentinel's.
pub fn redis_sentinel() -> Option<Nodes> {
    let master = redis_with(&["--requirepass", PLAIN, "--masterauth", PLAIN])?;
    let of = format!("127.0.0.1 {}", master.address.port());
    let replica = redis_with(&["--requirepass", PLAIN, "--masterauth", PLAIN, "--replicaof", &of])?;
    until("a replica", || {
        say(replica.address, PLAIN, &["INFO", "replication"]).contains("master_link_status:up")
    });
    let sentinel = start("redis-server", |command, port, directory| {
        let settings = format!(
            "port {port}\nbind 127.0.0.1\nrequirepass {SENTINEL}\nsentinel monitor kiln {of} 1\n\
             sentinel auth-pass kiln {PLAIN}\nsentinel down-after-milliseconds kiln 300\n\
             sentinel failover-timeout kiln 3000\n"
        );
        let file = directory.join("sentinel.conf");
        fs::write(&file, settings).expect("written");
        command.arg(file).arg("--sentinel").arg("--dir").arg(directory);
    })?;
    let address = sentinel.address;
    until("a sentinel that knows the replica", || {
        say(address, SENTINEL, &["SENTINEL", "REPLICAS", "kiln"])
            .contains(&replica.address.port().to_string())
    });
    Some(Nodes { servers: vec![master, replica, sentinel], address })
}

impl Nodes {
    /// Behind sentinels: waits until the server with this index is what they name.
    pub fn until_master_is(&self, index: usize) {
        let port = self.servers[index].address.port().to_string();
        until("another master", || {
            say(self.address, SENTINEL, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "kiln"]).contains(&port)
        });
    }
}

/// The password of sentinels.
pub const SENTINEL: &str = "sentinels";

/// Says something to a Redis; its answer as it comes over the wire.
fn say(address: SocketAddr, password: &str, words: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let mut answer = String::new();
    for words in [&["AUTH", password], words] {
        let mut asked = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| asked += &format!("${}\r\n{word}\r\n", word.len()));
        stream.write_all(asked.as_bytes()).expect("sent");
        let mut buffer = [0; 64 << 10];
        let count = stream.read(&mut buffer).expect("an answer");
        answer = String::from_utf8_lossy(&buffer[..count]).into_owned();
    }
    answer
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "there is no {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
