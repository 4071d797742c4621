//! Real servers for remote storage, on loopback and free ports, gone when dropped. Where a program is not installed the test
//! says so loudly and goes on without it; `.ci/run` installs them.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

mod certificates;
mod redis;

pub use certificates::Certificates;
pub use redis::{Nodes, SENTINEL, redis_cluster, redis_of_user, redis_sentinel, redis_tls, redis_with};

/// A server that runs.
pub struct Server {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it keeps what it keeps.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends it.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The password of the Redis servers.
pub const PASSWORD: &str = "p%40ss";
/// The same, as it is.
const PLAIN: &str = "p@ss";
/// Who may use the S3 servers.
pub const ACCESS: &str = "KILNACCESSKEY2345678";
/// And their secret.
pub const SECRET: &str = "kilnsecretkilnsecretkilnsecretkilnsecret";

/// A Redis server with a password.
pub fn redis() -> Option<Server> {
    redis_with(&["--requirepass", PLAIN])
}

/// The URL of a Redis at this address (a proxy's, perhaps).
pub fn redis_url(address: SocketAddr) -> String {
    format!("redis://:{PASSWORD}@{address}/0")
}

/// An S3 server that checks signatures, with a bucket called `bucket`.
pub fn s3() -> Option<Server> {
    start("rclone", |command, port, directory| {
        fs::create_dir(directory.join("bucket")).expect("mkdir");
        command.args(["serve", "s3", "--vfs-cache-mode", "off", "--config", "/dev/null"]);
        command.arg("--auth-key").arg(format!("{ACCESS},{SECRET}"));
        command.arg("--addr").arg(format!("127.0.0.1:{port}")).arg(directory);
    })
}

/// The same over TLS.
pub fn s3_tls(certificates: &Certificates) -> Option<Server> {
    start("rclone", |command, port, directory| {
        fs::create_dir(directory.join("bucket")).expect("mkdir");
        command.args(["serve", "s3", "--vfs-cache-mode", "off", "--config", "/dev/null"]);
        command.arg("--auth-key").arg(format!("{ACCESS},{SECRET}"));
        command
            .arg("--cert")
            .arg(certificates.certificate("server"))
            .arg("--key")
            .arg(certificates.key("server"));
        command.arg("--addr").arg(format!("127.0.0.1:{port}")).arg(directory);
    })
}

/// The URL of an S3 at this address.
pub fn s3_url(address: SocketAddr) -> String {
    format!(
        "s3://bucket/some/prefix?endpoint=http://{address}&region=auto&access_key_id={ACCESS}&secret_access_key={SECRET}"
    )
}

/// Whether a program is there; a test that goes on without it says so loudly.
pub fn is_there(program: &str) -> bool {
    let there = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    if !there {
        eprintln!("SKIPPED: `{program}` is not installed (.ci/run installs it)");
        assert!(std::env::var_os("KILN_ALL_SERVERS").is_none(), "`{program}` is not installed");
    }
    there
}

fn start(program: &str, arrange: impl Fn(&mut Command, u16, &Path)) -> Option<Server> {
    if !is_there(program) {
        return None;
    }
    for _ in 0..5 {
        let directory = tempfile::Builder::new().prefix("kiln-server-").tempdir().expect("a directory");
        let port = free_port();
        let mut command = Command::new(program);
        arrange(&mut command, port, directory.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut server = Server { child: child.expect("it starts"), address, directory };
        if answers(&mut server) {
            return Some(server);
        }
    }
    panic!("`{program}` does not start");
}

/// A port that nobody uses right now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

fn answers(server: &mut Server) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if !matches!(server.child.try_wait(), Ok(None)) {
            return false; // somebody else took the port
        }
        if TcpStream::connect(server.address).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
