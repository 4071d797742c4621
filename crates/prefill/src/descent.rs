//! Who started a cargo. What tests, scripts and programs have built is looked at by them: where they are themselves of what is built there, or of
//! what it is built beside, nothing is filled.

use crate::cargo_command::Layout;
use crate::target_dir;
use kiln_sys::{env, files, process};
use std::path::{Path, PathBuf};

/// Whether the cargo that calls this process was started by something that a cargo made: in a target directory that is the build's own, has
/// it inside, or is the workspace's.
pub fn is_below(layout: &Layout) -> bool {
    let real = |path: &Path| files::real_path(path).ok().flatten().unwrap_or_else(|| path.to_owned());
    let (target, workspace) = (real(&layout.target), real(&layout.workspace));
    let own = env::program_beside("kiln-cli").map(|own| real(&own)); // kiln may have been built anywhere
    let programs = process::programs_above().filter(|program| own.as_ref() != Some(program));
    any_of(programs, &target, &workspace, &target_dir::is_marked)
}

/// `is_target` says whether a directory is marked as a target directory.
fn any_of(
    programs: impl Iterator<Item = PathBuf>,
    target: &Path,
    workspace: &Path,
    is_target: &dyn Fn(&Path) -> bool,
) -> bool {
    let mut homes = programs.filter_map(|program| {
        program.ancestors().skip(1).find(|directory| is_target(directory)).map(Path::to_owned)
    });
    homes.any(|home| target.starts_with(&home) || home.starts_with(workspace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_cargo_is_below_what_is_built() {
        let is = |program: &str, target: &str, workspace: &str| {
            let is_target = |it: &Path| it == Path::new("/ws/target") || it == Path::new("/other/target");
            let above = ["/usr/bin/cargo", program, "/usr/bin/bash"].into_iter().map(PathBuf::from);
            any_of(above, Path::new(target), Path::new(workspace), &is_target)
        };
        for (program, target, workspace) in [
            ("/ws/target/debug/deps/t-0123", "/ws/target", "/ws"),
            ("/ws/target/debug/xtask", "/ws/target", "/ws"),
            ("/ws/target/debug/deps/t-0123", "/ws/target/tmp/fixture/target", "/ws/target/tmp/fixture"),
            ("/ws/target/debug/deps/t-0123", "/out", "/ws"),
        ] {
            assert!(is(program, target, workspace), "{program} {target}");
        }
        for (program, target, workspace) in [
            ("/usr/bin/make", "/ws/target", "/ws"),
            ("/home/u/.cargo/bin/just", "/ws/target", "/ws"),
            ("/other/target/debug/deps/t-0123", "/ws/target", "/ws"),
        ] {
            assert!(!is(program, target, workspace), "{program} {target}");
        }
    }
}
