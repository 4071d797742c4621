//! No module of a crate needs one that needs it, over however many others.

use super::{is_test, rust_files, without_tests};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// For each module of a crate those that it names.
type Needs = BTreeMap<String, BTreeSet<String>>;

/// Where crates begin: the library or program, and the second program in the same package. Not what tests are made with.
fn roots() -> Result<Vec<PathBuf>, String> {
    let crates = std::fs::read_dir("crates").map_err(|error| format!("crates: {error}"))?;
    let mut roots: Vec<PathBuf> = crates.flatten().map(|entry| entry.path().join("src")).collect();
    roots.retain(|root| !root.starts_with("crates/testkit"));
    roots.push(PathBuf::from("crates/kiln/src/cli"));
    roots.sort();
    Ok(roots.into_iter().filter(|root| root.is_dir()).collect())
}

/// The circles, each told once.
pub fn find() -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for root in roots()? {
        let needs = needs(&root)?;
        let circle = |from: &String| reached(&needs, from).contains(from);
        let mut left: BTreeSet<&String> = needs.keys().filter(|module| circle(module)).collect();
        while let Some(module) = left.first().copied() {
            let here = reached(&needs, module);
            let together: Vec<&String> = left
                .iter()
                .copied()
                .filter(|other| here.contains(*other) && reached(&needs, other).contains(module))
                .collect();
            let names: Vec<&str> = together.iter().map(|name| name.as_str()).collect();
            wrong.push(format!("{}: {} need each other", root.display(), names.join(", ")));
            left.retain(|other| !names.contains(&other.as_str()));
        }
    }
    Ok(wrong)
}

/// All that a module needs, directly or not.
fn reached(needs: &Needs, from: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut left = vec![from.to_owned()];
    while let Some(module) = left.pop() {
        for need in needs.get(&module).into_iter().flatten() {
            if all.insert(need.clone()) {
                left.push(need.clone());
            }
        }
    }
    all
}

fn needs(root: &Path) -> Result<Needs, String> {
    let mut needs = Needs::new();
    for path in rust_files(root)? {
        let inside = path.strip_prefix(root).unwrap_or(&path);
        let other_program = root.ends_with("src") && inside.starts_with("cli");
        let Some(module) = module_of(inside).filter(|_| !other_program && !is_test(&path.to_string_lossy()))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let named: Vec<String> =
            named(without_tests(&text)).filter(|name| *name != module).map(str::to_owned).collect();
        needs.entry(module).or_default().extend(named);
    }
    let modules: BTreeSet<String> = needs.keys().cloned().collect();
    needs.values_mut().for_each(|named| named.retain(|name| modules.contains(name)));
    Ok(needs)
}

/// The module directly below the root that a file belongs to; the root itself only says which there are.
fn module_of(inside: &Path) -> Option<String> {
    let first = Path::new(inside.iter().next()?).file_stem()?.to_str()?.to_owned();
    (!["lib", "main"].contains(&first.as_str())).then_some(first)
}

/// What stands behind `crate::`, comments apart, by the first name of each path.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.match_indices("crate::").map(move |(at, found)| &line[at + found.len()..]))
        .flat_map(first_names)
}

fn first_names(rest: &str) -> Vec<&str> {
    let word = |text| -> &str {
        let text: &str = text;
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        &text[..end]
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let mut depth = 0;
    let mut names = vec![word(group)];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names
}
