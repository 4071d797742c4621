//! `-C` options.

use super::Effect::{Host, Key, KeyAndOut, KeyPath, Linker, Own as Meaning, Uncached, UncachedWhenOn};
use super::{Effect, Flag, Own, Takes, is_on};

const fn option(
    long: &'static str,
    field: &'static str,
    effect: Effect,
    doc: &'static str,
    rests: &'static str,
) -> Flag {
    Flag {
        group: Some('C'),
        short: None,
        long,
        field,
        takes: Takes::Option,
        repeats: true,
        effect,
        doc,
        rests,
    }
}

macro_rules! option {
    ($long:literal, $effect:expr, $doc:expr, $rests:expr) => {
        option($long, concat!("C.", $long), $effect, $doc, $rests)
    };
}

const COUNTS: &str = "Counts.";
const LINKER: &str = "Counts literally, in order; for `native` the processor counts as well, and for a linker other \
                      than lld, mold and GNU ld the output directory.";
const CODE: &str = "Changes generated code or metadata; the output directory is not in either.";
const LINK: &str = "Reaches the linker. Files that it names are questions of the run.";

/// Split debuginfo that names its files by their path.
fn is_split(value: Option<&str>) -> bool {
    !matches!(value, Some("off"))
}

/// The rows of `-C` options.
pub(super) static ROWS: &[Flag] = &[
    option!("ar", Key, COUNTS, "Deprecated; does nothing."),
    option!("code-model", Key, COUNTS, CODE),
    option!("codegen-units", Key, COUNTS, CODE),
    option!("collapse-macro-debuginfo", Key, COUNTS, CODE),
    option!("control-flow-guard", Key, COUNTS, CODE),
    option!("debug-assertions", Key, COUNTS, CODE),
    option!("debuginfo", Key, COUNTS, CODE),
    option!("default-linker-libraries", Key, COUNTS, LINK),
    option!("dlltool", Key, "Counts literally.", "A program of windows-gnu; that it is run is seen."),
    option!("dwarf-version", Key, COUNTS, CODE),
    option!("embed-bitcode", Key, COUNTS, CODE),
    option!(
        "extra-filename",
        Meaning(Own::ExtraFilename),
        "Counts; part of the outputs' names.",
        "Appended to the stem of every file without a name of its own."
    ),
    option!("force-frame-pointers", Key, COUNTS, CODE),
    option!("force-unwind-tables", Key, COUNTS, CODE),
    option!("help", Uncached, "Not cached.", "Prints help and stops."),
    option!(
        "incremental",
        Meaning(Own::Incremental),
        "That it is on counts, its path does not; the directory is the compiler's own.",
        "An incremental rlib differs from run to run (member names carry a random tag) and the session directory \
         only makes it faster."
    ),
    option!("inline-threshold", Key, COUNTS, "Deprecated; does nothing."),
    option!("instrument-coverage", Key, COUNTS, CODE),
    option!("jump-tables", Key, COUNTS, CODE),
    option!("link-arg", Linker, LINKER, LINK),
    option!("link-args", Linker, LINKER, LINK),
    option!("link-dead-code", Key, COUNTS, CODE),
    option!("link-self-contained", Key, COUNTS, LINK),
    option!(
        "linker",
        KeyPath,
        "Counts as a path; for a program that is not known, the output directory counts as well.",
        "Which program links; its path is in no output, what it is and reads are questions of the run."
    ),
    option!("linker-features", Key, COUNTS, LINK),
    option!("linker-flavor", Key, COUNTS, LINK),
    option!("linker-plugin-lto", Key, "Counts literally.", LINK),
    option!(
        "llvm-args",
        Host,
        "Counts literally, in order.",
        "Handed to LLVM. Files that an option of LLVM's writes beside the outputs make the result unstorable."
    ),
    option!("lto", Key, COUNTS, CODE),
    option!("metadata", Key, "Counts, in order.", "Part of the crate's identity and of every symbol."),
    option!("no-prepopulate-passes", Key, COUNTS, CODE),
    option!("no-redzone", Key, COUNTS, CODE),
    option!("no-stack-check", Key, COUNTS, "Deprecated; does nothing."),
    option!("no-vectorize-loops", Key, COUNTS, CODE),
    option!("no-vectorize-slp", Key, COUNTS, CODE),
    option!("opt-level", Key, COUNTS, CODE),
    option!("overflow-checks", Key, COUNTS, CODE),
    option!("panic", Key, COUNTS, CODE),
    option!("passes", Key, "Counts, in order.", CODE),
    option!("prefer-dynamic", Key, COUNTS, LINK),
    option!(
        "profile-generate",
        Key,
        "Counts literally.",
        "The directory is in the code; without one, no path is."
    ),
    option!(
        "profile-use",
        Key,
        "Counts literally.",
        "The profile is read by the run, so its content is an answer; dep-info names it."
    ),
    option!("relocation-model", Key, COUNTS, CODE),
    option!("relro-level", Key, COUNTS, LINK),
    option!("remark", Key, COUNTS, "Shown as diagnostics, and replayed."),
    option!(
        "rpath",
        KeyAndOut(is_on),
        "Counts; where it is on, `--out-dir` counts as well.",
        "The run path is computed from the output directory and the libraries' directories."
    ),
    option!(
        "save-temps",
        UncachedWhenOn,
        "Not cached when on.",
        "Keeps temporary files whose names are not announced."
    ),
    option!("soft-float", Key, COUNTS, CODE),
    option!(
        "split-debuginfo",
        KeyAndOut(is_split),
        "Counts; unless `off`, `--out-dir` counts as well.",
        "The object holds the path of its `.dwo` file (DW_AT_dwo_name)."
    ),
    option!("strip", Key, COUNTS, LINK),
    option!("symbol-mangling-version", Key, COUNTS, CODE),
    option!(
        "target-cpu",
        Host,
        "Counts; for `native` the processor counts as well.",
        "`native` is resolved by LLVM from the processor it runs on."
    ),
    option!("target-feature", Key, "Counts, in order.", CODE),
    option!("unsafe-allow-abi-mismatch", Key, COUNTS, "Lets crates with other target modifiers pass."),
];
