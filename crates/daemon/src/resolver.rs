//! The resolver: answers the question "is there anything for this unit, or for this build?" in time.

use crate::budget::Budgets;
use crate::bundle::{Bundle, Name};
use crate::bundles::Bundles;
use crate::in_flight::{Ask, Claim, End, InFlight};
use crate::shelf;
use crate::stores::Stores;
use crate::sync::begin;
use crate::uploader::Uploader;
use kiln_protocol::{Resolve, Resolved, Wanted};
use kiln_remote::pack::Kind;
use kiln_remote::{Brought, progress};
use kiln_store::{Content, Key, Store};
use kiln_sys::clock::Moment;
use std::sync::Arc;
use std::time::Duration;

/// So often whoever waits hears that we are still at it.
const SIGN_OF_LIFE: Duration = Duration::from_millis(100);
/// Nobody waits for stores of which nothing has come for so long. A client waits for half a second longer, and takes us for dead then.
const STILL: Duration = Duration::from_millis(1500);

/// Brings what builds want from one set of stores.
pub struct Resolver {
    stores: Arc<Stores>,
    bundles: Arc<Bundles>,
    in_flight: Arc<InFlight>,
    uploader: Arc<Uploader>,
    /// What builds may lose.
    budgets: Budgets,
}

/// Whether anything comes, for one who waits.
struct Coming {
    came: u64,
    at: Moment,
}

impl Coming {
    fn goes_on(&mut self) -> bool {
        let came = progress::seen();
        if came != self.came {
            *self = Coming { came, at: Moment::now() };
        }
        self.at.elapsed() < STILL
    }
}

/// What is asked for something.
fn asks(wanted: &Wanted) -> Vec<Ask> {
    match wanted {
        Wanted::Unit { weak, keys, .. } => {
            keys.iter().map(|key| Ask::Result(*key)).chain([Ask::Shapes(*weak)]).collect()
        }
        Wanted::Snapshot(key) => vec![Ask::Snapshot(*key)],
    }
}

impl Ask {
    /// What it is called in the index of a bundle; `None` for what is in none.
    fn in_bundle(&self) -> Option<Name> {
        match self {
            Ask::Shapes(weak) => Some((Kind::Shapes, *weak.name())),
            Ask::Result(key) => Some((Kind::Result, *key.name())),
            Ask::Snapshot(_) => None,
        }
    }
}

impl Resolver {
    /// Beside these, of the same stores.
    pub fn new(
        stores: &Arc<Stores>,
        bundles: &Arc<Bundles>,
        in_flight: &Arc<InFlight>,
        uploader: &Arc<Uploader>,
    ) -> Resolver {
        Resolver {
            stores: stores.clone(),
            bundles: bundles.clone(),
            in_flight: in_flight.clone(),
            uploader: uploader.clone(),
            budgets: Budgets::default(),
        }
    }

    /// A build has compiled for so many milliseconds.
    pub fn compiled(&self, build: u32, took_ms: u32) {
        self.budgets.compiled(build, took_ms);
    }

    /// Brings what there is for a unit, in time.
    pub fn resolve(self: &Arc<Resolver>, wanted: &Resolve, alive: &mut dyn FnMut()) -> Resolved {
        let _ahead = self.uploader.give_way();
        let started = Moment::now();
        let resolved = self.search(wanted, started, alive);
        if !resolved.found && !resolved.news {
            self.budgets.in_vain(wanted.build, started.elapsed());
        }
        resolved
    }

    fn search(self: &Arc<Resolver>, resolve: &Resolve, started: Moment, alive: &mut dyn FnMut()) -> Resolved {
        if let Some(resolved) = self.look(resolve, started) {
            return resolved;
        }
        let bundle = match &resolve.wanted {
            Wanted::Unit { workspace: Some(workspace), .. } => Some(self.bundles.of(workspace)),
            _ => None,
        };
        let asks = asks(&resolve.wanted);
        let cost = || {
            let costs = asks.iter().filter_map(|ask| bundle.as_ref()?.cost_ms(&ask.in_bundle()?.1));
            costs.max().unwrap_or(resolve.cost_ms)
        };
        let most = Duration::from_millis(u64::from(resolve.most_ms));
        let mut coming = Coming { came: progress::seen(), at: started };
        let mut left = |allowed: Duration| {
            let left = allowed.checked_sub(started.elapsed()).filter(|left| !left.is_zero());
            left.filter(|_| coming.goes_on())
        };
        let names: Vec<Name> = asks.iter().filter_map(Ask::in_bundle).collect();
        while let Some(bundle) = bundle.as_ref().filter(|bundle| bundle.is_pending(&names)) {
            self.budgets.promise(resolve.build, bundle.promised_ms());
            let allowed = self.budgets.allow(resolve.build, cost()).min(most);
            let worth = bundle.is_known() || self.stores.levels.is_prompt(allowed);
            let Some(left) = left(allowed).filter(|_| worth) else { return Resolved::default() };
            bundle.wait(left.min(SIGN_OF_LIFE));
            alive();
            if let Some(resolved) = self.look(resolve, started) {
                return resolved;
            }
        }
        if !self.stores.levels.is_asked() {
            return Resolved::default();
        }
        let allowed = self.budgets.allow_guess(resolve.build, cost()).min(most);
        if allowed.is_zero() && self.in_flight.is_busy() {
            return Resolved::default(); // no swarm of questions that nobody waits for
        }
        let mut asks = asks;
        asks.retain(|ask| self.begin(*ask, resolve.build));
        loop {
            asks.retain(|ask| self.in_flight.is_under_way(*ask));
            if let Some(resolved) = self.look(resolve, started) {
                self.note(&resolve.wanted, bundle.as_deref());
                return resolved;
            }
            let worth = !asks.is_empty() && self.stores.levels.is_prompt(allowed);
            let Some(left) = left(allowed).filter(|_| worth) else { return Resolved::default() };
            self.in_flight.wait(&asks, left.min(SIGN_OF_LIFE));
            alive();
        }
    }

    /// What the local store says by now.
    fn look(&self, resolve: &Resolve, started: Moment) -> Option<Resolved> {
        let found = Resolved { found: true, news: false };
        match &resolve.wanted {
            Wanted::Unit { weak, seen, keys, .. } => {
                if let Some(cost) = keys.iter().find_map(|key| shelf::whole(&self.stores.local, key)) {
                    self.budgets.spared(resolve.build, started.elapsed(), cost);
                    return Some(found);
                }
                let news = shelf::seen(&self.stores.local, weak) != *seen;
                news.then_some(Resolved { found: false, news: true })
            }
            Wanted::Snapshot(key) => {
                shelf::get(&self.stores.local, Key::Snapshot(*key))?;
                self.budgets.spared(resolve.build, started.elapsed(), resolve.cost_ms);
                Some(found)
            }
        }
    }

    /// What came by itself belongs into the bundle.
    fn note(&self, wanted: &Wanted, bundle: Option<&Bundle>) {
        let Wanted::Unit { weak, keys, workspace: Some(workspace), .. } = wanted else { return };
        for key in keys {
            let here = shelf::whole(&self.stores.local, key).is_some();
            if here && !bundle.is_some_and(|bundle| bundle.has(&(Kind::Result, *key.name()))) {
                self.bundles.used(workspace, *weak, *key);
                self.in_flight.forget(Ask::Result(*key));
                self.in_flight.forget(Ask::Shapes(*weak));
            }
        }
    }

    /// Asks unless somebody does already; whether it is worth waiting for. It goes on when nobody does, and what it finds is a reason
    /// for the next unit of the build to wait for its own.
    fn begin(self: &Arc<Resolver>, ask: Ask, build: u32) -> bool {
        match self.in_flight.claim(ask) {
            Claim::InVain => false,
            Claim::InFlight => true,
            Claim::Ours => {
                let resolver = self.clone();
                let begun = begin(move || {
                    let end = resolver.fetch(ask);
                    if end != End::Unknown {
                        resolver.budgets.guessed(build, end == End::Here);
                    }
                    resolver.in_flight.end(ask, end);
                });
                if !begun {
                    self.in_flight.end(ask, End::Unknown);
                }
                begun
            }
        }
    }

    fn fetch(&self, ask: Ask) -> End {
        match ask {
            Ask::Shapes(weak) => match self.stores.levels.shapes(&weak) {
                Brought::Here(shapes, _) => {
                    self.stores.keep_shapes(&weak, &shapes);
                    End::Here
                }
                Brought::Nowhere => End::Absent,
                Brought::Unknown => End::Unknown,
            },
            Ask::Result(key) => match self.stores.levels.unit(&key) {
                Brought::Here(unit, back) => {
                    match shelf::keep_unit(&self.stores.local, &unit, &self.stores.levels) {
                        Some(backs) => {
                            self.uploader.write_back(backs.into_iter().chain(back));
                            End::Here
                        }
                        None => End::Unknown,
                    }
                }
                Brought::Nowhere => End::Absent,
                Brought::Unknown => End::Unknown,
            },
            Ask::Snapshot(key) => match self.stores.levels.snapshot(&key) {
                Brought::Here(file, back) => {
                    let kept = self.stores.local.put(&Key::Snapshot(key), Content::Bytes(&file));
                    self.uploader.write_back(back.into_iter());
                    if kept.is_ok() { End::Here } else { End::Unknown }
                }
                Brought::Nowhere => End::Absent,
                Brought::Unknown => End::Unknown,
            },
        }
    }
}
