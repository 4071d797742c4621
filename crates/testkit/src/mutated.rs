//! Bodies of fuzz targets over seeds and some thousand mutations of these: no libFuzzer, no nightly compiler, the same every time.
//! `KILN_FUZZ_ROUNDS` makes more of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Mutations of each seed.
const ROUNDS: u32 = 2000;

/// A small generator of numbers (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % most.max(1)
    }
}

/// Bytes that mean something to one of the readers.
const MEANING: [&[u8]; 14] =
    [b"\n", b"\\", b" ", b":", b"=", b"@r", b"-", b"--", b",", b"#", b"$", b"\0", b"\xff", b"# env-dep:"];

fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(bytes.len() + 1);
    let end = (at + numbers.below(12)).min(bytes.len());
    match numbers.below(8) {
        0 => drop(bytes.drain(at..end)),
        1 => bytes.extend_from_within(at..end),
        2 => bytes.truncate(at),
        3 if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
        4 => {
            let line: Vec<u8> = bytes[..at].rsplit(|&b| b == b'\n').next().unwrap_or_default().to_vec();
            bytes.splice(at..at, line);
        }
        // A length, a count or a code that means something else, and everything behind it where it was.
        5 | 6 if at + 4 <= bytes.len() => {
            let (shift, size) = (numbers.below(25), 1 + numbers.below(4));
            let number = (numbers.below(256) << shift) as u32;
            bytes[at..at + size].copy_from_slice(&number.to_le_bytes()[..size]);
        }
        _ => drop(bytes.splice(at..at, MEANING[numbers.below(MEANING.len())].iter().copied())),
    }
}

/// Calls `body` with each seed of a target (a file in `fuzz/seeds/<target>`) and with mutations of it.
///
/// # Panics
///
/// With the bytes, where the body panics; and where there is no seed.
pub fn fuzz(target: &str, body: impl Fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let rounds = std::env::var("KILN_FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let mut seeds: Vec<_> = std::fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    for seed in seeds {
        let seed = std::fs::read(seed).unwrap();
        body(&seed);
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        for _ in 0..rounds {
            let mut bytes = seed.clone();
            for _ in 0..=numbers.below(6) {
                mutate(&mut bytes, &mut numbers);
            }
            let shown = || bytes.escape_ascii().to_string();
            catch_unwind(AssertUnwindSafe(|| body(&bytes)))
                .unwrap_or_else(|_| panic!("{target}: \"{}\"", shown()));
        }
    }
}
