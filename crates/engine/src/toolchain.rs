//! Which compiler this is: its own files, by content. Remembered under the files' identities, so that an upgrade in
//! place, a rebuilt std or a replaced codegen backend is noticed although `-vV` says the same.

use kiln_action::os::OsStrExt;
use kiln_action::place::below;
use kiln_action::wire::{Reader, Writer, seal, unseal};
use kiln_action::{Digest, FileKind, Invocation, Reason};
use kiln_compiler::programs::{self, ProgramRole};
use kiln_compiler::rustc::toolchain::{self as layout, Names};
use kiln_exec::single_flight::{self, Entered};
use kiln_sys::env::Environment;
use kiln_sys::files::{self, Identity, Stat};
use kiln_sys::identity::{self, Found, Memo};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub mod version;

/// A toolchain, by its files.
pub struct Known {
    digest: Digest,
    /// The libraries that its programs load.
    libraries: Vec<(PathBuf, Identity)>,
    owned: Owned,
}

/// Where what is known of toolchains and their files is kept.
pub struct Whereabouts<'a> {
    /// Remembered digests of files, by identity.
    pub memo: &'a Memo,
    /// A directory for what toolchains consist of.
    pub memory: PathBuf,
    /// The file of locks: one process at a time identifies a toolchain.
    pub locks: PathBuf,
}

/// Identifies the toolchain of an invocation.
pub fn identify(invocation: &Invocation, whereabouts: &Whereabouts<'_>) -> Result<Known, Reason> {
    let sought = Sought::by(invocation)?;
    match sought.recall(whereabouts)? {
        Some(known) => Ok(known),
        None => sought.learn(sought.parts()?, whereabouts),
    }
}

/// The same in a hurry: `None` if its files must be read first.
pub fn met(invocation: &Invocation, whereabouts: &Whereabouts<'_>) -> Result<Option<Known>, Reason> {
    let sought = Sought::by(invocation)?;
    if let Some(known) = sought.recall(whereabouts)? {
        return Ok(Some(known));
    }
    let parts = sought.parts()?;
    match parts.are_read(whereabouts.memo) {
        true => sought.learn(parts, whereabouts).map(Some),
        false => Ok(None),
    }
}

/// The state of a toolchain's files, without reading any: equal before and after something, it was one toolchain that did it. That
/// somebody links these files elsewhere meanwhile changes nothing.
pub fn state(invocation: &Invocation) -> Option<Digest> {
    let sought = Sought::by(invocation).ok()?;
    let parts = sought.parts().ok()?;
    let mut round = files::Round::default();
    let mut text = Writer::default();
    let programs = [&sought.compiler].into_iter().chain(&sought.wrapper);
    for path in programs.chain(&parts.files) {
        text.bytes(path.as_os_str().as_bytes());
        let it = round.stat(path).ok()??.identity;
        [it.dev, it.ino, it.size, it.mtime_ns as u64].into_iter().for_each(|value| text.u64(value));
    }
    Some(Digest::of(&text.0))
}

/// A toolchain to be identified.
struct Sought<'a> {
    invocation: &'a Invocation,
    compiler: PathBuf,
    wrapper: Option<PathBuf>,
    /// What its note is called.
    name: Digest,
}

impl Sought<'_> {
    fn by(invocation: &Invocation) -> Result<Sought<'_>, Reason> {
        let compiler = real_compiler(invocation)?;
        let wrapper = invocation.wrapper.as_deref().and_then(|path| files::real_path(path).ok().flatten());
        let name = note_name(&compiler, invocation);
        Ok(Sought { invocation, compiler, wrapper, name })
    }

    fn note(&self, whereabouts: &Whereabouts<'_>) -> PathBuf {
        whereabouts.memory.join(self.name.hex())
    }

    /// What is remembered, or found out without reading much.
    fn recall(&self, whereabouts: &Whereabouts<'_>) -> Result<Option<Known>, Reason> {
        let known = recall(&self.note(whereabouts), &self.compiler, self.wrapper.as_deref());
        Ok(known.map(|known| self.placed(known)))
    }

    fn parts(&self) -> Result<Parts, Reason> {
        parts(&self.compiler, self.invocation).ok_or_else(|| unknown_layout(&self.compiler))
    }

    /// Reads its files, unless somebody else is at it.
    fn learn(&self, parts: Parts, whereabouts: &Whereabouts<'_>) -> Result<Known, Reason> {
        let place = self.name.hash.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        let entered = single_flight::enter(&whereabouts.locks, place, LONGEST);
        if let Entered::Waited(_) = &entered
            && let Some(known) = self.recall(whereabouts)?
        {
            return Ok(known);
        }
        let wrapper = self.wrapper.as_deref();
        let known = examine(&self.compiler, wrapper, parts, whereabouts.memo, &self.note(whereabouts))?;
        Ok(self.placed(known))
    }

    fn placed(&self, mut known: Known) -> Known {
        if shows_its_place(&self.compiler, self.invocation) {
            known.digest = with_place(&known.digest, &self.compiler);
        }
        known
    }
}

/// A build script: its own content. What it runs and loads besides is asked by every run.
pub fn build_script(invocation: &Invocation, memo: &Memo) -> Result<Known, Reason> {
    let program = real_compiler(invocation)?;
    match identity::digest_of(&program, memo) {
        Ok(Found::Content(digest, _)) => {
            let owned = Owned { files: HashSet::from([program.to_owned()]), whole: Vec::new() };
            Ok(Known { digest, libraries: Vec::new(), owned })
        }
        _ => Err(Reason::UnknownToolchain(format!("{} is not a file", program.display()))),
    }
}

/// A C compiler's driver: its content and both its paths, by which it finds everything else. What that is (cc1, as, their
/// libraries, specs) is asked by every run, so nothing is owned.
pub fn c_driver(invocation: &Invocation, memo: &Memo) -> Result<Known, Reason> {
    let compiler = &real_compiler(invocation)?;
    let unknown = |what: String| Reason::UnknownToolchain(format!("{}: {what}", compiler.display()));
    let digest = match identity::digest_of(compiler, memo).map_err(|error| unknown(error.to_string()))? {
        Found::Content(digest, _) => digest,
        Found::Nothing | Found::Other(_) => return Err(unknown("not a file".into())),
    };
    let mut text = Writer::default();
    text.digest(&digest);
    text.bytes(compiler.as_os_str().as_bytes());
    text.bytes(invocation.compiler.as_os_str().as_bytes());
    Ok(Known { digest: Digest::of(&text.0), libraries: Vec::new(), owned: Owned::default() })
}

impl Known {
    /// The digest of the toolchain's files, if its programs load its own libraries in this directory and environment: `LD_LIBRARY_PATH`
    /// and `LD_PRELOAD` come before the place where they are. cargo and rustup name the toolchain's own directories there.
    pub fn loaded_in(self, here: &Path, environment: &Environment) -> Result<(Digest, Owned), Reason> {
        let words = |name: &str, ends: &'static [u8]| {
            let value = environment.get(name).unwrap_or_default().as_bytes();
            let words = value.split(|byte| ends.contains(byte)).map(OsStr::from_bytes);
            words.filter(|_| !value.is_empty())
        };
        for directory in words("LD_LIBRARY_PATH", b":;") {
            let directory = here.join(directory); // an empty word is the current directory
            for name in self.libraries.iter().filter_map(|(path, _)| path.file_name()) {
                self.must_be_own(&directory.join(name))?;
            }
        }
        for preloaded in words("LD_PRELOAD", b": \t\n") {
            let path = Path::new(preloaded);
            if self.libraries.iter().any(|(own, _)| own.file_name() == path.file_name()) {
                self.must_be_own(&here.join(path))?;
            }
        }
        Ok((self.digest, self.owned))
    }

    fn must_be_own(&self, path: &Path) -> Result<(), Reason> {
        let Ok(Some(stat)) = files::stat(path) else { return Ok(()) };
        let same = |it: &Identity| (it.dev, it.ino) == (stat.identity.dev, stat.identity.ino);
        match self.libraries.iter().any(|(_, own)| same(own)) {
            true => Ok(()),
            false => {
                Err(Reason::UnknownToolchain(format!("{} is loaded instead of its own", path.display())))
            }
        }
    }
}

/// Whether programs of a toolchain load this file of it.
fn is_library(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.contains(".so")
        && ["librustc_driver", "libLLVM", "libstd-"].iter().any(|start| name.starts_with(start))
}

/// Whether results show where the toolchain is: `--print sysroot` does, and with the standard library's source beside it
/// (the component rust-src) so do diagnostics and debuginfo.
fn shows_its_place(compiler: &Path, invocation: &Invocation) -> bool {
    let source =
        || layout::sysroot(compiler).map(|root| root.join("lib/rustlib/src/rust/library/std/src/lib.rs"));
    invocation.fields.iter().any(|field| field.name == "compiler")
        || source().is_some_and(|path| files::stat(&path).is_ok_and(|found| found.is_some()))
}

fn with_place(digest: &Digest, compiler: &Path) -> Digest {
    let mut text = Writer::default();
    text.digest(digest);
    text.bytes(compiler.as_os_str().as_bytes());
    Digest::of(&text.0)
}

fn real_compiler(invocation: &Invocation) -> Result<PathBuf, Reason> {
    let given = invocation.compiler.display();
    files::real_path(&invocation.compiler)
        .map_err(|error| Reason::UnknownToolchain(error.to_string()))?
        .ok_or_else(|| Reason::UnknownToolchain(format!("{given} does not exist")))
}

/// What rustc's own library is called, by a hash of its version and how it was built; `None` where a program is no toolchain's rustc.
pub fn rustc_driver(rustc: &Path) -> Option<std::ffi::OsString> {
    let entries = files::list_unsorted(&rustc.parent()?.parent()?.join("lib")).ok()??;
    let called = entries.into_iter().map(|entry| entry.name);
    called.filter(|called| called.as_bytes().starts_with(b"librustc_driver-")).min()
}

/// The directory of the toolchain (rustc's sysroot); `None` if it is not known.
pub fn root(invocation: &Invocation) -> Option<PathBuf> {
    layout::sysroot(&real_compiler(invocation).ok()?)
}

/// What belongs to a toolchain, for telling apart what a compile read of it and what it read besides.
#[derive(Debug, Default)]
pub struct Owned {
    files: HashSet<PathBuf>,
    whole: Vec<PathBuf>,
}

impl Owned {
    fn of(
        found: impl Iterator<Item = PathBuf>,
        whole: Vec<PathBuf>,
        compiler: &Path,
        wrapper: Option<&Path>,
    ) -> Owned {
        let mut files: HashSet<PathBuf> = found.collect();
        // clippy-driver is the compiler with more to say. Any other wrapper may look at anything.
        if let Some(wrapper) = wrapper {
            files.remove(wrapper);
        }
        let bin = compiler.parent().unwrap_or(Path::new(""));
        files.extend(programs::names(ProgramRole::RustCompiler).into_iter().map(|name| bin.join(name)));
        files.insert(compiler.to_owned());
        Owned { files, whole }
    }

    /// Every file and directory for which the toolchain's digest stands, but those inside of such directories.
    pub fn all(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().chain(&self.whole).map(PathBuf::as_path)
    }

    /// Whether the toolchain's digest stands for this path.
    pub fn owns(&self, path: &Path) -> bool {
        !self.files.is_empty() && self.files.contains(path)
            || self.whole.iter().any(|directory| below(path, directory).is_some())
    }
}

fn unknown_layout(compiler: &Path) -> Reason {
    let what = "no compiler libraries beside it (a rustup proxy, or a layout kiln does not know)";
    Reason::UnknownToolchain(format!("{}: {what}", compiler.display()))
}

fn note_name(compiler: &Path, invocation: &Invocation) -> Digest {
    let mut text = Writer::default();
    text.bytes(compiler.as_os_str().as_bytes());
    text.bytes(invocation.target.as_deref().unwrap_or_default().as_bytes());
    text.bytes(invocation.wrapper.as_deref().unwrap_or(Path::new("")).as_os_str().as_bytes());
    Digest::of(&text.0)
}

const MAGIC: [u8; 4] = *b"KTCH";
const VERSION: u8 = 4;
/// The longest that somebody else is waited for who identifies the same toolchain.
const LONGEST: Duration = Duration::from_secs(10);
/// No note is longer.
const LARGEST: u64 = 16 << 20;
/// Longer than one tick of any kernel's file clock.
const SETTLED_NS: i64 = 20_000_000;

/// What was remembered, if every directory and file still has the identity it had then.
fn recall(note: &Path, compiler: &Path, wrapper: Option<&Path>) -> Option<Known> {
    let bytes = files::read_own(note, LARGEST).ok()?;
    let mut from = Reader(unseal(MAGIC, VERSION, name_of(note), &bytes).ok()?);
    let digest = from.digest().ok()?;
    let count = from.u32().ok()?;
    let (mut libraries, mut found) = (Vec::new(), Vec::new());
    let mut round = files::Round::default();
    for _ in 0..count {
        let path = Path::new(OsStr::from_bytes(from.bytes().ok()?));
        let now = round.stat(path).ok()??.identity;
        if !numbers(&now).into_iter().all(|value| from.u64() == Ok(value)) {
            return None;
        }
        if is_library(path) {
            libraries.push((path.to_owned(), now));
        }
        found.push(path.to_owned());
    }
    let whole = from.list(|from| Ok(Path::new(OsStr::from_bytes(from.bytes()?)).to_owned())).ok()?;
    Some(Known { digest, libraries, owned: Owned::of(found.into_iter(), whole, compiler, wrapper) })
}

/// A note about one compiler says nothing about another, wherever it lies.
fn name_of(note: &Path) -> &[u8] {
    note.file_name().unwrap_or_default().as_bytes()
}

fn numbers(it: &Identity) -> [u64; 5] {
    [it.dev, it.ino, it.size, it.mtime_ns as u64, it.ctime_ns as u64]
}

fn write(text: &mut Writer, it: &Identity) {
    numbers(it).into_iter().for_each(|value| text.u64(value));
}

fn examine(
    compiler: &Path,
    wrapper: Option<&Path>,
    parts: Parts,
    memo: &Memo,
    note: &Path,
) -> Result<Known, Reason> {
    let unknown = |what: &str| Reason::UnknownToolchain(format!("{}: {what}", compiler.display()));
    let mut examined = Examined::new();
    let own = parts.directories.iter().chain(&parts.files).map(PathBuf::as_path);
    let paths: Vec<&Path> = [compiler].into_iter().chain(wrapper).chain(own).collect();
    for (path, found) in paths.iter().zip(look_at_all(&paths, memo)) {
        let (stat, found) = found.map_err(|error| unknown(&error.to_string()))?;
        examined.add(path, &parts.root, stat, found);
    }
    let digest = Digest::of(&examined.content.0);
    let mut body = Writer::default();
    body.digest(&digest);
    body.u32(examined.count);
    body.0.extend(examined.remembered.0);
    body.u32(parts.whole.len() as u32);
    parts.whole.iter().for_each(|directory| body.bytes(directory.as_os_str().as_bytes()));
    // A file written a moment ago may be written again without a sign of it.
    if examined.newest < examined.now - SETTLED_NS {
        let _ = files::write_atomic(note, &seal(MAGIC, VERSION, name_of(note), &body.0));
    }
    let found = parts.directories.into_iter().chain(parts.files);
    let owned = Owned::of(found, parts.whole, compiler, wrapper);
    Ok(Known { digest, libraries: examined.libraries, owned })
}

/// What a toolchain consists of. Directories count only for noticing that something was added or replaced.
struct Parts {
    root: PathBuf,
    directories: Vec<PathBuf>,
    /// Directories of which every file belongs to it.
    whole: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Parts {
    /// Whether the greatest part of it has been read before, for another target or wrapper.
    fn are_read(&self, memo: &Memo) -> bool {
        let known = |path: &PathBuf| {
            files::stat(path).is_ok_and(|found| found.is_some_and(|it| memo.get(&it.identity).is_some()))
        };
        self.files.iter().filter(|path| is_library(path)).all(known)
    }
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

struct Examined {
    libraries: Vec<(PathBuf, Identity)>,
    remembered: Writer,
    content: Writer,
    count: u32,
    newest: i64,
    now: i64,
}

impl Examined {
    fn new() -> Examined {
        let now = kiln_sys::clock::file_time_ns();
        Examined {
            libraries: Vec::new(),
            remembered: Writer::default(),
            content: Writer::default(),
            count: 0,
            newest: i64::MIN,
            now,
        }
    }

    fn add(&mut self, path: &Path, root: &Path, stat: Option<Stat>, found: Found) {
        let Some(stat) = stat else { return };
        let it = stat.identity;
        self.count += 1;
        if is_library(path) {
            self.libraries.push((path.to_owned(), it));
        }
        self.newest = self.newest.max(it.ctime_ns).max(it.mtime_ns);
        self.remembered.bytes(path.as_os_str().as_bytes());
        write(&mut self.remembered, &it);
        if let Found::Content(digest, _) = found {
            self.content.bytes(path.strip_prefix(root).unwrap_or(path).as_os_str().as_bytes());
            self.content.digest(&digest);
        }
    }
}

type Looked = Result<(Option<Stat>, Found), files::FileError>;

/// Looks at all files, in order. Half a gigabyte is hashed the first time, with a build waiting for it: by several threads.
fn look_at_all(paths: &[&Path], memo: &Memo) -> Vec<Looked> {
    let look = |path: &Path| Ok((files::stat(path)?, identity::digest_of(path, memo)?));
    let next = AtomicUsize::new(0);
    let looked: Vec<OnceLock<Looked>> = paths.iter().map(|_| OnceLock::new()).collect();
    kiln_sys::thread::side_by_side(kiln_sys::machine::processors().min(4), || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(path), Some(slot)) = (paths.get(at), looked.get(at)) else { break };
            let _ = slot.set(look(path));
        }
    });
    let look_now = |(slot, path): (OnceLock<Looked>, &&Path)| slot.into_inner().unwrap_or_else(|| look(path));
    looked.into_iter().zip(paths).map(look_now).collect()
}

#[cfg(test)]
mod tests;
