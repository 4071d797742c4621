//! The projects that are built: well-known crates out of cargo's registry cache, this workspace, or any
//! directory.

use std::env;
use std::path::{Path, PathBuf};

use super::kit::Kit;
use super::{Outcome, files, measure};

/// A crate that is measured under a short name.
struct Known {
    name: &'static str,
    package: &'static str,
    version: &'static str,
    cargo_args: &'static [&'static str],
    edit_file: &'static str,
}

const KNOWN: [Known; 4] = [
    Known { name: "fd", package: "fd-find", version: "10.5.0", cargo_args: &[], edit_file: "src/main.rs" },
    Known {
        name: "ripgrep",
        package: "ripgrep",
        version: "14.1.1",
        cargo_args: &["--release"],
        edit_file: "crates/core/main.rs",
    },
    Known {
        name: "webrender",
        package: "webrender",
        version: "0.70.1",
        cargo_args: &[],
        edit_file: "src/lib.rs",
    },
    Known { name: "exa", package: "exa", version: "0.10.1", cargo_args: &[], edit_file: "src/main.rs" },
];

/// Sources ready to be copied into lanes.
pub struct Project {
    /// What tables call it.
    pub title: String,
    /// A directory name for its lanes.
    pub slug: String,
    /// A private copy of the sources, locked and fetched.
    pub origin: PathBuf,
    /// Arguments it is always built with.
    pub cargo_args: Vec<String>,
    /// The member file that the edit phase changes.
    pub edit_file: PathBuf,
}

impl Project {
    /// Finds or fetches a project and copies it under the work directory.
    pub fn prepare(kit: &Kit, name: &str, edit_file: Option<&Path>) -> Outcome<Self> {
        if let Some(known) = KNOWN.iter().find(|known| known.name == name) {
            return Self::from_registry(kit, known);
        }
        if name == "kiln" {
            let edit = Path::new("crates/engine/src/lib.rs");
            return Self::from_directory(kit, &kit.workspace, name.to_owned(), edit_file.unwrap_or(edit));
        }
        let directory = Path::new(name).canonicalize().map_err(|error| {
            let names = KNOWN.map(|known| known.name).join(", ");
            format!("{name} is neither a directory ({error}) nor one of {names}, kiln")
        })?;
        let title = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let edit = edit_file.map_or_else(|| first_root(&directory), |file| Ok(file.to_path_buf()))?;
        Self::from_directory(kit, &directory, title, &edit)
    }

    /// A project whose sources are already in a directory.
    pub fn from_directory(kit: &Kit, directory: &Path, title: String, edit_file: &Path) -> Outcome<Self> {
        if !directory.join("Cargo.toml").is_file() {
            return Err(format!("{} has no Cargo.toml", directory.display()));
        }
        let origin = kit.work.join("projects").join(&title);
        files::remove(&origin)?;
        files::copy_sources(directory, &origin)?;
        lock_and_fetch(kit, &origin)?;
        let edit_file = edit_file.to_path_buf();
        Ok(Self { slug: title.clone(), title, origin, cargo_args: Vec::new(), edit_file })
    }

    fn from_registry(kit: &Kit, known: &Known) -> Outcome<Self> {
        let folder = format!("{}-{}", known.package, known.version);
        let sources = match in_registry(&folder) {
            Some(sources) => sources,
            None => fetch(kit, known, &folder)?,
        };
        let edit_file = Path::new(known.edit_file);
        let project = Self::from_directory(kit, &sources, known.name.to_owned(), edit_file)?;
        let cargo_args = known.cargo_args.iter().map(|&argument| argument.to_owned()).collect();
        Ok(Self { title: format!("{} {}", known.package, known.version), cargo_args, ..project })
    }

    /// Appends a constant that the file has never had, and that the compiler has to keep.
    pub fn edit(&self, checkout: &Path, number: usize) -> Outcome<()> {
        let file = checkout.join(&self.edit_file);
        let original = files::read(&self.origin.join(&self.edit_file))?;
        let mut text = original;
        text.extend(format!("\n#[used]\nstatic KILN_BENCH_EDIT: u64 = {number};\n").bytes());
        files::write(&file, text)
    }
}

/// The root file of the package in a directory.
fn first_root(directory: &Path) -> Outcome<PathBuf> {
    let roots = ["src/main.rs", "src/lib.rs"].map(PathBuf::from);
    let found = roots.into_iter().find(|root| directory.join(root).is_file());
    found.ok_or_else(|| format!("{} has no src/main.rs or src/lib.rs: pass --edit-file", directory.display()))
}

/// A package's sources in cargo's registry cache.
fn in_registry(folder: &str) -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")))?;
    let registries = files::entries(&home.join("registry/src")).ok()?;
    registries.into_iter().map(|registry| registry.join(folder)).find(|sources| sources.is_dir())
}

/// Lets cargo download a package by way of a scratch crate that depends on it.
fn fetch(kit: &Kit, known: &Known, folder: &str) -> Outcome<PathBuf> {
    let scratch = kit.work.join("fetch").join(known.package);
    let manifest = format!(
        "[package]\nname = \"scratch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{} = \"={}\"\n",
        known.package, known.version
    );
    files::write(&scratch.join("Cargo.toml"), manifest)?;
    files::write(&scratch.join("src/lib.rs"), "")?;
    eprintln!("bench: {folder} is not in the registry cache; running `cargo fetch` in {}", scratch.display());
    measure::output(kit.environment.cargo().arg("fetch").current_dir(&scratch))?;
    in_registry(folder).ok_or_else(|| {
        format!(
            "`cargo fetch` did not bring {folder}; make a crate that depends on `{} = \"={}\"` and run it there",
            known.package, known.version
        )
    })
}

/// Makes sure that `cargo build --offline --locked` can work.
fn lock_and_fetch(kit: &Kit, origin: &Path) -> Outcome<()> {
    let cargo = |arguments: &[&str]| {
        measure::output(kit.environment.cargo().args(arguments).current_dir(origin)).map(drop)
    };
    if !origin.join("Cargo.lock").is_file() {
        cargo(&["generate-lockfile", "--offline"]).or_else(|_| cargo(&["generate-lockfile"]))?;
    }
    cargo(&["fetch", "--locked", "--offline"]).or_else(|_| cargo(&["fetch", "--locked"]))
}
