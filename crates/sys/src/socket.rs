//! Sockets of this machine: reached without ever waiting for whoever is to accept.

use crate::system::socket;
use std::io;
use std::path::Path;

pub use crate::system::socket::{ARE_SUPPORTED, Listener, Stream};

/// Connects to a socket. Where so many wait to be accepted that there is no room for one more, the kernel would let us wait for as
/// long as nobody accepts (a process that is stopped never does); here that is [`io::ErrorKind::WouldBlock`].
pub fn connect(path: &Path) -> io::Result<Stream> {
    socket::connect(path)
}

/// Makes a socket that others can connect to.
pub fn listen(path: &Path) -> io::Result<Listener> {
    socket::listen(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_somebody_who_never_accepts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _listener = listen(&path).unwrap();
        let mut made = Vec::new();
        let refused = loop {
            match connect(&path) {
                Ok(stream) => made.push(stream),
                Err(error) => break error,
            }
            assert!(made.len() < 100_000);
        };
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
    }
}
