//! What a build through kiln has to itself: a directory that nobody can name beforehand, and a number that no other build has.
#![allow(clippy::disallowed_methods, reason = "a test")]

mod space;

use space::{Space, err, out, succeeds};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// A build that says where its events go and what it is called.
fn counts(space: &Space) -> (String, String) {
    let look = "echo $KILN_EVENTS; echo $KILN_BUILD; stat -c %a $(dirname $KILN_EVENTS)";
    let printed = out(&succeeds(&mut space.kiln(&["run", "--", "sh", "-c", look])));
    let [events, build, mode] = printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    assert_eq!(mode, "700");
    (events.to_owned(), build.to_owned())
}

#[test]
fn a_build_has_a_directory_of_its_own_below_the_cache() {
    let space = Space::new();
    let (events, build) = counts(&space);
    let directory = Path::new(&events).parent().unwrap();
    assert_eq!(directory.parent().unwrap(), space.path("cache/sessions"));
    let name = directory.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 32 && name.chars().all(|digit| digit.is_ascii_hexdigit()), "{name}");
    assert!(build.parse::<u32>().unwrap() > 0);
    assert!(!directory.exists(), "nothing is left of it");
    assert_eq!(fs::read_dir(space.path("tmp")).unwrap().count(), 0, "nothing is left behind elsewhere");
    let (again, other) = counts(&space);
    assert!(again != events && other != build);
}

#[test]
fn the_same_process_numbers_again_make_another_build() {
    let inside = |space: &Space| {
        let mut command = space.command("unshare");
        let kiln = env!("CARGO_BIN_EXE_kiln");
        command.args(["-rpf", "--mount-proc", kiln, "run", "--", "sh", "-c", "echo $KILN_BUILD"]);
        command.output().unwrap()
    };
    let space = Space::new();
    let first = inside(&space);
    if !first.status.success() {
        drop(writeln!(std::io::stderr(), "SKIPPED: no name spaces here: {}", err(&first)));
        return;
    }
    assert_ne!(out(&first), out(&inside(&space)));
}

#[test]
fn what_lies_in_the_temporary_directory_is_nobody_s_way_into_a_build() {
    let space = Space::new();
    let (trap, kiln) = (space.path("trap"), env!("CARGO_BIN_EXE_kiln"));
    fs::write(&trap, "").unwrap();
    // The shell becomes kiln, so that its own number is kiln's: whoever knows it knew the name that kiln used.
    let user = out(&succeeds(Command::new("id").arg("-u")));
    let names = format!("kiln-build-{0}-$$ kiln-verify-{0}-$$", user.trim());
    let lay = format!("for name in {names}; do ln -s {} $TMPDIR/$name; done", trap.display());
    let build = r#""$@" -c lib.c -o lib.o"#;
    space.write("project/lib.c", "int f(void) { return 1; }\n");
    let script = format!("{lay}; exec {kiln} run -- sh -c '{build}' sh gcc");
    let built = succeeds(space.command("sh").args(["-c", &script]));
    assert!(err(&built).contains("kiln:"), "the closing line: {}", err(&built));
    assert_eq!(fs::read_to_string(&trap).unwrap(), "", "nothing was written through the link");
    let links =
        fs::read_dir(space.path("tmp")).unwrap().filter(|name| name.as_ref().unwrap().path().is_symlink());
    assert_eq!(links.count(), 2, "what others laid there was not touched");
}

#[test]
fn where_nothing_can_be_written_the_build_goes_on() {
    let space = Space::new();
    let built = succeeds(
        space.kiln(&["run", "--", "sh", "-c", "echo ${KILN_EVENTS-none}"]).env("KILN_DIR", "/proc/x"),
    );
    assert_eq!(out(&built), "none\n");
    // (a place that another one is to be found behind)
    fs::create_dir_all(space.path("cache")).unwrap();
    symlink(space.path("tmp"), space.path("cache/sessions")).unwrap();
    let built = succeeds(&mut space.kiln(&["run", "--", "sh", "-c", "echo ${KILN_EVENTS-none}"]));
    assert_eq!(out(&built), "none\n");
}

#[test]
fn what_killed_builds_left_goes_after_a_day() {
    let space = Space::new();
    let old = space.path("cache/sessions/old");
    fs::create_dir_all(&old).unwrap();
    let date = Command::new("touch").args(["-d", "2 days ago"]).arg(&old).status().unwrap();
    assert!(date.success());
    fs::create_dir_all(space.path("cache/sessions/young")).unwrap();
    counts(&space);
    assert!(!old.exists() && space.path("cache/sessions/young").exists());
    assert_eq!(fs::metadata(space.path("cache/sessions")).unwrap().permissions().mode() & 0o022, 0);
}
