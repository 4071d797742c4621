//! Programs that a build runs besides the compiler that kiln wraps: one table that says of each what it is known for, on which fact
//! that rests, and where it must be installed for its name to say so. docs/key/programs.md is generated from it.

use kiln_action::place::below;
use std::ffi::OsStr;
use std::path::Path;

mod describe;
mod table;

pub use describe::describe;
pub use table::ROWS;

/// What a program is known for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramRole {
    /// It is rustc, or clippy-driver in front of it.
    RustCompiler,
    /// It drives a link or links, asks for variables by name, and `stat` tells it nothing that reaches its output.
    Linker,
    /// rustc links with it into every output directory alike.
    MeasuredLinker,
    /// A C compile consists of it.
    CTool,
    /// It is the part of gcc that reads sources.
    CompilerProper,
    /// Build scripts run it, and it asks for variables by name.
    Helper,
    /// It asks at its start for whom it runs, and tells nobody.
    Careful,
    /// It asks on what file system a directory is, and tells nobody.
    Walker,
    /// It opens the terminal at its start, and tells nobody.
    TerminalOpener,
    /// It starts compilers: what it is started for is one build.
    BuildTool,
    /// Build tools start compilers through it.
    GoBetween,
    /// A directory of links to kiln has at least one of this name.
    Link,
}

/// What may stand around a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Nothing.
    Plain,
    /// A target in front: `aarch64-linux-gnu-as`.
    Target,
    /// A target in front, a version behind: `x86_64-w64-mingw32-gcc-12`.
    TargetAndVersion,
    /// Debian's target in front, a version behind: `x86_64-linux-gnu-gcc-12`.
    DebianTargetAndVersion,
    /// Anything behind.
    Beginning,
}

/// Where a program must be for its name to say what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// Anywhere.
    Anywhere,
    /// With the system's own programs.
    BySystem,
    /// Anywhere where a compile runs it; with the system's own programs or with the toolchain where a build script runs it.
    KnownToScripts,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// The file names that the row is about.
    pub names: &'static [&'static str],
    /// What may stand around them.
    pub form: Form,
    /// What the programs are known for.
    pub role: ProgramRole,
    /// Where they must be.
    pub installed: Installed,
    /// The fact on which that rests, with its source; a sentence.
    pub fact: &'static str,
}

impl Row {
    fn is(&self, name: &str) -> bool {
        self.names.iter().any(|known| self.form.fits(name, known))
    }
}

impl Form {
    fn fits(self, name: &str, known: &str) -> bool {
        let is_behind_target = |name: &str| {
            name.strip_suffix(known).is_some_and(|target| target.is_empty() || target.ends_with('-'))
        };
        match self {
            Form::Plain => name == known,
            Form::Target => is_behind_target(name),
            Form::TargetAndVersion => name == known || is_behind_target(unversioned(name)),
            Form::DebianTargetAndVersion => {
                let name_alone = unversioned(name).rsplit_once("-linux-gnu-").map(|(_, name)| name);
                name == known || name_alone.unwrap_or_else(|| unversioned(name)) == known
            }
            Form::Beginning => name.starts_with(known),
        }
    }
}

fn unversioned(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-')
}

/// All that a program is known for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramRoles(u16);

impl ProgramRoles {
    /// Whether this is among it.
    pub fn has(self, role: ProgramRole) -> bool {
        self.0 & 1 << role as u16 != 0
    }
}

/// What the table says of a program by its path.
pub fn roles(program: &Path) -> ProgramRoles {
    let Some(name) = program.file_name().and_then(OsStr::to_str) else { return ProgramRoles::default() };
    let is_here = |row: &&Row| row.installed != Installed::BySystem || is_of_the_system(program);
    let rows = ROWS.iter().filter(|row| row.is(name)).filter(is_here);
    ProgramRoles(rows.fold(0, |roles, row| roles | 1 << row.role as u16))
}

/// Whether a program of this name is known for something, wherever it is.
pub fn is_called_like(role: ProgramRole, name: &str) -> bool {
    ROWS.iter().any(|row| row.role == role && row.is(name))
}

/// The names of the programs that are known for something.
pub fn names(role: ProgramRole) -> Vec<&'static str> {
    ROWS.iter().filter(|row| row.role == role).flat_map(|row| row.names).copied().collect()
}

/// The directories of the system's own programs: elsewhere a name says nothing.
pub const SYSTEM: [&str; 6] = ["/usr/bin", "/bin", "/usr/lib", "/usr/libexec", "/lib", "/usr/lib64"];

/// Whether a program is where the system's own are.
pub fn is_of_the_system(program: &Path) -> bool {
    SYSTEM.iter().any(|root| below(program, Path::new(root)).is_some())
}

#[cfg(test)]
mod tests;
