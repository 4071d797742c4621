//! What a run made, as blobs.

use crate::capture::code;
use crate::evidence::Evidence;
use crate::families::{self, Texts};
use crate::inputs::World;
use crate::keyed::Keyed;
use crate::messages::Messages;
use kiln_action::{ActionResult, Digest, FileKind, Output, OutputRole, Placed, Reason, Times};
use kiln_exec::{Ended, MadeFile, Run};
use kiln_store::{Keep, LocalStore, StoreError};
use kiln_sys::identity::WrittenBy;
use kiln_sys::{files, process};
use std::path::Path;
use std::time::Duration;

/// Keeps them, and says what the result is.
pub fn keep_outputs(
    keyed: &Keyed<'_>,
    evidence: &Evidence,
    run: &Run,
    mut texts: Texts,
) -> Result<ActionResult, Reason> {
    let (world, store) = (&keyed.request.world(), &keyed.request.cache.store);
    let invocation = world.invocation;
    let has = |extension: &str| {
        evidence.outputs.iter().any(|path| path.extension().is_some_and(|e| e == extension))
    };
    let named = !invocation.outputs.files.is_empty(); // `-o FILE` is metadata under any name
    if run.exit == Ended::Code(0) && invocation.outputs.metadata && !named && !has("rmeta") {
        return Err(Reason::BadOutputs("no metadata was written".into()));
    }
    let Messages { streams, inert } = families::of(invocation.subject).messages(evidence, run, world)?;
    let mut result = ActionResult {
        exit_code: code(run),
        streams,
        cost_ms: u32::try_from(run.took.as_millis()).unwrap_or(u32::MAX),
        unit: format!("{} {}", invocation.unit.name, invocation.unit.kind),
        incremental: invocation.incremental.then_some(*keyed.weak.name()),
        ..ActionResult::default()
    };
    if let Some(tree) = &invocation.outputs.tree {
        (result.outputs, result.times) = keep_tree(tree, world, store, run)?;
        return Ok(result);
    }
    for path in &evidence.outputs {
        let placed = invocation.places.place(path);
        let (role, digest, executable) = match texts.remove(path) {
            Some(text) => {
                result.texts.push(text);
                (OutputRole::DepInfo(result.texts.len() as u32 - 1), Digest::of(b""), false)
            }
            None => keep_file(path, world, store, &inert)?,
        };
        if let Some(made) = run.made.iter().find(|made| made.path == *path) {
            must_be(made, &digest, role)?;
        }
        result.outputs.push(Output { path: placed, role, executable, digest });
    }
    Ok(result)
}

/// What was kept is what a run elsewhere says it made.
fn must_be(made: &MadeFile, kept: &Digest, role: OutputRole) -> Result<(), Reason> {
    let odd = |error: files::FileError| Reason::BadOutputs(error.to_string());
    let same = match role {
        OutputRole::DepInfo(_) => files::hash_file(&made.path).map_err(odd)?.digest == made.digest,
        OutputRole::File | OutputRole::Rlib | OutputRole::Directory => *kept == made.digest,
    };
    let other = || {
        Reason::BadOutputs(format!("{} was changed after the compiler had written it", made.path.display()))
    };
    if same { Ok(()) } else { Err(other()) }
}

/// When it was modified, if it has the permissions that new files have, for a program or for none: others are not restored.
fn modified_if_plain(path: &Path, umask: u32) -> Option<i64> {
    let stat = files::lstat(path).ok()??;
    let mode = stat.mode & 0o7777;
    let fits = mode == 0o777 & !umask || mode == 0o666 & !umask;
    fits.then_some(stat.identity.mtime_ns)
}

/// From when on what is written in a tree is the run's own. What stamps files runs up to a tick behind the clock that the run's beginning
/// was taken by, and that of a server is another one.
fn began(tree: &Path, run: &Run) -> i64 {
    let local = files::filesystem_kind(tree).is_ok_and(|kind| !kind.is_remote());
    let doubt = if local { Duration::from_millis(20) } else { Duration::from_secs(600) };
    run.started.realtime_ns().saturating_sub_unsigned(doubt.as_nanos() as u64)
}

/// Keeps everything below a directory that was empty before the run, and when it was written.
fn keep_tree(
    tree: &Path,
    world: &World<'_>,
    store: &LocalStore,
    run: &Run,
) -> Result<(Vec<Output>, Times), Reason> {
    let odd = |error: files::FileError| Reason::BadOutputs(error.to_string());
    let (mut outputs, mut modified, mut left) = (Vec::new(), Vec::new(), vec![tree.to_owned()]);
    let umask = process::umask().ok_or_else(|| Reason::BadOutputs("the umask cannot be read".into()))?;
    while let Some(directory) = left.pop() {
        let entries = files::list(&directory).map_err(odd)?;
        let entries =
            entries.ok_or_else(|| Reason::BadOutputs(format!("{} is gone", directory.display())))?;
        for entry in entries {
            let path = directory.join(&entry.name);
            let placed = Placed::literal(&path);
            if !matches!(entry.kind, FileKind::File | FileKind::Directory) {
                return Err(Reason::BadOutputs(format!("{} is a link or no file", path.display())));
            }
            let others = || {
                Reason::BadOutputs(format!("{} has other permissions than new files have", path.display()))
            };
            modified.push(modified_if_plain(&path, umask).ok_or_else(others)?);
            if entry.kind == FileKind::File {
                let (role, digest, executable) = keep_file(&path, world, store, &[])?;
                outputs.push(Output { path: placed, role, executable, digest });
            } else {
                let (role, digest) = (OutputRole::Directory, Digest::of(b""));
                outputs.push(Output { path: placed, role, executable: false, digest });
                left.push(path);
            }
        }
    }
    Ok((outputs, Times::new(&modified, began(tree, run))))
}

/// Keeps an output, with an assertion on that rule: one in which such a directory stands is not kept.
fn keep_file(
    path: &Path,
    world: &World<'_>,
    store: &LocalStore,
    inert: &[Vec<u8>],
) -> Result<(OutputRole, Digest, bool), Reason> {
    let odd = |error: files::FileError| Reason::BadOutputs(error.to_string());
    let stat = files::lstat(path).map_err(odd)?;
    let Some(stat) = stat.filter(|stat| stat.kind == FileKind::File) else {
        return Err(Reason::BadOutputs(format!("{} is not a file", path.display())));
    };
    let rules = families::of(world.invocation.subject);
    let how = rules.keep(path);
    let role = if how == Keep::Link { OutputRole::Rlib } else { OutputRole::File };
    let inert: Vec<&[u8]> = inert.iter().map(Vec::as_slice).collect();
    let digest = store.keep(path, how, &inert).map_err(|error| match error {
        StoreError::Banned(..) => Reason::BadOutputs(error.to_string()),
        error => Reason::NoStore(error.to_string()),
    })?;
    // Linking changed the identity; what was just read is known to be this run's own output.
    if let Ok(Some(now)) = files::stat(path)
        && now.identity.same_content(&stat.identity)
    {
        world.memo.put(&now.identity, &digest, WrittenBy::Kiln);
    }
    Ok((role, digest, rules.keeps_executables() && stat.mode & 0o100 != 0))
}
