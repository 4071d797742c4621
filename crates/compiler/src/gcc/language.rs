//! What language an input is in: by `-x`, else by its name's ending.

use kiln_action::{Family, Reason};
use std::ffi::OsStr;
use std::path::Path;

/// A language of those that are cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// C.
    C,
    /// C++.
    Cxx,
    /// Objective-C.
    ObjC,
    /// Objective-C++.
    ObjCxx,
    /// Assembler that is preprocessed.
    AssemblerWithCpp,
    /// Assembler that is not.
    Assembler,
    /// One of the others after the preprocessor.
    Preprocessed,
}

impl Language {
    /// For people: the kind of a unit.
    pub fn kind(self) -> &'static str {
        match self {
            Language::C => "c",
            Language::Cxx => "c++",
            Language::ObjC => "objc",
            Language::ObjCxx => "objc++",
            Language::AssemblerWithCpp | Language::Assembler => "assembler",
            Language::Preprocessed => "preprocessed",
        }
    }

    /// Whether the assembler reads it without a compiler.
    pub fn is_assembler(self) -> bool {
        matches!(self, Language::AssemblerWithCpp | Language::Assembler)
    }
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A source that is cached.
    Source(Language),
    /// A header to be precompiled, or a language that is not cached.
    Uncached,
    /// Something for the linker.
    Linked,
}

/// What `-x` may say.
pub const LANGUAGES: &[(&str, Language)] = &[
    ("c", Language::C),
    ("c++", Language::Cxx),
    ("objective-c", Language::ObjC),
    ("objective-c++", Language::ObjCxx),
    ("assembler", Language::Assembler),
    ("assembler-with-cpp", Language::AssemblerWithCpp),
    ("cpp-output", Language::Preprocessed),
    ("c++-cpp-output", Language::Preprocessed),
    ("objective-c-cpp-output", Language::Preprocessed),
    ("objc-cpp-output", Language::Preprocessed),
    ("objective-c++-cpp-output", Language::Preprocessed),
    ("objc++-cpp-output", Language::Preprocessed),
];

/// Endings of sources. Measured with gcc 12 (whose drivers gcc and g++ differ in what they take `.c` for) and clang 14;
/// `.CXX` and `.C++` are clang's alone, `.sx` gcc's.
pub const ENDINGS: &[(&str, Language, Option<Family>)] = &[
    ("c", Language::C, None),
    ("i", Language::Preprocessed, None),
    ("ii", Language::Preprocessed, None),
    ("cc", Language::Cxx, None),
    ("cp", Language::Cxx, None),
    ("cxx", Language::Cxx, None),
    ("cpp", Language::Cxx, None),
    ("CPP", Language::Cxx, None),
    ("c++", Language::Cxx, None),
    ("C", Language::Cxx, None),
    ("CXX", Language::Cxx, Some(Family::Clang)),
    ("C++", Language::Cxx, Some(Family::Clang)),
    ("m", Language::ObjC, None),
    ("mi", Language::Preprocessed, None),
    ("mm", Language::ObjCxx, None),
    ("M", Language::ObjCxx, None),
    ("mii", Language::Preprocessed, None),
    ("s", Language::Assembler, None),
    ("S", Language::AssemblerWithCpp, None),
    ("sx", Language::AssemblerWithCpp, Some(Family::Gcc)),
];

/// Endings of headers, which are precompiled, and of languages that are not cached.
const UNCACHED: &[&str] = &[
    "h", "H", "hh", "hp", "hxx", "hpp", "HPP", "h++", "tcc", "cppm", "ccm", "cxxm", "c++m", "ixx", "pcm",
    "cu", "cui", "cl", "clcpp", "hip", "rs", "bc", "ll", "ast", "asm", "f", "for", "ftn", "f90", "f95",
    "f03", "f08", "F", "FOR", "fpp", "FPP", "FTN", "F90", "F95", "F03", "F08", "adb", "ads", "d", "di", "dd",
    "go", "mod", "def",
];

/// The language that `-x` names; `None` for `none`.
pub fn named(name: &OsStr) -> Result<Option<Language>, Reason> {
    let known =
        |text: &str| LANGUAGES.iter().find(|(known, _)| *known == text).map(|(_, language)| *language);
    match name.to_str() {
        Some("none") => Ok(None),
        text => match text.and_then(known) {
            Some(language) => Ok(Some(language)),
            None => Err(Reason::UncachedFlag(format!("-x {}", name.to_string_lossy()))),
        },
    }
}

/// What an input is by its name. A driver for C++ takes C for C++.
pub fn by_name(path: &Path, family: Family, cxx: bool) -> Input {
    let Some(ending) = path.extension().and_then(OsStr::to_str) else { return Input::Linked };
    let fits = |only: Option<Family>| only.is_none_or(|only| only == family);
    match ENDINGS.iter().find(|(known, _, only)| *known == ending && fits(*only)) {
        Some((_, Language::C, _)) if cxx => Input::Source(Language::Cxx),
        Some((_, language, _)) => Input::Source(*language),
        None if UNCACHED.contains(&ending) => Input::Uncached,
        None => Input::Linked,
    }
}

#[cfg(test)]
mod tests;
