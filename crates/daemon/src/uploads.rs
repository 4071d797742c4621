//! What was made here goes to the remotes, behind everybody's back: at the lowest priority, and after whoever waits for an answer.

use crate::bundles;
use crate::desk::Desk;
use crate::shelf;
use kiln_action::{ActionKey, Digest, SnapshotKey, WeakKey};
use kiln_protocol::Product;
use kiln_protocol::queue::{self, Waiting};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Fault, Level};
use kiln_store::Key;
use kiln_sys::clock::{self, Moment};
use kiln_sys::{files, process, thread};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// More than these are not kept waiting; the oldest go.
const MOST: usize = 10_000;
/// So many are under way at once.
const AT_ONCE: usize = 4;
/// A build is over when nothing came for so long.
const QUIET: Duration = Duration::from_secs(4);
/// A result that the next edit replaces waits for so long.
const SETTLED_NS: i64 = 30_000_000_000;
/// So often the queue is looked at when nobody says anything.
const LOOK: Duration = Duration::from_secs(1);
/// After a failure there is no new attempt for so long, and then twice as long each time.
const AGAIN: Duration = Duration::from_secs(3);
const LONGEST_AGAIN: Duration = Duration::from_secs(60);
/// Of blobs that are larger there is one in memory at a time.
const HUGE: u64 = 64 << 20;
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Uploads for a desk, as long as it is the one that does.
pub fn run(desk: &Arc<Desk>) {
    let _alone = desk.uploading.lock().unwrap_or_else(PoisonError::into_inner);
    process::be_nice();
    let (mut some_left, mut pause) = (true, AGAIN);
    while desk.uploads.load(Ordering::SeqCst) {
        some_left |= desk.wait_for_poke(LOOK);
        desk.take_backs().iter().for_each(|back| desk.levels.write_back(back));
        let hurry = desk.hurry.load(Ordering::SeqCst);
        if !desk.levels.takes() {
            continue; // everything stays where it is
        }
        if hurry || some_left {
            let before = desk.kept();
            let failed = upload_all(desk, due(of_desk(desk), hurry));
            if failed > 0 {
                // What one level takes and another does not stays here, and nobody looks at it all the time.
                pause = if desk.kept() > before { AGAIN } else { (pause * 2).min(LONGEST_AGAIN) };
                desk.rest(if hurry { AGAIN } else { pause });
                continue;
            }
        }
        pause = AGAIN;
        let left = of_desk(desk);
        some_left = !left.is_empty();
        if due(left, hurry).is_empty() {
            write_bundles(desk, if hurry { Duration::ZERO } else { QUIET });
            if hurry && !some_left && desk.dirty_sessions(Duration::ZERO).is_empty() {
                desk.hurry.store(false, Ordering::SeqCst);
            }
        }
    }
}

/// What is in the queue for a desk.
fn of_desk(desk: &Desk) -> Vec<Waiting> {
    queue::shorten(&desk.place.queue(), MOST);
    queue::waiting(&desk.place.queue(), &desk.remotes)
}

/// How many are in the queue for a desk.
pub fn left(desk: &Desk) -> usize {
    queue::count(&desk.place.queue(), &desk.remotes)
}

fn due(mut waiting: Vec<Waiting>, hurry: bool) -> Vec<Waiting> {
    let now = clock::realtime_ns();
    waiting
        .retain(|waiting| hurry || !waiting.queued.product.is_passing() || is_settled(waiting.since_ns, now));
    waiting
}

/// What was put there in the future was put there before somebody set the clock.
fn is_settled(since_ns: i64, now_ns: i64) -> bool {
    !(0..SETTLED_NS).contains(&(now_ns - since_ns))
}

/// Uploads these, several at once; how many could not be.
fn upload_all(desk: &Desk, waiting: Vec<Waiting>) -> usize {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        process::be_nice();
        while let Some(one) = waiting.get(next.fetch_add(1, Ordering::SeqCst)) {
            give_way(desk);
            match upload(desk, &one.queued.product) {
                Ok(()) => over(desk, one),
                Err(_) if !desk.levels.takes() || !desk.uploads.load(Ordering::SeqCst) => {
                    failed.fetch_add(waiting.len(), Ordering::SeqCst);
                    return;
                }
                Err(_) => drop(failed.fetch_add(1, Ordering::SeqCst)),
            }
        }
    };
    thread::side_by_side(AT_ONCE.min(waiting.len()), work);
    failed.into_inner()
}

fn over(desk: &Desk, one: &Waiting) {
    let product = &one.queued.product;
    desk.forget_sent(sent_as(product));
    match product {
        Product::Unit { weak, key, workspace: Some(workspace), .. } => desk.used(workspace, *weak, *key),
        Product::Unit { .. } => {}
        Product::Snapshot(key) => desk.has_snapshot(*key),
    }
    // Of an incremental unit there may be a newer one by this name now.
    let same =
        files::lstat(&one.path).ok().flatten().is_some_and(|stat| stat.identity.mtime_ns == one.since_ns);
    if same {
        let _ = files::remove(&one.path);
    }
}

/// Whoever waits for an answer comes first, for a while.
fn give_way(desk: &Desk) {
    let started = Moment::now();
    while desk.waiting.load(Ordering::SeqCst) > 0 && started.elapsed() < Duration::from_millis(300) {
        process::pause(Duration::from_millis(5));
    }
}

/// What it is uploaded as: of an incremental unit one result after the other.
fn sent_as(product: &Product) -> &[u8; 32] {
    match product {
        Product::Unit { key, .. } => &key.0,
        Product::Snapshot(key) => key.as_bytes(),
    }
}

/// Uploads a snapshot, or a result with its blobs and its Shapes, to every level that may be written to, and once to each: another one may
/// fail for days. What is not here any more is over.
fn upload(desk: &Desk, product: &Product) -> Result<(), Fault> {
    let name = sent_as(product);
    let lacks = |(level, store): &(usize, &Level)| store.is_writable() && !desk.has_sent(*level, name);
    let (takes, refuse): (Vec<_>, Vec<_>) =
        desk.levels.stores().iter().enumerate().filter(lacks).partition(|(_, store)| store.takes());
    let mut outcome = if refuse.is_empty() { Ok(()) } else { Err(Fault::GivenUp) };
    let packed = match product {
        Product::Unit { key, .. } if !takes.is_empty() => shelf::pack(&desk.store, key),
        _ => None,
    };
    for (level, store) in takes {
        let uploaded = match product {
            Product::Unit { weak, key, .. } => {
                let unit = packed.as_ref();
                let unit =
                    unit.map_or(Ok(()), |(unit, apart)| upload_to(desk, store, key, (unit, apart), false));
                unit.and_then(|()| upload_shapes(desk, store, weak))
            }
            Product::Snapshot(key) => upload_snapshot(desk, store, key, false),
        };
        match uploaded {
            Ok(()) | Err(Fault::TooLarge) => desk.sent(level, name),
            Err(fault) => outcome = Err(fault),
        }
    }
    outcome
}

fn upload_snapshot(desk: &Desk, store: &Level, key: &SnapshotKey, if_missing: bool) -> Result<(), Fault> {
    let name = pack::name(Kind::Snapshot, key.as_bytes());
    if if_missing && store.has(&name)? {
        return Ok(());
    }
    match shelf::get(&desk.store, Key::Snapshot(*key)) {
        Some(file) => store.keep(&name, &pack::seal(Kind::Snapshot, key.as_bytes(), &file)),
        None => Ok(()),
    }
}

fn upload_to(
    desk: &Desk,
    store: &Level,
    key: &ActionKey,
    (unit, apart): (&[u8], &[Digest]),
    if_missing: bool,
) -> Result<(), Fault> {
    let name = pack::name(Kind::Result, &key.0);
    if if_missing && store.has(&name)? {
        return Ok(());
    }
    for digest in apart {
        let blob = pack::name(Kind::Blob, &digest.hash);
        if store.has(&blob)? {
            continue;
        }
        let _alone =
            (digest.size > HUGE).then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(bytes) = shelf::get(&desk.store, Key::Blob(*digest)) else { return Ok(()) };
        store.keep(&blob, &pack::seal(Kind::Blob, &digest.hash, &bytes))?;
    }
    store.keep(&name, unit)
}

fn upload_shapes(desk: &Desk, store: &Level, weak: &WeakKey) -> Result<(), Fault> {
    let shapes = shelf::shared_shapes(&desk.store, weak, &desk.bounds);
    shapes.map_or(Ok(()), |shapes| store.add_shapes(weak, &shapes))
}

/// A bundle is a hint: a level that does not take it now does without it.
fn write_bundles(desk: &Desk, quiet: Duration) {
    for (workspace, session) in desk.dirty_sessions(quiet) {
        let mut outcome = Err(Fault::GivenUp);
        for store in desk.levels.stores().iter().filter(|store| store.takes()) {
            match bundles::write(desk, store, &workspace, &session) {
                Ok(()) => outcome = Ok(()),
                Err(fault) => desk.log.say(&format!("{}: no bundle was written: {fault}", store.spec())),
            }
        }
        if outcome.is_ok() || desk.levels.stores().iter().all(|store| !store.is_writable()) {
            desk.session_written(&workspace, session.length());
        } else {
            desk.rest(AGAIN);
        }
    }
}

/// Uploads everything that is in the local store and on no level yet; how many results were looked at, and how many failed.
pub fn push(desk: &Desk, alive: &mut dyn FnMut()) -> (usize, usize) {
    let keys: Vec<ActionKey> =
        desk.store.entries().unwrap_or_default().into_iter().map(|entry| entry.key).collect();
    let weaks = desk.store.weak_keys().unwrap_or_default();
    let mut failed = 0;
    for key in &keys {
        alive();
        let Some((unit, apart)) = shelf::pack(&desk.store, key) else { continue };
        for store in desk.levels.stores().iter().filter(|store| store.is_writable()) {
            let uploaded = upload_to(desk, store, key, (&unit, &apart), true);
            failed += usize::from(uploaded.is_err_and(|fault| fault != Fault::TooLarge));
        }
        if failed > 0 && !desk.levels.takes() {
            return (keys.len(), failed);
        }
    }
    let writable = || desk.levels.stores().iter().filter(|store| store.is_writable());
    for weak in &weaks {
        alive();
        failed += usize::from(writable().try_for_each(|store| upload_shapes(desk, store, weak)).is_err());
    }
    for key in desk.store.snapshots().unwrap_or_default() {
        alive();
        let failure = |store| upload_snapshot(desk, store, &key, true).is_err_and(|it| it != Fault::TooLarge);
        failed += writable().filter(|store| failure(store)).count();
    }
    (keys.len(), failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_keeps_nothing_back() {
        let now = 1_700_000_000_000_000_000;
        let hour = 3_600_000_000_000;
        assert!(!is_settled(now, now) && !is_settled(now - SETTLED_NS + 1, now));
        assert!(
            is_settled(now - SETTLED_NS, now) && is_settled(now - hour, now) && is_settled(now + hour, now)
        );
    }
}
