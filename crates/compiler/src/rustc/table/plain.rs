//! Flags that are neither `-C` nor `-Z` options.

use super::Effect::{Key, Lazy, Own as Meaning, Uncached};
use super::{Effect, Flag, Own, Takes};

const fn flag(short: Option<char>, long: &'static str, field: &'static str, effect: Effect) -> Flag {
    Flag { group: None, short, long, field, takes: Takes::Value, repeats: false, effect, doc: "", rests: "" }
}

impl Flag {
    const fn bare(self) -> Flag {
        Flag { takes: Takes::Nothing, ..self }
    }

    const fn many(self) -> Flag {
        Flag { repeats: true, ..self }
    }

    const fn says(self, doc: &'static str, rests: &'static str) -> Flag {
        Flag { doc, rests, ..self }
    }
}

/// The rows of options that belong to no group.
pub(super) static ROWS: &[Flag] = &[
    flag(Some('h'), "help", "help", Uncached).bare().says("Not cached.", "Prints help and stops."),
    flag(None, "cfg", "cfg", Key).many().says(
        "Counts, in order.",
        "Decides what is compiled; rustc keeps a set, so another order costs a miss and is never wrong.",
    ),
    flag(None, "check-cfg", "check-cfg", Key).many().says(
        "Counts, in order.",
        "Decides which `unexpected_cfgs` warnings are shown, and those are replayed.",
    ),
    flag(Some('L'), "", "L", Meaning(Own::Search)).many().says(
        "`dependency=`: does not count, the directory becomes a place that questions are relative to. All other kinds \
         count with their path, in order.",
        "`-L dependency` is only searched for crates that other crates name by hash; which file was taken is a \
         question of the run, and its content an answer. `-L native` order decides which library the linker takes.",
    ),
    flag(Some('l'), "", "l", Key).many().says(
        "Counts, in order, with kind, modifiers and renaming.",
        "Decides what is bundled or linked and in which order; which file that was is a question of the run.",
    ),
    flag(None, "crate-type", "crate-type", Meaning(Own::CrateType)).many().says(
        "Counts, in order; decides the outputs and whether the linker runs.",
        "Several are made in one run, all from one `--crate-name`.",
    ),
    flag(None, "crate-name", "crate-name", Meaning(Own::CrateName)).says(
        "Counts; outputs are called after it.",
        "In metadata, symbols and file names. Without it the name comes from the source's file name or an attribute \
         in it: then a file called otherwise is not a declared output and the result is not kept.",
    ),
    flag(None, "edition", "edition", Key).says("Counts.", "Decides the language."),
    flag(None, "emit", "emit", Meaning(Own::Emit)).many().says(
        "Counts, in order, with file names; decides the outputs.",
        "None of them holds a trace of the output directory, with debuginfo or without.",
    ),
    flag(None, "print", "print", Meaning(Own::Print)).many().says(
        "Counts; `--out-dir` and the compiler's own path count as well. `link-args` is not cached.",
        "A question stops rustc before it compiles, except `native-static-libs` and `link-args`. `sysroot` and \
         `target-libdir` print where the toolchain is; `link-args` names temporary files.",
    ),
    flag(Some('g'), "", "g", Key).bare().many().says("Counts.", "Short for `-C debuginfo=2`."),
    flag(Some('O'), "", "O", Key).bare().many().says("Counts.", "Short for `-C opt-level=3`."),
    flag(Some('o'), "", "o", Meaning(Own::OutFile)).says(
        "The file's name counts; its directory stands in for `--out-dir`.",
        "rustc ignores `--out-dir` beside it. With several kinds of output its stem names them all.",
    ),
    flag(None, "out-dir", "out-dir", Meaning(Own::OutDir)).says(
        "Does not count, unless something else says that it does: then literally, even when remapping.",
        "Outputs are equal byte for byte in two output directories (see above). dep-info names the directory and is \
         replayed with today's.",
    ),
    flag(None, "explain", "explain", Uncached).says("Not cached.", "Prints an explanation and stops."),
    flag(None, "test", "test", Meaning(Own::Test)).bare().says(
        "Counts; a program is linked.",
        "Builds a test harness, whatever the crate type.",
    ),
    flag(None, "target", "target", Meaning(Own::Target)).says(
        "Counts, and is part of the toolchain's identity.",
        "Its standard library is part of the toolchain; a target specification in JSON is read by the run and so is \
         one of its questions.",
    ),
    flag(Some('A'), "allow", "allow", Key).many().says("Counts, in order.", LINTS),
    flag(Some('W'), "warn", "warn", Key).many().says("Counts, in order. `-W help` is not cached.", LINTS),
    flag(None, "force-warn", "force-warn", Key).many().says("Counts, in order.", LINTS),
    flag(Some('D'), "deny", "deny", Key).many().says("Counts, in order.", LINTS),
    flag(Some('F'), "forbid", "forbid", Key).many().says("Counts, in order.", LINTS),
    flag(None, "cap-lints", "cap-lints", Key).many().says("Counts, in order.", LINTS),
    flag(Some('V'), "version", "version", Meaning(Own::Version)).bare().says(
        "Counts; a question.",
        "Prints and stops. RUSTC_OVERRIDE_VERSION_STRING and RUSTC_FORCE_RUSTC_VERSION change what it says.",
    ),
    flag(Some('v'), "verbose", "verbose", Key).bare().says("Counts.", "Changes what is printed."),
    flag(None, "extern", "extern", Meaning(Own::Extern)).many().says(
        "Options, name and the file's name count, in order; its directory does not and becomes a place. What the file \
         holds is an answer.",
        "rustc takes the crate's identity from the file's content. The directory is in no output (as for \
         `--out-dir`), except with `-C rpath`, which makes places count by making `--out-dir` count.",
    ),
    flag(None, "sysroot", "sysroot", Key).says(
        "Counts literally.",
        "Crates in it that do not belong to the toolchain are read by the run and so are questions.",
    ),
    flag(None, "error-format", "error-format", Meaning(Own::ErrorFormat)).says(
        "Counts.",
        "Changes the form of what is replayed. Without `json` a build script's compile counts as a question to which \
         failing is an answer.",
    ),
    flag(None, "json", "json", Key).many().says("Counts, in order.", "Changes the form of what is replayed."),
    flag(None, "color", "color", Lazy).says(
        "Counts only where diagnostics were printed.",
        "Changes human-readable diagnostics and nothing else.",
    ),
    flag(None, "diagnostic-width", "diagnostic-width", Lazy).says(
        "Counts only where diagnostics were printed.",
        "Changes how source lines are cut in diagnostics and nothing else (`cargo` passes a terminal's width).",
    ),
    flag(None, "remap-path-prefix", "remap-path-prefix", Meaning(Own::Remap)).many().says(
        "Counts, in order; what is mapped as a path, to what literally.",
        "Changes paths in all outputs; of several that fit the last one wins.",
    ),
    flag(None, "remap-path-scope", "remap-path-scope", Meaning(Own::RemapScope)).says(
        "Counts. Unless it is `all`, the remap setting leaves this compile alone.",
        "Where a scope is not mapped, its outputs hold the paths as they are.",
    ),
    flag(None, "rustc", "rustc", Key).bare().says(
        "Counts.",
        "clippy-driver only: be rustc. rustc itself refuses it, and a compile that fails is not kept.",
    ),
    flag(None, "env-set", "env-set", Uncached).many().says(
        "Not cached.",
        "Nightly: sets a variable for `env!`, which dep-info then tells as if it came from the environment.",
    ),
];

const LINTS: &str = "Decides which diagnostics are shown, and whether the compile succeeds; later ones win.";
