//! What kiln does for its cache when asked: clear, gc, verify, and holding hits against compiles.
#![allow(clippy::disallowed_methods, reason = "tests arrange files and processes themselves")]

mod common;

use common::Space;
use kiln_action::shape::{decode_shapes, encode_shapes};
use kiln_action::wire::Writer;
use kiln_action::{
    ActionKey, ActionResult, Answer, Digest, FileKind, Given, Placed, Question, Shape, WeakKey, digest,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;

fn output(space: &Space, args: &[&str]) -> Output {
    space.kiln_command(args, &[]).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The files of a folder of the store.
fn stored(space: &Space, folder: &str) -> Vec<PathBuf> {
    let names = space.files(&format!("cache/v1/{folder}"));
    let mut paths: Vec<PathBuf> = names.into_iter().map(|(path, _)| path.into()).collect();
    paths.sort();
    paths
}

#[test]
fn a_crate_a_project_or_everything_is_cleared() {
    let space = Space::new();
    space.workspace();
    space.cargo(&["build"]);
    let entries = || json(&space.tell(&["stats", "--json"]))["store_entries"].as_u64().unwrap();
    let all = entries();
    assert!(space.tell(&["clear", "-y", "leaf"]).starts_with("removed 1 result, "));
    assert_eq!(entries(), all - 1);
    assert!(space.tell(&["clear", "-y", "--older-than", "1h"]).starts_with("removed 0 results, 0 B; "));
    assert!(space.tell(&["clear", "-y", "--project", "elsewhere"]).starts_with("removed 0 results"));
    assert_eq!(json(&space.tell(&["clear", "-y", "--project", ".", "--json"]))["removed_results"], 2);
    assert_eq!(json(&space.tell(&["gc", "--dry-run", "--json"]))["dry_run"], true);
    let everything = json(&space.tell(&["clear", "--yes", "--json"]));
    assert_eq!((everything["left_results"].as_u64(), everything["left_bytes"].as_u64()), (Some(0), Some(0)));
    assert_eq!(entries(), 0);
    assert_eq!(out(&output(&space, &["clear", "-y"])), "removed 0 results, 0 B; 0 B are left\n");
    std::fs::remove_dir_all(space.path("target")).unwrap();
    space.cargo(&["build"]);
    assert_eq!(entries(), all);
    let wrong = output(&space, &["clear", "--older-than", "soon"]);
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(1), 0));
}

#[test]
fn damage_is_found_and_repaired() {
    let space = Space::new();
    space.workspace();
    space.cargo(&["build"]);
    let sound = output(&space, &["verify"]);
    assert!(sound.status.success() && out(&sound).ends_with(" looked at: all sound\n"), "{}", out(&sound));
    let blob = stored(&space, "blobs").into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut content = std::fs::read(&blob).unwrap();
    content[1000] ^= 1;
    std::fs::remove_file(&blob).unwrap();
    std::fs::write(&blob, content).unwrap();
    std::fs::write(&stored(&space, "shapes")[0], "").unwrap();

    let damaged = output(&space, &["verify"]);
    assert_eq!(damaged.status.code(), Some(1));
    let text = out(&damaged);
    assert!(text.starts_with(&format!("a blob is not what its name says: {}\n", blob.display())), "{text}");
    assert!(text.contains("a result names a blob that is not there (app bin): "), "{text}");
    assert!(text.contains("Shapes cannot be read, or belong to another key: "), "{text}");
    assert!(text.ends_with("3 damaged; `kiln verify --repair` removes what is damaged\n"), "{text}");
    let repaired = output(&space, &["verify", "--repair", "--json"]);
    assert_eq!(repaired.status.code(), Some(0));
    let damage = json(&out(&repaired))["damage"].as_array().unwrap().clone();
    assert_eq!(damage.len(), 3);
    assert!(damage.iter().all(|one| one["repaired"] == true));
    assert!(output(&space, &["verify"]).status.success());
    std::fs::remove_dir_all(space.path("target")).unwrap();
    space.cargo(&["build"]);
}

/// The key by which a file of the store is named.
fn key_in(path: &Path) -> ActionKey {
    ActionKey::of_name(digest::unhex(path.file_name().unwrap().to_str().unwrap()).unwrap())
}

/// `kiln verify --rebuild` of the workspace, from an empty target directory.
fn rebuild(space: &Space, more: &[&str]) -> (Option<i32>, Value) {
    let _ = std::fs::remove_dir_all(space.path("target"));
    let args = [&["verify", "--rebuild", "--json"], more, &["--", "cargo", "build"]].concat();
    let output = output(space, &args);
    (output.status.code(), json(&out(&output)))
}

#[test]
fn hits_are_held_against_compiles() {
    let space = Space::new();
    space.workspace();
    space.cargo(&["build"]);
    let (code, found) = rebuild(&space, &[]);
    assert_eq!(
        (code, &found["same"], found["wrong"].as_array().unwrap().len()),
        (Some(0), &Value::from(3), 0)
    );

    // A result that leads to the bytes of another valid blob: nothing but a compile can tell.
    let results = stored(&space, "results");
    let result_of = |unit: &str| {
        let read =
            |path: &PathBuf| ActionResult::decode(&key_in(path), &std::fs::read(path).unwrap()).unwrap();
        let found = results.iter().map(|path| (path, read(path))).find(|(_, result)| result.unit == unit);
        found.unwrap()
    };
    let (file, mut leaf) = result_of("leaf lib");
    let (_, mid) = result_of("mid lib");
    let library = |result: &ActionResult| {
        result.outputs.iter().position(|output| output.path.path.ends_with(b".rlib")).unwrap()
    };
    let at = library(&leaf);
    leaf.outputs[at].digest = mid.outputs[library(&mid)].digest;
    std::fs::write(file, leaf.encode(&key_in(file))).unwrap();

    let (code, found) = rebuild(&space, &[]);
    assert_eq!(code, Some(1), "{found}");
    let wrong = &found["wrong"][0];
    assert_eq!(wrong["unit"], "leaf lib");
    assert!(wrong["finding"].as_str().unwrap().starts_with("different: libleaf-"), "{wrong}");
    let (code, found) = rebuild(&space, &["--sample", "100%"]);
    assert_eq!((code, &found["same"]), (Some(0), &Value::from(3)), "the wrong entry was dropped: {found}");
}

#[test]
fn incremental_units_are_named_and_not_compared() {
    let space = Space::new();
    space.workspace();
    space.write(".cargo/config.toml", "[profile.dev]\nincremental = true\n");
    let build = || {
        let mut command = space.cargo_command(&["build"]);
        command.env_remove("CARGO_INCREMENTAL");
        assert!(command.status().unwrap().success());
    };
    build();
    std::fs::remove_dir_all(space.path("target")).unwrap();
    let args = ["verify", "--rebuild", "--json", "--", "cargo", "build"];
    let mut command = space.kiln_command(&args, &[]);
    let output = command.env_remove("CARGO_INCREMENTAL").output().unwrap();
    let found = json(&out(&output));
    assert_eq!((output.status.code(), &found["not_compared"]), (Some(0), &Value::from(3)), "{found}");
}

/// Takes a question out of the Shape of the only unit that asks it, and stores the result under the key of what is left:
/// what a recorder that had missed a read would have done.
fn forget_question(space: &Space, about: &Path) {
    for path in stored(space, "shapes") {
        let weak = WeakKey::of_name(*key_in(&path).name());
        let shapes = decode_shapes(&weak, &std::fs::read(&path).unwrap()).unwrap();
        let is_about = |question: &Question| {
            question
                .path()
                .is_some_and(|placed| Path::new(std::str::from_utf8(&placed.path).unwrap()) == about)
        };
        let [shape] = &shapes[..] else { continue };
        if !shape.questions().iter().any(is_about) {
            continue;
        }
        let old = key_of(space, &weak, shape);
        let rest = shape.questions().iter().filter(|question| !is_about(question)).cloned().collect();
        let shape = Shape::new(rest);
        let new = key_of(space, &weak, &shape);
        let place = |key: &ActionKey| {
            let name = digest::hex(key.name());
            space.path("cache/v1/results").join(&name[..1]).join(name)
        };
        std::fs::create_dir_all(place(&new).parent().unwrap()).unwrap();
        let result = ActionResult::decode(&old, &std::fs::read(place(&old)).unwrap()).unwrap();
        std::fs::remove_file(place(&old)).unwrap();
        std::fs::write(place(&new), result.encode(&new)).unwrap();
        std::fs::write(&path, encode_shapes(&weak, &[shape])).unwrap();
        return;
    }
    panic!("no unit asks for {}", about.display());
}

/// The key of a simple Shape: about files, and variables that are not set.
fn key_of(space: &Space, weak: &WeakKey, shape: &Shape) -> ActionKey {
    let path = |placed: &Placed| space.root().join(std::str::from_utf8(&placed.path).unwrap());
    let answers: Vec<Answer> = shape
        .questions()
        .iter()
        .map(|question| match question {
            Question::File(placed) => {
                let content = std::fs::read(path(placed)).unwrap();
                Answer::Content(Digest::of(&content))
            }
            Question::Absent(placed) => match std::fs::metadata(path(placed)) {
                Err(_) => Answer::Nothing,
                Ok(found) if found.is_dir() => Answer::NotAFile(FileKind::Directory),
                Ok(_) => Answer::Something,
            },
            Question::Real(placed) => {
                let real = std::fs::canonicalize(path(placed));
                real.map_or(Answer::Nothing, |real| {
                    let mut text = Writer::default();
                    text.bytes(real.to_str().unwrap().as_bytes());
                    Answer::Content(Digest::of(&text.0))
                })
            }
            Question::Env(_) | Question::Arg(_) => Answer::Nothing,
            Question::Given(Given::Arithmetic) => {
                Answer::Content(Digest::of(&kiln_sys::machine::arithmetic().unwrap()))
            }
            other => panic!("{other:?}"),
        })
        .collect();
    ActionKey::new(weak, shape.questions().iter().zip(&answers))
}

#[test]
fn an_input_that_was_not_recorded_is_denied_and_named() {
    let space = Space::new();
    space.workspace();
    space.write("leaf/text.txt", "1");
    space.write("leaf/src/lib.rs", "pub fn leaf() -> u32 { include_str!(\"../text.txt\").len() as u32 }");
    space.cargo(&["build"]);
    forget_question(&space, &space.path("leaf/src/../text.txt"));
    let (code, found) = rebuild(&space, &[]);
    assert_eq!(code, Some(1), "{found}");
    let wrong = &found["wrong"][0];
    assert_eq!(wrong["unit"], "leaf lib");
    let finding = wrong["finding"].as_str().unwrap();
    assert!(finding.starts_with("denied: ") && finding.ends_with("text.txt"), "{finding}");
    let (code, _) = rebuild(&space, &[]);
    assert_eq!(code, Some(0), "the wrong entry was dropped, the new one asks");
}

#[test]
fn an_input_that_a_macro_hides_is_named_all_the_same() {
    let space = Space::new();
    space.write("input/one", "1");
    space.with_macro("read");
    space.write("src/lib.rs", "pub const A: &str = look::look!(\"read input/one\");");
    let compiler = common::rustc();
    let emit = "--emit=metadata,dep-info";
    let arguments = ["--crate-type=lib", "--edition=2024", "--out-dir", "out", "--extern", "look=liblook.so"];
    let compile =
        [&[env!("CARGO_BIN_EXE_kiln"), &compiler, "--crate-name", "a", "src/lib.rs", emit], &arguments[..]]
            .concat();
    space.kiln(&compile[1..], &[]);
    forget_question(&space, &space.path("input/one"));
    // The macro takes a file that it cannot read for an empty one: the compile works and makes something else.
    let found = output(&space, &[&["verify", "--rebuild", "--"][..], &compile].concat());
    let expected = format!(
        "a check: denied: {} (compiled in {}); the entry was dropped\n0 units compiled again and the same, 1 wrong\n",
        space.path("input/one").display(),
        space.root().display()
    );
    assert_eq!((found.status.code(), out(&found)), (Some(1), expected));
    let found = output(&space, &[&["verify", "--rebuild", "--"][..], &compile].concat());
    let expected = "1 unit compiled again and the same: every hit was right\n".to_owned();
    assert_eq!((found.status.code(), out(&found)), (Some(0), expected));
}

#[test]
fn what_a_newer_kiln_left_is_not_read() {
    let space = Space::new();
    space.workspace();
    space.cargo(&["build"]);
    // Another format's directory is nobody's business here.
    space.write("cache/v2/results/ab/whatever", "from the future");
    // Sealed files of a later version count as not there; so do events with an outcome that is not known.
    for folder in ["results", "shapes", "units"] {
        for path in stored(&space, folder).iter().filter(|path| !path.ends_with("salt")) {
            let mut file = std::fs::read(path).unwrap();
            file[4] += 1;
            std::fs::write(path, file).unwrap();
        }
    }
    let log = space.path("cache/v1/events/current.jsonl");
    let mut text = std::fs::read_to_string(&log).unwrap();
    let hit = "{\"at_ms\":1,\"outcome\":\"borrowed\",\"name\":\"a\",\"kind\":\"lib\",\"took_us\":1,\"compile_ms\":2}\n";
    text.push_str(hit);
    std::fs::write(&log, text).unwrap();
    let stats = || json(&space.tell(&["stats", "--json", "--project", "."]));
    assert_eq!((stats()["hits"].as_u64(), stats()["misses"].as_u64()), (Some(0), Some(3)));
    std::fs::remove_dir_all(space.path("target")).unwrap();
    space.cargo(&["build"]);
    let after = stats();
    assert_eq!((&after["hits"], &after["misses"], &after["errors"]), (&0.into(), &6.into(), &0.into()));
    assert_eq!(
        std::fs::read_to_string(space.path("cache/v2/results/ab/whatever")).unwrap(),
        "from the future"
    );
}
