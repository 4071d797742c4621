//! What each program carries: the crates that its root names, and all that those need. A package holds several programs, and what one of
//! them must not carry another may.
//!
//! Which of its package's dependencies a program names, rustc knows: one that is not named is not loaded, is no part of the program, and
//! is told of by the lint `unused_crate_dependencies`. What a named crate needs counts whole, for it is one unit with its dependencies.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// What makes a network, and what runs one.
const NETWORK: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "hyper",
    "reqwest",
    "ureq",
    "rustls",
    "openssl",
    "native-tls",
    "h2",
    "tonic",
    "futures",
    "futures-util",
    "opendal",
    "redis",
    "kiln-daemon",
    "kiln-remote",
];

/// What reads what people type and edits their files.
const FOR_PEOPLE: &[&str] = &["clap", "clap_builder", "clap_complete", "clap_mangen", "toml_edit"];

/// What compiles: nothing of it is the daemon's.
const COMPILES: &[&str] =
    &["kiln-compiler", "kiln-config", "kiln-engine", "kiln-exec", "kiln-prefill", "kiln-recorder"];

/// Each program with what it must not carry.
const PROGRAMS: &[(&str, &[&[&str]])] =
    &[("kiln", &[NETWORK, FOR_PEOPLE]), ("kiln-cli", &[NETWORK]), ("kiln-daemon", &[COMPILES, FOR_PEOPLE])];

/// What the wrapper does not name itself, though a crate below it may have a use for it.
const NOT_NAMED: &[&str] = &["serde_json", "serde", "toml"];

/// What some program carries and must not.
pub(super) fn find() -> Result<Vec<String>, String> {
    find_in(&Workspace::read(Path::new("."))?, PROGRAMS)
}

fn find_in(workspace: &Workspace<'_>, programs: &[(&str, &[&[&str]])]) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for (program, refused) in programs {
        let carried = workspace.carried(program)?;
        let heavy = refused.concat().into_iter().filter(|name| carried.all.contains(*name));
        wrong.extend(heavy.map(|name| format!("the program {program} carries {name}")));
        let named = NOT_NAMED.iter().filter(|name| *program == "kiln" && carried.named.contains(**name));
        wrong.extend(named.map(|name| format!("the program {program} names {name}")));
    }
    Ok(wrong)
}

/// The packages that cargo resolved, by their ids.
struct Workspace<'a> {
    root: &'a Path,
    packages: BTreeMap<String, Value>,
    /// For each package what it needs at run time: the name that its sources use, and the package's id.
    needs: BTreeMap<String, Vec<(String, String)>>,
}

/// What a program carries, as names of packages.
struct Carried {
    /// What its own sources, and those of its package's library, name.
    named: BTreeSet<String>,
    /// The same, and everything that is needed for it.
    all: BTreeSet<String>,
}

impl Workspace<'_> {
    fn read(root: &Path) -> Result<Workspace<'_>, String> {
        let metadata = cargo(root, &["metadata", "--format-version", "1", "--filter-platform", &host()?])?;
        let metadata: Value =
            serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
        let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_owned();
        let packages = list(&metadata["packages"]).map(|package| (id(package), package.clone())).collect();
        let needs = list(&metadata["resolve"]["nodes"])
            .map(|node| {
                let at_run_time = |dep: &&Value| list(&dep["dep_kinds"]).any(|kind| kind["kind"].is_null());
                let need = |dep: &Value| {
                    let text = |name: &str| dep[name].as_str().unwrap_or_default().to_owned();
                    (text("name"), text("pkg"))
                };
                (id(node), list(&node["deps"]).filter(at_run_time).map(need).collect())
            })
            .collect();
        Ok(Workspace { root, packages, needs })
    }

    fn carried(&self, program: &str) -> Result<Carried, String> {
        let is_program = |target: &Value| target["name"] == program && is_of_kind(target, "bin");
        let (id, package) = self
            .packages
            .iter()
            .find(|(_, package)| list(&package["targets"]).any(is_program))
            .ok_or_else(|| format!("no package has a program {program}"))?;
        let needs = &self.needs[id];
        let mut candidates: Vec<&str> = needs.iter().map(|(name, _)| name.as_str()).collect();
        let library = list(&package["targets"]).find(|target| is_of_kind(target, "lib"));
        let library = library.and_then(|target| target["name"].as_str()).map(|name| name.replace('-', "_"));
        candidates.extend(library.as_deref());
        let name = package["name"].as_str().unwrap_or_default();
        let mut named = self.named(name, &["--bin", program], &candidates)?;
        if library.as_ref().is_some_and(|library| named.remove(library)) {
            named.extend(self.named(name, &["--lib"], &candidates)?);
        }
        let direct = needs.iter().filter(|(name, _)| named.contains(name)).map(|(_, id)| id.as_str());
        let named = direct.clone().map(|id| self.name(id)).collect();
        Ok(Carried { named, all: self.closure(direct) })
    }

    /// Those of the candidates that the target's own sources name.
    fn named(&self, package: &str, target: &[&str], candidates: &[&str]) -> Result<BTreeSet<String>, String> {
        let mut args = vec!["rustc", "-p", package, "--profile", "check", "--message-format", "json"];
        args.extend(target);
        args.extend(["--", "-W", "unused_crate_dependencies"]);
        let messages = cargo(self.root, &args)?;
        let unnamed: BTreeSet<&str> = messages
            .lines()
            .filter_map(|line| {
                let (_, rest) = line.split_once("extern crate `")?;
                rest.split_once("` is unused in crate").map(|(name, _)| name)
            })
            .collect();
        let named = candidates.iter().filter(|name| !unnamed.contains(**name));
        Ok(named.map(|name| (*name).to_owned()).collect())
    }

    /// The names of these packages and of what they need. (What a macro needs runs in the compiler.)
    fn closure<'b>(&'b self, of: impl Iterator<Item = &'b str>) -> BTreeSet<String> {
        let mut left: Vec<&str> = of.collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = left.pop() {
            let is_macro = list(&self.packages[id]["targets"]).any(|target| is_of_kind(target, "proc-macro"));
            if !is_macro && seen.insert(id) {
                left.extend(self.needs[id].iter().map(|(_, id)| id.as_str()));
            }
        }
        seen.into_iter().map(|id| self.name(id)).collect()
    }

    fn name(&self, id: &str) -> String {
        self.packages[id]["name"].as_str().unwrap_or_default().to_owned()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_of_kind(target: &Value, kind: &str) -> bool {
    list(&target["kind"]).any(|it| it == kind)
}

fn cargo(root: &Path, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("cargo");
    let (before, after) = args.split_at(args.iter().position(|arg| *arg == "--").unwrap_or(args.len()));
    command.current_dir(root).args(before).args(["--locked", "--quiet"]).args(after);
    let output = command.output().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The system that programs are compiled for where nothing else is said.
fn host() -> Result<String, String> {
    let output =
        Command::new("rustc").arg("-vV").output().map_err(|error| format!("cannot run rustc: {error}"))?;
    let version = String::from_utf8_lossy(&output.stdout);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it compiles for".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// A package of two programs and a library, all with the same dependencies: `thin`, whose source is given, and `fat`, which is made
    /// of the library and so of clap.
    fn package(thin: &str) -> TempDir {
        let root = TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let package =
            |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
        for (name, needs, source) in [
            ("clap", "", "pub fn parse() {}"),
            ("below", "", "pub fn work() {}"),
            ("heavy-light", "below = { path = \"../below\" }", "pub fn work() { below::work() }"),
        ] {
            write(&format!("{name}/Cargo.toml"), &format!("{}[dependencies]\n{needs}\n", package(name)));
            write(&format!("{name}/src/lib.rs"), source);
        }
        let programs = "[workspace]\n[lib]\nname = \"commands\"\n[[bin]]\nname = \"thin\"\npath = \"src/thin.rs\"\n\
            [[bin]]\nname = \"fat\"\npath = \"src/fat.rs\"\n[dependencies]\nclap = { path = \"clap\" }\n\
            heavy-light = { path = \"heavy-light\" }\n";
        write("Cargo.toml", &(package("both") + programs));
        write("src/lib.rs", "pub fn help() { clap::parse() }");
        write("src/fat.rs", "fn main() { commands::help() }");
        write("src/thin.rs", thin);
        let lock =
            Command::new("cargo").args(["generate-lockfile", "--offline"]).current_dir(root.path()).output();
        assert!(lock.unwrap().status.success());
        root
    }

    fn wrong(root: &TempDir, program: &str, refused: &[&str]) -> Vec<String> {
        find_in(&Workspace::read(root.path()).unwrap(), &[(program, &[refused])]).unwrap()
    }

    #[test]
    fn programs_of_one_package_are_held_each_to_its_own() {
        let root = package("fn main() { heavy_light::work() }");
        assert_eq!(wrong(&root, "thin", FOR_PEOPLE), [""; 0]);
        assert_eq!(wrong(&root, "thin", &["below"]), ["the program thin carries below"]);
        assert_eq!(wrong(&root, "fat", FOR_PEOPLE), ["the program fat carries clap"]);
        assert_eq!(wrong(&root, "fat", &["below", "heavy-light"]), [""; 0]);
    }

    #[test]
    fn a_parser_of_arguments_in_the_wrapper_is_refused() {
        for thin in
            ["fn main() { clap::parse() }", "use clap as _;\nfn main() {}", "fn main() { commands::help() }"]
        {
            assert_eq!(
                wrong(&package(thin), "thin", FOR_PEOPLE),
                ["the program thin carries clap"],
                "{thin}"
            );
        }
    }
}
