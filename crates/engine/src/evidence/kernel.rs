//! What the kernel makes up as it is read: it is no file, and no question stands for it.

use kiln_action::os::OsStrExt;
use kiln_action::place::below;
use std::ffi::OsStr;
use std::path::Path;

/// The terminal at which the user sits.
pub const TERMINAL: &str = "/dev/tty";

/// Paths that say the same to every run, or chance.
const HARMLESS: [&str; 7] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/urandom",
    "/dev/random",
    "/proc/self/exe",
    "/proc/self/maps",
];

/// Paths that compilers open for themselves.
const OPENED_BY_COMPILERS: [&str; 9] = [
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/dev/tty",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self/exe",
    "/proc/self/maps",
    "/proc/self/status",
];

/// Whether a path is the kernel's. `/dev/shm` is a place for files like any other.
pub fn holds(path: &Path) -> bool {
    if !matches!(path.as_os_str().as_bytes(), [b'/', b'p' | b's' | b'd' | b'/' | b'.', ..]) {
        return false;
    }
    let is_in = |root: &str| below(path, Path::new(root)).is_some();
    ["/proc", "/sys", "/dev"].into_iter().any(is_in) && !is_in("/dev/shm")
}

/// Whether a macro may look at it.
pub fn is_harmless(path: &Path) -> bool {
    HARMLESS.iter().any(|known| path == Path::new(known))
}

/// Whether compilers open it for themselves: the processor is in the key where it counts, and how much memory there is decides only
/// when gcc collects its garbage. Anything else was asked for by a source (`#include "/dev/stdin"`).
pub fn is_opened_by_compilers(path: &Path) -> bool {
    OPENED_BY_COMPILERS.iter().any(|known| path == Path::new(known))
        || path.starts_with("/sys/devices/system")
}

/// Whether a program that a build script runs may look at it: the jobserver's descriptors, or a file that was seen when it was opened;
/// and what coreutils look at to see whether files have labels.
pub fn is_harmless_to_scripts(path: &Path) -> bool {
    let labels = below(path, Path::new("/sys/fs/selinux")).is_some();
    is_descriptor(path) || labels || path == Path::new("/proc/filesystems")
}

/// Whether it is an open file by its number, other than the standard streams.
fn is_descriptor(path: &Path) -> bool {
    let directories = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    let number = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u32>().ok());
    path.parent().is_some_and(|directory| directories.contains(&directory)) && number.is_some_and(|it| it > 2)
}
