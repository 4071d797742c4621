//! Variables that rustc, LLVM and linkers read for themselves: what each can change. Measured with rustc 1.95 (hooked
//! `getenv`, bytes compared with and without the variable).

/// A variable and why it is on its list.
pub type Row = (&'static str, &'static str);

/// Always counted: part of the WeakKey, set or not.
pub const COUNTS: &[&str] = &[
    "LLVM_OVERRIDE_PRODUCER",
    "RUSTC_BOOTSTRAP",
    "RUSTC_CTFE_BACKTRACE",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUSTC_OVERRIDE_VERSION_STRING",
    "RUST_TARGET_PATH",
];

/// Always counted where a program stands between kiln and rustc (clippy-driver, another workspace wrapper).
pub const COUNTS_BEHIND_WRAPPER: &[&str] = &[
    "LLVM_OVERRIDE_PRODUCER",
    "RUSTC_BOOTSTRAP",
    "RUSTC_CTFE_BACKTRACE",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUSTC_OVERRIDE_VERSION_STRING",
    "RUST_TARGET_PATH",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PRIMARY_PACKAGE",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "CLIPPY_DISABLE_DOCS_LINKS",
    "SYSROOT",
];

/// Why each of [`COUNTS`] and [`COUNTS_BEHIND_WRAPPER`] counts.
pub const COUNTS_WHY: &[Row] = &[
    (
        "LLVM_OVERRIDE_PRODUCER",
        "Is written into the symbol table of bitcode, and so into every rlib that holds some.",
    ),
    ("RUSTC_BOOTSTRAP", "Allows unstable features; changes the bytes of every output by itself."),
    ("RUSTC_CTFE_BACKTRACE", "Makes constant evaluation tell backtraces on stderr."),
    ("RUSTC_FORCE_RUSTC_VERSION", "Is written into metadata and objects as the compiler's version."),
    ("RUSTC_OVERRIDE_VERSION_STRING", "Changes `--version` and `cfg(version)`."),
    ("RUST_TARGET_PATH", "Where target specifications are looked for."),
    ("CARGO_PKG_RUST_VERSION", "clippy: which lints apply."),
    ("CARGO_PRIMARY_PACKAGE", "clippy: whether a crate is linted under `--no-deps`."),
    ("CLIPPY_ARGS", "clippy: further lint flags."),
    ("CLIPPY_CONF_DIR", "clippy: where clippy.toml is looked for."),
    ("CLIPPY_DISABLE_DOCS_LINKS", "clippy: whether diagnostics name a page."),
    ("SYSROOT", "clippy: becomes `--sysroot`."),
];

/// With one of these set and not empty nothing is cached: rustc tells of its own workings, on stderr or into a file.
pub const UNCACHED: &[&str] = &["RUSTC_LOG"];

/// What rustc and LLVM read for themselves and what cannot change an output of a compile that succeeds. It holds for
/// what *they* read: where a macro's own code asks for one of these names, it counts as any other.
pub const INERT: &[Row] = &[
    ("CARGO_MAKEFLAGS", "The jobserver."),
    ("MAKEFLAGS", "The jobserver."),
    ("MFLAGS", "The jobserver."),
    ("CI", "Switches off Windows' crash dialogs (LLVM back end, once at start); bytes are equal."),
    ("LLVM_IGNORED_ENV_VAR", "A name that LLVM asks for so that code is not optimised away."),
    ("MALLOC_CONF", "The allocator."),
    ("_RJEM_MALLOC_CONF", "The allocator."),
    ("RUST_BACKTRACE", "How a crash of rustc itself is shown."),
    ("RUST_LIB_BACKTRACE", "How a crash of rustc itself is shown."),
    ("RUST_MIN_STACK", "The stack of rustc's threads; too little of it is a crash."),
    ("RUSTC_ICE", "Where a crash of rustc itself is written to."),
    ("RUSTC_GRAPHVIZ_FONT", "For dumps that are not cached."),
    ("RUSTC_LOG", "Set, nothing is cached."),
    ("RUSTC_LOG_BACKTRACE", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_COLOR", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_ENTRY_EXIT", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_FORMAT_JSON", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_LINES", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_OUTPUT_TARGET", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_THREAD_IDS", "Without RUSTC_LOG nothing is logged."),
    ("RUSTC_LOG_WRAPTREE", "Without RUSTC_LOG nothing is logged."),
    ("TMPDIR", "Where temporary files are; their names are random and in no output."),
    ("bar", "A name that LLVM asks for so that code is not optimised away."),
];

/// What cc, collect2 and linkers read and what cannot change what they link. Everything that is not here counts:
/// COMPILER_PATH, GCC_EXEC_PREFIX, LIBRARY_PATH and LPATH (what is found), LD_RUN_PATH, LDEMULATION, GNUTARGET and
/// LLD_VERSION (bytes), LLD_REPRODUCE and MOLD_REPRO (further files), SOURCE_DATE_EPOCH, LANG and LC_ALL (the language of
/// warnings, which are replayed), …
pub const LINKER_INERT: &[Row] = &[
    ("CARGO_MAKEFLAGS", "The jobserver."),
    ("MAKEFLAGS", "The jobserver."),
    ("MFLAGS", "The jobserver."),
    ("COLLECT_GCC", "Set by gcc itself for its own children."),
    ("COLLECT_GCC_OPTIONS", "Set by gcc itself for its own children."),
    ("COLLECT_LTO_WRAPPER", "Set by gcc itself for its own children."),
    ("COLUMNS", "The width of a terminal; rustc reads the linker's messages through a pipe."),
    ("TERM", "The kind of terminal; rustc reads the linker's messages through a pipe."),
    ("TERM_URLS", "Links in messages to a terminal."),
    ("GCC_COLORS", "Colours of messages to a terminal."),
    ("GCC_URLS", "Links in messages to a terminal."),
    ("NO_COLOR", "Colours of messages to a terminal."),
    ("TMPDIR", "Where temporary files are; their names are random and in no output."),
    ("TMP", "Where temporary files are."),
    ("TEMP", "Where temporary files are."),
    ("LIBCTF_DEBUG", "Debugging of the library that reads CTF."),
    ("LLVM_IGNORED_ENV_VAR", "A name that LLVM asks for so that code is not optimised away."),
    ("bar", "A name that LLVM asks for so that code is not optimised away."),
    ("FORCE_LLD_DIAGNOSTICS_CRASH", "A test of lld's crashing."),
    ("FORCE_CLANG_DIAGNOSTICS_CRASH", "A test of clang's crashing."),
    ("TBB_VERSION", "mold's threads."),
    ("KMP_FOR_TCHECK", "mold's threads."),
    ("KMP_FOR_TPROFILE", "mold's threads."),
    ("INTEL_ITTNOTIFY_GROUPS", "mold's threads."),
    ("INTEL_LIBITTNOTIFY64", "mold's threads."),
    ("OPENSSL_ia32cap", "Which of the processor's instructions a hash uses."),
    ("MALLOC_CONF", "The allocator."),
];

/// The allocator of mold has forty variables, in both cases.
const LINKER_INERT_PREFIXES: &[&str] = &["MIMALLOC_", "mimalloc_"];

/// PATH decides which programs are run, and nothing else. It is best answered by what was found on it (and what was
/// not): as a value it would count for every link.
pub const SEARCH: &[&str] = &["PATH"];

/// What is left out of the environment as a whole when a macro walks it: variables that differ from call to call and that no macro can
/// mean. So are kiln's own; everything else counts then.
pub const LEFT_OUT_OF_A_WALK: &[Row] = &[
    (
        "CARGO_MAKEFLAGS",
        "The jobserver's file descriptors, which differ from call to call. (Cargo sets no other of its kind.)",
    ),
    ("LD_PRELOAD", "The recorder's own."),
    ("OLDPWD", "Where a shell was before."),
    ("SHLVL", "How many shells deep."),
    ("_", "What a shell started last."),
];

/// What make tells its children: it counts without the jobserver, which differs from call to call.
pub const OF_MAKE: &[&str] = &["MAKEFLAGS", "MFLAGS"];

/// The value of one of [`OF_MAKE`] without how much is done at once and by whose leave; `None` if that was all of it.
pub fn without_jobserver(value: &str) -> Option<String> {
    let jobserver = |word: &&str| {
        let number =
            word.strip_prefix("-j").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        number || word.starts_with("--jobserver-") || word.starts_with("--jobs=")
    };
    let words: Vec<&str> = value.split_whitespace().filter(|word| !jobserver(word)).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn listed(rows: &[Row], name: &str) -> bool {
    rows.iter().any(|(known, _)| *known == name)
}

/// Whether rustc's own reading of `name` can be forgotten.
pub fn is_inert(name: &str) -> bool {
    listed(INERT, name)
}

/// Whether a linker's reading of `name` can be forgotten.
pub fn is_linker_inert(name: &str) -> bool {
    listed(LINKER_INERT, name) || LINKER_INERT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether `name` is left out when the environment is walked.
pub fn is_left_out_of_a_walk(name: &str) -> bool {
    listed(LEFT_OUT_OF_A_WALK, name)
}

#[cfg(test)]
mod tests;
