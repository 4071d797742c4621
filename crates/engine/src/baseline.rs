//! What a run was told and answered, remembered for `kiln explain`: the last few runs of every unit, below `units/` in the
//! cache directory. Touched on a miss only. Nothing here changes what is compiled or kept.

use crate::inputs::{self, World};
use crate::kept::Kept;
use kiln_action::baseline::{Answered, Baseline, MOST_DETAILS, Run, Told, Word, salted};
use kiln_action::conceal;
use kiln_action::key::WordSink;
use kiln_action::os::OsStrExt;
use kiln_action::removals::Removals;
use kiln_action::{Answer, Digest, Invocation, KeyInputs, Place, Question, digest};
use kiln_compiler::script;
use kiln_report::cause::{self, Difference};
use kiln_sys::env::Environment;
use kiln_sys::{files, random};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The longest baseline that is read, in bytes.
const LARGEST: u64 = 16 << 20;
const SALT: usize = 32;

/// The baselines of all units.
pub struct Units {
    directory: PathBuf,
}

/// What is needed of a miss besides what was kept.
pub struct Missed<'a> {
    /// What its WeakKey is made of.
    pub key: &'a KeyInputs<'a>,
    /// The world it asked.
    pub world: &'a World<'a>,
    /// The project it was built for.
    pub project: &'a str,
    /// What the compiler calls itself.
    pub compiler: String,
    /// Milliseconds since the epoch.
    pub at_ms: u64,
    /// When results were last removed here.
    pub removals: Removals,
}

impl Units {
    /// The baselines in this directory, which need not exist yet.
    pub fn new(directory: PathBuf) -> Units {
        Units { directory }
    }

    fn path(&self, invocation: &Invocation) -> PathBuf {
        let unit = unit_name(invocation);
        let target = invocation.target.as_deref().unwrap_or_default().as_bytes();
        // C has many files of one name; the source's path tells them apart.
        let place = invocation.source.as_deref().unwrap_or(&invocation.directory);
        let name = Baseline::name(&unit, target, place.as_os_str().as_bytes()).hex();
        self.directory.join(&name[..1]).join(name)
    }

    /// What is remembered in a file that is named by [`Units::path`], if it is that unit's.
    fn read(path: &Path) -> Option<Baseline> {
        Baseline::decode(&name_of(path)?, &files::read_own(path, LARGEST).ok()?).ok()
    }

    /// All baselines that can be read.
    pub fn all(&self) -> Vec<Baseline> {
        let below = |directory: &Path| -> Vec<PathBuf> {
            let names = files::list(directory).ok().flatten().unwrap_or_default();
            names.into_iter().map(|entry| directory.join(entry.name)).collect()
        };
        let files = below(&self.directory).into_iter().flat_map(|shard| below(&shard));
        files.filter_map(|path| Units::read(&path)).collect()
    }

    /// The salt of this cache directory: made once, known to nobody else.
    fn salt(&self) -> Option<Vec<u8>> {
        let path = self.directory.join("salt");
        let read = || files::read_own(&path, SALT as u64).ok().filter(|salt| salt.len() == SALT);
        if let Some(salt) = read() {
            return Some(salt);
        }
        let salt: [u8; SALT] = random::bytes().ok()?;
        files::write_private(&path, &salt).ok()?;
        read() // of two writers at once both believe the last one
    }

    /// Says what a miss came of and remembers it for the next one. `None` if nothing can be remembered here.
    pub fn explain_and_keep(&self, missed: &Missed<'_>, kept: &Kept) -> Option<Difference> {
        let invocation = missed.world.invocation;
        let path = self.path(invocation);
        let salt = self.salt()?;
        let mut baseline = Units::read(&path).unwrap_or_default();
        let run = run_of(missed, kept, &salt);
        let difference = cause::of(&baseline, &run, &missed.removals);
        baseline.unit = unit_name(invocation);
        baseline.directory = invocation.directory.as_os_str().as_bytes().to_vec();
        missed.project.clone_into(&mut baseline.project);
        baseline.add(run);
        // ext4 starts writing a file out when it takes the name of another one, which costs more than all of this.
        let _ = files::remove(&path);
        files::write_private(&path, &baseline.encode(&name_of(&path)?)).ok()?;
        Some(difference)
    }
}

/// The hash by which a file is named.
fn name_of(path: &Path) -> Option<[u8; 32]> {
    path.file_name().and_then(OsStr::to_str).and_then(digest::unhex)
}

/// What a unit is called in results, events and baselines.
pub fn unit_name(invocation: &Invocation) -> String {
    format!("{} {}", invocation.unit.name, invocation.unit.kind)
}

fn run_of(missed: &Missed<'_>, kept: &Kept, salt: &[u8]) -> Run {
    let mut words = WordSink::new(salt);
    missed.key.tell(&mut words);
    // It changes how paths are written into the key, and is no part of it otherwise.
    let remapped = !missed.world.invocation.places.remapped().roots().is_empty();
    words.words.push(Word {
        group: "settings".into(),
        name: "remap".into(),
        value: if remapped { "on" } else { "off" }.into(),
    });
    let answered = kept.shape.questions().iter().zip(&kept.answers);
    Run {
        at_ms: missed.at_ms,
        compiler: missed.compiler.clone(),
        key: kept.key,
        variant: variant(missed.world.invocation),
        words: words.words,
        answers: answered.map(|(question, answer)| told(question, answer, missed.world, salt)).collect(),
    }
}

fn variant(invocation: &Invocation) -> [u8; 8] {
    let metadata = invocation.fields.iter().filter(|field| field.name == "C.metadata");
    let output = invocation.outputs.files.first().filter(|_| invocation.family.is_c());
    let output = output.map(|path| path.as_os_str().as_bytes());
    let text: Vec<&[u8]> = metadata.map(|field| field.value.as_bytes()).chain(output).collect();
    let mut variant = [0; 8];
    variant.copy_from_slice(&Digest::of(&text.join(&0)).hash[..8]);
    variant
}

fn told(question: &Question, answer: &Answer, world: &World<'_>, salt: &[u8]) -> Told {
    let mut details = match answer {
        Answer::Nothing => Vec::new(), // there is nothing to tell more about
        _ => details(question, world, salt),
    };
    details.truncate(MOST_DETAILS);
    Told { question: question.clone(), answer: Answered::of(question, answer, salt), details }
}

/// What explains an answer that is only a digest.
fn details(question: &Question, world: &World<'_>, salt: &[u8]) -> Vec<Vec<u8>> {
    match question {
        Question::Listing(placed) => {
            let path = world.invocation.places.resolve(placed);
            let entries = path.and_then(|path| files::list(&path).ok().flatten()).unwrap_or_default();
            entries.iter().map(|entry| entry.name.as_bytes().to_vec()).collect()
        }
        Question::Program(name) => inputs::find_program(OsStr::from_bytes(name), world.environment)
            .map(|path| path.as_os_str().as_bytes().to_vec())
            .into_iter()
            .collect(),
        Question::Arg(name) => {
            let asked = world.invocation.lazy.iter().filter(|lazy| lazy.name.as_bytes() == name);
            asked.map(|lazy| lazy.value.as_bytes().to_vec()).collect()
        }
        Question::Library(name) => inputs::find_library(OsStr::from_bytes(name), world)
            .map(|path| path.as_os_str().as_bytes().to_vec())
            .into_iter()
            .collect(),
        Question::Argv => conceal::command_line(world.argv, salt),
        Question::Environ => whole_environment(world.environment, |_| true, salt),
        Question::Inherited => whole_environment(world.environment, |name| !script::is_session(name), salt),
        _ => Vec::new(),
    }
}

fn whole_environment(environment: &Environment, matters: impl Fn(&str) -> bool, salt: &[u8]) -> Vec<Vec<u8>> {
    let left_out = |name: &str| inputs::is_left_out_of_a_walk(name) || !matters(name);
    let counts = |name: &OsStr| !name.to_str().is_some_and(left_out);
    let counted = environment.iter().filter(|(name, _)| counts(name));
    let print = |(name, value): (&OsStr, &OsStr)| {
        let mut text = name.as_bytes().to_vec();
        text.push(0);
        text.extend(salted(salt, &Digest::of(value.as_bytes())));
        text
    };
    let mut all: Vec<Vec<u8>> = counted.map(print).collect();
    all.sort_unstable();
    all
}

/// The file that remembers what a toolchain calls itself.
fn version_note(memory: &Path, toolchain: &Digest) -> PathBuf {
    memory.join(format!("{}-version", &toolchain.hex()[..32]))
}

/// Remembers what a compiler said to `-vV`.
pub fn keep_version(memory: &Path, toolchain: &Digest, said: &[u8]) {
    let line = said.split(|&b| b == b'\n').next().unwrap_or_default();
    if line.len() < 200 && line.starts_with(b"rustc ") {
        let _ = files::write_private(&version_note(memory, toolchain), line);
    }
}

/// What a compiler calls itself, if it was ever asked.
pub fn version(memory: &Path, toolchain: &Digest) -> String {
    let note = files::read_own(&version_note(memory, toolchain), 256).unwrap_or_default();
    String::from_utf8(note).unwrap_or_default()
}

/// The directory of a profile in cargo's layout, by an output directory: `<profile>/deps`, `<profile>/examples`,
/// `<profile>/build/<package>-<hash>` or `<profile>/build/<package>/<hash>`, and what is below these.
fn profile_directory(out: &Path) -> Option<&Path> {
    let up = |name: &str| out.parent().filter(|_| out.ends_with(name));
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_build = |above: &&Path| {
        let below = out.strip_prefix(above).unwrap_or(out).iter().filter_map(OsStr::to_str);
        let mut below = below.map(|part| part.rsplit('-').next().unwrap_or_default());
        above.ends_with("build") && below.by_ref().take(2).any(is_hash)
    };
    let of_build = || out.ancestors().skip(1).take(3).find(is_build)?.parent();
    up("examples").or_else(of_build).or_else(|| up("deps"))
}

/// The profile that a unit is built in, as `--profile` names it; empty where there is none.
pub fn profile(invocation: &Invocation, out_of_script: Option<&Path>) -> String {
    let out = out_of_script.or((!invocation.family.is_c()).then_some(&*invocation.outputs.directory));
    let name = out.and_then(profile_directory).and_then(Path::file_name).unwrap_or_default();
    let name = if name == "debug" { OsStr::new("dev") } else { name };
    name.to_string_lossy().into_owned()
}

/// The project that a compile belongs to, by its output directory alone: what is above `target`, else the target
/// directory itself; without cargo's layout the directory it runs in.
pub fn project(invocation: &Invocation) -> String {
    let base = invocation.places.roots().iter().find(|(place, _)| *place == Place::Base);
    if let Some((_, base)) = base {
        // CMake's and meson's tries belong to the build directory that they are in
        let scratch = |path: &&Path| path.ends_with("CMakeFiles") || path.ends_with("meson-private");
        let build = base.ancestors().find(scratch).and_then(Path::parent);
        return build.unwrap_or(base).to_string_lossy().into_owned();
    }
    let Some(above) = profile_directory(&invocation.outputs.directory).and_then(Path::parent) else {
        return invocation.directory.to_string_lossy().into_owned();
    };
    let triple = invocation.target.as_deref().and_then(|target| Path::new(target).file_stem());
    let above = match above.parent() {
        Some(parent) if triple.is_some_and(|triple| above.file_stem() == Some(triple)) => parent,
        _ => above,
    };
    let root = if above.ends_with("target") { above.parent().unwrap_or(above) } else { above };
    root.to_string_lossy().into_owned()
}

/// The project for whose build script a C compile runs, by the script's output directory: `<profile>/build/<package>-<hash>/out`.
pub fn project_of_script(out: &Path, target: Option<&OsStr>) -> Option<String> {
    let build = out.ancestors().skip(1).find(|above| above.ends_with("build"))?;
    let above = build.parent()?.parent()?;
    let above = above.parent().filter(|_| target.is_some() && above.file_name() == target).unwrap_or(above);
    let root = if above.ends_with("target") { above.parent().unwrap_or(above) } else { above };
    Some(root.to_string_lossy().into_owned())
}

/// What the files of a unit are called.
pub fn stem(invocation: &Invocation) -> String {
    invocation.outputs.stems.first().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
pub(crate) mod tests;
