//! What this machine is, as far as a compiler told to build for `native` would care.

use crate::files;
use std::path::Path;

/// The processor, as the kernel describes the first one: family, model, stepping and features. Two machines with equal
/// bytes run the same code. Empty where the kernel does not say.
pub fn processor() -> Vec<u8> {
    const COUNTS: [&str; 11] = [
        "vendor_id",
        "cpu family",
        "model",
        "stepping",
        "flags",
        "Features",
        "CPU implementer",
        "CPU architecture",
        "CPU variant",
        "CPU part",
        "CPU revision",
    ];
    let text = files::read(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let first = text.split("\n\n").next().unwrap_or_default();
    let counts = |line: &&str| line.split(':').next().is_some_and(|name| COUNTS.contains(&name.trim()));
    first.lines().filter(counts).collect::<Vec<_>>().join("\n").into_bytes()
}

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
