//! Which compiler this is: its own files, by content. Remembered under the files' identities, so that an upgrade in
//! place, a rebuilt std or a replaced codegen backend is noticed although `-vV` says the same.

use kiln_action::wire::{Reader, Writer, seal, unseal};
use kiln_action::{Digest, FileKind, Invocation, Reason};
use kiln_compiler::rustc::toolchain::{self as layout, Names};
use kiln_sys::files;
use kiln_sys::identity::{self, Found, Memo};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Identifies the toolchain of an invocation: the digest of its files. `memory` is a directory for what is remembered.
pub fn identify(invocation: &Invocation, memo: &Memo, memory: &Path) -> Result<Digest, Reason> {
    let compiler = real_compiler(invocation)?;
    let note = memory.join(note_name(&compiler, invocation));
    match recall(&note) {
        Some(known) => Ok(known),
        None => examine(&compiler, invocation, memo, &note),
    }
}

fn real_compiler(invocation: &Invocation) -> Result<PathBuf, Reason> {
    let given = invocation.compiler.display();
    files::real_path(&invocation.compiler)
        .map_err(|error| Reason::UnknownToolchain(error.to_string()))?
        .ok_or_else(|| Reason::UnknownToolchain(format!("{given} does not exist")))
}

/// What belongs to a toolchain, for telling apart what a compile read of it and what it read besides.
#[derive(Debug, Default)]
pub struct Owned {
    files: HashSet<PathBuf>,
    whole: Vec<PathBuf>,
}

impl Owned {
    /// What belongs to the toolchain of an invocation.
    pub fn of(invocation: &Invocation) -> Result<Owned, Reason> {
        let compiler = real_compiler(invocation)?;
        let parts = parts(&compiler, invocation).ok_or_else(|| unknown_layout(&compiler))?;
        let mut files: HashSet<PathBuf> = parts.files.into_iter().collect();
        // clippy-driver is the compiler with more to say. Any other wrapper may look at anything.
        let bin = compiler.parent().map(Path::to_owned).unwrap_or_default();
        files.extend(["clippy-driver", "rustc"].map(|name| bin.join(name)));
        files.insert(compiler);
        files.extend(parts.directories);
        Ok(Owned { files, whole: parts.whole })
    }

    /// Whether the toolchain's digest stands for this path.
    pub fn owns(&self, path: &Path) -> bool {
        self.files.contains(path) || self.whole.iter().any(|directory| path.starts_with(directory))
    }
}

fn unknown_layout(compiler: &Path) -> Reason {
    let what = "no compiler libraries beside it (a rustup proxy, or a layout kiln does not know)";
    Reason::UnknownToolchain(format!("{}: {what}", compiler.display()))
}

fn note_name(compiler: &Path, invocation: &Invocation) -> String {
    let mut text = Writer::default();
    text.bytes(compiler.as_os_str().as_bytes());
    text.bytes(invocation.target.as_deref().unwrap_or_default().as_bytes());
    text.bytes(invocation.wrapper.as_deref().unwrap_or(Path::new("")).as_os_str().as_bytes());
    Digest::of(&text.0).hex()
}

const MAGIC: [u8; 4] = *b"KTCH";
const VERSION: u8 = 2;
/// Longer than one tick of any kernel's file clock.
const SETTLED_NS: i64 = 20_000_000;

/// What was remembered, if every directory and file still has the identity it had then.
fn recall(note: &Path) -> Option<Digest> {
    let bytes = files::read(note).ok()?;
    let mut from = Reader(unseal(MAGIC, VERSION, &bytes).ok()?);
    let digest = from.digest().ok()?;
    let count = from.u32().ok()?;
    for _ in 0..count {
        let path = Path::new(OsStr::from_bytes(from.bytes().ok()?));
        let now = files::stat(path).ok()??.identity;
        let same = [now.dev, now.ino, now.size, now.mtime_ns as u64, now.ctime_ns as u64]
            .into_iter()
            .all(|value| from.u64() == Ok(value));
        if !same {
            return None;
        }
    }
    Some(digest)
}

fn examine(compiler: &Path, invocation: &Invocation, memo: &Memo, note: &Path) -> Result<Digest, Reason> {
    let unknown = |what: &str| Reason::UnknownToolchain(format!("{}: {what}", compiler.display()));
    let parts = parts(compiler, invocation).ok_or_else(|| unknown_layout(compiler))?;
    let wrapper = invocation.wrapper.as_deref().and_then(|path| files::real_path(path).ok().flatten());
    let mut told = Told::new();
    for path in [compiler.to_owned()].iter().chain(&wrapper).chain(&parts.directories).chain(&parts.files) {
        told.tell(path, &parts.root, memo).map_err(|error| unknown(&error.to_string()))?;
    }
    let digest = Digest::of(&told.content.0);
    let mut body = Writer::default();
    body.digest(&digest);
    body.u32(told.count);
    body.0.extend(told.remembered.0);
    // A file written a moment ago may be written again without a sign of it.
    if told.newest < told.now - SETTLED_NS {
        let _ = files::write_atomic(note, &seal(MAGIC, VERSION, &body.0));
    }
    Ok(digest)
}

/// What a toolchain consists of. Directories count only for noticing that something was added or replaced.
struct Parts {
    root: PathBuf,
    directories: Vec<PathBuf>,
    /// Directories of which every file belongs to it.
    whole: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

fn parts(compiler: &Path, invocation: &Invocation) -> Option<Parts> {
    let root = layout::sysroot(compiler)?;
    let triples = list(&layout::targets(&root));
    let triples: Vec<&str> = triples.iter().filter_map(|entry| entry.name.to_str()).collect();
    let host = layout::host(&root, &triples);
    let mut found =
        Parts { directories: Vec::new(), whole: Vec::new(), files: Vec::new(), root: root.clone() };
    let mut complete = false;
    for part in layout::parts(&root, host, invocation.target.as_deref()) {
        let before = found.files.len();
        let deep = match part.names {
            Names::Everything => usize::MAX,
            Names::BeginningBelow(_) => 1,
            Names::Beginning(_) | Names::One(_) => 0,
        };
        collect(&part.directory, &part.names, deep, &mut found);
        if part.names == Names::Everything {
            found.whole.push(part.directory);
        }
        complete |= part.essential && found.files.len() > before;
    }
    found.files.sort_unstable();
    found.files.dedup();
    found.directories.sort_unstable();
    found.directories.dedup();
    complete.then_some(found)
}

fn collect(directory: &Path, names: &Names, deep: usize, found: &mut Parts) {
    let entries = list(directory);
    if entries.is_empty() {
        return;
    }
    found.directories.push(directory.to_owned());
    for entry in entries {
        let path = directory.join(&entry.name);
        match files::stat(&path) {
            Ok(Some(stat)) if stat.kind == FileKind::Directory && deep > 0 => {
                collect(&path, names, deep - 1, found);
            }
            Ok(Some(stat)) if stat.kind == FileKind::File && names.hold(&entry.name) => {
                found.files.push(path)
            }
            _ => {}
        }
    }
}

fn list(directory: &Path) -> Vec<files::Entry> {
    files::list(directory).ok().flatten().unwrap_or_default()
}

struct Told {
    remembered: Writer,
    content: Writer,
    count: u32,
    newest: i64,
    now: i64,
}

impl Told {
    fn new() -> Told {
        let now = kiln_sys::clock::file_time_ns();
        Told { remembered: Writer::default(), content: Writer::default(), count: 0, newest: i64::MIN, now }
    }

    fn tell(&mut self, path: &Path, root: &Path, memo: &Memo) -> Result<(), files::FileError> {
        let Some(stat) = files::stat(path)? else { return Ok(()) };
        let it = stat.identity;
        self.count += 1;
        self.newest = self.newest.max(it.ctime_ns).max(it.mtime_ns);
        self.remembered.bytes(path.as_os_str().as_bytes());
        for value in [it.dev, it.ino, it.size, it.mtime_ns as u64, it.ctime_ns as u64] {
            self.remembered.u64(value);
        }
        if let Found::Content(digest, _) = identity::digest_of(path, memo)? {
            self.content.bytes(path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes());
            self.content.digest(&digest);
        }
        Ok(())
    }
}
