//! What this machine is, as far as it matters to a compiler with `native` as its target.

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
/// at once; for aarch64 it has one of each. Nothing is read for it where that is so.
pub fn arithmetic() -> Option<Vec<u8>> {
    #[cfg(target_arch = "aarch64")]
    return Some(Vec::new());
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
        return Some(b"fma".to_vec());
    }
    #[cfg(not(target_arch = "aarch64"))]
    Some(processor()).filter(|text| !text.is_empty())
}

/// How many threads can run at once.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Names this start of the machine, as no other start of any machine is named; `None` where the kernel does not say.
pub fn start() -> Option<String> {
    let text = files::read(Path::new("/proc/sys/kernel/random/boot_id")).ok()?;
    Some(String::from_utf8(text).ok()?.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Names the space in which numbers of processes are told apart: in containers the same numbers come again. `None` where there is no
/// such thing.
pub fn process_space() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let number: String = link.to_str()?.chars().filter(char::is_ascii_digit).collect();
    Some(number).filter(|number| !number.is_empty())
}
