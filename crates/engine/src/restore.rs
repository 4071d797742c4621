//! A hit: the outputs back in place, whole or not at all, so that cargo finds the unit fresh.
//!
//! A dependency's `.rlib` is a hard link to the store where an `.rmeta` beside it carries a fresh time (cargo takes the newest of a
//! unit's outputs); rustc only ever replaces it by rename. Everything else is a private copy: linkers, `strip` and
//! cargo's own uplifting write to it. The time of a shared inode is never set. (A build script behind its launcher is a link, too: nobody
//! but the launcher knows its name.)
//!
//! What a build script left in `OUT_DIR` gets times in the order that they had: a script that runs again finds it there, and `make` in it
//! builds what is older than what it is made of.

use crate::families::{self, build_script};
use crate::inputs::World;
use crate::way::Way;
use kiln_action::{ActionResult, Digest, FileKind, Output, OutputRole, Stream};
use kiln_store::{Fetch, Store};
use kiln_sys::files;
use kiln_sys::identity::WrittenBy;
use std::path::{Path, PathBuf};

/// What a hit says, for this place.
pub struct Restored {
    /// The streams' pieces, in order.
    pub output: Vec<(Stream, Vec<u8>)>,
    /// Bytes put in place.
    pub bytes: u64,
    /// What the store has no more, and where it is.
    pub taken: Vec<(Digest, PathBuf)>,
}

/// Puts the outputs of `result` in place. `None` means that something is damaged or cannot be written: compile.
pub fn restore(
    result: &ActionResult,
    world: &World<'_>,
    store: &dyn Store,
    way: Way<'_>,
) -> Option<Restored> {
    let places = &world.invocation.places;
    let output: Option<Vec<_>> =
        result.streams.iter().map(|(stream, text)| Some((*stream, text.fill(places)?))).collect();
    let output = output?;
    let script = build_script::to_stand_in(world.invocation, world.settings);
    let mut restoring =
        Restoring { result, world, store, script, way, metadata: None, latest: None, taken: Vec::new() };
    let mut bytes = 0;
    let (libraries, others): (Vec<_>, Vec<_>) =
        result.outputs.iter().partition(|output| output.role == OutputRole::Rlib);
    for output in others.into_iter().chain(libraries) {
        let to = places.resolve(&output.path)?;
        if !world.invocation.outputs.declares(&to) {
            return None; // a result never reaches outside the declared outputs, whatever it says
        }
        bytes += restoring.put(output, &to)?;
    }
    restoring.times()?;
    Some(Restored { output, bytes, taken: restoring.taken })
}

struct Restoring<'a> {
    result: &'a ActionResult,
    world: &'a World<'a>,
    store: &'a dyn Store,
    /// A build script's executable in the place of which a launcher is to stand.
    script: Option<PathBuf>,
    way: Way<'a>,
    taken: Vec<(Digest, PathBuf)>,
    /// The permissions of the `.rmeta`, once it is in place: those of any new file here, today.
    metadata: Option<u32>,
    /// The time of the latest file, as the file system gave it.
    latest: Option<i64>,
}

impl Restoring<'_> {
    fn put(&mut self, output: &Output, to: &Path) -> Option<u64> {
        let script = self.script.as_deref() == Some(to);
        if output.role == OutputRole::Directory {
            return self.directory(to).map(|()| 0);
        }
        let tree = self.world.invocation.outputs.tree.as_deref();
        if let Some(above) = to.parent().filter(|above| tree.is_some_and(|tree| *above != tree)) {
            self.directory(above)?; // it may be listed before its directory
        }
        let path = &self.way.file(to)?;
        match output.role {
            OutputRole::DepInfo(slot) => {
                let text = self.result.texts.get(slot as usize)?.fill(&self.world.invocation.places)?;
                let text = families::of(self.world.invocation.subject).text_here(text, self.world);
                files::write_atomic(path, &text).ok()?;
                return Some(text.len() as u64);
            }
            OutputRole::File if script => build_script::link(self.store, &output.digest, path)?,
            OutputRole::Rlib => self.library(output, path)?,
            OutputRole::File | OutputRole::Directory => {
                let executable = output.executable;
                let how = match self.way.take {
                    false => Fetch::Copy { executable },
                    true => Fetch::Take { executable },
                };
                let fetched = self.store.fetch(&output.digest, path, how).ok()?;
                self.latest = self.latest.max(Some(fetched.identity.mtime_ns));
                if fetched.taken {
                    self.taken.push((output.digest, to.to_owned()));
                }
                if output.path.path.ends_with(b".rmeta") {
                    self.metadata = Some(files::lstat(path).ok()??.mode);
                }
            }
        }
        Some(output.digest.size)
    }

    fn directory(&self, to: &Path) -> Option<()> {
        match self.way.beneath {
            Some(beneath) => beneath.directory(to).map(drop).ok(),
            None => files::create_dirs(to).ok(),
        }
    }

    /// Gives a tree the times that it had, or others in the same order. Cargo finds nothing in it younger than when it was put there.
    fn times(&self) -> Option<()> {
        let World { invocation, memo, .. } = self.world;
        let (Some(latest), Some(_)) = (self.latest, &invocation.outputs.tree) else { return Some(()) };
        for (output, time) in self.result.outputs.iter().zip(self.result.times.put_back(latest)) {
            let path = self.way.file(&invocation.places.resolve(&output.path)?)?;
            let there = files::lstat(&path).ok()??;
            let own = there.kind == FileKind::Directory || there.kind == FileKind::File && there.links == 1;
            if !own || there.identity.mtime_ns == time {
                continue;
            }
            let known = memo.get(&there.identity) == Some(output.digest);
            files::set_modified(&path, time).ok()?;
            if known {
                memo.put(&files::lstat(&path).ok()??.identity, &output.digest, WrittenBy::Kiln);
            }
        }
        Some(())
    }

    /// Whether nobody but rustc and cargo looks at the times of its outputs. Cargo gives a user's own packages, the outputs of which it links
    /// to where users find them, no `--cap-lints` (cargo 1.95, `add_cap_lints`): a rule of make's or `cp -u` may go by their times.
    fn is_of_a_dependency(&self) -> bool {
        self.world.invocation.fields.iter().any(|field| field.name == "cap-lints")
    }

    /// A link has the permissions under which it was stored, or that somebody gave to another link since: where a new file
    /// would have others, it is copied.
    fn library(&self, output: &Output, to: &Path) -> Option<()> {
        let fetch = |how| self.store.fetch(&output.digest, to, how).ok().map(drop);
        let copy = Fetch::Copy { executable: output.executable };
        let Some(mode) = self.metadata.filter(|_| self.is_of_a_dependency()) else { return fetch(copy) };
        fetch(Fetch::Link)?;
        if files::lstat(to).ok()??.mode == mode {
            return Some(());
        }
        fetch(copy)
    }
}
