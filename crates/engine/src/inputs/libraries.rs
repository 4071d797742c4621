//! Which file the loader finds for a library's name today: along `LD_LIBRARY_PATH`, in the system's list (`/etc/ld.so.cache`), and in the
//! directories that it knows by itself.

use super::World;
use super::view::{Searched, View};
use kiln_action::os::OsStrExt;
use kiln_action::{Answer, Digest};
use kiln_sys::files;
use kiln_sys::identity::Memo;
use kiln_sys::machine;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Directories in which the loader looks first, where they are: for this kind of processor (before glibc 2.37 also by its name).
pub const BY_PROCESSOR: [&str; 6] = ["glibc-hwcaps", "tls", "x86_64", "haswell", "xeon_phi", "avx512_1"];

/// Where the loader looks.
pub struct Libraries {
    directories: Vec<(PathBuf, Searched)>,
    /// Whether there is no telling where it looks in them.
    unclear: bool,
    list: OnceCell<Option<List>>,
}

impl Libraries {
    /// As the environment has it.
    pub fn of(view: &mut View<'_>, world: &World<'_>) -> Libraries {
        let value = world.environment.get("LD_LIBRARY_PATH").filter(|value| !value.is_empty());
        let parts =
            value.into_iter().flat_map(|value| value.as_bytes().split(|byte| matches!(byte, b':' | b';')));
        let paths = parts.map(|part| world.invocation.absolute(Path::new(OsStr::from_bytes(part))));
        let directories: Vec<_> =
            paths.map(|path| (path.clone(), view.directory(path, 2 * BY_PROCESSOR.len()))).collect();
        let mut is_there = |directory: &Searched, name: &'static str| {
            view.presence(View::within(directory, OsStr::new(name)), world.memo) != Some(Answer::Nothing)
        };
        let by_processor =
            directories.iter().any(|(_, at)| BY_PROCESSOR.into_iter().any(|below| is_there(at, below)));
        let words = value.is_some_and(|value| value.as_bytes().contains(&b'$')); // `$LIB`
        Libraries { directories, unclear: by_processor || words, list: OnceCell::new() }
    }

    /// The file, as far as it is known without the processor.
    pub fn find<'q>(&self, name: &'q OsStr, view: &mut View<'q>, memo: &Memo) -> Option<PathBuf> {
        self.along_the_variable(name, view, memo).or_else(|| self.elsewhere(name).into_iter().next())
    }

    fn along_the_variable<'q>(&self, name: &'q OsStr, view: &mut View<'q>, memo: &Memo) -> Option<PathBuf> {
        let mut is_there = |directory: &Searched| {
            let answer = view.presence(View::within(directory, name), memo);
            answer.is_some_and(|answer| answer != Answer::Nothing)
        };
        let found = self.directories.iter().find(|(_, directory)| is_there(directory));
        found.map(|(path, _)| path.join(name))
    }

    /// All between which the loader chooses besides.
    fn elsewhere(&self, name: &OsStr) -> Vec<PathBuf> {
        let list =
            self.list.get_or_init(|| files::read(Path::new("/etc/ld.so.cache")).ok().and_then(List::of));
        let listed = list.as_ref().map(|list| list.paths(name.as_bytes())).unwrap_or_default();
        match listed.is_empty() {
            true => built_in().map(|directory| directory.join(name)).filter(|path| is_there(path)).collect(),
            false => listed,
        }
    }

    /// What [`kiln_action::Question::Library`] is answered by; `None` if there is no telling.
    pub fn answer<'q>(&self, name: &'q OsStr, view: &mut View<'q>, memo: &Memo) -> Option<Answer> {
        if self.unclear {
            return None;
        }
        if let Some(path) = self.along_the_variable(name, view, memo) {
            return Some(Answer::Content(Digest::of(path.as_os_str().as_bytes())));
        }
        let found = self.elsewhere(name);
        let mut text: Vec<&[u8]> = found.iter().map(|path| path.as_os_str().as_bytes()).collect();
        let processor = if found.len() > 1 { machine::processor() } else { Vec::new() };
        text.extend((found.len() > 1).then_some(processor.as_slice()));
        Some(if text.is_empty() { Answer::Nothing } else { Answer::Content(Digest::of(&text.join(&0))) })
    }
}

fn is_there(path: &Path) -> bool {
    files::stat(path).is_ok_and(|found| found.is_some())
}

/// Directories in which loaders look for a library that no path names (glibc as Debian and others build it, musl).
fn built_in() -> impl Iterator<Item = PathBuf> {
    let arch = std::env::consts::ARCH;
    let of_arch = ["/lib", "/usr/lib"].map(|root| PathBuf::from(format!("{root}/{arch}-linux-gnu")));
    of_arch
        .into_iter()
        .chain(["/lib64", "/usr/lib64", "/lib", "/usr/local/lib", "/usr/lib"].map(PathBuf::from))
}

/// The system's list of libraries, as `ldconfig` writes it (glibc 2.2 and later).
struct List {
    file: Vec<u8>,
    /// Where it begins in the file: texts are counted from there.
    start: usize,
    count: usize,
}

impl List {
    const HEAD: usize = 48;
    const ENTRY: usize = 24;

    fn of(file: Vec<u8>) -> Option<List> {
        let start = memchr::memmem::find(&file, b"glibc-ld.so.cache1.1")?;
        let count = u32_at(&file, start + 20)? as usize;
        let list = List { file, start, count };
        (list.count.checked_mul(List::ENTRY)? <= list.file.len()).then_some(list)
    }

    fn text(&self, at: usize) -> Option<&[u8]> {
        let rest = self.file.get(self.start.checked_add(u32_at(&self.file, at)? as usize)?..)?;
        Some(&rest[..memchr::memchr(0, rest)?])
    }

    fn entry(&self, index: usize) -> usize {
        self.start + List::HEAD + index * List::ENTRY
    }

    fn name(&self, index: usize) -> Option<&[u8]> {
        self.text(self.entry(index) + 4)
    }

    /// The files that a name stands for, for programs of this machine's own kind; several where the processor decides.
    fn paths(&self, name: &[u8]) -> Vec<PathBuf> {
        let is = |index: &usize| self.name(*index) == Some(name);
        let Some(first) = self.first(name) else { return Vec::new() };
        let path = |index: usize| {
            let flags = u32_at(&self.file, self.entry(index))?;
            let path = self.text(self.entry(index) + 8).filter(|_| is_of_this_kind(flags))?;
            Some(PathBuf::from(OsStr::from_bytes(path)))
        };
        (first..self.count).take_while(is).filter_map(path).collect()
    }

    /// The first entry of a name: they are in descending order.
    fn first(&self, name: &[u8]) -> Option<usize> {
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from + (to - from) / 2;
            match order(self.name(middle)?, name) {
                Ordering::Greater => from = middle + 1,
                _ => to = middle,
            }
        }
        (from < self.count).then_some(from)
    }
}

/// Whether an entry is for programs of this machine's own kind.
fn is_of_this_kind(flags: u32) -> bool {
    match std::env::consts::ARCH {
        "x86_64" => flags == 0x0303,
        "aarch64" => flags == 0x0a03,
        _ => true,
    }
}

/// The order of names in the list: numbers in them by their value.
fn order(mut one: &[u8], mut other: &[u8]) -> Ordering {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number =
        |text: &[u8]| text.iter().fold(0_u64, |all, digit| all.wrapping_mul(10) + u64::from(digit - b'0'));
    loop {
        match (digits(one), digits(other)) {
            (0, 0) => match (one.split_first(), other.split_first()) {
                (None, None) => return Ordering::Equal,
                (None, _) => return Ordering::Less,
                (_, None) => return Ordering::Greater,
                (Some((a, _)), Some((b, _))) if a != b => return a.cmp(b),
                (Some((_, a)), Some((_, b))) => (one, other) = (a, b),
            },
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            (a, b) => {
                let decided = number(&one[..a]).cmp(&number(&other[..b]));
                if decided != Ordering::Equal {
                    return decided;
                }
                (one, other) = (&one[a..], &other[b..]);
            }
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
