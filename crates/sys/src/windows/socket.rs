//! Sockets with a name in the file system: std has none here, and one of TCP would be anybody's on this machine. So there is no daemon.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Whether there are any.
pub const ARE_SUPPORTED: bool = false;

/// A connection: nobody can make one.
#[derive(Debug)]
pub struct Stream(Infallible);

/// What others connect to: nobody can make one.
#[derive(Debug)]
pub struct Listener(Infallible);

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "there is no daemon on this system"))
}

/// Unsupported here.
pub fn connect(_: &Path) -> io::Result<Stream> {
    unsupported()
}

/// Unsupported here.
pub fn listen(_: &Path) -> io::Result<Listener> {
    unsupported()
}

impl Stream {
    /// How long reading may take.
    pub fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        match self.0 {}
    }

    /// How long writing may take.
    pub fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        match self.0 {}
    }

    /// Another handle of the same.
    pub fn try_clone(&self) -> io::Result<Stream> {
        match self.0 {}
    }
}

impl Read for Stream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }
}

impl Write for Stream {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0 {}
    }
}

impl Listener {
    /// Who comes.
    pub fn incoming(&self) -> impl Iterator<Item = io::Result<Stream>> {
        match self.0 {}
        #[allow(unreachable_code, reason = "it says which type there would be")]
        std::iter::empty()
    }
}
