//! Machines on a wire: network namespaces, joined by a bridge in the first of them. Making them takes root and `ip`; where that is
//! not to be had a test says so loudly and goes on without it.

#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Some machines that see each other and nothing else.
pub struct Network {
    names: Vec<String>,
}

impl Network {
    /// So many machines; the first one is where servers run.
    pub fn of(count: u8) -> Option<Network> {
        let names: Vec<String> = (0..count).map(|n| format!("kiln{}-{n}", std::process::id())).collect();
        let network = Network { names };
        if network.wire() {
            return Some(network);
        }
        eprintln!("SKIPPED: no network namespaces can be made here");
        None
    }

    fn wire(&self) -> bool {
        let first = &self.names[0];
        let made = self
            .names
            .iter()
            .all(|name| ip(&["netns", "add", name]) && ip(&["-n", name, "link", "set", "lo", "up"]));
        made && ip(&["-n", first, "link", "add", "wire", "type", "bridge"])
            && ip(&["-n", first, "addr", "add", &format!("{}/24", self.address(0)), "dev", "wire"])
            && ip(&["-n", first, "link", "set", "wire", "up"])
            && (1..self.names.len()).all(|n| self.join(n))
    }

    fn join(&self, n: usize) -> bool {
        let (first, name, end) = (&self.names[0], &self.names[n], format!("to{n}"));
        ip(&["-n", first, "link", "add", &end, "type", "veth", "peer", "name", "wire", "netns", name])
            && ip(&["-n", first, "link", "set", &end, "master", "wire", "up"])
            && ip(&["-n", name, "addr", "add", &format!("{}/24", self.address(n)), "dev", "wire"])
            && ip(&["-n", name, "link", "set", "wire", "up"])
    }

    /// A machine's address.
    pub fn address(&self, n: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, n as u8 + 1)
    }

    /// Does something on a machine; so do the threads and processes that are started there.
    pub fn on<T: Send>(&self, n: usize, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.names[n])).expect("it is there");
        thread::scope(|scope| {
            let moved = scope.spawn(|| {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                    .expect("it can be entered");
                work()
            });
            moved.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in &self.names {
            ip(&["netns", "del", name]);
        }
    }
}

fn ip(arguments: &[&str]) -> bool {
    let mut command = Command::new("ip");
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
