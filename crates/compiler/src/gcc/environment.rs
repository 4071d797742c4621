//! Variables that gcc, clang and the assembler read for themselves: what each can change. Measured with gcc 12 and clang 14
//! (hooked `getenv` in driver, cc1, cc1plus, as and clang; what glibc reads for itself from its documentation).

/// A variable and why it is on its list.
pub type Row = (&'static str, &'static str);

/// The lists of variables that count, from one.
macro_rules! counting {
    ($(($name:literal, $why:literal),)*) => {
        /// Always counted: part of the WeakKey, set or not.
        pub const COUNTS: &[&str] = &[$($name),*];
        /// Counted where the directory can be in an output.
        pub const COUNTS_SHOWN: &[&str] = &[$($name,)* "PWD"];
        /// Why each of [`COUNTS`] and [`COUNTS_SHOWN`] counts.
        pub const COUNTS_WHY: &[Row] = &[
            $(($name, $why),)*
            ("PWD", "Only where the directory can be in an output: debug information calls it so, if it is a \
         name for it."),
        ];
    };
}

pub(crate) use counting;

counting! {
    ("CPATH", "Where headers are looked for, before the system's."),
    ("C_INCLUDE_PATH", "Where C headers are looked for."),
    ("CPLUS_INCLUDE_PATH", "Where C++ headers are looked for."),
    ("OBJC_INCLUDE_PATH", "Where Objective-C headers are looked for."),
    ("OBJCPLUS_INCLUDE_PATH", "Where Objective-C++ headers are looked for."),
    ("SOURCE_DATE_EPOCH", "What `__DATE__` and `__TIME__` are."),
    ("GCC_EXEC_PREFIX", "Where the driver finds its parts and the headers."),
    ("COMPILER_PATH", "Where the driver finds its parts."),
    ("GCC_ROOT", "Stands in for a part of the paths that gcc was built with."),
    ("G++_ROOT", "Stands in for a part of the paths that gcc was built with."),
    ("BINUTILS_ROOT", "Stands in for a part of the paths that gcc was built with."),
    ("LANGUAGE", "The language of messages, which are replayed."),
    ("LC_ALL", "The language and the letters of messages, which are replayed."),
    ("LC_CTYPE", "The letters of messages (gcc quotes with `'` or with quotation marks)."),
    ("LC_MESSAGES", "The language of messages."),
    ("LANG", "The language and the letters of messages."),
    ("GCC_COLORS", "Colours of messages, with `-fdiagnostics-color=always`."),
    ("GCC_URLS", "Links in messages, with `-fdiagnostics-urls=always`."),
    ("TERM_URLS", "Links in messages, with `-fdiagnostics-urls=always`."),
    ("GCC_EXTRA_DIAGNOSTIC_OUTPUT", "A further form of messages."),
    ("COLLECT_AS_OPTIONS", "Is written into LTO objects; the driver sets it only where there is something to say."),
    ("LLVM_OVERRIDE_PRODUCER", "Is written into bitcode."),
    ("MACOSX_DEPLOYMENT_TARGET", "Which system clang compiles for."),
    ("IPHONEOS_DEPLOYMENT_TARGET", "Which system clang compiles for."),
    ("SDKROOT", "Where clang looks for a system's headers."),
    ("ROCM_PATH", "Where clang looks for a device's headers."),
    ("AS_SECURE_LOG_FILE", "Where `.secure_log_unique` writes to."),
}

/// With one of these set nothing is cached.
pub const UNCACHED: &[Row] = &[
    ("DEPENDENCIES_OUTPUT", "gcc and clang append dependencies to a file that it names."),
    ("SUNPRO_DEPENDENCIES", "As DEPENDENCIES_OUTPUT."),
    ("GCC_COMPARE_DEBUG", "gcc compiles twice and compares."),
    ("CCC_OVERRIDE_OPTIONS", "clang changes its arguments as it says."),
    ("CCC_ADD_ARGS", "clang adds arguments."),
    ("CC_PRINT_OPTIONS", "clang writes its arguments to a file."),
    ("CC_PRINT_HEADERS", "clang writes the headers it reads to a file."),
    ("CC_LOG_DIAGNOSTICS", "clang writes its messages to a file."),
    ("CC_PRINT_PROC_STAT", "clang writes times to a file."),
    ("RC_DEBUG_OPTIONS", "clang writes its arguments into debug information (Apple's targets)."),
];

/// What they read and what cannot change an output of a compile that succeeds.
pub const INERT: &[Row] = &[
    ("CC_PRINT_HEADERS_FILE", "Without CC_PRINT_HEADERS nothing is written."),
    ("CC_PRINT_HEADERS_FORMAT", "Without CC_PRINT_HEADERS nothing is written."),
    ("CC_PRINT_HEADERS_FILTERING", "Without CC_PRINT_HEADERS nothing is written."),
    ("CC_PRINT_OPTIONS_FILE", "Without CC_PRINT_OPTIONS nothing is written."),
    ("CC_LOG_DIAGNOSTICS_FILE", "Without CC_LOG_DIAGNOSTICS nothing is written."),
    ("CC_PRINT_PROC_STAT_FILE", "Without CC_PRINT_PROC_STAT nothing is written."),
    ("CLANG_CRASH_DIAGNOSTICS_DIR", "Where a crash of clang itself is written to."),
    ("CLANG_NO_DEFAULT_CONFIG", "Counts by what clang then does not read."),
    ("COLLECT_GCC", "Set by gcc itself for its own children."),
    ("COLLECT_GCC_OPTIONS", "Set by gcc itself for its own children."),
    ("COLLECT_LTO_WRAPPER", "Set by gcc itself for its own children."),
    ("COLORTERM", "The kind of terminal; messages are read through a pipe."),
    ("COLUMNS", "The width of a terminal."),
    ("CARGO_MAKEFLAGS", "The jobserver."),
    ("DEB_BUILD_OPTIONS", "Debian's gcc tries again after a crash of its own."),
    ("FORCE_CLANG_DIAGNOSTICS_CRASH", "A test of clang's crashing."),
    ("HOME", "Where clang would keep modules, with which nothing is cached."),
    ("LIBRARY_PATH", "Where the linker looks; nothing is linked."),
    ("LLVM_IGNORED_ENV_VAR", "A name that LLVM asks for so that code is not optimised away."),
    ("LPATH", "Where the linker looks; nothing is linked."),
    ("MAKEFLAGS", "The jobserver."),
    ("MFLAGS", "The jobserver."),
    ("MAKELEVEL", "How deep in make; not asked for by a compiler, but by scripts around one."),
    (
        "PWD",
        "Counts where the directory can be in an output. Elsewhere it is only another name for \
         the directory.",
    ),
    ("TERM", "The kind of terminal; messages are read through a pipe."),
    ("TMPDIR", "Where temporary files are; their names are random and in no output."),
    ("TMP", "Where temporary files are."),
    ("TEMP", "Where temporary files are."),
    ("TEMPDIR", "Where temporary files are."),
    ("XDG_CACHE_HOME", "Where clang would keep modules, with which nothing is cached."),
    ("bar", "A name that LLVM asks for so that code is not optimised away."),
];

/// PATH decides which programs are run, and nothing else: it is answered by what was found on it.
pub const SEARCH: &[&str] = &["PATH"];

/// Whether the compiler's own reading of `name` can be forgotten. What is in [`COUNTS`] is in the WeakKey and needs no
/// question; everything else that it reads is one.
pub fn is_inert(name: &str) -> bool {
    INERT.iter().any(|(known, _)| *known == name)
}

#[cfg(test)]
mod tests;
