//! A hit: what the store has under today's answers, put in place and reported to the caller.

use crate::call::{Ending, Wrapped};
use crate::families::{self, build_script};
use crate::keyed::Keyed;
use crate::lookup::{self, Looked};
use crate::miss::{self, Checked, Miss};
use crate::restore::{self, Restored};
use crate::run::channel;
use crate::verify;
use crate::way::Way;
use kiln_action::{ActionKey, ActionResult, Event, Mode, Outcome, Reason, digest};
use kiln_sys::process;
use std::time::Duration;

/// From where a hit came into the local store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Local,
    /// The remote side brought it for this call.
    Remote,
}

/// A result under today's answers.
pub struct Hit {
    /// What it was found by.
    pub key: ActionKey,
    /// The result that the key names.
    pub result: Box<ActionResult>,
    /// From where it came.
    pub origin: Origin,
}

impl Hit {
    /// Looks it up in the local store.
    pub fn look_up(keyed: &Keyed<'_>, origin: Origin) -> Result<Hit, Reason> {
        let request = &keyed.request;
        match lookup::lookup(&keyed.weak, &request.world(), &request.cache.store) {
            Looked::Found(key, result) => Ok(Hit { key, result, origin }),
            Looked::Nothing(reason) => Err(reason),
        }
    }

    /// Puts its outputs in place. `None` where something is damaged or cannot be written; then nothing of it is left in `OUT_DIR`.
    pub fn restore(&self, keyed: &Keyed<'_>, way: Way<'_>) -> Option<Restored> {
        let request = &keyed.request;
        let restored = restore::restore(&self.result, &request.world(), &request.cache.store, way);
        if restored.is_none() {
            build_script::empty(&request.invocation, way.beneath);
        }
        restored
    }

    /// What compiling it took, when it was compiled.
    pub fn cost(&self) -> Duration {
        Duration::from_millis(u64::from(self.result.cost_ms))
    }

    /// The event about it.
    pub fn event(&self, keyed: &Keyed<'_>, restored: &Restored) -> Event {
        Event {
            reason: String::new(),
            bytes: restored.bytes,
            key: digest::hex(self.key.name()),
            remote: self.origin == Origin::Remote,
            ..keyed.event(Outcome::Hit, &Reason::NotSeen, self.cost())
        }
    }

    /// In verify mode: the hit held against a compile, if it belongs to the sample. A result that is wrong is dropped from the store.
    fn check(&self, keyed: &Keyed<'_>) -> Option<Checked> {
        let request = &keyed.request;
        let percent = request.call.settings.verify.filter(|_| request.invocation.mode == Mode::Compile)?;
        if !verify::is_chosen(self.key.name(), percent) {
            return None;
        }
        let (world, store) = (request.world(), &request.cache.store);
        let shape = lookup::shape_of(&keyed.weak, &self.key, &world, store).unwrap_or_default();
        let input = request.input.as_deref();
        let comparison =
            verify::rebuild(&verify::Hit { result: &self.result, shape: &shape, input, store }, &world);
        if comparison.is_wrong() {
            let _ = store.forget(&self.key);
        }
        Some(Checked { comparison, shape })
    }
}

/// A hit, with its messages passed to the caller; else why there is none.
pub fn serve(keyed: &Keyed<'_>, origin: Origin) -> Result<Wrapped, Miss> {
    let request = &keyed.request;
    if request.call.settings.recache {
        return Err(Miss::of(Reason::Recache));
    }
    let hit = Hit::look_up(keyed, origin).map_err(|reason| {
        request.step(|| format!("nothing found: {reason}"));
        Miss::of(reason)
    })?;
    let checked = hit.check(keyed);
    if let Some(wrong) = checked.as_ref().filter(|checked| checked.comparison.is_wrong()) {
        return Err(Miss { reason: Reason::Damaged(wrong.comparison.words()), checked });
    }
    let rules = families::of(request.invocation.subject);
    if let Some(what) = rules.obstacle(&request.invocation) {
        return Err(Miss { reason: Reason::BadOutputs(what), checked });
    }
    let Some(restored) = hit.restore(keyed, Way::default()) else {
        return Err(Miss {
            reason: Reason::Damaged(format!(
                "an output of result {} is missing or damaged",
                digest::hex(hit.key.name())
            )),
            checked,
        });
    };
    request.step(|| format!("{:?} restored", hit.key));
    request.tell(Event { verified: miss::words_of(checked.as_ref()), ..hit.event(keyed, &restored) });
    if request.call.reporter.is_some() {
        let shape = lookup::shape_of(&keyed.weak, &hit.key, &request.world(), &request.cache.store);
        let outputs = hit.result.outputs.iter();
        let outputs = outputs.filter_map(|output| request.invocation.places.resolve(&output.path));
        miss::report(keyed, shape.as_ref(), outputs);
    }
    for (stream, text) in &restored.output {
        process::pass_on(channel(*stream), text);
    }
    let ending = Ending::Code(i32::from(hit.result.exit_code));
    Ok(Wrapped { ending, named: Some(keyed.named(&hit.key)) })
}
