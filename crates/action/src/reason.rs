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
    /// kiln was told to stay out of the way.
    Disabled,
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
            Reason::Disabled => "disabled",
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
            | Reason::Terminal
            | Reason::ClockJumped
            | Reason::NotSeen
            | Reason::Changed
            | Reason::Failed => "",
        }
    }

    fn sentence(&self) -> &'static str {
        match self {
            Reason::UnknownCompiler(_) => "not a compiler that kiln knows",
            Reason::UnknownFlag(_) => "a flag that kiln does not know",
            Reason::UncachedFlag(_) => "a flag whose effect is not cached",
            Reason::BadArguments(_) => "arguments that cannot be understood",
            Reason::Disabled => "switched off",
            Reason::Terminal => "the compiler writes to a terminal",
            Reason::NoStore(_) => "the cache directory cannot be used",
            Reason::UnknownToolchain(_) => "the compiler's own files cannot be identified",
            Reason::Unrecorded(_) => "the run could not be watched completely",
            Reason::WroteElsewhere(_) => "it wrote something that is not one of its outputs",
            Reason::InputChanged(_) => "an input changed while it ran",
            Reason::Asked(_) => "it asked for something that no key can hold",
            Reason::BadOutputs(_) => "its outputs are not what its arguments announce",
            Reason::Untrusted(_) => "it loads a macro that cannot be watched",
            Reason::ClockJumped => "the clock was set while it ran",
            Reason::NotSeen => "never seen here",
            Reason::Changed => "something it looks at changed",
            Reason::Damaged(_) => "the stored result was damaged",
            Reason::Failed => "the compiler failed",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            "" => f.write_str(self.sentence()),
            detail => write!(f, "{}: {detail}", self.sentence()),
        }
    }
}
