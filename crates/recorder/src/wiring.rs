//! Kiln before C compilers, for a tree of processes: the object puts it there where they are executed (preload/wire.c), and
//! nothing that is found along `PATH`, or written down by what configures a build, is kiln's.

use kiln_action::os::OsStrExt;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::object::Object;

/// The variables that make a process part of a recording.
pub const VARIABLES: [&str; 2] = ["LD_PRELOAD", "KILN_RECORD"];
/// How the first argument of a kiln begins that was put before a compiler; what the compiler is called is behind it.
const CALLED: &[u8] = b"kiln as ";
/// The word for a process that tells build scripts only.
const WORD_SCRIPTS: &str = "scripts";

/// Which of the processes below the root put kiln before compilers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// All of them, but for compilers.
    All,
    /// Build scripts, and all below them; the root is cargo.
    Scripts,
}

/// The variables of a tree of processes that is wired and not recorded.
#[derive(Debug)]
pub struct Wiring {
    object: Object,
    record: OsString,
}

impl Wiring {
    /// For that kiln. The object is kept in `object_dir`; where it cannot be, it is in memory for as long as this value lives.
    ///
    /// # Errors
    ///
    /// Where there is no object for this machine, or neither place can be had.
    pub fn new(object_dir: Option<&Path>, kiln: &Path, below: Below) -> io::Result<Wiring> {
        if !Object::is_supported() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no recorder for this machine"));
        }
        let word = if below == Below::Scripts { WORD_SCRIPTS } else { "" };
        let mut record = OsString::from(format!(":{word}"));
        append(&mut record, kiln);
        Ok(Wiring { object: Object::place(object_dir)?, record })
    }

    /// Whether it goes on when this process has become another program.
    pub fn outlives_this_process(&self) -> bool {
        self.object.is_a_file()
    }

    /// The variables to set for the root, given the user's own `LD_PRELOAD`; only for a program that is [`crate::watchable`].
    pub fn environment(&self, preload: Option<&OsStr>) -> [(&'static str, OsString); 2] {
        [(VARIABLES[0], self.object.preload(preload)), (VARIABLES[1], self.record.clone())]
    }
}

/// Says in the value of the second variable which kiln is to be put before compilers.
pub(crate) fn append(record: &mut OsString, kiln: &Path) {
    record.push(":");
    record.push(kiln);
}

/// The parts of that value: the log's path, the serial, the path of kiln if there is one.
#[cfg_attr(not(unix), expect(dead_code, reason = "nobody tells anything there"))]
pub(crate) fn parts(record: &OsStr) -> Option<(&OsStr, &str, Option<PathBuf>)> {
    let mut parts = record.as_bytes().splitn(3, |byte| *byte == b':');
    let (path, middle) = (parts.next()?, parts.next()?);
    let kiln = parts.next().map(|kiln| PathBuf::from(OsStr::from_bytes(kiln)));
    Some((OsStr::from_bytes(path), std::str::from_utf8(middle).ok()?, kiln))
}

/// What the compiler is called that kiln was put before, by kiln's own first argument.
pub fn called(own_name: &OsStr) -> Option<&OsStr> {
    own_name.as_bytes().strip_prefix(CALLED).map(OsStr::from_bytes)
}

/// The first argument of a kiln that is put before a compiler of that name.
pub fn calling(compiler: &OsStr) -> OsString {
    let mut name = OsStr::from_bytes(CALLED).to_owned();
    name.push(compiler);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_has_the_same_words() {
        let header = include_str!("../preload/wire.h");
        for (name, value) in [("WORD_SCRIPTS", WORD_SCRIPTS), ("CALLED", "kiln as ")] {
            assert!(header.contains(&format!("#define {name} \"{value}\"")), "{name}");
        }
        assert_eq!(called(&calling(OsStr::new("bin/cc"))), Some(OsStr::new("bin/cc")));
        assert_eq!(called(OsStr::new("kiln")), None);
    }

    #[test]
    fn the_variables_value_is_parsed() {
        let parsed = |text: &str| {
            parts(OsStr::new(text)).map(|(path, word, kiln)| (path.to_owned(), word.to_owned(), kiln))
        };
        let recorded = ("/proc/7/fd/3".into(), "12".to_owned(), None);
        assert_eq!(parsed("/proc/7/fd/3:12"), Some(recorded.clone()));
        assert_eq!(
            parsed("/proc/7/fd/3:12:/a:b/kiln"),
            Some((recorded.0, recorded.1, Some("/a:b/kiln".into())))
        );
        assert_eq!(parsed("::/kiln"), Some(("".into(), String::new(), Some("/kiln".into()))));
        assert_eq!(parsed("nothing"), None);
    }
}
