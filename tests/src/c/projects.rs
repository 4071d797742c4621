//! Whole C projects, built by their own build tools through `kiln run`, and held against the same builds without kiln.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use kiln_testkit::{Outcome, Stats, TestSpace, run, tree};

/// What is left of a build, by its path: objects, libraries and rules for make.
pub type Made = BTreeMap<PathBuf, Vec<u8>>;

/// How a project is built.
#[derive(Clone, Copy)]
pub struct Build<'a> {
    /// Its sources.
    pub sources: &'a Path,
    /// A script that builds it, in the directory of the sources.
    pub script: &'a str,
    /// A script that builds it again after an edit.
    pub again: &'a str,
    /// The header that is edited, below the sources.
    pub header: &'a str,
    /// A script that checks what was built.
    pub check: &'a str,
}

impl Build<'_> {
    /// Cold, warm, in another directory, and after an edit: always what comes of it without kiln. Returns what happened in
    /// the warm build and in the other directory.
    #[track_caller]
    pub fn holds(&self, space: &TestSpace) -> [Stats; 2] {
        let (here, there) = (space.path("one/here"), space.path("some/where/else"));
        let expected = self.bare(space, &here);
        assert!(!expected.is_empty(), "a comparison with nothing");
        let cold = self.through(space, &here);
        assert!(cold.misses > 0, "{cold:?}");
        same(&expected, &made(&here), "cold");
        run(space.command("sh").args(["-e", "-c", self.check]).current_dir(&here)).ok();
        let warm = self.through(space, &here);
        same(&expected, &made(&here), "warm");
        run(space.command("sh").args(["-e", "-c", self.check]).current_dir(&here)).ok();
        self.edited(space, &here);
        let expected = self.bare(space, &there);
        let elsewhere = self.through(space, &there);
        same(&expected, &made(&there), "elsewhere");
        [warm, elsewhere]
    }

    fn bare(&self, space: &TestSpace, at: &Path) -> Made {
        self.fresh(at);
        run(space.command("sh").args(["-e", "-c", self.script]).current_dir(at)).ok();
        made(at)
    }

    fn through(&self, space: &TestSpace, at: &Path) -> Stats {
        self.fresh(at);
        let before = space.stats();
        kiln_run(space, at, self.script).ok();
        space.since(&before)
    }

    /// A header is edited and put back, in the tree that was built through kiln, and in one that was not.
    fn edited(&self, space: &TestSpace, at: &Path) {
        let header = at.join(self.header);
        let text = fs::read_to_string(&header).expect("the header");
        fs::write(&header, format!("#define KILN_EDITED 1\n{text}")).expect("write");
        kiln_run(space, at, self.again).ok();
        let is = made(at);
        fs::write(&header, &text).expect("write");
        kiln_run(space, at, self.again).ok();
        let back = made(at);
        let before = self.bare(space, at);
        same(&before, &back, "after an edit was taken back");
        fs::write(&header, format!("#define KILN_EDITED 1\n{text}")).expect("write");
        run(space.command("sh").args(["-e", "-c", self.again]).current_dir(at)).ok();
        same(&made(at), &is, "after an edit");
    }

    fn fresh(&self, at: &Path) {
        super::remove(at);
        tree::copy(self.sources, at);
    }
}

/// `kiln run -- sh -c SCRIPT`.
pub fn kiln_run(space: &TestSpace, at: &Path, script: &str) -> Outcome {
    run(space.kiln(&["run", "--", "sh", "-e", "-c", script]).current_dir(at))
}

fn made(at: &Path) -> Made {
    let ours = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        // (what a build tool tries out has names that nobody chose)
        let tried = path
            .components()
            .any(|part| part.as_os_str() == "CMakeScratch" || part.as_os_str() == "CompilerIdC");
        ["o", "lo", "d", "a", "dwo", "su"].contains(&ending) && !tried && !path.starts_with("CMakeFiles/3")
    };
    let files = tree::files(at).into_iter().filter(ours);
    files.map(|path| (path.clone(), fs::read(at.join(path)).expect("read"))).collect()
}

#[track_caller]
fn same(expected: &Made, is: &Made, when: &str) {
    let differences = tree::differences(expected, is);
    assert!(differences.is_empty(), "{when}, not what is made without kiln:\n{}", differences.join("\n"));
    let more: Vec<_> = is.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(more.is_empty(), "{when}, more than is made without kiln: {more:?}");
}

/// The sources of a package from crates.io: out of cargo's registry, fetched where they are not there. `None`, and loudly so,
/// where they cannot be had.
pub fn package(name: &str, version: &str) -> Option<PathBuf> {
    let folder = format!("{name}-{version}");
    let found = in_registry(&folder).or_else(|| {
        fetch(name, version);
        in_registry(&folder)
    });
    if found.is_none() {
        eprintln!("SKIPPED: {folder} is neither in cargo's registry nor to be fetched");
    }
    found
}

fn in_registry(folder: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries.flatten().map(|registry| registry.path().join(folder)).find(|path| path.is_dir())
}

fn fetch(name: &str, version: &str) {
    let space = TestSpace::new();
    space.write(
        "fetch/Cargo.toml",
        format!("[package]\nname = \"fetch\"\nversion = \"0.1.0\"\n[workspace]\n[dependencies]\n{name} = \"={version}\"\n"),
    );
    space.write("fetch/src/lib.rs", "");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let outcome = Command::new(cargo).arg("fetch").current_dir(space.path("fetch")).output();
    if let Ok(output) = outcome {
        eprintln!("cargo fetch: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A small project with headers, C and C++; its build files are written beside it.
pub fn small(space: &TestSpace) -> PathBuf {
    let write = |name: &str, text: &str| space.write(Path::new("home/small").join(name), text);
    write(
        "include/util.h",
        "#pragma once\n#ifdef __cplusplus\nextern \"C\" {\n#endif\nint util(int a);\nint twice(int a);\n#ifdef __cplusplus\n}\n#endif\n",
    );
    write("include/deep/more.h", "#pragma once\n#include \"../util.h\"\n#define MORE 4\n");
    write(
        "src/util.c",
        "#include \"util.h\"\n#include <deep/more.h>\n#include <assert.h>\nint util(int a) { assert(a >= 0); return a + MORE; }\n",
    );
    write(
        "src/main.c",
        "#include <util.h>\n#include <stdio.h>\nint main(void) { printf(\"%d\\n\", util(3) + twice(4)); return 0; }\n",
    );
    write(
        "src/twice.cc",
        "#include <util.h>\n#include <vector>\n#include <string>\nextern \"C\" int twice(int a) { std::vector<std::string> v(a, \"x\"); return int(v.size()) * 2; }\n",
    );
    space.path("home/small")
}
