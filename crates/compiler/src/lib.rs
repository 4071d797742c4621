//! What each compiler family knows: argv, environment and bytes in, values out.
//!
//! Architecture invariant: no I/O, no operating system and no hasher here. Whatever a family needs to know of the world
//! (a response file's bytes, a variable's value) is asked of its caller through [`Context`].

pub mod cc_rs_links;
pub mod flags;
pub mod gcc;
pub mod msvc;
pub mod programs;
pub mod recognise;
pub mod rustc;
pub mod script;

pub use recognise::{Recognised, family_of, is_rustc, recognise, speaks};

use kiln_action::{Family, Invocation, Reason, Subject};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Directories that the remap setting maps, in keys and outputs alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remap {
    /// The directory of the workspace, absolute.
    pub work: PathBuf,
    /// The target directory, where it is known; absolute.
    pub target: Option<PathBuf>,
}

/// What a command line is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The arguments after the program (or programs).
    pub args: &'a [OsString],
    /// The directory the compiler runs in; absolute.
    pub directory: &'a Path,
    /// The bytes of a response file, `None` if it cannot be read. The path is as given: relative to `directory`.
    pub response: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
    /// What to map, when the remap setting is on.
    pub remap: Option<&'a Remap>,
    /// The project that the compile belongs to; absolute. C families count paths below it relative to it.
    pub base: Option<&'a Path>,
    /// A variable of the environment.
    pub getenv: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Understands a command line, or says why it is run unchanged.
pub fn parse(recognised: &Recognised, context: &Context<'_>) -> Result<Invocation, Reason> {
    match recognised.subject {
        Subject::Compile(Family::Rustc) => rustc::parse(recognised, context),
        Subject::Compile(family @ (Family::Gcc | Family::Clang)) => gcc::parse(recognised, family, context),
        Subject::Compile(family @ (Family::ClangCl | Family::Msvc)) => {
            msvc::parse(recognised, family, context)
        }
        Subject::BuildScript => script::parse(recognised, context),
    }
}
