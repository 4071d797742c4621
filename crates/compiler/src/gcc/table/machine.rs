//! Code generation, warnings, what concerns the driver, and what is the linker's.

use super::Takes::{Either, Joined, Nothing, Prefix, Separate};
use super::{Flag, Own, Shows, key, key_value, own, path, uncached};
use kiln_action::Family::{Clang, Gcc};

const CODE: &str = "Changes generated code; no path is in it.";
const LINKER: &str = "The linker's; without one it changes messages, or what the driver passes on.";

/// The rows of options about the machine, optimization and messages.
pub(super) static ROWS: &[Flag] = &[
    key_value(&["-O"], Prefix).for_(CODE),
    own(&["-m"], Prefix, Own::Machine).says(
        "Counts, in order; where it says `native` the processor counts as well.",
        "Changes generated code, or what the target has. No file is read or written because of \
         it, and no path reaches an output.",
    ),
    own(&["-mllvm"], Separate, Own::Llvm).only(Clang).shows(Shows::Directory).says(
        "Counts literally, in order, and all paths literally. Those that tell of the compiler's \
         own workings are not cached.",
        "Handed to LLVM. What it would write beside the outputs makes the result unstorable.",
    ),
    key_value(&["-mthread-model"], Separate).only(Clang).for_(CODE),
    uncached(
        &[
            "-mmlir",
            "-meabi",
            "-multiply_defined",
            "-multi_module",
            "-module-",
            "-mdump-tune-features",
            "-main-file-name",
            "-migrate",
        ],
        Prefix,
        "Takes a value in the next argument, or tells something.",
    ),
    own(&["--target="], Joined, Own::Target).only(Clang).says("Counts, and is the target.", CODE),
    own(&["-target"], Separate, Own::Target).only(Clang).says("Counts, and is the target.", CODE),
    own(&["-arch"], Separate, Own::Arch)
        .says("Counts. A second one is not cached.", "Several make several compiles."),
    key_value(&["--param="], Joined).for_(CODE),
    key_value(&["--param"], Separate).for_(CODE),
    key(&["-p", "-pg", "-pthread", "-no-pthread"]).for_(CODE),
    key_value(&["-W"], Prefix)
        .says("Counts, in order.", "Decides the messages, and whether the compile succeeds; later ones win."),
    key(&["-w", "--pedantic", "--pedantic-errors", "-no-pedantic"]).for_("Messages."),
    key_value(&["-Rpass", "-Rno-pass"], Prefix).only(Clang).for_("Remarks, which are replayed."),
    own(&["-Wa,"], Joined, Own::Assembler).says(
        "Counts where each word is one of the assembler's that changes code or debug information \
         only; else not cached.",
        "Goes to the assembler. Listings, dependency files and the like would be written beside \
         the outputs.",
    ),
    own(&["-Xassembler"], Separate, Own::AssemblerWord).says(
        "As a word of `-Wa,`; such as take a value in the next argument are not cached.",
        "Goes to the assembler.",
    ),
    own(&["-Xclang"], Separate, Own::Frontend).only(Clang).says(
        "Counts where it is one of a short list; else not cached.",
        "Goes to clang's front end, past everything that the driver checks.",
    ),
    key(&["-pipe", "--pipe"]).for_("How the parts of the compiler talk to each other."),
    key(&[
        "-no-canonical-prefixes",
        "-canonical-prefixes",
        "-pass-exit-codes",
        "-no-integrated-cpp",
        "--no-sysroot-suffix",
        "--start-no-unused-arguments",
        "--end-no-unused-arguments",
        "-no-integrated-as",
        "-integrated-as",
        "--no-default-config",
    ])
    .for_("How the driver finds its parts."),
    path(&["-B"], Either).says(
        "Counts as a path, in order.",
        "Where the driver finds its parts; which they are is part of the toolchain's identity.",
    ),
    key_value(&["-specs=", "--specs="], Joined).shows(Shows::Everything).named().says(
        "Counts, and so do the whole command line and the processor.",
        "A file of rules for the driver, which the run reads. It may add any option.",
    ),
    own(&["--driver-mode="], Joined, Own::DriverMode)
        .only(Clang)
        .says("Counts where it is `gcc` or `g++`; else not cached.", "Another command line's grammar."),
    uncached(&["--config", "--config="], Prefix, "A file with further options.").only(Clang),
    uncached(&["-wrapper"], Separate, "Another program runs the compiler.").only(Gcc),
    uncached(&["-Xanalyzer", "-Xarch_", "-Xflang", "-Xopenmp", "-Xthinlto"], Prefix, "Not measured."),
    key_value(&["-l", "-L"], Either).says("Counts literally, in order.", LINKER),
    key_value(&["-Xlinker", "-z", "-T", "-u", "-e"], Separate).says("Counts literally, in order.", LINKER),
    key_value(&["-Wl,"], Joined).says("Counts literally, in order.", LINKER),
    uncached(&["-Ttext", "-Tdata", "-Tbss", "-undefined"], Prefix, "Takes a value in more than one form."),
    key(&[
        "-s",
        "-shared",
        "-static",
        "-pie",
        "-no-pie",
        "-static-pie",
        "-rdynamic",
        "-symbolic",
        "-nostdlib",
        "-nostdlib++",
        "-nodefaultlibs",
        "-nostartfiles",
        "-nolibc",
        "-static-libgcc",
        "-static-libstdc++",
        "-static-libasan",
        "-shared-libgcc",
        "-shared-libasan",
    ])
    .for_(LINKER),
    uncached(&["-r"], Nothing, "Links."),
];
