//! What is particular to keeping a run of gcc or clang: its depfile is held against the record, and whether its outputs may
//! show where the project is decides how far they are shared.
//!
//! Paths below the project count by place, so that checkouts share what does not show them. A run may show them all the
//! same: then it also asks [`Question::Here`], and its results stay where they were made. That is so where
//!
//! * the command line asks for it (`shows_directory`: then the key holds the paths, and nothing needs to be asked);
//! * an output or a message holds the directory's name;
//! * a file that is not the system's holds the directory's name: `#include "/the/project/src/a.c"`, as CMake's unity builds say it;
//! * a path below the project was given as an absolute one, so that `__FILE__` is one, and a source or the command line says
//!   `__FILE__`, `__BASE_FILE__`, `__builtin_FILE` or `source_location`, or what they could be pasted from: a length or a hash
//!   of it would leave nothing to find. (`assert` passes it on as a string, which is found.)

use super::{Rules, Texts};
use crate::call::Call;
use crate::evidence::policy::Policy;
use crate::evidence::{Evidence, observers, variables};
use crate::inputs::World;
use crate::messages::{self, Messages};
use crate::seen::Seen;
use crate::toolchain::{self, Known};
use crate::unit;
use kiln_action::event::PROBE;
use kiln_action::os::OsStrExt;
use kiln_action::place::below;
use kiln_action::template::Spelling;
use kiln_action::{
    Answer, Digest, Event, Family, FileKind, Invocation, Place, Placed, Question, Reason, Shape, Stream,
    Subject, Template,
};
use kiln_compiler::gcc::{asking, depfile, wrapping};
use kiln_compiler::{Recognised, Remap};
use kiln_exec::Run;
use kiln_report::cause;
use kiln_sys::files;
use kiln_sys::identity::Memo;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

mod project;
mod terminal;

/// gcc, clang and their relatives.
pub struct C;

impl Rules for C {
    /// `cc` is gcc or clang as the link says. clang looks at its own name: called `clang-cl` it is another.
    fn resolve(&self, mut recognised: Recognised, call: &Call<'_>) -> Result<Recognised, Reason> {
        recognised.compiler = call.directory.join(&recognised.compiler);
        let real = files::real_path(&recognised.compiler).ok().flatten();
        let family = real.as_deref().and_then(Path::file_name).and_then(kiln_compiler::family_of);
        let real = || real.as_deref().unwrap_or(&recognised.compiler).display().to_string();
        let called = recognised.compiler.file_name().unwrap_or_default();
        let family = family.map(|family| kiln_compiler::speaks(family, called));
        recognised.subject = Subject::Compile(family.ok_or_else(|| Reason::UnknownCompiler(real()))?);
        Ok(recognised)
    }

    fn name_of_unparsed(&self, call: &Call<'_>) -> String {
        unit::c_name(call.argv)
    }

    fn out_of_script<'c>(&self, call: &Call<'c>) -> Option<&'c Path> {
        call.environment.get("OUT_DIR").map(Path::new)
    }

    fn cargos_directory<'c>(&self, _invocation: &'c Invocation, call: &Call<'c>) -> Option<&'c Path> {
        self.out_of_script(call)
    }

    fn tell(&self, event: &mut Event, call: &Call<'_>, invocation: &Invocation) {
        event.script = self.out_of_script(call).and_then(cause::script_of).unwrap_or_default();
        if is_try(invocation) {
            PROBE.clone_into(&mut event.kind);
        }
    }

    fn base(&self, call: &Call<'_>, memo: &Memo) -> Option<PathBuf> {
        Some(project::of(call.settings, call.directory, memo))
    }

    fn remap(&self, _call: &Call<'_>, base: Option<&Path>) -> Option<Remap> {
        Some(Remap { work: base?.to_owned(), target: None })
    }

    fn complete(&self, invocation: &mut Invocation, base: Option<&Path>, call: &Call<'_>, args: &[OsString]) {
        project::pin(invocation, base.unwrap_or(call.directory));
        project::place(invocation, call.environment);
        terminal::adapt(invocation, args, call.environment);
    }

    fn refuse(&self, _call: &Call<'_>, _args: &[OsString], invocation: &Invocation) -> Option<Reason> {
        let windows =
            || Reason::Untraceable("cl runs on Windows, where kiln cannot trace compiles yet".into());
        (invocation.subject == Subject::Compile(Family::Msvc)).then(windows)
    }

    fn toolchain(&self, invocation: &Invocation, memo: &Memo) -> Option<Result<Known, Reason>> {
        Some(toolchain::c_driver(invocation, memo))
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }

    fn declared(
        &self,
        evidence: &mut Evidence,
        run: &Run,
        world: &World<'_>,
        _inspected: &Path,
    ) -> Result<Texts, Reason> {
        // LLVM reckons with it while it compiles; gcc has mathematics of its own, which are exact.
        if matches!(world.invocation.subject, Subject::Compile(Family::Clang | Family::ClangCl)) {
            evidence.ask_arithmetic();
        }
        declared(evidence, run, world)
    }

    fn for_messages(&self) -> Vec<&'static str> {
        vec![terminal::FIELD]
    }

    fn follow_up(
        &self,
        shape: &Shape,
        answers: &[Answer],
        evidence: &Evidence,
        world: &World<'_>,
    ) -> Result<Vec<Question>, Reason> {
        of_twins(shape, answers, evidence, world)
    }

    fn messages(&self, _evidence: &Evidence, run: &Run, world: &World<'_>) -> Result<Messages, Reason> {
        Ok(Messages { streams: message_templates(run, world), inert: Vec::new() })
    }

    /// What C compiles to is never run: where it may be, an older file's permissions were left.
    fn keeps_executables(&self) -> bool {
        false
    }

    /// A depfile's lines are broken by their length, and names may have another length here.
    fn text_here(&self, text: Vec<u8>, world: &World<'_>) -> Vec<u8> {
        wrapped(&text, world.invocation).unwrap_or(text)
    }

    fn obstacle(&self, invocation: &Invocation) -> Option<String> {
        obstacle(invocation)
    }
}

/// How a record is read.
const POLICY: Policy = Policy {
    roles: observers::by_name,
    is_inert: variables::is_inert_to_c,
    literal_code: "a macro",
    may_be_wrapped: false,
    runs_inspected_code: false,
    inspects_programs: false,
    asks_for_preload: false,
    finds_kiln: false,
    tools_read_the_source: true,
    modes_count: false,
    knows_programs: false,
    writes_only_anew: false,
};

/// A depfile with its lines broken as the compiler breaks them.
pub fn wrapped(text: &[u8], invocation: &Invocation) -> Option<Vec<u8>> {
    wrapping::wrap(text, invocation.subject.family()?)
}

/// Whether a C compile only finds out what the compiler can do: for CMake, meson, autoconf and the crate `cc`.
fn is_try(invocation: &Invocation) -> bool {
    const SOURCES: [&str; 4] = ["conftest", "flag_check", "detect_compiler_family", "testCCompiler"];
    let stem = invocation.unit.name.split('.').next().unwrap_or_default();
    SOURCES.contains(&stem) || crate::project::is_scratch(&invocation.directory)
}

/// The first ring: source and depfile. The record counts only if it saw all of that.
fn declared(evidence: &mut Evidence, run: &Run, world: &World<'_>) -> Result<Texts, Reason> {
    let invocation = world.invocation;
    let source = invocation.source.as_deref();
    if let Some(unseen) = source.filter(|source| !Seen::new(&evidence.opened).holds(source)) {
        return Err(Reason::Untraceable(format!(
            "{} was read, and the recorder did not see it",
            unseen.display()
        )));
    }
    let written = invocation.outputs.files.first();
    if let Some(missing) = written.filter(|path| !evidence.outputs.contains(*path)) {
        return Err(Reason::BadOutputs(format!("{} was not written", missing.display())));
    }
    let named = sources_name_it(evidence, world)?;
    let mut texts = HashMap::new();
    if let Some(path) = invocation.depfile.as_deref() {
        let text = files::read(path).map_err(|error| Reason::BadOutputs(error.to_string()))?;
        all_seen(path, &text, evidence, world)?;
        let again = wrapped(&text, invocation);
        let reproducible = again.as_deref() == Some(text.as_slice());
        if !invocation.shows_directory && (shown_by_depfile(&text, world) || !reproducible) {
            evidence.questions.insert(Question::Here);
        }
        texts.insert(path.to_owned(), Template::cut(&text, &invocation.places, &[Spelling::Make]));
    }
    if !invocation.shows_directory && (named || shows_its_place(evidence, run, world)?) {
        evidence.questions.insert(Question::Here);
    }
    Ok(texts)
}

/// Whether a file that it read and that is not the system's names the project's directory, or may ask for its own name where
/// that is absolute. One of them must not have the compiler compare the times of files: `#pragma GCC dependency` warns
/// where a file is younger than the source, which no answer tells.
fn sources_name_it(evidence: &Evidence, world: &World<'_>) -> Result<bool, Reason> {
    let (needles, absolute) = (needles(world), is_given_absolute_paths(world));
    let holds = |text: &[u8]| needles.iter().any(|needle| memchr::memmem::find(text, needle).is_some());
    let asks =
        |path: &Path, text: &[u8]| absolute && !passes_names_on(path) && asking::may_ask_for_a_name(text);
    let mut named = false;
    for path in evidence.opened.difference(&evidence.code).filter(|path| !is_of_the_system(path)) {
        let Ok(text) = files::read(path) else {
            named |= !needles.is_empty();
            continue;
        };
        if asking::compares_times(&text) {
            return Err(Reason::Nondeterministic(format!("{} compares the times of files", path.display())));
        }
        named = named || holds(&text) || asks(path, &text);
    }
    Ok(named)
}

/// What else is to be asked where two files have equal bytes and `#pragma once` or `#import` is about them. To clang they
/// are one file if they are one by their inode, to gcc if their times are equal, too.
/// A library that was loaded is included by nobody.
fn of_twins(
    shape: &Shape,
    answers: &[Answer],
    evidence: &Evidence,
    world: &World<'_>,
) -> Result<Vec<Question>, Reason> {
    let mut twins: HashMap<&Digest, Vec<(&Placed, PathBuf)>> = HashMap::new();
    for (question, answer) in shape.questions().iter().zip(answers) {
        if let (Question::File(placed), Answer::Content(digest)) = (question, answer)
            && let Some(path) = world.invocation.places.resolve(placed)
            && (placed.place != Place::Literal || evidence.opened.contains(&path))
        {
            twins.entry(digest).or_default().push((placed, path));
        }
    }
    let mut more = Vec::new();
    for twins in twins.into_values().filter(|twins| twins.len() > 1) {
        let text = files::read(&twins[0].1).unwrap_or_default();
        let objective = world.invocation.unit.kind.starts_with("objc");
        if !objective && memchr::memmem::find(&text, b"once").is_none() {
            continue;
        }
        let leads: HashSet<_> = twins.iter().map(|(_, path)| files::real_path(path).ok().flatten()).collect();
        let question = match world.invocation.subject.family() {
            _ if leads.len() == 1 => Question::Real,
            Some(Family::Gcc) => Question::Kind,
            _ => {
                return Err(Reason::Nondeterministic(format!(
                    "{} is included under two names, and `#pragma once` depends on that",
                    twins[0].1.display()
                )));
            }
        };
        more.extend(twins.into_iter().map(|(placed, _)| question(placed.clone())));
    }
    Ok(more)
}

/// Every file that the compiler says it read must have been seen. gcc shortens names (`12/../../include` is written as
/// `include`), so they are compared without their detours, and where that fails by where they lead.
fn all_seen(path: &Path, text: &[u8], evidence: &Evidence, world: &World<'_>) -> Result<(), Reason> {
    let named = depfile::prerequisites(text)
        .ok_or_else(|| Reason::BadOutputs(format!("{} is not a depfile", path.display())))?;
    let without: HashSet<PathBuf> = evidence.opened.iter().map(|path| without_detours(path)).collect();
    let seen = Seen::new(&evidence.opened);
    for name in named {
        let name = world.invocation.absolute(Path::new(OsStr::from_bytes(&name)));
        if !without.contains(&without_detours(&name)) && !seen.holds(&name) {
            return Err(Reason::Untraceable(format!(
                "{} was read, and the recorder did not see it",
                name.display()
            )));
        }
    }
    Ok(())
}

/// `a/./b/../c` as `a/c`. Wrong where `b` is a symbolic link, so good for comparing only.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// The directories that count by place.
fn roots<'a>(world: &'a World<'_>) -> impl Iterator<Item = &'a Path> {
    let roots = world.invocation.places.roots().iter();
    roots.filter(|(place, _)| !matches!(place, Place::Output(_))).map(|(_, root)| root.as_path())
}

/// Whether a depfile cannot be replayed elsewhere: make's spelling of such a directory is not known to be one.
fn shown_by_depfile(text: &[u8], world: &World<'_>) -> bool {
    let odd = |root: &Path| root.as_os_str().as_bytes().iter().any(|byte| b"#$\\\t\n%:".contains(byte));
    text.contains(&b'/') && roots(world).any(odd)
}

fn needles<'a>(world: &'a World<'_>) -> Vec<&'a [u8]> {
    roots(world).map(|root| root.as_os_str().as_bytes()).collect()
}

/// Whether anything that is kept may show where the project is, but for the sources.
fn shows_its_place(evidence: &Evidence, run: &Run, world: &World<'_>) -> Result<bool, Reason> {
    let needles = needles(world);
    if needles.is_empty() {
        return Ok(false);
    }
    let depfile = world.invocation.depfile.as_deref();
    for path in evidence.outputs.iter().filter(|path| Some(path.as_path()) != depfile) {
        if files::find_any(path, &needles).map_err(|error| Reason::BadOutputs(error.to_string()))?.is_some() {
            return Ok(true);
        }
    }
    let messages = all_output(run);
    let loose = |line: &[u8]| {
        let rest = after_its_place(line, &needles);
        needles.iter().any(|needle| memchr::memmem::find(rest, needle).is_some())
    };
    let left = || {
        message_templates(run, world).iter().any(|(_, text)| needles.iter().any(|needle| text.holds(needle)))
    };
    if messages.split(|&byte| byte == b'\n').any(loose) || left() {
        return Ok(true);
    }
    if !is_given_absolute_paths(world) {
        return Ok(false);
    }
    // Macros of headers from outside the project are expanded in it, but for those known to pass a name on as it is.
    let asks = |path: &PathBuf| {
        !passes_names_on(path) && files::read(path).map_or(true, |text| asking::says_a_name(&text))
    };
    let mut others = evidence.opened.difference(&evidence.code).filter(|path| is_of_the_system(path));
    let fields = &world.invocation.fields;
    Ok(fields.iter().any(|field| asking::may_ask_for_a_name(field.value.as_bytes())) || others.any(asks))
}

fn is_of_the_system(path: &Path) -> bool {
    ["/usr", "/lib", "/lib64"].iter().any(|root| below(path, Path::new(root)).is_some())
}

fn passes_names_on(path: &Path) -> bool {
    path.starts_with("/usr") && (path.ends_with("assert.h") || path.iter().any(|part| part == "c++"))
}

fn all_output(run: &Run) -> Vec<u8> {
    run.output.iter().flat_map(|(_, text)| text.iter().copied()).collect()
}

/// What is left of a line of diagnostics after the path at its beginning, if one of the directories is there: `DIR/a.c:1:2:
/// warning: …`, `In file included from DIR/a.h:1,`, clang-cl's `DIR/a.c(1,2): warning: …` and, with `/showIncludes`, `Note:
/// including file:  DIR/a.h`.
fn after_its_place<'a>(line: &'a [u8], roots: &[&[u8]]) -> &'a [u8] {
    let text = line.strip_prefix(b"In file included from ").unwrap_or(line);
    let text = text.strip_prefix(b"                 from ").unwrap_or(text);
    let text = text.strip_prefix(b"\x1b[01m\x1b[K").unwrap_or(text); // gcc's bold
    let text = text.strip_prefix(b"\x1b[1m").unwrap_or(text); // clang's
    let text = text.strip_prefix(b"Note: including file:").map_or(text, |path| path.trim_ascii_start());
    roots
        .iter()
        .find_map(|root| text.strip_prefix(*root).filter(|rest| rest.starts_with(b"/")))
        .unwrap_or(line)
}

/// Fields that name no source: what is written, and what a rule for make is called.
const NOT_SOURCES: [&str; 4] = ["output", "-MT", "-MQ", "-Wp,-MT"];

/// Whether a source was given by an absolute path below one of the places, and so has one as its name.
fn is_given_absolute_paths(world: &World<'_>) -> bool {
    if !world.invocation.places.remapped().roots().is_empty() {
        return false; // that is mapped, and `__FILE__` with it
    }
    let needles = needles(world);
    let below = |text: &[u8]| needles.iter().any(|needle| memchr::memmem::find(text, needle).is_some());
    let invocation = world.invocation;
    let variables = invocation.environment.iter().filter_map(|name| world.environment.get(name));
    let sources = invocation.fields.iter().filter(|field| !NOT_SOURCES.contains(&field.name));
    sources.into_iter().any(|field| below(field.value.as_bytes()))
        || variables.into_iter().any(|value| below(value.as_bytes()))
}

/// The messages with holes for this place's directories. Where a directory stands anywhere but in front of a message, the
/// run has asked for it literally, so that what the holes are filled with is always the same.
fn message_templates(run: &Run, world: &World<'_>) -> Vec<(Stream, Template)> {
    let places = world.invocation.places.only(|place| !matches!(place, Place::Output(_)));
    let pieces = messages::by_stream(&run.output);
    pieces
        .into_iter()
        .map(|(stream, text)| (stream, Template::cut(&text, &places, &[Spelling::Plain])))
        .collect()
}

/// What keeps outputs of a C compile from being put in place, so that the compiler is asked to. One is a link: compilers
/// write through it, or put a file in its place, each in its own way and differently for each kind of output. gcc and clang
/// keep the file that a rule for make is in, and gcc the one of text, with its permissions, and whoever has another name for
/// it sees the new one. Or its directory is not there, which makes them fail.
fn obstacle(invocation: &Invocation) -> Option<String> {
    let text = invocation.fields.iter().any(|field| matches!(field.name, "-S" | "-E"));
    let kept = |path: &Path| text || invocation.depfile.as_deref() == Some(path);
    let is_odd = |path: &Path| {
        let Ok(Some(stat)) = files::lstat(path) else { return false };
        let odd = stat.links > 1 || stat.mode & 0o7111 != 0 || stat.mode & 0o200 == 0;
        stat.kind == FileKind::Symlink || stat.kind == FileKind::File && odd && kept(path)
    };
    let is_directory =
        |path: &Path| files::stat(path).is_ok_and(|it| it.is_some_and(|it| it.kind == FileKind::Directory));
    let mut checked = None;
    for path in &invocation.outputs.files {
        if is_odd(path) {
            return Some(format!("{} is a link or no ordinary file", path.display()));
        }
        let parent = path.parent();
        if checked != parent && !parent.is_some_and(is_directory) {
            return Some(format!("{} is in no directory", path.display()));
        }
        checked = parent;
    }
    None
}
