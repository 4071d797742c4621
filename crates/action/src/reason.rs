//! Why something was not served from the cache, or not kept in it. Every reason has a name for counting, a sentence for
//! people, and where there is one the next step.

use std::fmt;

/// Why a compile ran, or ran unchanged, or was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not a compiler that kiln knows: run unchanged.
    UnknownCompiler(String),
    /// A flag that is not in the table: run unchanged.
    UnknownFlag(String),
    /// A flag whose effect cannot be remembered soundly: run unchanged.
    UncachedFlag(String),
    /// The command line cannot be understood (the compiler will say why).
    BadArguments(String),
    /// Not a compile of one source into one file: a link, several sources, output to standard output.
    NotACompile(String),
    /// A build script that runs again where an earlier run left something in its `OUT_DIR`.
    UsedOutDir,
    /// A question to the compiler, such as for its version: run unchanged.
    Question(String),
    /// The setting `off`.
    Disabled,
    /// A crate that the setting `never` lists.
    NeverCached(String),
    /// The setting `recache`: nothing is looked up.
    Recache,
    /// The setting `read-only`: nothing is stored.
    ReadOnly,
    /// Output goes to a terminal, whose width and colours rustc would ask for.
    Terminal,
    /// The cache directory cannot be used.
    NoStore(String),
    /// The compiler's own files cannot be identified.
    UnknownToolchain(String),
    /// The run could not be watched completely.
    Untraceable(String),
    /// It wrote something that is not one of its outputs.
    WritesOutside(String),
    /// An input changed while it ran.
    InputChanged(String),
    /// Its result depends on something that no key can hold (the time, the network, …).
    Nondeterministic(String),
    /// A declared output is missing or odd.
    BadOutputs(String),
    /// A macro whose code could look at things the recorder does not see.
    Untrusted(String),
    /// The clock was set while it ran.
    ClockJumped,
    /// No result under today's key.
    NotSeen,
    /// Some Shape is known, but today's answers differ from every result's.
    Changed,
    /// A result was there but damaged or incomplete.
    Damaged(String),
    /// The compiler failed: its own affair, never kept.
    Failed,
}

impl Reason {
    /// The name under which it is counted: stable, kebab-case.
    pub fn name(&self) -> &'static str {
        match self {
            Reason::UnknownCompiler(_) => "unknown-compiler",
            Reason::UnknownFlag(_) => "unknown-flag",
            Reason::UncachedFlag(_) => "uncached-flag",
            Reason::BadArguments(_) => "bad-arguments",
            Reason::NotACompile(_) => "not-a-compile",
            Reason::UsedOutDir => "used-out-dir",
            Reason::Question(_) => "question",
            Reason::Disabled => "disabled",
            Reason::NeverCached(_) => "never-cached",
            Reason::Recache => "recache",
            Reason::ReadOnly => "read-only",
            Reason::Terminal => "terminal",
            Reason::NoStore(_) => "no-store",
            Reason::UnknownToolchain(_) => "unknown-toolchain",
            Reason::Untraceable(_) => "unrecorded",
            Reason::WritesOutside(_) => "wrote-elsewhere",
            Reason::InputChanged(_) => "input-changed",
            Reason::Nondeterministic(_) => "asked",
            Reason::BadOutputs(_) => "bad-outputs",
            Reason::Untrusted(_) => "untrusted-macro",
            Reason::ClockJumped => "clock-jumped",
            Reason::NotSeen => "not-seen",
            Reason::Changed => "changed",
            Reason::Damaged(_) => "damaged",
            Reason::Failed => "failed",
        }
    }

    /// What it is about (a flag, a path), if anything.
    pub fn detail(&self) -> &str {
        match self {
            Reason::UnknownCompiler(detail)
            | Reason::UnknownFlag(detail)
            | Reason::UncachedFlag(detail)
            | Reason::BadArguments(detail)
            | Reason::NotACompile(detail)
            | Reason::Question(detail)
            | Reason::NeverCached(detail)
            | Reason::NoStore(detail)
            | Reason::UnknownToolchain(detail)
            | Reason::Untraceable(detail)
            | Reason::WritesOutside(detail)
            | Reason::InputChanged(detail)
            | Reason::Nondeterministic(detail)
            | Reason::BadOutputs(detail)
            | Reason::Untrusted(detail)
            | Reason::Damaged(detail) => detail,
            Reason::Disabled
            | Reason::Recache
            | Reason::ReadOnly
            | Reason::Terminal
            | Reason::ClockJumped
            | Reason::NotSeen
            | Reason::Changed
            | Reason::UsedOutDir
            | Reason::Failed => "",
        }
    }

    /// Every reason once, about nothing.
    pub fn all() -> Vec<Reason> {
        vec![
            Reason::UnknownCompiler(String::new()),
            Reason::UnknownFlag(String::new()),
            Reason::UncachedFlag(String::new()),
            Reason::BadArguments(String::new()),
            Reason::NotACompile(String::new()),
            Reason::UsedOutDir,
            Reason::Question(String::new()),
            Reason::Disabled,
            Reason::NeverCached(String::new()),
            Reason::Recache,
            Reason::ReadOnly,
            Reason::Terminal,
            Reason::NoStore(String::new()),
            Reason::UnknownToolchain(String::new()),
            Reason::Untraceable(String::new()),
            Reason::WritesOutside(String::new()),
            Reason::InputChanged(String::new()),
            Reason::Nondeterministic(String::new()),
            Reason::BadOutputs(String::new()),
            Reason::Untrusted(String::new()),
            Reason::ClockJumped,
            Reason::NotSeen,
            Reason::Changed,
            Reason::Damaged(String::new()),
            Reason::Failed,
        ]
    }

    fn sentence(&self) -> &'static str {
        match self {
            Reason::UnknownCompiler(_) => "kiln does not support this compiler",
            Reason::UnknownFlag(_) => "kiln does not know a compiler flag",
            Reason::UncachedFlag(_) => "kiln does not cache compiles with this flag",
            Reason::BadArguments(_) => "the command line cannot be parsed",
            Reason::NotACompile(_) => "it is not a compile of one source file (a link, for example)",
            Reason::UsedOutDir => "the build script ran again, and OUT_DIR was not empty",
            Reason::Question(_) => "it only asks the compiler something (its version, for example)",
            Reason::Disabled => "kiln is switched off by the setting `off`",
            Reason::NeverCached(_) => "the setting `never` lists this crate",
            Reason::Recache => "the setting `recache` says to compile again",
            Reason::ReadOnly => "the setting `read-only` says to store nothing",
            Reason::Terminal => "the compiler writes to a terminal, and its messages depend on that",
            Reason::NoStore(_) => "the cache directory cannot be used",
            Reason::UnknownToolchain(_) => "the compiler's own files cannot be identified",
            Reason::Untraceable(_) => "cannot be traced",
            Reason::WritesOutside(_) => "writes outside its outputs",
            Reason::InputChanged(_) => "an input changed while it ran",
            Reason::Nondeterministic(_) => "depends on the time, the network or the machine",
            Reason::BadOutputs(_) => "its output files are not those that its arguments name",
            Reason::Untrusted(_) => "runs code that kiln cannot trace completely",
            Reason::ClockJumped => "the system clock was set while it ran",
            Reason::NotSeen => "never seen here",
            Reason::Changed => "an input changed",
            Reason::Damaged(_) => "the stored result was damaged",
            Reason::Failed => "the compiler failed",
        }
    }
}

/// What to do about a reason, by the name under which it is counted; empty where there is nothing to be done, or the name
/// is not known here.
pub fn remedy(name: &str) -> &'static str {
    match name {
        "unknown-compiler" => {
            "kiln knows rustc, clippy-driver, gcc and clang; other drivers (miri, kani, nvcc) run unchanged"
        }
        "unknown-flag" => "a newer kiln may know the flag; without it, the unit is cached",
        "uncached-flag" => "drop the flag where its effect is not needed; docs/key says what is cached",
        "bad-arguments" => "the compiler's own message says what is wrong",
        "never-cached" => "take the crate out of the setting `never` (KILN_NEVER)",
        "disabled" => "unset the setting `off` (KILN_OFF)",
        "terminal" => "build through cargo, or send standard error to a file",
        "no-store" => "set KILN_DIR to a directory that can be written to; `kiln doctor` checks it",
        "unknown-toolchain" => {
            "install the toolchain with rustup or from the distribution; `kiln doctor` checks it"
        }
        "unrecorded" => {
            "a program that is linked statically, runs as another user or was killed cannot be watched; \
                         use a dynamically linked one"
        }
        "wrote-elsewhere" => "a macro is to write nothing, a build script nowhere but to OUT_DIR",
        "used-out-dir" => "nothing: a run in an empty `target` is kept",
        "input-changed" => "nothing: the next build keeps it, if nobody edits while it compiles",
        "asked" => {
            "make the macro or build script not ask: the answer can be another every time (C: `time-macros`, or \
             SOURCE_DATE_EPOCH)"
        }
        "bad-outputs" => "nothing, if it happens once; else it is worth a bug report",
        "untrusted-macro" => {
            "a newer version of the macro's or build script's crate may do without; only the units that use it are affected"
        }
        "clock-jumped" => "nothing: the next build keeps it",
        "recache" => "unset the setting `recache` (KILN_RECACHE)",
        "read-only" => "unset the setting `read-only` (KILN_READ_ONLY)",
        "damaged" => "`kiln verify --repair` looks for more of the kind",
        _ => "",
    }
}

/// The sentence for a reason, by the name under which it is counted; the name itself if it is not known here.
pub fn sentence(name: &str) -> &str {
    let known = Reason::all().into_iter().find(|reason| reason.name() == name);
    known.map_or(name, |reason| reason.sentence())
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            "" => f.write_str(self.sentence()),
            detail => write!(f, "{}: {detail}", self.sentence()),
        }
    }
}

#[cfg(test)]
mod tests;
