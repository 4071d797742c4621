//! A miss, kept: what the run declared and what was observed become a Shape, today's answers an ActionKey, its outputs
//! blobs. Finished before the wrapper exits; blobs first, then the result, then the Shape.
//!
//! Nothing is kept unless every input stood still from before the compiler started until its answer was taken, the run was
//! recorded completely, and it wrote nothing but its outputs.

use crate::evidence::{self, Evidence, Scene};
use crate::guilt;
use crate::inputs::{self, World};
use crate::toolchain::Owned;
use kiln_action::template::Spelling;
use kiln_action::{
    ActionKey, ActionResult, Answer, Digest, Output, Place, Placed, Question, Reason, Role, Shape, Stream,
    Template, WeakKey,
};
use kiln_compiler::rustc::{depinfo, table};
use kiln_recorder::{Record, Unrecorded};
use kiln_store::{Content, Keep, Key, LocalStore, Store, StoreError};
use kiln_sys::clock::Moment;
use kiln_sys::files;
use kiln_sys::identity::Writer;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run that ended well.
pub struct Ran {
    /// What the recorder saw.
    pub record: Result<Record, Unrecorded>,
    /// What it said, in order.
    pub said: Vec<(Stream, Vec<u8>)>,
    /// Its exit code: 0, or 1 for a probe.
    pub exit_code: u8,
    /// When it was started.
    pub started: Moment,
    /// How long it took.
    pub took: Duration,
}

/// Where it is kept.
pub struct Shelf<'a> {
    /// The store.
    pub store: &'a LocalStore,
    /// Where what is known of macros' files is remembered.
    pub guilt: &'a Path,
}

/// Keeps a run. Tells the bytes of its outputs, or why it cannot be kept.
pub fn capture(
    ran: &Ran,
    weak: &WeakKey,
    world: &World<'_>,
    toolchain: &Owned,
    shelf: &Shelf<'_>,
) -> Result<u64, Reason> {
    let record = ran.record.as_ref().map_err(|silence| Reason::Unrecorded(silence.to_string()))?;
    let search = inputs::search_path(world.environment);
    let exists = |path: &Path| files::lstat(path).is_ok_and(|found| found.is_some());
    let owns = |path: &Path| toolchain.owns(path);
    let scene = Scene { invocation: world.invocation, owns: &owns, search: &search, exists: &exists };
    let mut evidence = evidence::read(record, &scene)?;
    let texts = declared(&mut evidence, ran.exit_code, world)?;
    suspect(&mut evidence, world, shelf.guilt)?;
    if said_something(&ran.said) {
        evidence.questions.extend(lazy_names().map(|name| Question::Arg(name.as_bytes().to_vec())));
    }
    let shape = Shape::new(evidence.questions.iter().cloned().collect());
    let answers = settled_answers(&shape, &evidence, ran, world)?;
    let key = ActionKey::new(weak, shape.questions().iter().zip(&answers));
    let result = keep_outputs(&evidence, ran, weak, world, texts, shelf.store)?;
    if ran.started.clock_jumped() {
        return Err(Reason::ClockJumped);
    }
    let unkept = |error: StoreError| Reason::NoStore(error.to_string());
    shelf.store.put(&Key::Result(key), Content::Bytes(&result.encode())).map_err(unkept)?;
    kiln_store::add_shape(shelf.store, weak, shape).map_err(unkept)?;
    Ok(result.blobs().map(|digest| digest.size).sum())
}

/// The first ring: what the compiler wrote down itself. The record counts only if it saw all of that.
fn declared(
    evidence: &mut Evidence,
    exit_code: u8,
    world: &World<'_>,
) -> Result<HashMap<PathBuf, Template>, Reason> {
    let invocation = world.invocation;
    for path in invocation.externs.iter().filter_map(|krate| krate.path.as_deref()) {
        evidence.questions.insert(Question::File(invocation.places.place(path)));
    }
    let mut texts = HashMap::new();
    let written: Vec<PathBuf> = evidence
        .outputs
        .iter()
        .filter(|path| invocation.outputs.dep_info && is_dep_info(path))
        .cloned()
        .collect();
    if invocation.outputs.dep_info && exit_code == 0 && written.is_empty() {
        return Err(Reason::BadOutputs("no dep-info was written".into()));
    }
    for path in written {
        let text = files::read(&path).map_err(|error| Reason::BadOutputs(error.to_string()))?;
        let parsed = depinfo::parse(&text)
            .ok_or_else(|| Reason::BadOutputs(format!("{} is not dep-info", path.display())))?;
        for source in &parsed.inputs {
            let source = invocation.absolute(Path::new(std::ffi::OsStr::from_bytes(source)));
            if evidence.outputs.contains(&source) {
                continue;
            }
            if !evidence.opened.contains(&source) {
                return Err(Reason::Unrecorded(format!("{} was read unseen", source.display())));
            }
            evidence.questions.insert(Question::File(invocation.places.place(&source)));
        }
        evidence.questions.extend(parsed.environment.into_iter().map(|(name, _)| Question::Env(name)));
        texts.insert(path, Template::cut(&text, &invocation.places, &[Spelling::Make, Spelling::Plain]));
    }
    Ok(texts)
}

fn is_dep_info(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "d")
}

/// The third ring: macros that could look at things unseen.
fn suspect(evidence: &mut Evidence, world: &World<'_>, memory: &Path) -> Result<(), Reason> {
    for path in std::mem::take(&mut evidence.macros) {
        let Ok(kiln_sys::identity::Found::Content(digest, _)) =
            kiln_sys::identity::digest_of(&path, world.memo)
        else {
            return Err(Reason::Untrusted(format!("{} cannot be read", path.display())));
        };
        evidence.questions.insert(Question::File(world.invocation.places.place(&path)));
        let guilt = guilt::of(&path, &digest, memory)?;
        if guilt.unseen {
            return Err(Reason::Untrusted(format!("{} contains system calls", path.display())));
        }
        if guilt.environment {
            evidence.questions.insert(Question::Environ);
        }
        if guilt.arguments {
            evidence.questions.insert(Question::Argv);
        }
    }
    Ok(())
}

/// The arguments that count where diagnostics were rendered.
fn lazy_names() -> impl Iterator<Item = &'static str> {
    table::rows().filter(|flag| matches!(flag.effect, table::Effect::Lazy)).map(|flag| flag.field)
}

/// Whether diagnostics were rendered (anything but cargo's artifact notices), so that the terminal's width counts.
fn said_something(said: &[(Stream, Vec<u8>)]) -> bool {
    let all: Vec<u8> =
        said.iter().filter(|(s, _)| *s == Stream::Err).flat_map(|(_, text)| text.clone()).collect();
    let notice = br#"{"$message_type":"artifact""#;
    all.split(|&b| b == b'\n').any(|line| !line.is_empty() && !line.starts_with(notice))
}

/// Today's answers, each about something that has not changed since before the run began.
fn settled_answers(
    shape: &Shape,
    evidence: &Evidence,
    ran: &Ran,
    world: &World<'_>,
) -> Result<Vec<Answer>, Reason> {
    let changed = |path: &Path| Reason::InputChanged(path.display().to_string());
    for path in &evidence.absent {
        if !evidence.outputs.contains(path) && files::lstat(path).is_ok_and(|found| found.is_some()) {
            return Err(changed(path));
        }
    }
    let mut answers = Vec::with_capacity(shape.questions().len());
    for question in shape.questions() {
        let unanswered = || Reason::InputChanged(format!("{question:?} has no answer"));
        let answer = inputs::answer(question, world).ok_or_else(unanswered)?;
        let placed = question.path();
        if let Some(path) = placed.and_then(|placed| world.invocation.places.resolve(placed)) {
            let seen = evidence.opened.contains(&path);
            if seen && answer == Answer::Nothing || !stood_still(question, &path, ran.started.realtime_ns()) {
                return Err(changed(&path));
            }
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// Whether what the question is about was last changed before `since`. A dependency's `.rlib` is linked into other target
/// directories and unlinked from them at any time, which changes its ctime but not its content.
fn stood_still(question: &Question, path: &Path, since: i64) -> bool {
    let Ok(Some(stat)) = files::stat(path) else { return true };
    let identity = stat.identity;
    let linked =
        stat.links > 1 && matches!(question.path(), Some(Placed { place: Place::Deps(_) | Place::Out, .. }));
    match question {
        Question::File(_) if stat.kind == kiln_action::FileKind::File => {
            identity.mtime_ns <= since && (linked || identity.ctime_ns <= since)
        }
        Question::Kind(_) if stat.kind == kiln_action::FileKind::File => identity.ctime_ns <= since,
        Question::Listing(_) => identity.mtime_ns <= since,
        _ => true,
    }
}

fn keep_outputs(
    evidence: &Evidence,
    ran: &Ran,
    weak: &WeakKey,
    world: &World<'_>,
    mut texts: HashMap<PathBuf, Template>,
    store: &LocalStore,
) -> Result<ActionResult, Reason> {
    let invocation = world.invocation;
    let has = |extension: &str| {
        evidence.outputs.iter().any(|path| path.extension().is_some_and(|e| e == extension))
    };
    let named = !invocation.outputs.files.is_empty(); // `-o FILE` is metadata under any name
    if ran.exit_code == 0 && invocation.outputs.metadata && !named && !has("rmeta") {
        return Err(Reason::BadOutputs("no metadata was written".into()));
    }
    let mut result = ActionResult {
        exit_code: ran.exit_code,
        streams: said_for_anywhere(&ran.said, world),
        cost_ms: u32::try_from(ran.took.as_millis()).unwrap_or(u32::MAX),
        unit: format!("{} {}", invocation.unit.name, invocation.unit.kind),
        incremental: invocation.incremental.then_some(weak.0),
        ..ActionResult::default()
    };
    let inert = inert_roots(evidence, world);
    for path in &evidence.outputs {
        let placed = invocation.places.place(path);
        let (role, digest, executable) = match texts.remove(path) {
            Some(text) => {
                result.texts.push(text);
                (Role::DepInfo(result.texts.len() as u32 - 1), Digest::of(b""), false)
            }
            None => {
                holds_none(path, &inert)?;
                keep_file(path, world, store)?
            }
        };
        result.outputs.push(Output { path: placed, role, executable, digest });
    }
    Ok(result)
}

/// Directories that the key does not hold, because they do not reach the outputs: the output directory, those of
/// dependencies, what is remapped. Where the key holds one all the same (in an argument, or in a variable that was asked
/// for) it may.
fn inert_roots(evidence: &Evidence, world: &World<'_>) -> Vec<Vec<u8>> {
    let invocation = world.invocation;
    let whole = |question| evidence.questions.contains(question);
    if whole(&Question::Argv) || whole(&Question::Environ) {
        return Vec::new();
    }
    let values = evidence.questions.iter().filter_map(|question| match question {
        Question::Env(name) => world.environment.get(std::ffi::OsStr::from_bytes(name)),
        _ => None,
    });
    let remapped = !invocation.places.remapped().roots().is_empty();
    let fields =
        invocation.fields.iter().filter(|field| !(remapped && field.path)).map(|f| f.value.as_os_str());
    let directory = (!remapped).then_some(invocation.directory.as_os_str());
    let literal: Vec<&[u8]> = values.chain(fields).chain(directory).map(OsStrExt::as_bytes).collect();
    let roots = invocation.places.roots().iter().map(|(_, root)| root.as_os_str().as_bytes());
    let held = |root: &[u8]| literal.iter().any(|text| text.windows(root.len()).any(|part| part == root));
    // `/tmp` stands in every program; a real output directory is longer.
    roots
        .filter(|root| root.iter().filter(|&&b| b == b'/').count() > 1 && !held(root))
        .map(<[u8]>::to_vec)
        .collect()
}

/// The assertion on that rule: an output in which such a directory stands is not kept.
fn holds_none(path: &Path, inert: &[Vec<u8>]) -> Result<(), Reason> {
    let needles: Vec<&[u8]> = inert.iter().map(Vec::as_slice).collect();
    match files::find_any(path, &needles) {
        Ok(None) => Ok(()),
        Ok(Some(at)) => {
            let root = String::from_utf8_lossy(&inert[at]).into_owned();
            Err(Reason::BadOutputs(format!("{} holds the path {root}", path.display())))
        }
        Err(error) => Err(Reason::BadOutputs(error.to_string())),
    }
}

fn keep_file(path: &Path, world: &World<'_>, store: &LocalStore) -> Result<(Role, Digest, bool), Reason> {
    let odd = |error: files::FileError| Reason::BadOutputs(error.to_string());
    let stat = files::lstat(path).map_err(odd)?;
    let Some(stat) = stat.filter(|stat| stat.kind == kiln_action::FileKind::File) else {
        return Err(Reason::BadOutputs(format!("{} is not a file", path.display())));
    };
    let rlib = path.extension().is_some_and(|extension| extension == "rlib");
    let (role, how) = if rlib { (Role::Rlib, Keep::Link) } else { (Role::File, Keep::Copy) };
    let digest = store.keep(path, how).map_err(|error| Reason::NoStore(error.to_string()))?;
    // Linking changed the identity; what was just read is known to be this run's own output.
    if let Ok(Some(now)) = files::stat(path)
        && now.identity.same_content(&stat.identity)
    {
        world.memo.put(&now.identity, &digest, Writer::Kiln);
    }
    Ok((role, digest, stat.mode & 0o100 != 0))
}

/// The streams with holes for this place's directories; neighbouring pieces of one stream are joined first, so that no
/// path is cut in two.
fn said_for_anywhere(said: &[(Stream, Vec<u8>)], world: &World<'_>) -> Vec<(Stream, Template)> {
    let mut joined: Vec<(Stream, Vec<u8>)> = Vec::new();
    for (stream, bytes) in said {
        match joined.last_mut() {
            Some((last, text)) if last == stream => text.extend(bytes),
            _ => joined.push((*stream, bytes.clone())),
        }
    }
    let cut = |text: &[u8]| Template::cut(text, &world.invocation.places, &[Spelling::Json]);
    joined.into_iter().map(|(stream, text)| (stream, cut(&text))).collect()
}
