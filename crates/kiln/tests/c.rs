//! C and C++ as a person meets them: hits that are held against real compiles.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

mod space;

use serde_json::Value;
use space::{Space, out, succeeds};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(30)); // a tick of the file system's clock
}

/// A project of one file a way to compile it.
fn site(commands: &str) -> Space {
    let space = Space::new();
    space.write("project/a.h", "#define A 2\n");
    space.write("project/a.c", "#include \"a.h\"\n#warning told\nint a(void) { return A; }\n");
    space.write("project/build.sh", &format!("set -e\nmkdir -p o\n{commands}"));
    pause();
    space
}

fn rebuilt(space: &Space) -> Value {
    let output = space.kiln(&["verify", "--rebuild", "--json", "--", "sh", "build.sh"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn hits_of_c_are_held_against_real_compiles() {
    let space = site(
        "cc -g -MD -c a.c -o o/a.o\ncc -c a.c\ncc -MMD -MP -MF o/b.d -MT x -c a.c -oo/b.o\n\
         cc -Wp,-MD,o/.c.d -c a.c -o o/c.o\ncc -S -O1 a.c -o o/a.s\ncc -MD -c $PWD/a.c -o $PWD/o/d.o\n",
    );
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let told = rebuilt(&space);
    assert_eq!((&told["hits"], &told["same"]), (&6.into(), &6.into()), "{told:#}");
    assert_eq!(fs::read_dir(space.path("tmp")).unwrap().count(), 0, "nothing is left behind");
    // The same through `kiln run`, which must not take the events away.
    let command = ["verify", "--rebuild", "--", env!("CARGO_BIN_EXE_kiln"), "run", "--", "sh", "build.sh"];
    let said = out(&succeeds(&mut space.kiln(&command)));
    assert!(said.starts_with("6 units compiled again and the same"), "{said}");
}

#[test]
fn what_shows_its_own_name_is_not_compared() {
    let space = site("cc -g -gsplit-dwarf -c a.c -o o/a.o\ncc --coverage -c a.c -o o/b.o\n");
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let told = rebuilt(&space);
    assert_eq!((&told["hits"], &told["not_compared"]), (&2.into(), &2.into()), "{told:#}");
}

/// Damage in the store is never put in place, whatever is compared.
#[test]
fn a_stored_object_that_is_wrong_is_found() {
    let space = site("cc -c a.c -o o/a.o\n");
    succeeds(&mut space.kiln(&["run", "--", "sh", "build.sh"]));
    let right = fs::read(space.path("project/o/a.o")).unwrap();
    let mut damaged = 0;
    for entry in walk(&space.path("cache")) {
        if fs::read(&entry).is_ok_and(|bytes| bytes == right) {
            let mut wrong = right.clone();
            *wrong.last_mut().unwrap() ^= 1;
            fs::set_permissions(&entry, fs::Permissions::from_mode(0o644)).unwrap();
            fs::write(&entry, wrong).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    rebuilt(&space);
    assert_eq!(fs::read(space.path("project/o/a.o")).unwrap(), right);
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
