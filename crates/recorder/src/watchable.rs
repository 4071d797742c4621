//! Judges a program before it is started as the root of a run, as preload/target.c does for all others.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, CWD, Mode, OFlags};

use crate::object::read_at;

const SEGMENT_SIZE: usize = 56;
/// More dynamic entries than any program has.
const DYNAMIC_LIMIT: u64 = 64 * 1024;
/// As much of a script's first line as the kernel looks at.
const START_SIZE: usize = 256;
const SCRIPT_DEPTH: u32 = 4;
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
#[cfg(not(target_arch = "aarch64"))]
const MACHINE: u16 = 62;

/// Whether the loader of this program, or of the interpreter of this script, will load the recorder's object: a
/// dynamic ELF program of this machine without a set-id bit or an address sanitizer. Any other must not be given the recorder's variables: a
/// 32-bit loader would complain in the program's stderr, a static program would see them, a sanitizer would refuse to run.
///
/// The path is one of a file, not a name to search along PATH. A file that cannot be read is not watchable.
pub fn watchable(program: &Path) -> bool {
    let mut path = program.to_owned();
    for _ in 0..SCRIPT_DEPTH {
        let Some((file, start)) = read_start(&path) else { return false };
        if start.starts_with(b"\x7fELF") {
            return !is_set_id(&file) && elf_watchable(&file, &start);
        }
        match interpreter(&start) {
            Some(interpreter) => path = interpreter,
            None => return false,
        }
    }
    false
}

/// What the kernel starts for a program: itself, or the interpreter of a script.
pub(crate) fn image(program: &Path) -> PathBuf {
    let mut path = program.to_owned();
    for _ in 0..SCRIPT_DEPTH {
        match read_start(&path).and_then(|(_, start)| interpreter(&start)) {
            Some(interpreter) => path = interpreter,
            None => break,
        }
    }
    path
}

fn read_start(path: &Path) -> Option<(OwnedFd, Vec<u8>)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = fs::openat(CWD, path, flags, Mode::empty()).ok()?;
    let mut start = vec![0; START_SIZE];
    let size = read_at(&file, &mut start, 0).ok()?;
    start.truncate(size);
    Some((file, start))
}

fn is_set_id(file: &OwnedFd) -> bool {
    fs::fstat(file).is_ok_and(|facts| Mode::from_raw_mode(facts.st_mode).intersects(Mode::SUID | Mode::SGID))
}

fn elf_watchable(file: &OwnedFd, start: &[u8]) -> bool {
    // 64 bits, little end first; a program, position-independent or not.
    let ours = start.get(4..6) == Some(&[2, 1])
        && matches!(u16_at(start, 16), Some(2 | 3))
        && u16_at(start, 18) == Some(MACHINE);
    ours && Image::read(file, start)
        .is_some_and(|image| image.has_interpreter() && !image.needs_to_be_first())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// A program header: what it describes, where in the file and where in memory.
struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

struct Image<'a> {
    file: &'a OwnedFd,
    segments: Vec<Segment>,
}

impl Image<'_> {
    fn read<'a>(file: &'a OwnedFd, start: &[u8]) -> Option<Image<'a>> {
        let (table, size, count) = (u64_at(start, 32)?, u16_at(start, 54)?, u16_at(start, 56)?);
        if usize::from(size) != SEGMENT_SIZE {
            return None;
        }
        let headers = read_exactly(file, table, SEGMENT_SIZE * usize::from(count))?;
        let segment = |header: &[u8]| {
            let (kind, offset) = (u32_at(header, 0)?, u64_at(header, 8)?);
            Some(Segment { kind, offset, address: u64_at(header, 16)?, size: u64_at(header, 32)? })
        };
        let segments = headers.chunks_exact(SEGMENT_SIZE).map(segment).collect::<Option<_>>()?;
        Some(Image { file, segments })
    }

    fn has_interpreter(&self) -> bool {
        self.segments.iter().any(|segment| segment.kind == PT_INTERP)
    }

    /// The address sanitizer's runtime ends the program if another library comes before it.
    fn needs_to_be_first(&self) -> bool {
        self.needed().is_some_and(|names| {
            names.iter().any(|name| name.starts_with(b"libasan.") || name.starts_with(b"libclang_rt.asan"))
        })
    }

    /// The first bytes of the names of the libraries it needs.
    fn needed(&self) -> Option<Vec<Vec<u8>>> {
        let dynamic = self.segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
        let size = usize::try_from(dynamic.size.min(DYNAMIC_LIMIT)).ok()?;
        let content = read_exactly(self.file, dynamic.offset, size)?;
        let entries =
            content.chunks_exact(16).map_while(|entry| Some((u64_at(entry, 0)?, u64_at(entry, 8)?)));
        let entries: Vec<_> = entries.take_while(|(tag, _)| *tag != 0).collect();
        let names =
            entries.iter().find(|(tag, _)| *tag == DT_STRTAB).and_then(|(_, at)| self.offset_of(*at))?;
        let needed = entries.iter().filter(|(tag, _)| *tag == DT_NEEDED);
        Some(needed.filter_map(|(_, name)| read_exactly(self.file, names.checked_add(*name)?, 16)).collect())
    }

    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside = |segment: &&Segment| {
            segment.kind == PT_LOAD
                && address.checked_sub(segment.address).is_some_and(|distance| distance < segment.size)
        };
        let segment = self.segments.iter().find(inside)?;
        (address - segment.address).checked_add(segment.offset)
    }
}

fn read_exactly(file: &OwnedFd, offset: u64, size: usize) -> Option<Vec<u8>> {
    i64::try_from(offset.checked_add(size as u64)?).ok()?;
    let mut content = vec![0; size];
    (read_at(file, &mut content, offset).ok()? == size).then_some(content)
}

fn interpreter(start: &[u8]) -> Option<PathBuf> {
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let name = line.split(|byte| matches!(byte, b' ' | b'\t' | 0)).find(|part| !part.is_empty())?;
    Some(PathBuf::from(String::from_utf8(name.to_vec()).ok()?))
}

#[cfg(test)]
mod tests;
