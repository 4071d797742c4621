use super::*;
use crate::rustc::table::Emit::{DepInfo, Link, Metadata};

fn asked(crate_name: Option<&str>) -> Asked {
    Asked { crate_name: crate_name.map(str::to_owned), ..Asked::default() }
}

/// What rustc 1.95 wrote, file by file (see the arguments in each test).
fn declares(asked: &Asked, input: &str, names: &[&str]) {
    let plan = plan(asked, Some(input), Path::new("/ws"));
    for name in names {
        assert!(plan.declares(Path::new(name)), "{name} not in {plan:?}");
    }
}

#[test]
fn a_library_of_cargos() {
    let asked = Asked {
        extra_filename: "-0a1b".to_owned(),
        out_dir: Some("/t/deps".into()),
        emits: vec![DepInfo, Metadata, Link],
        ..asked(Some("serde"))
    };
    declares(&asked, "lib.rs", &["/t/deps/serde-0a1b.d", "/t/deps/libserde-0a1b.rmeta"]);
    let plan = plan(&asked, Some("lib.rs"), Path::new("/ws"));
    assert!(plan.dep_info && plan.metadata);
    for other in ["/t/deps/libserde-0a1b2.rlib", "/t/deps/serde.d", "/t/libserde-0a1b.rlib"] {
        assert!(!plan.declares(Path::new(other)), "{other}");
    }
}

#[test]
fn split_debuginfo_and_other_systems() {
    let asked = Asked { out_dir: Some("/t".into()), ..asked(Some("bb")) };
    let names =
        ["/t/bb", "/t/bb.dwp", "/t/libbb.so.dwp", "/t/bb.exe", "/t/bb.pdb", "/t/bb.dll.lib", "/t/bb.wasm"];
    declares(&asked, "x.rs", &names);
    declares(&asked, "x.rs", &["/t/bb.bb.248914331f1eec65-cgu.0.rcgu.dwo", "/t/libbb.dylib", "/t/libbb.a"]);
}

#[test]
fn names_from_the_source() {
    // rustc my-crate.rs --crate-type lib --emit=dep-info,link --out-dir X
    let asked = Asked { out_dir: Some("/X".into()), ..asked(None) };
    declares(&asked, "src/my-crate.rs", &["/X/my-crate.d", "/X/libmy_crate.rlib"]);
    declares(&Asked::default(), "-", &["/ws/rust_out", "/ws/librust_out.rmeta", "/ws/rust_out.d"]);
    assert_eq!(asked.name(Some("src/my-crate.rs")), "my_crate");
}

#[test]
fn one_named_file_and_its_siblings() {
    // rustc my-crate.rs --crate-name aa -o X/foo.x --emit=dep-info,metadata,link -C extra-filename=-1
    let asked = Asked {
        extra_filename: "-1".to_owned(),
        out_file: Some("/X/foo.x".into()),
        out_dir: Some("/ignored".into()),
        ..asked(Some("aa"))
    };
    declares(&asked, "my-crate.rs", &["/X/foo-1.d", "/X/libaa-1.rlib", "/X/libaa-1.rmeta", "/X/foo.x"]);
    // rustc my-crate.rs -o X/foo.x --crate-type lib --emit=dep-info,metadata,link
    let plain = Asked { out_file: Some("/X/foo.x".into()), ..Asked::default() };
    declares(&plain, "my-crate.rs", &["/X/foo.d", "/X/libfoo.rmeta", "/X/libmy_crate.rlib"]);
}

#[test]
fn questions_write_nothing_but_named_files() {
    let mut asked = Asked { files: vec!["/X/cfg".into()], ..asked(Some("___")) };
    asked.becomes_question();
    let plan = plan(&asked, Some("-"), Path::new("/ws"));
    assert!(plan.stems.is_empty() && plan.files == [PathBuf::from("/X/cfg")]);
    assert!(!asked.links());
}

#[test]
fn the_linker_runs_for_everything_but_archives() {
    let of = |types: &[(&'static str, bool)], test| {
        Asked { crate_types: types.to_vec(), test, ..Asked::default() }.links()
    };
    assert!(!of(&[("lib", false)], false) && !of(&[("staticlib", false), ("rlib", false)], false));
    assert!(of(&[("lib", false), ("cdylib", true)], false) && of(&[], false) && of(&[("lib", false)], true));
    let checked =
        Asked { emits: vec![DepInfo, Metadata], crate_types: vec![("bin", true)], ..Asked::default() };
    assert!(!checked.links());
}
