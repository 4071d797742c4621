//! A request with its toolchain and its WeakKey: what can be looked up.

use crate::call::{Call, NamedResult};
use crate::families;
use crate::request::Request;
use crate::switches;
use crate::toolchain::{self, Known, Owned};
use kiln_action::os::OsStrExt;
use kiln_action::{ActionKey, Digest, Event, Invocation, KeyInputs, Outcome, Reason, WeakKey};
use kiln_exec::single_flight::{self, Entered};
use kiln_sys::identity::{self, Found};
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

/// A request, ready to be looked up.
pub struct Keyed<'a> {
    /// The request that the key belongs to.
    pub request: Request<'a>,
    /// The digest of the toolchain's own files.
    pub toolchain: Digest,
    /// The files for which that stands.
    pub owned: Owned,
    /// What its Shapes are found by.
    pub weak: WeakKey,
}

/// A request once everything is known of it that is worth knowing before the compiler runs.
pub enum Prepared<'a> {
    /// It can be looked up.
    Keyed(Keyed<'a>),
    /// This cache has not met its compiler, which is better identified once it has run.
    NotMet(Request<'a>),
}

impl<'a> Request<'a> {
    /// Finds its toolchain, and reads standard input. Everything that can still turn out to be a bypass comes before that is read; an
    /// event says so.
    pub fn prepare(mut self) -> Result<Prepared<'a>, Reason> {
        let known = self.known_if_met().inspect_err(|reason| self.tell(self.event(Outcome::Bypass, reason)));
        let known = known?;
        let input = self.read_input().inspect_err(|reason| self.tell(self.event(Outcome::Bypass, reason)));
        self.input = input?;
        Ok(match known {
            Some((toolchain, owned)) => Prepared::Keyed(Keyed::of(self, toolchain, owned)),
            None => Prepared::NotMet(self),
        })
    }

    fn known_if_met(&self) -> Result<Option<(Digest, Owned)>, Reason> {
        let known = match self.met()? {
            None if !self.may_run_first() => Some(self.known()?),
            met => met,
        };
        known.map(|known| self.loaded(known)).transpose()
    }

    /// The toolchain, if it is known without reading much.
    fn met(&self) -> Result<Option<Known>, Reason> {
        match families::of(self.invocation.subject).toolchain(&self.invocation, self.cache.store.memo()) {
            Some(known) => known.map(Some),
            None => toolchain::met(&self.invocation, &self.cache.whereabouts()),
        }
    }

    /// The toolchain, identified if it must be.
    fn known(&self) -> Result<Known, Reason> {
        match self.met()? {
            Some(known) => Ok(known),
            None => toolchain::identify(&self.invocation, &self.cache.whereabouts()),
        }
    }

    /// Whether nothing is gained by identifying a compiler that this cache has not met before it runs: it is a question, of which cargo
    /// asks some before a build begins, or nothing could be found anyway. Not beside a remote: units would come sooner than what is
    /// fetched for them meanwhile, and some would be compiled (measured).
    fn may_run_first(&self) -> bool {
        let nothing_to_find = || self.cache.store.is_empty();
        let is_recorded = self.call.reporter.is_some(); // the record must have what it depends on before the caller goes on
        !is_recorded
            && !self.call.settings.read_only
            && self.call.remote.is_none()
            && (self.is_question() || nothing_to_find())
    }

    /// Its digest and what belongs to it, if that is what is loaded here.
    fn loaded(&self, known: Known) -> Result<(Digest, Owned), Reason> {
        known.loaded_in(self.call.directory, self.call.environment)
    }

    /// The toolchain that ran just now, if its files are still in the state that they were in before.
    pub fn identified_since(&self, before: Option<Digest>) -> Result<(Digest, Owned), Reason> {
        let known = self.known()?;
        if before.is_none() || toolchain::state(&self.invocation) != before {
            return Err(Reason::InputChanged("the compiler".into()));
        }
        self.loaded(known)
    }

    /// With its toolchain, identified if it must be.
    pub fn keyed(self) -> Option<Keyed<'a>> {
        let (toolchain, owned) = self.loaded(self.known().ok()?).ok()?;
        Some(Keyed::of(self, toolchain, owned))
    }
}

impl<'a> Keyed<'a> {
    /// A request with this toolchain.
    pub fn of(request: Request<'a>, toolchain: Digest, owned: Owned) -> Keyed<'a> {
        let input = request.input.as_deref();
        let weak = of_key_inputs(&request.invocation, &toolchain, input, request.call, |key| key.weak_key());
        Keyed { request, toolchain, owned, weak }
    }

    /// What the WeakKey is made of, handed to `take`.
    pub fn of_key_inputs<T>(&self, take: impl FnOnce(&KeyInputs<'_>) -> T) -> T {
        let request = &self.request;
        let input = request.input.as_deref();
        of_key_inputs(&request.invocation, &self.toolchain, input, request.call, take)
    }

    /// A result of it, by name.
    pub fn named(&self, key: &ActionKey) -> NamedResult {
        let invocation = &self.request.invocation;
        NamedResult { weak: self.weak, key: *key, subject: invocation.subject, mode: invocation.mode }
    }

    /// The right to compile this unit. Whoever has it is waited for, but never longer than compiling would be bearable.
    pub fn enter(&self) -> Entered {
        const LONGEST: Duration = Duration::from_secs(60);
        let (request, invocation) = (&self.request, &self.request.invocation);
        let root = invocation.fields.iter().find(|field| field.name == "input");
        let root = root.map(|field| invocation.absolute(Path::new(&field.value)));
        let mut name = self.weak.name().to_vec();
        if let Some(Ok(Found::Content(digest, _))) =
            root.map(|path| identity::digest_of(&path, request.cache.store.memo()))
        {
            name.extend(digest.hash); // other sources, other results: not worth waiting for
        }
        let place = Digest::of(&name).hash.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        single_flight::enter(&request.cache.in_flight(), place, LONGEST)
    }

    /// An event about a compile that took so long.
    pub fn event(&self, outcome: Outcome, reason: &Reason, took: Duration) -> Event {
        Event { compile_ms: took.as_millis() as u64, ..self.request.event(outcome, reason) }
    }
}

fn of_key_inputs<T>(
    invocation: &Invocation,
    toolchain: &Digest,
    input: Option<&[u8]>,
    call: &Call<'_>,
    take: impl FnOnce(&KeyInputs<'_>) -> T,
) -> T {
    // What a user preloads into the compiler may change anything.
    let names = invocation.environment.iter().copied().chain(["LD_PRELOAD"]);
    let mut environment: Vec<_> = names.map(|name| (name, call.environment.get(name))).collect();
    let processor = invocation.native.then(kiln_sys::machine::processor);
    if let Some(processor) = &processor {
        environment.push(("the processor", Some(OsStr::from_bytes(processor))));
    }
    let stdin = input.map(Digest::of);
    let settings = switches::fields(call.settings, invocation.subject);
    take(&KeyInputs {
        invocation,
        toolchain,
        stdin: stdin.as_ref(),
        environment: &environment,
        settings: &settings,
    })
}
