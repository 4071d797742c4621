//! The bytes of the operating system's strings, and the few letters that differ between systems. No other module of any crate knows how
//! an `OsStr` is made, so that another system is a change of this file (and of `kiln_sys`).
//!
//! On Unix these are the system's own bytes, and every sequence of bytes is a string.
//!
//! On Windows a string is UTF-16 that need not be valid. The bytes of one are those of `OsStr::as_encoded_bytes` (UTF-8 where it is
//! valid): reading them is always sound. The way back is sound for UTF-8 only, because std does not promise its encoding of everything
//! else, and bytes that come from a file may be anything. Bytes that are no UTF-8 become `NO_NAME`, which no file, variable or program
//! can be called: it has a NUL in it, which every call of the system refuses. What is looked for by it is an error, and so a miss.

#[cfg(unix)]
pub use std::os::unix::ffi::{OsStrExt, OsStringExt};

#[cfg(not(unix))]
pub use elsewhere::{NO_NAME, OsStrExt, OsStringExt};

/// What is between the directories of `PATH`, and of variables like it.
pub const LIST_SEPARATOR: u8 = if cfg!(windows) { b';' } else { b':' };

/// What is between the names of a path that is written here.
pub const SEPARATOR: u8 = std::path::MAIN_SEPARATOR as u8;

/// How the names of programs end.
pub const PROGRAM_SUFFIX: &str = std::env::consts::EXE_SUFFIX;

/// Whether this byte is between the names of a path: on Windows there are two that are.
pub const fn is_separator(byte: u8) -> bool {
    byte == b'/' || byte == SEPARATOR
}

#[cfg(any(not(unix), test))]
mod elsewhere {
    use std::ffi::{OsStr, OsString};

    /// What bytes become that are no string here.
    pub const NO_NAME: &str = "\0not a name of this system";

    /// A string as bytes and back, by the names that std gives them on Unix.
    pub trait OsStrExt {
        /// The string of these bytes.
        fn from_bytes(bytes: &[u8]) -> &Self;
        /// Its bytes.
        fn as_bytes(&self) -> &[u8];
    }

    impl OsStrExt for OsStr {
        fn from_bytes(bytes: &[u8]) -> &OsStr {
            OsStr::new(str::from_utf8(bytes).unwrap_or(NO_NAME))
        }

        fn as_bytes(&self) -> &[u8] {
            self.as_encoded_bytes()
        }
    }

    /// The same for strings that are owned.
    pub trait OsStringExt {
        /// The string of these bytes.
        fn from_vec(bytes: Vec<u8>) -> Self;
        /// Its bytes.
        fn into_vec(self) -> Vec<u8>;
    }

    impl OsStringExt for OsString {
        fn from_vec(bytes: Vec<u8>) -> OsString {
            String::from_utf8(bytes).map_or_else(|_| NO_NAME.into(), OsString::from)
        }

        fn into_vec(self) -> Vec<u8> {
            self.into_encoded_bytes()
        }
    }
}

#[cfg(test)]
mod tests;
