//! A small world of contents and keys, and what must always hold in it.

use kiln_action::shape::encode_shapes;
use kiln_action::{ActionKey, ActionResult, Digest, Output, OutputRole, Placed, Question, Shape, WeakKey};
use kiln_store::{Content, Fetch, Keep, Key, LocalStore, Store, StoreError};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub const BLOBS: usize = 6;
pub const ACTIONS: usize = 5;
pub const TARGETS: usize = 4;

/// How a blob is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Bytes,
    Copy,
    Link,
    KeepCopy,
    KeepLink,
}

pub const HOWS: [How; 5] = [How::Bytes, How::Copy, How::Link, How::KeepCopy, How::KeepLink];
pub const FETCHES: [Fetch; 3] =
    [Fetch::Link, Fetch::Copy { executable: false }, Fetch::Copy { executable: true }];

/// Every content is different and has a length of its own, except that 1 and 2 are equally long.
pub fn content(n: usize) -> Vec<u8> {
    known(n).0.clone()
}

pub fn digest(n: usize) -> Digest {
    known(n).1
}

fn known(n: usize) -> &'static (Vec<u8>, Digest) {
    static KNOWN: OnceLock<Vec<(Vec<u8>, Digest)>> = OnceLock::new();
    let make = |(n, length): (usize, usize)| {
        let content: Vec<u8> = (0..length).map(|at| (at * (n + 3) + at / 256 + n) as u8).collect();
        let digest = Digest::of(&content);
        (content, digest)
    };
    &KNOWN.get_or_init(|| [0, 5000, 5000, 1, 140_000, 300_000].into_iter().enumerate().map(make).collect())[n]
}

/// Which blobs a result names.
pub fn blobs_of(action: usize) -> Vec<usize> {
    [vec![0, 1], vec![1, 2], vec![], vec![3, 4, 5], vec![4]][action].clone()
}

/// Results 1 and 4 are incremental ones of the same unit.
pub fn result(action: usize) -> Vec<u8> {
    let output = |n: usize| Output {
        path: Placed::literal(&PathBuf::from(format!("/{n}"))),
        role: OutputRole::File,
        executable: false,
        digest: digest(n),
    };
    ActionResult {
        outputs: blobs_of(action).into_iter().map(output).collect(),
        cost_ms: 100 * action as u32,
        unit: format!("unit {action}"),
        incremental: [1, 4].contains(&action).then_some([7; 32]),
        ..ActionResult::default()
    }
    .encode(&action_key(action))
}

pub fn result_key(action: usize) -> Key {
    Key::Result(action_key(action))
}

fn action_key(action: usize) -> ActionKey {
    ActionKey::of_name([action as u8 + 1; 32])
}

pub fn shapes() -> (Key, Vec<u8>) {
    let weak = WeakKey::of_name([9; 32]);
    (Key::Shapes(weak), encode_shapes(&weak, &[Shape::new(vec![Question::Env(b"HOME".to_vec())])]))
}

/// A store and some directories beside it.
pub struct World {
    pub root: PathBuf,
    pub store: LocalStore,
}

impl World {
    pub fn open(root: &Path) -> World {
        fs::create_dir_all(root.join("target")).unwrap();
        fs::create_dir_all(root.join("made")).unwrap();
        World { root: root.to_owned(), store: LocalStore::open(&root.join("cache")).unwrap() }
    }

    pub fn target(&self, n: usize) -> PathBuf {
        self.root.join(format!("target/{n}"))
    }

    /// Where the file of a blob is in the store, per docs/format.md.
    pub fn blob(&self, n: usize) -> PathBuf {
        let name = digest(n).hex();
        self.root.join("cache/v1/blobs").join(&name[..1]).join(name)
    }

    /// A new file with content `n`, as a compiler makes it.
    pub fn make(&self, n: usize) -> PathBuf {
        let path = self.root.join(format!("made/{n}"));
        let _ = fs::remove_file(&path);
        fs::write(&path, content(n)).unwrap();
        path
    }

    pub fn put(&self, n: usize, how: How) -> Result<(), StoreError> {
        let key = Key::Blob(digest(n));
        let made = self.make(n);
        match how {
            How::Bytes => self.store.put(&key, Content::Bytes(&content(n))),
            How::Copy => self.store.put(&key, Content::File { path: &made, how: Keep::Copy }),
            How::Link => self.store.put(&key, Content::File { path: &made, how: Keep::Link }),
            How::KeepCopy => self.store.keep(&made, Keep::Copy, &[]).map(|kept| assert_eq!(kept, digest(n))),
            How::KeepLink => self.store.keep(&made, Keep::Link, &[]).map(|kept| assert_eq!(kept, digest(n))),
        }
    }

    pub fn put_result(&self, action: usize) -> Result<(), StoreError> {
        self.store.put(&result_key(action), Content::Bytes(&result(action)))
    }

    /// Fetches and holds the outcome against what must always hold: the right content or what was there before.
    pub fn fetch(&self, n: usize, to: usize, how: Fetch) -> Result<(), StoreError> {
        let path = self.target(to);
        let before = fs::read(&path).ok();
        let outcome = self.store.fetch(&digest(n), &path, how);
        let after = fs::read(&path).ok();
        match outcome {
            Ok(_) => assert!(after == Some(content(n)), "wrong bytes for {n}"),
            // When it cannot be told what was linked, the name is taken away.
            Err(_) => assert!(after == before || after.is_none() || after == Some(content(n)), "half a file"),
        }
        outcome.map(|_| ())
    }

    /// Gets a result; it is the right one or none.
    pub fn get_result(&self, action: usize) -> bool {
        match self.store.get(&[result_key(action)]).pop().unwrap() {
            None => false,
            Some(bytes) => {
                assert_eq!(bytes, result(action));
                true
            }
        }
    }

    /// Private names that somebody left, anywhere.
    pub fn private_names(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.root.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    directories.push(entry.path());
                } else if entry.file_name().to_string_lossy().starts_with(".kiln-") {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}

/// This test program again, to run one of its ignored tests with a variable set.
pub fn child(test: &str, variable: &str, value: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(variable, value);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command
}

/// A directory for tests that make many: in memory, where there is such a thing.
pub fn quick_space() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
