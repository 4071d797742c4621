//! Attacks on caches and stores, drawn at random: each file of either may be swapped, replayed, cut, enlarged, or be something else.
//!
//! `KILN_SIEGE_SEED=<seed> KILN_SIEGE_ATTACKS=<n> cargo test -p kiln-tests --test siege more_attacks` makes more of them (1,000 take
//! about a quarter of an hour).

#![allow(
    clippy::disallowed_methods,
    reason = "tests are told by variables how long to go on; nothing here runs in kiln"
)]

use kiln_tests::siege::besiege;

macro_rules! sieges {
    ($($name:ident = $seed:literal;)*) => {
        $(
            #[test]
            fn $name() {
                besiege($seed, 20);
            }
        )*
    };
}

sieges! {
    siege_1 = 1;
    siege_2 = 2;
    siege_3 = 3;
    siege_4 = 4;
}

/// Nothing by default: see above.
#[test]
fn more_attacks() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    if let Some(attacks) = number("KILN_SIEGE_ATTACKS") {
        let seed = number("KILN_SIEGE_SEED").unwrap_or_else(|| u64::from(std::process::id()));
        for at in 0..attacks.div_ceil(50) {
            besiege(seed.wrapping_add(at), 50.min(attacks as usize));
        }
    }
}
