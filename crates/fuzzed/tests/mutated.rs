//! The bodies of the fuzz targets over their seeds and some thousand mutations of these: no libFuzzer, no nightly compiler, the same every
//! time. `KILN_FUZZ_ROUNDS` makes more of them.
#![allow(clippy::disallowed_methods, reason = "tests read files themselves")]

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
    match numbers.below(6) {
        0 => drop(bytes.drain(at..end)),
        1 => bytes.extend_from_within(at..end),
        2 => bytes.truncate(at),
        3 if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
        4 => {
            let line: Vec<u8> = bytes[..at].rsplit(|&b| b == b'\n').next().unwrap_or_default().to_vec();
            bytes.splice(at..at, line);
        }
        _ => drop(bytes.splice(at..at, MEANING[numbers.below(MEANING.len())].iter().copied())),
    }
}

fn fuzz(target: &str, body: fn(&[u8])) {
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
            std::panic::catch_unwind(|| body(&bytes)).unwrap_or_else(|_| panic!("{target}: \"{}\"", shown()));
        }
    }
}

#[test]
fn command_lines_of_rustc() {
    fuzz("rustc_argv", kiln_fuzzed::rustc_argv);
}

#[test]
fn dep_infos_of_rustc() {
    fuzz("rustc_depinfo", kiln_fuzzed::rustc_depinfo);
}

#[test]
fn command_lines_of_c_compilers() {
    fuzz("gcc_argv", kiln_fuzzed::gcc_argv);
}

#[test]
fn rules_for_make() {
    fuzz("gcc_depfile", kiln_fuzzed::gcc_depfile);
}

#[test]
fn results() {
    fuzz("result", kiln_fuzzed::result);
}

#[test]
fn lists_of_shapes() {
    fuzz("shapes", kiln_fuzzed::shapes);
}

#[test]
fn snapshots() {
    fuzz("snapshot", kiln_fuzzed::snapshot);
}

#[test]
fn frames_of_clients_and_daemons() {
    fuzz("frames", kiln_fuzzed::frames);
}

/// A body that fails on some mutation is noticed.
#[test]
#[should_panic(expected = "gcc_depfile: ")]
fn what_only_a_mutation_shows_is_found() {
    fuzz("gcc_depfile", |bytes| {
        assert!(bytes.iter().filter(|&&b| b == b'\n').count() < 6, "a line more than before")
    });
}
