//! Random C projects and random edit histories, held against the bare compilers: the test of C that matters most.
//!
//! Each history prints its seed when it fails; `KILN_FUZZ_SEED=<seed> cargo test -p kiln-tests --test c_generator
//! chosen_or_longer` plays it again, `KILN_FUZZ_ROUNDS=<n>` plays n of them from there (or from a random seed).

use kiln_tests::c::history::{STEPS, play, play_from_environment};

macro_rules! histories {
    ($($name:ident = $seed:literal;)*) => {
        $(
            #[test]
            fn $name() {
                play($seed, STEPS);
            }
        )*
    };
}

histories! {
    history_1 = 1;
    history_2 = 2;
    history_3 = 3;
    history_4 = 4;
    history_5 = 5;
    history_6 = 6;
    history_7 = 7;
    history_8 = 8;
}

/// Nothing by default: see `KILN_FUZZ_SEED` and `KILN_FUZZ_ROUNDS`.
#[test]
fn chosen_or_longer() {
    play_from_environment();
}
