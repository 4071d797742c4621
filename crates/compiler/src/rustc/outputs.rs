//! What a command line writes, and what its unit is called.
//!
//! File names are those of rustc 1.95 for every target: stems are declared, so extensions and what a target adds to
//! them (`.so`, `.exe`, `.wasm`, `.pdb`, `.dll.lib`, `.dwp`, `.<unit>.rcgu.dwo`) need no list.

use super::table::Emit;
use kiln_action::OutputPlan;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the arguments ask to be written.
#[derive(Debug, Default)]
pub struct Asked {
    /// The value of `--crate-name`.
    pub crate_name: Option<String>,
    /// The value of `-C extra-filename`; empty without one.
    pub extra_filename: String,
    /// `--crate-type`, and whether making it runs the linker.
    pub crate_types: Vec<(&'static str, bool)>,
    /// What `--emit` asks for.
    pub emits: Vec<Emit>,
    /// Files named one by one; absolute.
    pub files: Vec<PathBuf>,
    /// The value of `-o`, absolute.
    pub out_file: Option<PathBuf>,
    /// The value of `--out-dir`, absolute.
    pub out_dir: Option<PathBuf>,
    /// The value of `-C incremental`, absolute.
    pub incremental: Option<PathBuf>,
    /// Whether `--test` is given.
    pub test: bool,
    /// Nothing is compiled: only files that `--print` names are written.
    pub question: bool,
}

impl Asked {
    /// Nothing is compiled after all.
    pub fn becomes_question(&mut self) {
        self.question = true;
        self.emits.clear();
        self.incremental = None;
    }

    fn emits(&self, kind: Emit) -> bool {
        self.emits.contains(&kind) || (kind == Emit::Link && self.emits.is_empty() && !self.question)
    }

    /// Whether the linker runs. Without `--crate-type` the source may name one; a program is the default.
    pub fn links(&self) -> bool {
        let linked =
            self.test || self.crate_types.is_empty() || self.crate_types.iter().any(|(_, links)| *links);
        self.emits(Emit::Link) && linked
    }

    /// The kind of unit, for people.
    pub fn kind(&self) -> String {
        let build_script = self.crate_name.as_deref().is_some_and(|name| name.starts_with("build_script_"));
        let kind = match self.crate_types.first() {
            _ if !self.emits(Emit::Link) => "check",
            _ if self.test => "test",
            Some(("bin", _)) if build_script => "build-script",
            Some((kind, _)) => kind,
            None => "bin",
        };
        kind.to_owned()
    }

    /// The crate's name, for people.
    pub fn name(&self, input: Option<&str>) -> String {
        match &self.crate_name {
            Some(name) => name.clone(),
            None => stem(input).replace('-', "_"),
        }
    }
}

/// The stem that rustc takes from the source: `rust_out` for standard input.
fn stem(input: Option<&str>) -> String {
    match input {
        Some("-") => "rust_out".to_owned(),
        Some(input) => Path::new(input).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        None => String::new(),
    }
}

/// The outputs of a command line.
pub fn plan(asked: &Asked, input: Option<&str>, directory: &Path) -> OutputPlan {
    let in_directory = match (&asked.out_file, &asked.out_dir) {
        (Some(file), _) => file.parent().unwrap_or(directory).to_owned(),
        (None, Some(out_dir)) => out_dir.clone(),
        (None, None) => directory.to_owned(),
    };
    let mut plan = OutputPlan {
        directory: in_directory,
        stems: Vec::new(),
        files: asked.files.clone(),
        tree: None,
        private: asked.incremental.iter().cloned().collect(),
        dep_info: asked.emits(Emit::DepInfo),
        metadata: asked.emits(Emit::Metadata),
    };
    if !asked.question {
        plan.stems = stems(asked, input);
        plan.files.extend(asked.out_file.clone());
    }
    plan
}

/// Stems of file names in the output directory: crate name and `-C extra-filename`, with and without `lib`. Without
/// `--crate-name` the source's stem names some files as it is and others with `-` made `_`; with `-o`, that file's stem
/// names what has no name of its own (`-o x/foo.z --emit=dep-info,metadata,link -C extra-filename=-1` writes `foo-1.d`,
/// `libaa-1.rmeta` and `libaa-1.rlib`).
fn stems(asked: &Asked, input: Option<&str>) -> Vec<OsString> {
    let mut names: Vec<String> = Vec::new();
    match &asked.crate_name {
        Some(name) => names.push(name.clone()),
        None => names.extend([stem(input), stem(input).replace('-', "_")]),
    }
    let mut stems: Vec<OsString> = Vec::new();
    let mut add = |name: OsString| {
        if !stems.contains(&name) {
            stems.push(name);
        }
    };
    for name in names {
        add(format!("{name}{}", asked.extra_filename).into());
        add(format!("lib{name}{}", asked.extra_filename).into());
    }
    if let Some(stem) = asked.out_file.as_deref().and_then(Path::file_stem) {
        for prefix in ["", "lib"] {
            let mut name = OsString::from(prefix);
            name.push(stem);
            add(name.clone());
            name.push(&asked.extra_filename);
            add(name);
        }
    }
    stems
}

#[cfg(test)]
mod tests;
