//! Sockets with a name in the file system.

#[cfg(target_os = "linux")]
use rustix::net::SocketFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

pub use std::os::unix::net::{UnixListener as Listener, UnixStream as Stream};

/// Whether there are any.
pub const ARE_SUPPORTED: bool = true;

/// Connects without waiting: an error where the queue of connections is full.
pub fn connect(path: &Path) -> io::Result<Stream> {
    let socket = socket()?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &SocketAddrUnix::new(path)?))?;
    let stream = Stream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Makes a socket that others can connect to.
pub fn listen(path: &Path) -> io::Result<Listener> {
    Listener::bind(path)
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
