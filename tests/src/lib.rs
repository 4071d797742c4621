//! What the tests of the kiln binary share: the projects they build, and the generator of random histories.
//!
//! The rule of all these tests is one sentence: whatever is edited in whatever order, a build through kiln does
//! what plain cargo does from an empty target directory. [`history`] plays random histories against that rule;
//! [`macros`] and [`native`] make the readers that declare nothing of what they look at.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests arrange files, processes and the environment themselves, and say what they skip; nothing here runs in kiln"
)]

pub mod c;
pub mod history;
pub mod macros;
pub mod native;
pub mod probes;
pub mod projects;
pub mod siege;
pub mod unit_environment;
pub mod whole_builds;
pub mod world;
