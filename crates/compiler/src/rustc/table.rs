//! The table of flags: one row each, with its forms, what it does to the key, the outputs and the paths, and the rustc
//! behaviour on which that rests. docs/key/rustc.md is generated from it.
//!
//! It is an allow-list: a flag that has no row makes the compile run unchanged, and the reason names the flag.

mod codegen;
mod plain;
mod unstable;

use std::fmt;

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A value: `--name value`, `--name=value`, `-nvalue`, `-n value`.
    Value,
    /// A `-C` or `-Z` option: `name` or `name=value`.
    Option,
}

/// Flags with a meaning of their own: they shape outputs, places or mode. Each is read in [`super::inputs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// `--crate-name`.
    CrateName,
    /// `--crate-type`.
    CrateType,
    /// `--emit`.
    Emit,
    /// `-o`.
    OutFile,
    /// `--out-dir`.
    OutDir,
    /// `--test`.
    Test,
    /// `--target`.
    Target,
    /// `--extern`.
    Extern,
    /// `-L`.
    Search,
    /// `-C incremental`.
    Incremental,
    /// `-C extra-filename`.
    ExtraFilename,
    /// `--print`.
    Print,
    /// `-V`.
    Version,
    /// `--remap-path-prefix`.
    Remap,
    /// `--remap-path-scope`.
    RemapScope,
    /// `--error-format`.
    ErrorFormat,
    /// `-Z codegen-backend`.
    Backend,
}

/// What a flag does to the key.
#[derive(Clone, Copy)]
pub enum Effect {
    /// Counts literally, in order.
    Key,
    /// Counts, and is a path that the remap setting may map: it is in no output, or rustc maps it there.
    KeyPath,
    /// Counts only for runs that rendered diagnostics.
    Lazy,
    /// Counts, and where it says `native` the processor counts as well.
    Host,
    /// Counts; where the function says so for its value, directories that are otherwise inert count as well.
    KeyAndOut(fn(Option<&str>) -> bool),
    /// Counts literally; where it says `native` the processor counts as well, and where it chooses a linker that was
    /// not measured, directories that are otherwise inert.
    Linker,
    /// Not cached.
    Uncached,
    /// Not cached unless it is switched off (`=no`).
    UncachedWhenOn,
    /// Has a meaning of its own.
    Own(Own),
}

/// One row: an option, and what it does to the key and the outputs.
pub struct Flag {
    /// `C` or `Z` for their options.
    pub group: Option<char>,
    /// The letter of the short form (`-L`).
    pub short: Option<char>,
    /// The long form, without dashes, or the option's name within its group. Empty if there is none.
    pub long: &'static str,
    /// The name of its field in the key.
    pub field: &'static str,
    /// Whether a value follows the flag, and where.
    pub takes: Takes,
    /// Whether it may be given more than once.
    pub repeats: bool,
    /// What it does to the key.
    pub effect: Effect,
    /// What that means for key, outputs and paths; a sentence.
    pub doc: &'static str,
    /// The behaviour of rustc on which it rests.
    pub rests: &'static str,
}

impl Flag {
    /// The flag as one would type it.
    pub fn spelled(&self) -> String {
        match (self.group, self.short) {
            (Some(group), _) => format!("-{group} {}", self.long),
            (None, Some(short)) if self.long.is_empty() => format!("-{short}"),
            (None, Some(short)) => format!("-{short}, --{}", self.long),
            (None, None) => format!("--{}", self.long),
        }
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled())
    }
}

/// All rows: plain flags, then `-C`, then `-Z`.
pub fn rows() -> impl Iterator<Item = &'static Flag> {
    plain::ROWS.iter().chain(codegen::ROWS).chain(unstable::ROWS)
}

/// The row of `--name`.
pub fn long(name: &str) -> Option<&'static Flag> {
    plain::ROWS.iter().find(|flag| !name.is_empty() && flag.long == name)
}

/// The row of `-x`.
pub fn short(letter: char) -> Option<&'static Flag> {
    plain::ROWS.iter().find(|flag| flag.short == Some(letter))
}

/// The group that a long flag stands for: `--codegen` is `-C`.
pub fn group(long: &str) -> Option<char> {
    (long == "codegen").then_some('C')
}

/// The row of `-C name` or `-Z name`; `name` with dashes.
pub fn grouped(group: char, name: &str) -> Option<&'static Flag> {
    let rows = if group == 'C' { codegen::ROWS } else { unstable::ROWS };
    rows.iter().find(|flag| flag.long == name)
}

/// Whether a switch is on, by rustc's reading: no value, or anything but `n`, `no`, `off`, `false`. (Values that rustc
/// would refuse count as on.)
pub fn is_on(value: Option<&str>) -> bool {
    !matches!(value, Some("n" | "no" | "off" | "false"))
}

/// What `--print` may ask for, and whether that is a question only: then rustc compiles nothing.
pub const PRINTS: &[(&str, Print)] = &[
    ("all-target-specs-json", Print::Question),
    ("backend-has-mnemonic", Print::Question),
    ("backend-has-zstd", Print::Question),
    ("calling-conventions", Print::Question),
    ("cfg", Print::Question),
    ("check-cfg", Print::Question),
    ("code-models", Print::Question),
    ("crate-name", Print::Question),
    ("crate-root-lint-levels", Print::Question),
    ("deployment-target", Print::Question),
    ("file-names", Print::Question),
    ("host-tuple", Print::Question),
    ("link-args", Print::Uncached),
    ("native-static-libs", Print::Compiles),
    ("relocation-models", Print::Question),
    ("split-debuginfo", Print::Question),
    ("stack-protector-strategies", Print::Question),
    ("supported-crate-types", Print::Question),
    ("sysroot", Print::Question),
    ("target-cpus", Print::Question),
    ("target-features", Print::Question),
    ("target-libdir", Print::Question),
    ("target-list", Print::Question),
    ("target-spec-json", Print::Question),
    ("target-spec-json-schema", Print::Question),
    ("tls-models", Print::Question),
];

/// What one kind of `--print` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// Answers, and rustc stops.
    Question,
    /// Answers while it compiles.
    Compiles,
    /// Answers with names of temporary files.
    Uncached,
}

/// What `--emit` may ask for.
pub const EMITS: &[(&str, Emit)] = &[
    ("asm", Emit::Other),
    ("dep-info", Emit::DepInfo),
    ("link", Emit::Link),
    ("llvm-bc", Emit::Other),
    ("llvm-ir", Emit::Other),
    ("metadata", Emit::Metadata),
    ("mir", Emit::Other),
    ("obj", Emit::Other),
    ("thin-link-bitcode", Emit::Other),
];

/// One kind of `--emit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// A rule for make.
    DepInfo,
    /// `.rmeta`.
    Metadata,
    /// An archive, a library or a program.
    Link,
    /// Assembly, objects, the compiler's own languages.
    Other,
}

/// The kinds of `--crate-type`, and whether making one runs the linker.
pub const CRATE_TYPES: &[(&str, bool)] = &[
    ("bin", true),
    ("cdylib", true),
    ("dylib", true),
    ("lib", false),
    ("proc-macro", true),
    ("rlib", false),
    ("staticlib", false),
];

#[cfg(test)]
mod tests;
