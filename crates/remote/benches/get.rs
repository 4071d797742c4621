//! How long one small thing takes to come from a store that is near: `cargo bench -p kiln-remote`.
#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use kiln_action::{ActionKey, ActionResult, Digest, Output, OutputRole, Place, Placed};
use kiln_remote::pack::{self, Kind};
use kiln_remote::{Level, PackedUnit, Spec};
use kiln_sys::clock::Moment;
use kiln_testkit::{Random, servers};

/// Bytes of the unit's only output: what dep-info, small metadata and C objects have.
const SIZES: [usize; 3] = [1 << 10, 8 << 10, 64 << 10];

const ROUNDS: usize = 1000;

fn main() {
    println!("| from | bytes | median, ms | 99 of 100, ms |\n| --- | ---: | ---: | ---: |");
    if let Some(server) = servers::redis() {
        measure("redis", &servers::redis_url(server.address()));
    }
    if let Some(server) = servers::s3() {
        measure("rclone serve s3", &servers::s3_url(server.address()));
    }
}

fn measure(from: &str, url: &str) {
    let spec = Spec::parse(url).expect("a URL");
    let store = Level::open(&spec, &["main".to_owned()], &[], None).expect("a store");
    for size in SIZES {
        let (key, packed) = unit(size);
        store.keep(&pack::name(Kind::Result, key.name()), &packed).expect("it is kept");
        let mut took: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let since = Moment::now();
                let unit: PackedUnit = store.unit(&key).expect("an answer").expect("it is there").value;
                assert_eq!(unit.blobs.len(), 1);
                since.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        took.sort_by(f64::total_cmp);
        println!("| {from} | {size} | {:.3} | {:.3} |", took[ROUNDS / 2], took[ROUNDS * 99 / 100]);
    }
}

/// A unit with one output of this many bytes that do not get smaller.
fn unit(size: usize) -> (ActionKey, Vec<u8>) {
    let mut random = Random::new(size as u64);
    let blob: Vec<u8> = (0..size).map(|_| random.bits() as u8).collect();
    let output = Output {
        path: Placed { place: Place::Out, path: b"o".to_vec() },
        role: OutputRole::File,
        executable: false,
        digest: Digest::of(&blob),
    };
    let result = ActionResult { outputs: vec![output], cost_ms: 12, ..ActionResult::default() };
    let key = ActionKey::of_name([size.trailing_zeros() as u8; 32]);
    let packed = PackedUnit::pack(&key, &result.encode(&key), &mut |_| Some(blob.clone())).expect("a pack").0;
    (key, packed)
}
