//! One compiler call as it came, and the name its record is kept under.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A compiler call: everything that tells it apart from the others of the same build.
pub struct Call {
    /// The compiler and its arguments.
    pub argv: Vec<OsString>,
    /// The directory it was started in.
    pub cwd: PathBuf,
    /// The source, where the arguments say that it comes on standard input (`-`).
    pub stdin: Option<Vec<u8>>,
}

impl Call {
    /// Takes the arguments and, where they ask for it, reads standard input to its end.
    pub fn new(argv: &[OsString], cwd: PathBuf) -> io::Result<Self> {
        if argv.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no compiler given"));
        }
        let stdin = if argv.iter().any(|argument| argument == "-") {
            let mut source = Vec::new();
            io::stdin().read_to_end(&mut source)?;
            Some(source)
        } else {
            None
        };
        Ok(Self { argv: argv.to_vec(), cwd, stdin })
    }

    /// The record's directory name: a digest of arguments, directory and source, each with its length.
    pub fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut feed = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        self.argv.iter().for_each(|argument| feed(argument.as_bytes()));
        feed(self.cwd.as_os_str().as_bytes());
        feed(self.stdin.as_deref().unwrap_or_default());
        hasher.finalize().to_hex().to_string()
    }
}
