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

/// What of the processor libc's mathematics go by. glibc (2.36, `sysdeps/x86_64/fpu/multiarch`) has others for x86 that multiplies and adds
/// at once; for aarch64 it has one of each.
pub fn arithmetic() -> Option<Vec<u8>> {
    if cfg!(target_arch = "aarch64") {
        return Some(Vec::new());
    }
    let processor = processor();
    if !cfg!(target_arch = "x86_64") || processor.is_empty() {
        return Some(processor).filter(|text| !text.is_empty());
    }
    let text = String::from_utf8_lossy(&processor).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let has = ["avx2", "fma", "fma4"].map(|name| u8::from(words.contains(&name)));
    Some(has.to_vec())
}

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
