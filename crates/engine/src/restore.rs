//! A hit: the outputs back in place, whole or not at all, so that cargo finds the unit fresh.
//!
//! An `.rlib` is a hard link to the store where an `.rmeta` beside it carries a fresh time (cargo takes the newest of a
//! unit's outputs); rustc only ever replaces it by rename. Everything else is a private copy: linkers, `strip` and
//! cargo's own uplifting write to it. The time of a shared inode is never set.

use kiln_action::{ActionResult, Digest, Invocation, Output, Role, Stream};
use kiln_store::{Fetch, Store};
use kiln_sys::files;
use std::path::Path;

/// What a hit says, for this place.
pub struct Restored {
    /// The streams' pieces, in order.
    pub said: Vec<(Stream, Vec<u8>)>,
    /// Bytes put in place.
    pub bytes: u64,
}

/// Puts the outputs of `result` in place. `None` means that something is damaged or cannot be written: compile.
pub fn restore(result: &ActionResult, invocation: &Invocation, store: &dyn Store) -> Option<Restored> {
    let said: Option<Vec<_>> =
        result.streams.iter().map(|(stream, text)| Some((*stream, text.fill(&invocation.places)?))).collect();
    let said = said?;
    let metadata = result.outputs.iter().any(|output| output.path.path.ends_with(b".rmeta"));
    let mut bytes = 0;
    for output in &result.outputs {
        let to = invocation.places.resolve(&output.path)?;
        if !invocation.outputs.declares(&to) {
            return None; // a result never reaches outside the declared outputs, whatever it says
        }
        bytes += put(output, result, invocation, &to, store, metadata)?;
    }
    Some(Restored { said, bytes })
}

fn put(
    output: &Output,
    result: &ActionResult,
    invocation: &Invocation,
    to: &Path,
    store: &dyn Store,
    metadata: bool,
) -> Option<u64> {
    match output.role {
        Role::DepInfo(slot) => {
            let text = result.texts.get(slot as usize)?.fill(&invocation.places)?;
            files::write_atomic(to, &text).ok()?;
            Some(text.len() as u64)
        }
        Role::Rlib if metadata => fetch(store, &output.digest, to, Fetch::Link),
        Role::Rlib | Role::File => {
            fetch(store, &output.digest, to, Fetch::Copy { executable: output.executable })
        }
    }
}

fn fetch(store: &dyn Store, digest: &Digest, to: &Path, how: Fetch) -> Option<u64> {
    store.fetch(digest, to, how).ok()?;
    Some(digest.size)
}
