//! `cargo xtask docs [--check]`: pages that are generated from the code they describe, and the table of it that C reads.

mod cli;
mod settings;
mod stores;

use std::fs;
use std::path::Path;

/// The pages: each one's path in the repository, and what it should say.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec![
        ("crates/recorder/preload/compilers.h".into(), kiln_compiler::recognise::names::header()),
        ("docs/key/gcc.md".into(), kiln_compiler::gcc::describe()),
        ("docs/key/msvc.md".into(), kiln_compiler::msvc::describe()),
        ("docs/key/programs.md".into(), kiln_compiler::programs::describe()),
        ("docs/key/rustc.md".into(), kiln_compiler::rustc::describe()),
        ("docs/key/script.md".into(), kiln_compiler::script::describe()),
        ("docs/reference/cli.md".into(), cli::page()),
        ("docs/reference/settings.md".into(), settings::page()),
        ("docs/reference/stores.md".into(), stores::page()),
    ];
    pages.extend(cli::manuals().into_iter().map(|(name, text)| (format!("docs/man/{name}"), text)));
    pages
}

/// Writes every generated page; with `check` only says whether one is out of date.
pub fn run(check: bool) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pages = pages();
    for (name, page) in &pages {
        let path = root.join(name);
        if fs::read_to_string(&path).is_ok_and(|today| today == *page) {
            continue;
        }
        if check {
            return Err(format!("{name} is out of date: run `cargo xtask docs` and commit the result"));
        }
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, page));
        written.map_err(|error| format!("{name}: {error}"))?;
    }
    // A command that went away leaves no manual behind.
    for entry in fs::read_dir(root.join("docs/man")).into_iter().flatten().flatten() {
        let name = format!("docs/man/{}", entry.file_name().to_string_lossy());
        if pages.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if check {
            return Err(format!("{name} is about nothing: run `cargo xtask docs` and commit the result"));
        }
        fs::remove_file(entry.path()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}
