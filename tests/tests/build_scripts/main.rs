//! Build scripts look at the world in every way there is and tell cargo of few: runs kept by `kiln cargo` are what plain cargo makes.
//!
//! Guards: a run that is found again although something it looked at is another, and one that is not found although nothing is.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

mod app;
mod c;
mod files;
mod filled;
mod loader;
mod looks;
mod never_kept;
mod outputs;
mod programs;
mod real_life;
mod variables;
mod wired;
mod with_and_without;
