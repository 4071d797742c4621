//! Builds through `kiln cargo`, which fills an empty `target` and takes snapshots.

use kiln_testkit::{Outcome, Project, run};
use std::process::Command;

/// `kiln cargo` with these arguments, in the project's directory.
pub fn kiln_cargo(project: &Project<'_>, args: &[&str]) -> Command {
    let mut command = project.space().kiln(&["cargo"]);
    command.args(args).current_dir(project.dir());
    command
}

/// Runs `kiln cargo` with these arguments, which must succeed.
#[track_caller]
pub fn build(project: &Project<'_>, args: &[&str]) -> Outcome {
    run(&mut kiln_cargo(project, args)).ok()
}
