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
    /// kiln was told to stay out of the way.
    Disabled,
    /// A crate that the user said is never to be cached.
    NeverCached(String),
    /// Told to look nothing up.
    Recache,
    /// Told to store nothing.
    ReadOnly,
    /// Output goes to a terminal, whose width and colours rustc would ask for.
    Terminal,
    /// The cache directory cannot be used.
    NoStore(String),
    /// The compiler's own files cannot be identified.
    UnknownToolchain(String),
    /// The run could not be watched completely.
    Unrecorded(String),
    /// It wrote something that is not one of its outputs.
    WroteElsewhere(String),
    /// An input changed while it ran.
    InputChanged(String),
    /// It asked for something that no key can hold (the time, the network, …).
    Asked(String),
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
            Reason::Unrecorded(_) => "unrecorded",
            Reason::WroteElsewhere(_) => "wrote-elsewhere",
            Reason::InputChanged(_) => "input-changed",
            Reason::Asked(_) => "asked",
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
            | Reason::Unrecorded(detail)
            | Reason::WroteElsewhere(detail)
            | Reason::InputChanged(detail)
            | Reason::Asked(detail)
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
            Reason::Unrecorded(String::new()),
            Reason::WroteElsewhere(String::new()),
            Reason::InputChanged(String::new()),
            Reason::Asked(String::new()),
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
            Reason::UnknownCompiler(_) => "not a compiler that kiln knows",
            Reason::UnknownFlag(_) => "a flag that kiln does not know",
            Reason::UncachedFlag(_) => "a flag whose effect is not cached",
            Reason::BadArguments(_) => "arguments that cannot be understood",
            Reason::NotACompile(_) => "not a compile of one source into one file",
            Reason::UsedOutDir => "a build script that ran again over what an earlier run left in OUT_DIR",
            Reason::Question(_) => "a question to the compiler, and no compile",
            Reason::Disabled => "switched off",
            Reason::NeverCached(_) => "a crate that the settings say is never cached",
            Reason::Recache => "the settings say to compile anew",
            Reason::ReadOnly => "the settings say to store nothing",
            Reason::Terminal => "the compiler writes to a terminal",
            Reason::NoStore(_) => "the cache directory cannot be used",
            Reason::UnknownToolchain(_) => "the compiler's own files cannot be identified",
            Reason::Unrecorded(_) => "cannot be traced",
            Reason::WroteElsewhere(_) => "writes outside its outputs",
            Reason::InputChanged(_) => "an input changed while it ran",
            Reason::Asked(_) => "depends on the time, the network or the machine",
            Reason::BadOutputs(_) => "its outputs are not what its arguments announce",
            Reason::Untrusted(_) => "runs code that cannot be traced completely",
            Reason::ClockJumped => "the clock was set while it ran",
            Reason::NotSeen => "never seen here",
            Reason::Changed => "something it looks at changed",
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
        "input-changed" => "nothing: do not edit while it compiles; the next build keeps it",
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
