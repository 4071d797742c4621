//! One remote store: packs in a bucket, under namespaces, each one verified before anybody sees it.

use crate::bucket::{self, Bucket, Fault, Listed, Variables};
use crate::bundle::{self, Index, Segment};
use crate::pack::{self, Kind, Unit};
use crate::patience::{Health, Patient};
use crate::spec::Spec;
use kiln_action::shape::{MOST_SHAPES, decode_shapes, encode_shapes};
use kiln_action::wire::Malformed;
use kiln_action::{ActionKey, Digest, Shape, WeakKey, digest};
use kiln_store::{Content, Fetch, Fetched, Key, Store, StoreError};
use kiln_sys::files::{self, Draft, FileError};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The format of everything in a bucket. A change of any byte is another name.
const FORMAT: &str = "kiln2";
/// For an answer that is small.
const SMALL: Duration = Duration::from_secs(10);
/// Bytes in a second: who is slower than this is not worth waiting for.
const SLOWEST: u64 = 256 << 10;
/// So many wrong objects are kept for whoever wants to know what happened, and so much of each.
const MOST_QUARANTINED: usize = 32;
const MOST_OF_ONE: usize = 1 << 20;

/// So many names are known to be wrong at once; whoever damages more has them stay as they are.
const MOST_WRONG: usize = 10_000;
/// Of blobs that are larger there is one in memory at a time.
const HUGE: u64 = 64 << 20;
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How long a transfer of this size may take.
fn within(bytes: u64) -> Duration {
    SMALL + Duration::from_secs(bytes / SLOWEST)
}

/// A remote store.
pub struct RemoteStore {
    bucket: Patient,
    spec: Spec,
    namespaces: Vec<String>,
    quarantine: Option<PathBuf>,
    /// Names of ours under which something wrong was found.
    wrong: Mutex<HashSet<String>>,
}

/// Something that was found, and the pack that it came in.
pub struct Found<T> {
    /// What it is.
    pub value: T,
    /// As it lies in the bucket.
    pub pack: Vec<u8>,
}

impl RemoteStore {
    /// The store that a URL means. `quarantine` is a directory for what turns out to be wrong.
    pub fn open(
        spec: &Spec,
        namespaces: &[String],
        variables: &Variables,
        quarantine: Option<&Path>,
    ) -> Result<RemoteStore, String> {
        Ok(RemoteStore::over(bucket::open(spec, variables)?, spec, namespaces, quarantine))
    }

    /// A store in this bucket.
    pub fn over(
        bucket: Box<dyn Bucket>,
        spec: &Spec,
        namespaces: &[String],
        quarantine: Option<&Path>,
    ) -> RemoteStore {
        RemoteStore {
            bucket: Patient::new(bucket),
            spec: spec.clone(),
            namespaces: namespaces.to_vec(),
            quarantine: quarantine.map(Path::to_owned),
            wrong: Mutex::default(),
        }
    }

    /// How it does.
    pub fn health(&self) -> Health {
        self.bucket.health()
    }

    /// What the user wrote.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Whether it may be written to.
    pub fn is_writable(&self) -> bool {
        !self.spec.read_only
    }

    /// Whether it would be asked now: not while it is given up on.
    pub fn is_asked(&self) -> bool {
        self.bucket.is_asked()
    }

    /// Whether something would be written to it now: not while it is given up on, refuses that, or is full.
    pub fn takes(&self) -> bool {
        self.is_writable() && self.bucket.takes()
    }

    /// Whether it is worth waiting for: not if it is silent for longer than usual.
    pub fn is_prompt(&self) -> bool {
        self.bucket.is_prompt()
    }

    /// How long a small answer takes, lately.
    pub fn latency(&self) -> Duration {
        self.bucket.latency()
    }

    /// The Shapes of a WeakKey.
    pub fn shapes(&self, weak: &WeakKey) -> Result<Option<Found<Vec<u8>>>, Fault> {
        self.find(&pack::name(Kind::Shapes, &weak.0), pack::largest(Kind::Shapes), SMALL, |bytes| {
            pack::open_shapes(weak, bytes)
        })
    }

    /// A result, with the blobs that travel with it.
    pub fn unit(&self, key: &ActionKey) -> Result<Option<Found<Unit<'static>>>, Fault> {
        let name = pack::name(Kind::Result, &key.0);
        self.find(&name, pack::largest(Kind::Result), within(pack::TOGETHER), |bytes| Unit::open(key, bytes))
    }

    /// A blob that travels by itself.
    pub fn blob(&self, digest: &Digest) -> Result<Option<Found<Vec<u8>>>, Fault> {
        let name = pack::name(Kind::Blob, &digest.hash);
        // How large it is was said by a result from afar, too.
        if digest.size > pack::MOST_BLOB {
            return Ok(None);
        }
        let _alone =
            (digest.size > HUGE).then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
        self.find(&name, pack::bound(digest.size), within(digest.size), |bytes| open_blob(digest, bytes))
    }

    /// The index of a bundle.
    pub fn index(&self, name: &[u8; 32]) -> Result<Option<Found<Index>>, Fault> {
        self.find(&pack::name(Kind::Index, name), pack::largest(Kind::Index), SMALL, |bytes| {
            Index::open(name, bytes)
        })
    }

    /// The bytes of a segment, whole.
    pub fn segment(&self, segment: &Segment) -> Result<Option<Vec<u8>>, Fault> {
        let (name, size) = (bundle::name(&segment.digest), segment.digest.size);
        let right = |bytes: &[u8]| match Digest::of(bytes) == segment.digest {
            true => Ok(()),
            false => Err(Malformed),
        };
        let found = self.find(&name, size, within(size), right)?;
        if found.is_none() {
            self.is_known_wrong(self.own(&name)); // whoever writes the index again leaves it out
        }
        Ok(found.map(|found| found.pack))
    }

    /// Keeps a pack, or another object that is verified by its reader, under its name.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() as u64 > self.bucket.largest() {
            return Err(Fault::TooLarge);
        }
        self.bucket.put(&self.own(name), bytes, within(bytes.len() as u64))?;
        self.wrong().remove(&self.own(name));
        Ok(())
    }

    fn wrong(&self) -> MutexGuard<'_, HashSet<String>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something wrong was found under a name of ours, and nothing was put there since.
    pub fn is_wrong(&self, name: &str) -> bool {
        self.wrong().contains(&self.own(name))
    }

    /// Whether a name is taken in our own namespace, by something that is not known to be wrong.
    pub fn has(&self, name: &str) -> Result<bool, Fault> {
        if self.is_wrong(name) {
            return Ok(false);
        }
        self.bucket.has(&self.own(name), SMALL)
    }

    /// Adds Shapes to those that are there, as the most recent ones.
    pub fn add_shapes(&self, weak: &WeakKey, shapes: &[u8]) -> Result<(), Fault> {
        let there = self.shapes(weak)?.map(|found| found.value).unwrap_or_default();
        let ours: Vec<Shape> =
            decode_shapes(weak, shapes).unwrap_or_default().into_iter().filter(pack::may_travel).collect();
        let merged = merge_shapes(weak, &encode_shapes(weak, &ours), &there);
        let merged = decode_shapes(weak, &merged).unwrap_or_default();
        let merged = encode_shapes(weak, &pack::as_many_as_fit(weak, merged));
        if ours.is_empty() || merged == there {
            return Ok(());
        }
        self.keep(&pack::name(Kind::Shapes, &weak.0), &pack::seal(Kind::Shapes, &weak.0, &merged))
    }

    /// Every object of our own namespace.
    pub fn list(&self) -> Result<Vec<Listed>, Fault> {
        let within = Duration::from_secs(600);
        self.bucket.list(&format!("{FORMAT}/{}/", self.namespaces[0]), within)
    }

    /// Removes an object by the name that [`RemoteStore::list`] gave it.
    pub fn remove(&self, name: &str) -> Result<(), Fault> {
        self.bucket.remove(name, SMALL)
    }

    /// Looks at an object by the name that [`RemoteStore::list`] gave it: whether it is what its name says. One that is not is
    /// treated as everywhere.
    pub fn is_sound(&self, name: &str) -> Result<bool, Fault> {
        let mut parts = name.rsplit('/');
        let key = parts.next().and_then(digest::unhex);
        let letter = parts.nth(1).unwrap_or_default();
        let most = Kind::of_letter(letter).map_or(self.bucket.largest(), pack::largest);
        let bytes = match self.bucket.get(name, most, within(pack::TOGETHER)) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(true),
            Err(Fault::TooLarge) => Vec::new(),
            Err(fault) => return Err(fault),
        };
        let sound = match (key, Kind::of_letter(letter)) {
            (Some(key), Some(Kind::Shapes)) => pack::open_shapes(&WeakKey(key), &bytes).is_ok(),
            (Some(key), Some(Kind::Result)) => Unit::open(&ActionKey(key), &bytes).is_ok(),
            (Some(key), Some(Kind::Index)) => Index::open(&key, &bytes).is_ok(),
            (Some(key), Some(Kind::Blob)) => {
                pack::open(Kind::Blob, &key, &bytes).is_ok_and(|body| Digest::of(&body).hash == key)
            }
            (Some(key), None) if letter == "g" => Digest::of(&bytes).hash == key,
            _ => return Ok(true), // not ours
        };
        if !sound {
            self.quarantine(name, &bytes);
        }
        Ok(sound)
    }

    fn own(&self, name: &str) -> String {
        format!("{FORMAT}/{}/{name}", self.namespaces[0])
    }

    /// Looks through the namespaces. What cannot be opened is as good as not there.
    fn find<T>(
        &self,
        name: &str,
        most: u64,
        within: Duration,
        open: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<Found<T>>, Fault> {
        for namespace in &self.namespaces {
            let full = format!("{FORMAT}/{namespace}/{name}");
            match self.bucket.get(&full, most, within) {
                Ok(Some(pack)) => match open(&pack) {
                    Ok(value) => {
                        self.bucket.told(true);
                        return Ok(Some(Found { value, pack }));
                    }
                    Err(Malformed) => {
                        self.bucket.told(false);
                        self.quarantine(&full, &pack);
                    }
                },
                Ok(None) => {}
                Err(Fault::TooLarge) => self.quarantine(&full, b"larger than anything of its kind"),
                Err(fault) => return Err(fault),
            }
        }
        Ok(None)
    }

    fn is_known_wrong(&self, name: String) {
        let mut wrong = self.wrong();
        if wrong.len() < MOST_WRONG {
            wrong.insert(name);
        }
    }

    /// Keeps what was wrong, and remembers it. It is not removed from the store: the wire may be to blame, and whoever compiles
    /// in its stead puts the right thing there.
    fn quarantine(&self, name: &str, bytes: &[u8]) {
        self.bucket.found_wrong(name);
        if let Some(directory) = &self.quarantine {
            make_room(directory, MOST_QUARANTINED - 1);
            let some = &bytes[..bytes.len().min(MOST_OF_ONE)];
            let _ = files::write_private(&directory.join(name.replace('/', "-")), some);
        }
        self.is_known_wrong(name.to_owned());
    }
}

/// Removes the oldest files until there are no more than so many.
fn make_room(directory: &Path, most: usize) {
    let there = files::list(directory).ok().flatten().unwrap_or_default();
    let mut aged: Vec<(i64, PathBuf)> = there
        .into_iter()
        .map(|entry| directory.join(entry.name))
        .filter_map(|path| Some((files::lstat(&path).ok()??.identity.mtime_ns, path)))
        .collect();
    aged.sort();
    let surplus = aged.len().saturating_sub(most);
    aged[..surplus].iter().for_each(|(_, path)| drop(files::remove(path)));
}

fn open_blob(digest: &Digest, bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let body = pack::open(Kind::Blob, &digest.hash, bytes)?;
    if Digest::of(&body) == *digest { Ok(body) } else { Err(Malformed) }
}

/// The Shapes of both, those of `first` before the others.
pub fn merge_shapes(weak: &WeakKey, first: &[u8], then: &[u8]) -> Vec<u8> {
    let mut shapes = decode_shapes(weak, first).unwrap_or_default();
    for shape in decode_shapes(weak, then).unwrap_or_default() {
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes.truncate(MOST_SHAPES);
    encode_shapes(weak, &shapes)
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> StoreError {
        StoreError::File(FileError::new("use", Path::new("the remote store"), io::Error::other(fault)))
    }
}

/// One by one; whoever wants a whole unit asks for [`RemoteStore::unit`]. A blob that came to the store in a unit's pack is
/// found in that pack only.
impl Store for RemoteStore {
    fn get(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let get = |key: &Key| match key {
            Key::Shapes(weak) => Some(self.shapes(weak).ok()??.value),
            Key::Result(action) => Some(self.unit(action).ok()??.value.result.into_owned()),
            Key::Blob(digest) => Some(self.blob(digest).ok()??.value),
        };
        keys.iter().map(get).collect()
    }

    fn fetch(&self, digest: &Digest, to: &Path, how: Fetch) -> Result<Fetched, StoreError> {
        let found = self.blob(digest)?.ok_or(StoreError::Missing(*digest))?;
        let mode = match how {
            Fetch::Copy { executable: true } | Fetch::Take { executable: true } => 0o777,
            _ => 0o666,
        };
        let draft = Draft::create(to.parent().unwrap_or(Path::new("/")), mode)?;
        draft.write(&found.value)?;
        Ok(Fetched { identity: draft.publish(to)?, linked: false, taken: false })
    }

    fn put(&self, key: &Key, content: Content<'_>) -> Result<(), StoreError> {
        let read;
        let bytes = match content {
            Content::Bytes(bytes) => bytes,
            Content::File { path, .. } => {
                read = files::read(path)?;
                &read
            }
        };
        let odd = || StoreError::NotTheKey(PathBuf::from("the remote store"));
        let (kind, name) = match key {
            Key::Shapes(weak) => {
                decode_shapes(weak, bytes).map_err(|Malformed| odd())?;
                (Kind::Shapes, weak.0)
            }
            Key::Result(action) => {
                let alone = pack::lone_result(action, bytes).map_err(|Malformed| odd())?;
                return Ok(self.keep(&pack::name(Kind::Result, &action.0), &alone)?);
            }
            Key::Blob(digest) if Digest::of(bytes) == *digest => (Kind::Blob, digest.hash),
            Key::Blob(_) => return Err(odd()),
        };
        Ok(self.keep(&pack::name(kind, &name), &pack::seal(kind, &name, bytes))?)
    }

    fn missing(&self, digests: &[Digest]) -> Vec<Digest> {
        let gone = |digest: &Digest| !self.has(&pack::name(Kind::Blob, &digest.hash)).unwrap_or(false);
        digests.iter().copied().filter(gone).collect()
    }
}
