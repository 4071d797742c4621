//! `cargo run -p kiln-testkit --example wire -- HOST:PORT [ROUND TRIP MS] [BYTES PER SECOND] [stalled|dropped|lies]`: the misbehaving
//! wire of the tests, for measuring by hand. Prints where it listens and runs until it is ended.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool for developers")]

use kiln_testkit::proxy::{Proxy, Wrong};
use std::time::Duration;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    let proxy = Proxy::start(words[0].parse().expect("HOST:PORT"));
    proxy.set_round_trip(Duration::from_millis(number(1)));
    proxy.set_rate(number(2));
    match words.get(3).map(String::as_str) {
        Some("stalled") => proxy.set(Wrong::Stalled),
        Some("dropped") => proxy.set(Wrong::Dropped),
        Some("lies") => proxy.set(Wrong::Lies(4001)),
        _ => {}
    }
    println!("{}", proxy.address());
    loop {
        std::thread::park();
    }
}
