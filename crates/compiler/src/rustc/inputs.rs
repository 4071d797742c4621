//! What a command line means: its fields in the order in which they count, externs, places, mode and name.

use super::args::Argument;
use super::outputs::{self, Asked};
use super::table::{self, Effect, Flag, Own, Print};
use super::{environment, linker};
use crate::{Context, Recognised, Remap};
use kiln_action::{Extern, Family, Field, Invocation, Lazy, Mode, Place, Places, Reason, Subject, Unit};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What has been gathered so far.
#[derive(Default)]
struct Reading {
    fields: Vec<Field>,
    lazy: Vec<Lazy>,
    externs: Vec<Extern>,
    /// Directories that become places: `-L dependency`, parents of externs.
    dependencies: Vec<PathBuf>,
    asked: Asked,
    input: Option<String>,
    target: Option<OsString>,
    prints: Vec<Print>,
    version: bool,
    json: bool,
    native: bool,
    /// Whether directories that are otherwise inert count.
    directories_count: bool,
    /// What the user's own `--remap-path-prefix` map.
    mapped: Vec<PathBuf>,
    /// Whether `--remap-path-scope` leaves something unmapped.
    narrow_scope: bool,
}

/// Understands matched arguments.
pub fn understand(
    recognised: &Recognised,
    context: &Context<'_>,
    lexed: &[Argument],
) -> Result<Invocation, Reason> {
    let mut reading = Reading::default();
    for argument in lexed {
        match argument {
            Argument::Flag(flag, value) => reading.flag(flag, value.as_deref(), context.directory)?,
            Argument::Input(input) => reading.input(input)?,
        }
    }
    refuse_logging(context)?;
    reading.finish(recognised, context)
}

/// With RUSTC_LOG set, rustc tells of its own workings on stderr or into a file.
fn refuse_logging(context: &Context<'_>) -> Result<(), Reason> {
    match environment::UNCACHED.iter().find(|name| (context.getenv)(name).is_some_and(|v| !v.is_empty())) {
        Some(name) => Err(Reason::UncachedFlag((*name).to_owned())),
        None => Ok(()),
    }
}

impl Reading {
    fn field(&mut self, name: &'static str, value: impl Into<OsString>, path: bool) {
        self.fields.push(Field { name, value: value.into(), path });
    }

    fn input(&mut self, input: &str) -> Result<(), Reason> {
        if let Some(first) = &self.input {
            return Err(Reason::BadArguments(format!("two sources: {first} and {input}")));
        }
        self.input = Some(input.to_owned());
        self.field("input", input, true);
        Ok(())
    }

    fn flag(&mut self, flag: &'static Flag, value: Option<&str>, directory: &Path) -> Result<(), Reason> {
        let uncached = || Err(Reason::UncachedFlag(flag.spelled()));
        let text = value.unwrap_or_default();
        match flag.effect {
            Effect::Uncached => return uncached(),
            Effect::UncachedWhenOn if table::is_on(value) => return uncached(),
            Effect::Own(own) => return self.own(own, flag, value, directory),
            Effect::Lazy => self.lazy.push(Lazy { name: flag.field, value: text.into() }),
            Effect::Host => self.native |= text.contains("native"),
            Effect::KeyAndOut(counts) => self.directories_count |= counts(value),
            Effect::Linker => {
                self.native |= text.contains("native");
                self.directories_count |= linker::chooses_unmeasured(text);
            }
            Effect::KeyPath => self.directories_count |= !linker::is_measured(text),
            Effect::Key | Effect::UncachedWhenOn => {}
        }
        if text == "help" && matches!(flag.short, Some('A' | 'W' | 'D' | 'F')) {
            return uncached();
        }
        if !matches!(flag.effect, Effect::Lazy) {
            self.field(flag.field, value_in_key(flag, value), matches!(flag.effect, Effect::KeyPath));
        }
        Ok(())
    }

    fn own(
        &mut self,
        own: Own,
        flag: &'static Flag,
        value: Option<&str>,
        directory: &Path,
    ) -> Result<(), Reason> {
        let text = value.unwrap_or_default();
        match own {
            Own::CrateName => self.asked.crate_name = Some(text.to_owned()),
            Own::ExtraFilename => self.asked.extra_filename = text.to_owned(),
            Own::Test => self.asked.test = true,
            Own::Version => self.version = true,
            Own::ErrorFormat => self.json |= text == "json",
            Own::Target => self.target = Some(text.into()),
            Own::CrateType => self.asked.add_crate_types(text)?,
            Own::Emit => self.asked.add_emits(text, directory)?,
            Own::Print => self.print(text, directory)?,
            Own::RemapScope => self.narrow_scope = !text.split(',').any(|scope| scope == "all"),
            Own::Backend if text.contains(['/', '\\', '.']) => {
                return Err(Reason::UncachedFlag(flag.spelled()));
            }
            Own::Backend => {}
            Own::Incremental => {
                self.asked.incremental = Some(directory.join(text));
                self.field(flag.field, "", false);
                return Ok(());
            }
            Own::OutFile => {
                let file = directory.join(text);
                self.field(flag.field, file.file_name().unwrap_or_default(), false);
                self.asked.out_file = Some(file);
                return Ok(());
            }
            Own::OutDir => {
                self.asked.out_dir = Some(directory.join(text));
                return Ok(());
            }
            Own::Extern => return self.krate(text, directory),
            Own::Search => return self.search(text, directory),
            Own::Remap => return self.remap(text, directory),
        }
        self.field(flag.field, value_in_key(flag, value), false);
        Ok(())
    }

    fn print(&mut self, text: &str, directory: &Path) -> Result<(), Reason> {
        let (kind, file) = match text.split_once('=') {
            Some((kind, file)) => (kind, Some(file)),
            None => (text, None),
        };
        let known = table::PRINTS.iter().find(|(name, _)| *name == kind);
        let (_, print) = known.ok_or_else(|| Reason::UnknownFlag(format!("--print {kind}")))?;
        if *print == Print::Uncached {
            return Err(Reason::UncachedFlag(format!("--print {kind}")));
        }
        self.native |= matches!(kind, "target-cpus");
        self.prints.push(*print);
        if let Some(file) = file.filter(|file| *file != "-") {
            self.asked.files.push(directory.join(file));
        }
        self.directories_count = true;
        Ok(())
    }

    /// `[options:]name[=path]`.
    fn krate(&mut self, text: &str, directory: &Path) -> Result<(), Reason> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(directory.join(path))),
            None => (text, None),
        };
        let (options, name) = name.split_once(':').unwrap_or(("", name));
        let known = |option: &str| matches!(option, "priv" | "noprelude" | "nounused" | "force");
        if let Some(option) = options.split(',').find(|option| !option.is_empty() && !known(option)) {
            return Err(Reason::UnknownFlag(format!("--extern {option}:")));
        }
        if let Some(parent) = path.as_deref().and_then(Path::parent) {
            self.depends_on(parent);
        }
        self.externs.push(Extern { options: options.into(), name: name.into(), path });
        Ok(())
    }

    fn depends_on(&mut self, directory: &Path) {
        if !self.dependencies.iter().any(|known| known == directory) {
            self.dependencies.push(directory.to_owned());
        }
    }

    /// `[kind=]path`.
    fn search(&mut self, text: &str, directory: &Path) -> Result<(), Reason> {
        if let Some(path) = text.strip_prefix("dependency=") {
            self.depends_on(&directory.join(path));
            return Ok(());
        }
        self.field("L", text, true);
        Ok(())
    }

    /// `from=to`, split at the last `=` as rustc does.
    fn remap(&mut self, text: &str, directory: &Path) -> Result<(), Reason> {
        let (from, to) = text
            .rsplit_once('=')
            .ok_or_else(|| Reason::BadArguments(format!("--remap-path-prefix {text}")))?;
        self.mapped.push(directory.join(from));
        self.field("remap-path-prefix", from, true);
        self.field("remap-path-prefix.to", to, false);
        Ok(())
    }
}

/// A question (`-vV`, cargo's `--print`) whose arguments name no path has the same answer in every directory. A target
/// specification is a path, too, and ends in `.json`.
fn names_no_path(args: &[OsString]) -> bool {
    let is_path = |argument: &OsString| {
        let text = argument.as_encoded_bytes();
        text.contains(&b'/') || text.contains(&b'\\') || text.starts_with(b"@") || text.ends_with(b".json")
    };
    !args.iter().any(is_path)
}

/// The value as it counts: `-C lto` and `-C lto=` are not the same.
fn value_in_key(flag: &Flag, value: Option<&str>) -> OsString {
    match (flag.group, value) {
        (Some(_), Some(value)) => format!("={value}").into(),
        (_, value) => value.unwrap_or_default().into(),
    }
}

impl Reading {
    fn finish(mut self, recognised: &Recognised, context: &Context<'_>) -> Result<Invocation, Reason> {
        let asks = self.version || self.prints.contains(&Print::Question);
        if self.input.is_none() && !asks {
            return Err(Reason::BadArguments("no source".to_owned()));
        }
        if asks {
            self.asked.becomes_question();
        }
        if !self.prints.is_empty() {
            self.field("compiler", recognised.compiler.as_os_str(), false);
        }
        let outputs = outputs::plan(&self.asked, self.input.as_deref(), context.directory);
        let mut places = Places::new();
        // first, so that a workspace that is also an output directory is still mapped
        let append = self.append(context.remap, &mut places);
        places.add(Place::Out, &outputs.directory);
        for (n, directory) in self.dependencies.iter().take(256).enumerate() {
            places.add(Place::Deps(n as u8), directory);
        }
        let links = self.asked.links();
        let anywhere = asks && names_no_path(context.args);
        let unmeasured = links && !linker::is_measured_for(self.target.as_deref());
        if !anywhere && (self.directories_count || unmeasured) {
            let directories = self.dependencies.clone();
            self.field("out-dir", outputs.directory.as_os_str(), false);
            for directory in directories {
                self.field("dependency", directory, false);
            }
        }
        let from_build_script = !self.json && (context.getenv)("OUT_DIR").is_some();
        let mode = if asks || from_build_script { Mode::Probe } else { Mode::Compile };
        let clippy = recognised.wrapper.is_some();
        Ok(Invocation {
            subject: Subject::Compile(Family::Rustc),
            mode,
            unit: self.unit(mode),
            compiler: recognised.compiler.clone(),
            wrapper: recognised.wrapper.clone(),
            target: self.target,
            links,
            incremental: self.asked.incremental.is_some(),
            stdin: self.input.as_deref() == Some("-"),
            native: self.native,
            fields: self.fields,
            lazy: self.lazy,
            externs: self.externs,
            outputs,
            places,
            environment: if clippy { environment::COUNTS_BEHIND_WRAPPER } else { environment::COUNTS },
            append,
            directory: if anywhere { "/".into() } else { context.directory.to_owned() },
            source: None,
            depfile: None,
            shows_directory: false,
        })
    }

    /// The arguments that the remap setting adds, and the places that stand for what it maps. A directory that the
    /// user maps is left alone, and so is everything where the user narrows the scope: there paths stay in outputs.
    fn append(&mut self, remap: Option<&Remap>, places: &mut Places) -> Vec<OsString> {
        let Some(remap) = remap.filter(|_| !self.narrow_scope) else { return Vec::new() };
        let mut mappings = vec![(Place::Work, remap.work.as_path(), "/kiln/workspace")];
        mappings.extend(remap.target.as_deref().map(|target| (Place::Target, target, "/kiln/target")));
        mappings.retain(|(_, from, _)| !self.is_mapped(from, &remap.work));
        for (place, from, to) in &mappings {
            self.field("remap", *to, false);
            places.add(*place, from);
        }
        // the last mapping that fits wins, so the inner directory comes last
        mappings.sort_by_key(|(_, from, _)| from.as_os_str().len());
        let argument = |(_, from, to): &(Place, &Path, &str)| {
            let mut argument = OsString::from("--remap-path-prefix=");
            argument.push(from);
            argument.push("=");
            argument.push(to);
            argument
        };
        mappings.iter().map(argument).collect()
    }

    /// Whether the user maps `from`, or a directory around it that is still inside the workspace.
    fn is_mapped(&self, from: &Path, work: &Path) -> bool {
        self.mapped.iter().any(|user| user == from || (from.starts_with(user) && user.starts_with(work)))
    }

    fn unit(&self, mode: Mode) -> Unit {
        let kind = if mode == Mode::Probe { "probe".to_owned() } else { self.asked.kind() };
        Unit { name: self.asked.name(self.input.as_deref()), kind }
    }
}

impl Asked {
    fn add_crate_types(&mut self, text: &str) -> Result<(), Reason> {
        for name in text.split(',') {
            let known = table::CRATE_TYPES.iter().find(|(known, _)| *known == name);
            let (name, links) = known.ok_or_else(|| Reason::UnknownFlag(format!("--crate-type {name}")))?;
            self.crate_types.push((name, *links));
        }
        Ok(())
    }

    /// Takes `kind[=file],…`.
    fn add_emits(&mut self, text: &str, directory: &Path) -> Result<(), Reason> {
        for part in text.split(',') {
            let (kind, file) = match part.split_once('=') {
                Some((kind, file)) => (kind, Some(file)),
                None => (part, None),
            };
            let known = table::EMITS.iter().find(|(known, _)| *known == kind);
            let (_, emit) = known.ok_or_else(|| Reason::UnknownFlag(format!("--emit {kind}")))?;
            self.emits.push(*emit);
            if let Some(file) = file.filter(|file| *file != "-") {
                self.files.push(directory.join(file));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
