//! Sockets of this machine: reached without ever waiting for whoever is to accept.

#[cfg(target_os = "linux")]
use rustix::net::SocketFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Connects to a socket. Where so many wait to be accepted that there is no room for one more, the kernel would let us wait for as
/// long as nobody accepts (a process that is stopped never does); here that is [`io::ErrorKind::WouldBlock`].
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = socket()?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &SocketAddrUnix::new(path)?))?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

#[cfg(target_os = "linux")]
fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

#[cfg(not(target_os = "linux"))]
fn socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn nobody_waits_for_somebody_who_never_accepts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let _listener = UnixListener::bind(&path).unwrap();
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
