//! A miss, kept: what the run declared and what was observed become a Shape, today's answers an ActionKey, its outputs
//! blobs. Finished before the wrapper exits; blobs first, then the result, then the Shape.
//!
//! Nothing is kept unless every input stood still from before the compiler started until its answer was taken, the run was
//! recorded completely or had nothing else within its reach, and it wrote nothing but its outputs.

use crate::evidence::{self, Evidence, Scene};
use crate::families::{self, build_script};
use crate::imports;
use crate::inputs::{self, World};
use crate::inspect;
use crate::kept::Kept;
use crate::keyed::Keyed;
use crate::messages;
use crate::switches;
use crate::toolchain::{self, Owned};
use kiln_action::os::OsStrExt;
use kiln_action::{
    ActionKey, ActionResult, Answer, FileKind, Given, Placed, Question, Reason, Shape, Subject,
};
use kiln_exec::{ClosedInputs, Ended, Run, RunEvidence};
use kiln_recorder::Record;
use kiln_store::{Content, Key, Store, StoreError};
use kiln_sys::files;
use kiln_sys::identity::{self, Found};
use std::path::Path;

mod outputs;
mod settled;

/// A run's exit code, as far as one is kept: 0, or 1 for a probe.
pub fn code(run: &Run) -> u8 {
    match run.exit {
        Ended::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        Ended::Signal(_) => u8::MAX,
    }
}

/// What a run looked at and made, however that is known.
fn evidence_of(keyed: &Keyed<'_>, run: &Run) -> Result<Evidence, Reason> {
    match &run.evidence {
        RunEvidence::Recorded(record) => observed(record, &keyed.request.world(), &keyed.owned),
        RunEvidence::Confined(inputs) => confined(inputs, run, &keyed.request.world()),
        RunEvidence::None(silence) => Err(Reason::Untraceable(silence.to_string())),
    }
}

/// A run that could reach nothing but these inputs has asked what they answer, and nothing else.
fn confined(inputs: &ClosedInputs, run: &Run, world: &World<'_>) -> Result<Evidence, Reason> {
    if inputs.answers.len() != inputs.shape.questions().len() {
        return Err(Reason::Untraceable("the answers are not those to its questions".into()));
    }
    let mut evidence = Evidence::default();
    let asked = inputs.shape.questions().iter().zip(&inputs.answers);
    let read = asked
        .filter(|(question, answer)| matches!(question, Question::File(_)) && **answer != Answer::Nothing);
    let read = read.filter_map(|(question, _)| world.invocation.places.resolve(question.path()?));
    evidence.opened.extend(read);
    evidence.questions.extend(inputs.shape.questions().iter().cloned());
    for made in &run.made {
        if !world.invocation.outputs.declares(&made.path) {
            return Err(Reason::WritesOutside(made.path.display().to_string()));
        }
        evidence.outputs.insert(made.path.clone());
    }
    Ok(evidence)
}

/// What the recorder saw of a run, read.
fn observed(record: &Record, world: &World<'_>, owned: &Owned) -> Result<Evidence, Reason> {
    let search = inputs::search_path(world.environment);
    let exists = |path: &Path| files::lstat(path).is_ok_and(|found| found.is_some());
    let is_directory = |path: &Path| {
        files::stat(path).is_ok_and(|found| found.is_some_and(|it| it.kind == FileKind::Directory))
    };
    let owns = |path: &Path| owned.owns(path);
    let ignored = |name: &[u8]| switches::is_ignored(world.settings, name);
    let temporary = inputs::temporary_directories(world);
    let own = kiln_sys::env::own_program();
    let script = world.invocation.subject == Subject::BuildScript;
    let rustlib = script.then(|| build_script::rustlib(world)).flatten();
    let scene = Scene {
        invocation: world.invocation,
        policy: families::of(world.invocation.subject).policy(),
        owns: &owns,
        search: &search,
        library_path: world.environment.get("LD_LIBRARY_PATH"),
        ignored: &ignored,
        responses: world.responses,
        temporary: &temporary,
        dates: world.settings.time_macros,
        own: own.as_deref(),
        rustlib: rustlib.as_deref(),
        is_rustc: &|exe| kiln_compiler::is_rustc(exe.as_os_str()) && toolchain::rustc_driver(exe).is_some(),
        is_kiln: &inputs::is_kiln,
        exists: &exists,
        is_directory: &is_directory,
        real_path: &|path| files::real_path(path).ok().flatten(),
    };
    evidence::read(record, &scene)
}

/// What a run that failed hung on, for whoever is recorded and asked for it: nothing of it is kept.
pub fn asked_by_failed(keyed: &Keyed<'_>, run: &Run) -> Result<Shape, Reason> {
    let mut evidence = evidence_of(keyed, run)?;
    if !evidence.macros.is_empty() {
        return Err(Reason::Untrusted("a macro ran in a compile that failed".into()));
    }
    let named = evidence.variables.iter().map(|name| Question::Env(name.clone()));
    evidence.questions.extend(named);
    ask_preloaded(&mut evidence, &keyed.request.world());
    Ok(Shape::new(evidence.questions.into_iter().collect()))
}

/// Keeps a run. Tells what was kept, or why it cannot be.
pub fn capture(keyed: &Keyed<'_>, run: &Run) -> Result<Kept, Reason> {
    let (world, store) = (&keyed.request.world(), &keyed.request.cache.store);
    let rules = families::of(world.invocation.subject);
    let mut evidence = evidence_of(keyed, run)?;
    if code(run) != 0 && !messages::are_about_the_source(&run.output) {
        return Err(Reason::Failed); // a full disk, a directory that cannot be written: not an answer
    }
    let inspected = keyed.request.cache.inspected();
    let texts = rules.declared(&mut evidence, run, world, &inspected)?;
    ask_preloaded(&mut evidence, world);
    suspect(&mut evidence, world, &inspected)?;
    for path in std::mem::take(&mut evidence.programs) {
        only_known_calls(&mut evidence, &path, world, &inspected)?;
    }
    if messages::are_rendered(&run.output) {
        let names = rules.for_messages().into_iter();
        evidence.questions.extend(names.map(|name| Question::Arg(name.as_bytes().to_vec())));
    }
    evidence.questions.extend(switches::questions(world.settings, &world.invocation.places)?);
    let (shape, answers) = answered(keyed, &mut evidence, run)?;
    assert_eq!(answers.len(), shape.questions().len(), "a key is made of the answers to all questions");
    let key = ActionKey::new(&keyed.weak, shape.questions().iter().zip(&answers));
    let result = outputs::keep_outputs(keyed, &evidence, run, texts)?;
    if run.started.clock_jumped() {
        return Err(Reason::ClockJumped);
    }
    let unkept = |error: StoreError| Reason::NoStore(error.to_string());
    let file = result.encode(&key);
    debug_assert_eq!(
        ActionResult::decode(&key, &file).as_ref(),
        Ok(&result),
        "what is written is what is read"
    );
    store.put(&Key::Result(key), Content::Bytes(&file)).map_err(unkept)?;
    kiln_store::add_shape(store, &keyed.weak, shape.clone()).map_err(unkept)?;
    let bytes = result.blobs().map(|digest| digest.size).sum();
    Ok(Kept { bytes, key, shape, answers, outputs: evidence.outputs.into_iter().collect() })
}

/// The Shape of what was asked, with today's answers; some answers lead to more questions.
fn answered(keyed: &Keyed<'_>, evidence: &mut Evidence, run: &Run) -> Result<(Shape, Vec<Answer>), Reason> {
    let world = &keyed.request.world();
    let moments = (&keyed.request.call.started, &run.started);
    let shape = Shape::new(evidence.questions.iter().cloned().collect());
    let answers = settled::settled_answers(&shape, evidence, moments, world)?;
    let more = families::of(world.invocation.subject).follow_up(&shape, &answers, evidence, world)?;
    if more.is_empty() {
        return Ok((shape, answers));
    }
    evidence.questions.extend(more);
    let shape = Shape::new(evidence.questions.iter().cloned().collect());
    let answers = settled::settled_answers(&shape, evidence, moments, world)?;
    Ok((shape, answers))
}

/// What a user preloads into the compiler: its names are in the key, its content is asked for, and where the loader finds it.
fn ask_preloaded(evidence: &mut Evidence, world: &World<'_>) {
    let value = world.environment.get("LD_PRELOAD").unwrap_or_default().as_bytes();
    for word in value.split(|byte| b": \t\n".contains(byte)).filter(|word| word.contains(&b'/')) {
        let path = world.invocation.absolute(Path::new(std::ffi::OsStr::from_bytes(word)));
        evidence.questions.insert(Question::File(Placed::literal(&path)));
    }
    let names =
        value.split(|byte| b": \t\n".contains(byte)).filter(|word| !word.is_empty() && !word.contains(&b'/'));
    for name in names {
        evidence.questions.insert(Question::Library(name.to_vec()));
        if let Some(path) = inputs::find_library(std::ffi::OsStr::from_bytes(name), world) {
            evidence.questions.insert(Question::File(Placed::literal(&path)));
        }
    }
}

/// Every function of libc that it imports is one that the recorder has a hook for, or one that looks at nothing. Some mathematics are
/// others on another processor, or by a variable that switches what it can do.
fn only_known_calls(
    evidence: &mut Evidence,
    path: &Path,
    world: &World<'_>,
    memory: &Path,
) -> Result<(), Reason> {
    let Ok(Found::Content(digest, _)) = identity::digest_of(path, world.memo) else {
        return Err(Reason::Untrusted(format!("{} cannot be read", path.display())));
    };
    let found = imports::of(path, &digest, memory)?;
    if found.arithmetic {
        evidence.ask_arithmetic();
    }
    let Some(name) = found.unknown else { return Ok(()) };
    let is_script = world.invocation.subject == Subject::BuildScript && path == world.invocation.compiler;
    let whose = if is_script { "a build script".into() } else { path.display().to_string() };
    Err(Reason::Untrusted(format!("{whose} calls `{name}`, which kiln does not know")))
}

/// The third ring: macros that could look at things unseen.
fn suspect(evidence: &mut Evidence, world: &World<'_>, memory: &Path) -> Result<(), Reason> {
    for path in std::mem::take(&mut evidence.macros) {
        let Ok(Found::Content(digest, _)) = identity::digest_of(&path, world.memo) else {
            return Err(Reason::Untrusted(format!("{} cannot be read", path.display())));
        };
        evidence.questions.insert(Question::File(world.invocation.places.place(&path)));
        only_known_calls(evidence, &path, world, memory)?;
        let found = inspect::of(&path, &digest, memory)?;
        if found.unseen {
            return Err(Reason::Untrusted(format!("{} contains system calls of its own", path.display())));
        }
        if found.time {
            return Err(Reason::Nondeterministic("a macro reads the processor's time counter".into()));
        }
        if found.processor {
            evidence.questions.insert(Question::Given(Given::Processor));
        }
        if found.environment {
            evidence.questions.insert(Question::Environ);
        }
        let mapped = !world.invocation.places.remapped().roots().is_empty();
        if found.arguments || found.locations && mapped {
            evidence.questions.insert(Question::Argv);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
