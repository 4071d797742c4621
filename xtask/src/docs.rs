//! `cargo xtask docs [--check]`: pages that are generated from the code they describe.

use std::fs;
use std::path::Path;

/// A page: its path in the repository, and what it should say.
const PAGES: &[(&str, fn() -> String)] = &[("docs/key/rustc.md", kiln_compiler::rustc::describe)];

/// Writes every generated page; with `check` only says whether one is out of date.
pub fn run(check: bool) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (name, render) in PAGES {
        let (path, page) = (root.join(name), render());
        if fs::read_to_string(&path).is_ok_and(|today| today == page) {
            continue;
        }
        if check {
            return Err(format!("{name} is out of date: run `cargo xtask docs` and commit the result"));
        }
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, page));
        written.map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}
