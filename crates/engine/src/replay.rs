//! A call that was made before, served although nobody makes it now: for whoever fills a target directory before the build tool looks.

use crate::call::Call;
use crate::hit::{Hit, Origin};
use crate::keyed::Keyed;
use crate::lookup::{self, Looked};
use crate::remote;
use crate::request::Request;
use crate::way::Way;
use kiln_action::{ActionKey, ActionResult, Digest, Event, Invocation, OutputPlan, Shape, Stream, WeakKey};
use kiln_compiler::Recognised;
use kiln_store::{Content, Key, Store};
use kiln_sys::files::Beneath;
use std::path::PathBuf;
use std::time::Duration;

/// A call that was served although nobody makes it now.
pub struct Replayed<'a> {
    /// What the store has no more for it.
    pub taken: Vec<(Digest, PathBuf)>,
    /// Its output, which was not passed on.
    pub output: Vec<(Stream, Vec<u8>)>,
    /// What it took to compile.
    pub saved: Duration,
    keyed: Keyed<'a>,
    key: ActionKey,
}

impl Replayed<'_> {
    /// The call that was replayed, parsed.
    pub fn invocation(&self) -> &Invocation {
        &self.keyed.request.invocation
    }

    /// Whether it would still be served by the same result.
    pub fn holds(&self) -> bool {
        let request = &self.keyed.request;
        let (_, keys) = lookup::candidates(&self.keyed.weak, &request.world(), &request.cache.store);
        keys.contains(&self.key)
    }
}

/// Makes a call that was made before: its outputs are put in place, if its key is this one today and all of them are below a directory.
/// Nothing is written before it is `ready` for that.
pub fn replay<'a>(
    call: &'a Call<'a>,
    recognised: &Recognised,
    key: &ActionKey,
    beneath: &Beneath,
    ready: impl FnOnce(&Invocation) -> Option<()>,
) -> Option<Replayed<'a>> {
    let request = Request::parse_again(call, recognised)?;
    if request.invocation.stdin || !is_below(&request.invocation.outputs, beneath) {
        return None;
    }
    let keyed = request.keyed()?;
    let replayed = of_this_key(&keyed, key).and_then(|hit| {
        ready(&keyed.request.invocation)?;
        let take = hit.origin == Origin::Remote && !call.settings.read_only;
        let restored = hit.restore(&keyed, Way { take, beneath: Some(beneath) })?;
        keyed.request.tell(Event { filled: true, ..hit.event(&keyed, &restored) });
        Some((restored, hit.cost()))
    });
    let what =
        if replayed.is_some() { "filled" } else { "not filled: its key is another today, or nobody has it" };
    keyed.request.step(|| what.to_owned());
    let (restored, saved) = replayed?;
    Some(Replayed { taken: restored.taken, output: restored.output, saved, keyed, key: *key })
}

/// The result under this very key, from the local store or the remote side.
fn of_this_key(keyed: &Keyed<'_>, wanted: &ActionKey) -> Option<Hit> {
    let look = |origin| Hit::look_up(keyed, origin).ok().filter(|hit| hit.key == *wanted);
    look(Origin::Local).or_else(|| remote::fetch(keyed, || look(Origin::Remote)))
}

/// Whether all that a command line may write is named as something below a directory.
fn is_below(outputs: &OutputPlan, beneath: &Beneath) -> bool {
    let mut ends =
        outputs.files.iter().chain(&outputs.private).chain(&outputs.tree).chain([&outputs.directory]);
    ends.all(|end| beneath.is_spelled_below(end))
}

/// Whether a question that was asked before has the same answer today: the key that it has, given these Shapes, is `key`. The
/// answer, which came with them, is put where it is looked for.
pub fn answer(
    call: &Call<'_>,
    recognised: &Recognised,
    (weak, key): (&WeakKey, &ActionKey),
    shapes: Vec<Shape>,
    result: &ActionResult,
) -> Option<()> {
    let mut request = Request::parse_again(call, recognised)?;
    if !request.is_question() || !result.outputs.is_empty() {
        return None;
    }
    request.input = request.invocation.stdin.then(Vec::new); // cargo gives its questions an empty one
    let keyed = request.keyed()?;
    let (world, store) = (keyed.request.world(), &keyed.request.cache.store);
    let bounds = kiln_sys::env::bounds(); // whoever took the snapshot
    let shapes = shapes.into_iter().filter(|shape| bounds.hold(shape.questions()).is_ok());
    let shape = shapes.into_iter().find(|shape| lookup::key_under(weak, shape, &world) == Some(*key));
    let shape = shape.filter(|_| keyed.weak == *weak)?;
    if matches!(lookup::lookup(weak, &world, store), Looked::Found(known, _) if known == *key) {
        return Some(());
    }
    store.put(&Key::Result(*key), Content::Bytes(&result.encode(key))).ok()?;
    kiln_store::add_shape(store, weak, shape).ok()
}
