//! `cargo xtask bench chain`: libraries in a row, each with more code generation than checking. They build
//! at full speed only when cargo hears of early metadata while the compiler is still at work.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::builds::{self, Plan};
use super::kit::Kit;
use super::options::{ChainOptions, Incremental};
use super::phases::Phase;
use super::projects::Project;
use super::{Outcome, files};

/// Libraries in the chain; a binary ends it.
const LIBRARIES: usize = 6;

/// Functions in each library, chosen so that one takes some tenths of a second.
const FUNCTIONS: usize = 70;

/// One codegen thread a crate: what overlaps is then two crates, and not two halves of one.
const MANIFEST: &str = "[workspace]
resolver = \"3\"
members = [\"app\", \"link_*\"]

[profile.dev]
codegen-units = 1
";

/// Generates the chain and measures cold builds of it.
pub fn run(options: &ChainOptions) -> Outcome<()> {
    let kit = Kit::assemble(&options.common)?;
    let sources = kit.work.join("chain");
    generate(&sources)?;
    let title = format!("chain-of-{LIBRARIES}");
    let project = Project::from_directory(&kit, &sources, title, Path::new("app/src/main.rs"))?;
    let plan = Plan {
        tools: kit.muster(&options.tools),
        phases: vec![Phase::Cold],
        rounds: options.rounds,
        incremental: Incremental::Off,
        cargo_args: Vec::new(),
        remap: false,
    };
    let report = builds::measure(&kit, &project, &plan)?;
    builds::publish(&kit, &plan, vec![report], &options.common)
}

fn generate(root: &Path) -> Outcome<()> {
    files::renew(root)?;
    files::write(&root.join("Cargo.toml"), MANIFEST)?;
    for index in 0..LIBRARIES {
        let name = format!("link_{index}");
        let dependency = index.checked_sub(1).map(|before| format!("link_{before}"));
        package(root, &name, dependency.as_deref())?;
        files::write(&root.join(&name).join("src/lib.rs"), library(dependency.as_deref()))?;
    }
    let last = format!("link_{}", LIBRARIES - 1);
    package(root, "app", Some(&last))?;
    let main = format!("fn main() {{\n    println!(\"{{}}\", {last}::total(3));\n}}\n");
    files::write(&root.join("app/src/main.rs"), main)
}

fn package(root: &Path, name: &str, dependency: Option<&str>) -> Outcome<()> {
    let dependency =
        dependency.map_or(String::new(), |name| format!("{name} = {{ path = \"../{name}\" }}\n"));
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{dependency}"
    );
    let directory: PathBuf = root.join(name);
    files::write(&directory.join("Cargo.toml"), manifest)
}

/// Functions without type parameters, so that all of their code is generated here and not in dependants.
fn library(dependency: Option<&str>) -> String {
    let mut text = String::from("use std::collections::BTreeMap;\n");
    for index in 0..FUNCTIONS {
        let _ = write!(
            text,
            "
pub fn step_{index}(seed: u64) -> u64 {{
    let mut words: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for n in 0..seed {{
        words.entry(format!(\"{{:x}}-{index}\", n * seed)).or_default().push(n ^ {index});
    }}
    let longest = words.iter().max_by_key(|(word, _)| word.len()).map_or(0, |(_, list)| list.len());
    words.values().flatten().fold(longest as u64, |sum, n| sum.rotate_left(3).wrapping_add(*n))
}}
"
        );
    }
    text += "\npub fn total(seed: u64) -> u64 {\n    let mut sum = seed;\n";
    if let Some(dependency) = dependency {
        let _ = writeln!(text, "    sum ^= {dependency}::total(seed);");
    }
    for index in 0..FUNCTIONS {
        let _ = writeln!(text, "    sum = sum.wrapping_add(step_{index}(seed));");
    }
    text + "    sum\n}\n"
}
