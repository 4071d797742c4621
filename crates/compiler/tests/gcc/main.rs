//! What the tables say about gcc and clang, held against the compilers that are installed.
#![allow(clippy::disallowed_methods, reason = "runs compilers in directories of its own")]
#![allow(clippy::print_stderr, reason = "says what was not tested")]

mod clang_cl;
mod compilers;
mod forms;
mod outputs;
