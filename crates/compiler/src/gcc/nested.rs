//! Words that are meant for another program behind the driver: the preprocessor, the assembler, clang's front end, LLVM.
//! Each has a short list of its own; a word that is not on it makes the compile run unchanged.

use kiln_action::Reason;
use kiln_action::os::OsStrExt;
use std::ffi::{OsStr, OsString};

/// A word of `-Wp,`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preprocessor {
    /// `-D…`, `-U…`, `-MP`: counts as it is.
    Word(OsString),
    /// `-MD,FILE`, `-MMD,FILE`: a rule for make.
    Depend(OsString, OsString),
    /// `-MT,…`, `-MQ,…`.
    Target(OsString),
}

/// Reads what stands behind `-Wp,`. `-MD,FILE` must stand alone: clang reads it otherwise where more follows.
pub fn preprocessor(text: &OsStr) -> Result<Vec<Preprocessor>, Reason> {
    let unknown = || Reason::UncachedFlag(format!("-Wp,{}", text.to_string_lossy()));
    let mut found = Vec::new();
    let mut rest = text.as_bytes().split(|&b| b == b',');
    while let Some(word) = rest.next() {
        let owned = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        found.push(match word {
            b"-MD" | b"-MMD" => {
                let file = rest.next().filter(|file| !file.is_empty()).ok_or_else(unknown)?;
                Preprocessor::Depend(owned(word), owned(file))
            }
            b"-MT" | b"-MQ" => Preprocessor::Target(owned(rest.next().ok_or_else(unknown)?)),
            b"-MP" => Preprocessor::Word(owned(word)),
            _ if is_macro(word) => Preprocessor::Word(owned(word)),
            _ => return Err(unknown()),
        });
    }
    let depends = found.iter().any(|word| matches!(word, Preprocessor::Depend(..)));
    if depends && found.len() > 1 { Err(unknown()) } else { Ok(found) }
}

/// `-DNAME[=VALUE]` or `-UNAME`, in one word.
pub fn is_macro(word: &[u8]) -> bool {
    word.len() > 2 && (word.starts_with(b"-D") || word.starts_with(b"-U"))
}

/// What the assembler's word does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assembler {
    /// Changes code.
    Code,
    /// Makes debug information from assembler sources.
    Debug,
}

/// Words of GNU as 2.40 (and clang's own assembler, which takes a few of them) that change code or messages and nothing
/// else. One that ends in `=` takes a value. `-I`, listings (`-a…`), `-o`, `--MD`, `--defsym` (two words) and the rest are
/// not here.
pub const ASSEMBLER: &[(&str, Assembler)] = &[
    ("--32", Assembler::Code),
    ("--64", Assembler::Code),
    ("--x32", Assembler::Code),
    ("--noexecstack", Assembler::Code),
    ("--execstack", Assembler::Code),
    ("--fatal-warnings", Assembler::Code),
    ("--warn", Assembler::Code),
    ("--no-warn", Assembler::Code),
    ("-W", Assembler::Code),
    ("-L", Assembler::Code),
    ("--keep-locals", Assembler::Code),
    ("--strip-local-absolute", Assembler::Code),
    ("--compress-debug-sections", Assembler::Code),
    ("--nocompress-debug-sections", Assembler::Code),
    ("--compress-debug-sections=", Assembler::Code),
    ("--generate-missing-build-notes=", Assembler::Code),
    ("--reduce-memory-overheads", Assembler::Code),
    ("-march=", Assembler::Code),
    ("-mtune=", Assembler::Code),
    ("-mcpu=", Assembler::Code),
    ("-mfpu=", Assembler::Code),
    ("-mfloat-abi=", Assembler::Code),
    ("-mabi=", Assembler::Code),
    ("-meabi=", Assembler::Code),
    ("-mimplicit-it=", Assembler::Code),
    ("-mthumb", Assembler::Code),
    ("-mrelax-relocations=", Assembler::Code),
    ("-mbranches-within-32B-boundaries", Assembler::Code),
    ("-malign-branch-boundary=", Assembler::Code),
    ("-malign-branch=", Assembler::Code),
    ("-malign-branch-prefix-size=", Assembler::Code),
    ("-mbig-obj", Assembler::Code),
    ("-mx86-used-note=", Assembler::Code),
    ("-mshared", Assembler::Code),
    ("-msyntax=", Assembler::Code),
    ("-mmnemonic=", Assembler::Code),
    ("-mnaked-reg", Assembler::Code),
    ("-mpower4", Assembler::Code),
    ("-mpower8", Assembler::Code),
    ("-many", Assembler::Code),
    ("-mno-relax", Assembler::Code),
    ("-mrelax", Assembler::Code),
    ("-mips32", Assembler::Code),
    ("-mips64", Assembler::Code),
    ("-mlfence-after-load=", Assembler::Code),
    ("-mlfence-before-indirect-branch=", Assembler::Code),
    ("-mlfence-before-ret=", Assembler::Code),
    ("-g", Assembler::Debug),
    ("--gen-debug", Assembler::Debug),
    ("--gdwarf-2", Assembler::Debug),
    ("--gdwarf-3", Assembler::Debug),
    ("--gdwarf-4", Assembler::Debug),
    ("--gdwarf-5", Assembler::Debug),
    ("--gstabs", Assembler::Debug),
    ("--gstabs+", Assembler::Debug),
];

/// What a word for the assembler does; `None` if it is not known.
pub fn assembler(word: &[u8]) -> Option<Assembler> {
    let end = word.iter().position(|&b| b == b'=').map_or(word.len(), |at| at + 1);
    ASSEMBLER.iter().find(|(known, _)| known.as_bytes() == &word[..end]).map(|(_, does)| *does)
}

/// Words of clang's front end that change code or messages, and nothing else.
pub const FRONTEND: &[&str] = &[
    "-disable-O0-optnone",
    "-disable-llvm-passes",
    "-disable-lifetime-markers",
    "-fallow-half-arguments-and-returns",
    "-fexperimental-assignment-tracking=disabled",
    "-flegacy-pass-manager",
    "-fno-experimental-new-pass-manager",
    "-fno-pch-timestamp",
    "-fno-validate-pch",
    "-fnative-half-type",
    "-fnative-half-arguments-and-returns",
    "-menable-no-infs",
    "-menable-no-nans",
    "-mlong-double-128",
    "-no-opaque-pointers",
    "-opaque-pointers",
    "-target-feature",
];

/// What LLVM would tell about its own workings; these are not cached.
pub const LLVM_TELLS: &[&str] = &[
    "-time",
    "-stats",
    "-debug",
    "-print",
    "-info-output-file",
    "-rng",
    "-dot",
    "-view",
    "-dump",
    "-track-memory",
];

/// Whether an option of LLVM's is counted rather than refused.
pub fn is_quiet_for_llvm(option: &[u8]) -> bool {
    let option = option.strip_prefix(b"-").filter(|rest| rest.starts_with(b"-")).unwrap_or(option);
    !LLVM_TELLS.iter().any(|tells| option.starts_with(tells.as_bytes()))
}

#[cfg(test)]
mod tests;
