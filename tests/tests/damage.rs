//! Whatever happens to the files under KILN_DIR, a build works and its result is right: damage is a miss.
//!
//! Guards: rivals serve flipped bytes, or fail until somebody purges the cache.
#![allow(
    clippy::disallowed_methods,
    reason = "tests arrange files, processes and the environment themselves; nothing here runs in kiln"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use kiln_testkit::{Project, Random, TestSpace, tree};
use kiln_tests::projects::{chain, manifest};

type Outputs = BTreeMap<PathBuf, Vec<u8>>;

/// A project that warns, its cache filled, and what plain cargo makes of it.
fn filled(space: &mut TestSpace) -> (Project<'_>, Outputs) {
    space.set_env("CARGO_INCREMENTAL", "0");
    let project = chain(space, "ws");
    project.write(
        "app/src/main.rs",
        "fn main() {\n    let unused = 1;\n    println!(\"{}\", middle::value());\n}\n",
    );
    let expected = project.oracle(&["build", "--workspace"], |project, _| tree::outputs(project.target()));
    project.cargo(&["build", "--workspace"]).ok();
    (project, expected)
}

#[track_caller]
fn survives(project: &Project<'_>, expected: &Outputs, shown: &str) {
    let outcome = project.clean().cargo(&["build", "--workspace"]).run();
    assert!(outcome.success(), "{shown}:\n{outcome}");
    assert!(outcome.err().contains("unused variable: `unused`"), "{shown}: the warning is lost\n{outcome}");
    let differences = tree::differences(expected, &tree::outputs(project.target()));
    assert!(differences.is_empty(), "{shown}:\n{}", differences.join("\n"));
}

/// Does something to every file of the cache at once, and builds; then the cache works again.
#[track_caller]
fn survives_everywhere(damage: impl Fn(&Path)) {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    let files = tree::files(&cache);
    assert!(!files.is_empty(), "an empty cache proves nothing");
    for file in files {
        damage(&cache.join(file));
    }
    for round in 0..3 {
        survives(&project, &expected, &format!("build {round} after the damage"));
    }
    let before = project.space().stats();
    survives(&project, &expected, "the last build");
    let done = project.space().since(&before);
    assert!(done.hits >= 4 && done.misses == 0, "the cache must work again: {done:?}");
}

/// One compile mends everything of its unit: what is there already and damaged is put right as well.
#[test]
fn one_compile_mends_a_unit() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let blobs = project.space().cache().join("v1/blobs");
    let files = tree::files(&blobs);
    assert!(files.len() > 5, "some units have several: {files:?}");
    for file in files {
        flip(&blobs.join(file), 100);
    }
    survives(&project, &expected, "the build after the damage");
    let before = project.space().stats();
    survives(&project, &expected, "the next one");
    let done = project.space().since(&before);
    assert!(done.hits >= 4 && done.misses == 0, "{done:?}");
}

fn flip(path: &Path, at: usize) {
    let Ok(mut bytes) = fs::read(path) else { return };
    if bytes.is_empty() {
        return;
    }
    let at = at % bytes.len();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).expect("flip");
}

#[test]
fn flipped_bytes_everywhere() {
    survives_everywhere(|path| flip(path, fs::metadata(path).unwrap().len() as usize / 2));
}

#[test]
fn flipped_first_bytes_everywhere() {
    survives_everywhere(|path| flip(path, 0));
}

/// With the size and the mtime as they were.
#[test]
fn flipped_bytes_behind_an_unchanged_mtime() {
    survives_everywhere(|path| {
        let before = fs::metadata(path).and_then(|meta| meta.modified()).unwrap();
        flip(path, 100);
        File::options().append(true).open(path).and_then(|file| file.set_modified(before)).unwrap();
    });
}

#[test]
fn truncated_everywhere() {
    survives_everywhere(|path| {
        let half = fs::metadata(path).unwrap().len() / 2;
        File::options().write(true).open(path).and_then(|file| file.set_len(half)).unwrap();
    });
}

#[test]
fn emptied_everywhere() {
    survives_everywhere(|path| drop(File::create(path).unwrap()));
}

/// Zeros of the right length, as a power cut leaves them.
#[test]
fn zeroed_everywhere() {
    survives_everywhere(|path| fs::write(path, vec![0; fs::metadata(path).unwrap().len() as usize]).unwrap());
}

#[test]
fn longer_everywhere() {
    survives_everywhere(|path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.extend_from_slice(b"more than was stored");
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn deleted_everywhere() {
    survives_everywhere(|path| fs::remove_file(path).unwrap());
}

/// A file of the cache became a directory: it cannot be written over, so only the builds count.
#[test]
fn directories_instead_of_files() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    for file in tree::files(&cache) {
        fs::remove_file(cache.join(&file)).and_then(|()| fs::create_dir(cache.join(&file))).unwrap();
    }
    for round in 0..2 {
        survives(&project, &expected, &format!("build {round}"));
    }
}

#[test]
fn dangling_symlinks_instead_of_files() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    for file in tree::files(&cache) {
        let path = cache.join(&file);
        fs::remove_file(&path).and_then(|()| std::os::unix::fs::symlink("/nonexistent", &path)).unwrap();
    }
    for round in 0..2 {
        survives(&project, &expected, &format!("build {round}"));
    }
}

/// One file at a time, each a random byte: no file of the cache is trusted blindly.
#[test]
fn one_flipped_byte_in_each_file() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    let mut random = Random::new(7);
    for file in tree::files(&cache) {
        flip(&cache.join(&file), random.below(1 << 20));
        survives(&project, &expected, &format!("flipped a byte of {}", file.display()));
    }
}

/// Whole files in each other's place: valid, and wrong.
#[test]
fn files_exchanged() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    let mut files = tree::files(&cache);
    Random::new(3).shuffle(&mut files);
    for pair in files.chunks_exact(2) {
        let (a, b, between) = (cache.join(&pair[0]), cache.join(&pair[1]), cache.join("between"));
        fs::rename(&a, &between)
            .and_then(|()| fs::rename(&b, &a))
            .and_then(|()| fs::rename(&between, &b))
            .unwrap();
    }
    for round in 0..2 {
        survives(&project, &expected, &format!("build {round}"));
    }
}

/// The cache is removed, whole or in parts, between and during builds.
#[test]
fn directories_removed() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    let mut directories: Vec<PathBuf> = tree::files(&cache)
        .iter()
        .filter_map(|file| Some(cache.join(file.parent()?.components().take(2).collect::<PathBuf>())))
        .filter(|path| *path != cache)
        .collect();
    directories.dedup();
    assert!(!directories.is_empty(), "a cache without directories");
    for directory in directories {
        let _ = fs::remove_dir_all(&directory);
        survives(&project, &expected, &format!("removed {directory:?}"));
        survives(&project, &expected, "again");
    }
    fs::remove_dir_all(&cache).unwrap();
    survives(&project, &expected, "removed all");
}

#[test]
fn cache_removed_during_builds() {
    let mut space = TestSpace::new();
    let (project, expected) = filled(&mut space);
    let cache = project.space().cache().to_owned();
    for delay in [10, 60, 150, 300] {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(delay));
                let _ = fs::remove_dir_all(&cache);
            });
            survives(&project, &expected, &format!("removed after {delay} ms"));
        });
    }
}

/// `KILN_MAX_SIZE` so small that everything is evicted while it is used.
#[test]
fn tiny_limits() {
    let mut space = TestSpace::new();
    space.set_env("KILN_MAX_SIZE", "1MiB");
    space.set_env("KILN_MAX_AGE", "1s");
    let (project, expected) = filled(&mut space);
    for round in 0..4 {
        survives(&project, &expected, &format!("build {round}"));
    }
}

/// Settings that make no sense are no reason to fail a build.
#[test]
fn senseless_limits() {
    for (name, value) in [
        ("KILN_MAX_SIZE", "many"),
        ("KILN_MAX_AGE", "-3"),
        ("KILN_REMAP", "maybe"),
        ("KILN_LOG", "/nonexistent/dir/log"),
    ] {
        let mut space = TestSpace::new();
        space.set_env(name, value);
        let project = space.project("ws");
        project
            .write("Cargo.toml", manifest("app", ""))
            .write("src/main.rs", "fn main() { println!(\"right\"); }\n");
        for _ in 0..2 {
            project.clean().cargo(&["build"]).ok();
            assert_eq!(project.prints("debug/app"), "right\n", "{name}={value}");
        }
    }
}
