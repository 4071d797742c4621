//! Variables that a build script's asking for does not count for.

use crate::rustc::environment::Row;

/// What says how, and not what. Everything else counts: it is asked for by name, or the whole environment is where the script walks it.
pub const INERT: &[Row] = &[
    ("CARGO_MAKEFLAGS", "The jobserver."),
    ("MAKEFLAGS", "The jobserver."),
    ("MFLAGS", "The jobserver."),
    ("NUM_JOBS", "How much is done at once."),
];

/// Whether a script's asking for this variable can be forgotten.
pub fn is_inert(name: &str) -> bool {
    INERT.iter().any(|(known, _)| *known == name)
}

const HEAD: &str = "\
# What a build script's run is keyed by

Generated from `crates/compiler/src/script` by `cargo xtask docs`; do not edit.

A run is keyed by the script's own content, its arguments, the directory it runs in, `OUT_DIR`, and by everything that it and what it runs
look at (`docs/design/0007-build-scripts.md`). Variables count where they are asked for by name, all of them where the script walks the
environment or runs a program of which nothing is known.

## Variables that do not count

And those that are left out of a walk anyway (`docs/key/rustc.md`). In `RUSTC_WRAPPER` and `PATH` it does not count where kiln is.

";

/// Renders the page docs/key/script.md.
pub fn describe() -> String {
    let rows = INERT.iter().map(|(name, why)| format!("| `{name}` | {why} |\n"));
    format!("{HEAD}| variable | why |\n|---|---|\n{}", rows.collect::<String>())
}
