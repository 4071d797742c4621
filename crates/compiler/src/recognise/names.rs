//! The names of C compilers, and nothing else: the recorder's build script reads this file as well, for the object that sees
//! programs being executed (preload/names.c there).

/// Those that take gcc's command line, each also with a target in front and a version behind: `x86_64-linux-gnu-gcc-12`.
pub const GCC: &[&str] = &["gcc", "g++", "cc", "c++", "c89", "c99"];

/// Those that are clang, in the same way.
pub const CLANG: &[&str] = &["clang", "clang++"];

/// Those that are clang with the command line of Microsoft's, in the same way.
pub const CLANG_CL: &[&str] = &["clang-cl"];

/// Microsoft's: a name too short for anything around it.
pub const CL: &[&str] = &["cl"];

/// Compilers that take a command line like gcc's, and of whose other rules kiln knows nothing. They are recognised so that
/// the reason for not caching them names them. Nothing is in front of these or behind.
pub const PASSED_BY: &[&str] = &[
    "nvcc", "hipcc", "icc", "icpc", "icx", "icpx", "dpcpp", "armclang", "emcc", "em++", "pgcc", "pgc++",
    "nvc", "nvc++",
];

/// What is called like a compiler and is none: Debian's scripts that look at their arguments.
pub const NOT_C: &[&str] = &["c89-gcc", "c99-gcc"];
