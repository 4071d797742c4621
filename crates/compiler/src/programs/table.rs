//! The table.

use super::{Form, Installed, ProgramRole, Row};

const fn row(names: &'static [&'static str], form: Form, role: ProgramRole, fact: &'static str) -> Row {
    Row { names, form, role, installed: Installed::Anywhere, fact }
}

impl Row {
    const fn installed(self, installed: Installed) -> Row {
        Row { installed, ..self }
    }
}

/// The programs that build scripts run, each with the fact that its row rests on.
pub const ROWS: &[Row] = &[
    row(
        &["rustc", "clippy-driver"],
        Form::Plain,
        ProgramRole::RustCompiler,
        "cargo starts a workspace's wrapper with rustc's path as its first argument, and the wrapper starts that.",
    ),
    row(
        &["cc", "c++", "gcc", "g++", "clang", "clang++", "collect2", "lto-wrapper", "lto1", "as"],
        Form::DebianTargetAndVersion,
        ProgramRole::Linker,
        "gcc, clang and binutils ask for variables by `getenv`, and for files to find them.",
    )
    .installed(Installed::KnownToScripts),
    row(
        &["ld", "ld.bfd", "ld.gold", "ld.lld", "lld", "rust-lld", "mold", "wild"],
        Form::DebianTargetAndVersion,
        ProgramRole::Linker,
        "These linkers ask for variables by `getenv`, and for files to find them.",
    )
    .installed(Installed::KnownToScripts),
    row(
        &["cc", "gcc", "g++", "clang", "clang++"],
        Form::TargetAndVersion,
        ProgramRole::MeasuredLinker,
        "A driver runs the usual linker, unless its arguments choose another one.",
    ),
    row(
        &["ld", "ld.bfd", "lld", "ld.lld", "rust-lld", "mold", "ld.mold"],
        Form::TargetAndVersion,
        ProgramRole::MeasuredLinker,
        "Measured with rustc 1.95 and lld (the bundled one and 14), GNU ld 2.40 and mold 1.10. gold 1.16 writes the output's path.",
    ),
    row(
        &["cc", "c++", "gcc", "g++", "clang", "clang++", "cc1", "cc1plus", "cc1obj", "cc1objplus"],
        Form::TargetAndVersion,
        ProgramRole::CTool,
        "gcc's driver starts cc1, clang's itself; both ask for the time, chance and their number for temporary names and statistics.",
    )
    .installed(Installed::KnownToScripts),
    row(
        &["as", "objcopy"],
        Form::Target,
        ProgramRole::CTool,
        "gcc's driver starts the assembler, and objcopy to split debug information off an object.",
    )
    .installed(Installed::KnownToScripts),
    row(&["clang-cl"], Form::Target, ProgramRole::CTool, "clang-cl is clang, unless somebody copied it.")
        .installed(Installed::KnownToScripts),
    row(&["clang-cl-"], Form::Beginning, ProgramRole::CTool, "clang-cl with a version behind.")
        .installed(Installed::KnownToScripts),
    row(
        &["cc1"],
        Form::Beginning,
        ProgramRole::CompilerProper,
        "gcc's cc1 and its siblings look for an output only where a source asks for it (`__has_include`, `#include`).",
    ),
    row(
        &["ar", "ranlib", "nm", "strip", "objcopy", "objdump", "readelf", "pkgconf"],
        Form::TargetAndVersion,
        ProgramRole::Helper,
        "binutils and pkgconf ask for variables by `getenv`; for limits and the time to open files and to name temporary ones.",
    )
    .installed(Installed::KnownToScripts),
    row(&["pkg-config"], Form::Plain, ProgramRole::Helper, "pkg-config is a link to pkgconf, or asks as that does.")
        .installed(Installed::KnownToScripts),
    row(
        &["dash"],
        Form::Plain,
        ProgramRole::Careful,
        "dash asks for its user at its start, to give up another user's rights, and has no variable for it.",
    )
    .installed(Installed::BySystem),
    row(
        &["cp", "mv", "rm", "ln", "mkdir", "install", "chmod"],
        Form::Plain,
        ProgramRole::Careful,
        "coreutils ask for their user to know whether they may do everything, and what file system it is to walk it faster.",
    )
    .installed(Installed::BySystem),
    row(
        &["find", "grep", "chown", "tail", "cat"],
        Form::Plain,
        ProgramRole::Walker,
        "findutils, grep and coreutils ask what file system it is to walk or to read it faster.",
    )
    .installed(Installed::BySystem),
    row(
        &["bash"],
        Form::Plain,
        ProgramRole::TerminalOpener,
        "bash opens `/dev/tty` for reading and writing at its start, and closes it again (`check_dev_tty`).",
    )
    .installed(Installed::BySystem),
    row(
        &["bmake", "cmake", "gmake", "make", "meson", "ninja", "ninja-build", "samu", "scons"],
        Form::Plain,
        ProgramRole::BuildTool,
        "What these start belongs to one build, whatever process groups it is in: ninja gives every command its own.",
    ),
    row(
        &["bash", "busybox", "dash", "env", "ksh", "libtool", "nice", "sh", "time", "zsh"],
        Form::Plain,
        ProgramRole::GoBetween,
        "make and ninja start a shell for each command.",
    ),
    row(
        &["cc", "gcc", "clang", "clang-cl"],
        Form::Plain,
        ProgramRole::Link,
        "`kiln run` and `kiln cargo` make a link for each C compiler on `PATH`, and each family's plain name is among these.",
    ),
];
