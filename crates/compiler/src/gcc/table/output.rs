//! Options that say what is written, and where.

use super::Takes::{Either, Joined, Nothing, Prefix, Separate};
use super::{Flag, Own, Shows, key, key_value, own, question, uncached};
use kiln_action::Family::{Clang, Gcc};

const TELLS: &str = "Makes the compiler tell of its own workings.";
const DUMP: &str = "Writes files whose names are the compiler's own affair.";
const TIMES: &str = "Tells times or sizes, which differ from run to run.";

/// The rows of options about output files.
pub(super) static ROWS: &[Flag] = &[
    own(&["-c", "-S", "-E"], Nothing, Own::Stage).says(
        "Counts. Without one of them the command links, which is not cached; `-E` is cached with \
         `-o FILE` only, and not together with `-MD`.",
        "Two different ones are not cached. Preprocessed text shows paths as they were found, and \
         with debug information the directory.",
    ),
    own(&["-o"], Either, Own::Output).says(
        "That it is given counts. Its value counts (as a path) only where a row says so. Standard \
         output and devices are not cached.",
        "Measured: objects and assembly are equal under every name unless one of the rows that \
         say so is there. Without it the output is the source's name with another ending, in the \
         directory the compiler runs in.",
    ),
    uncached(&["-objcmt-", "-object-file-name", "-openmp"], Prefix, "Begins like `-o`.").only(Clang),
    own(&["--output="], Joined, Own::Output).says("As `-o`.", "Another name for it."),
    own(&["--output"], Separate, Own::Output).says("As `-o`.", "Another name for it."),
    own(&["-MD", "-MMD"], Nothing, Own::Depend).says(
        "Counts; without `-MT` or `-MQ` the output's name counts as well.",
        "Writes a rule for make, to `-MF` or to the output's name with the ending `.d`. Its \
         target is the output as it is called on the command line.",
    ),
    own(&["-MF"], Either, Own::DependFile).says(
        "That it is given counts; its value does not. Devices are not cached.",
        "The file's own name is not in it.",
    ),
    own(&["-MT", "-MQ"], Either, Own::DependTarget)
        .says("Counts as a path, in order.", "The target of the rule; several make several targets."),
    key(&["-MP"]).for_("Adds a target for every header."),
    uncached(
        &["-M", "-MM", "-MG", "--dependencies", "--user-dependencies"],
        Nothing,
        "Tells dependencies instead of compiling.",
    ),
    uncached(&["-MJ"], Either, "Adds to a file that others write to as well.").only(Clang),
    uncached(&["-MV"], Nothing, "A rule in another make's grammar.").only(Clang),
    own(&["-ftest-coverage", "--coverage", "-coverage"], Nothing, Own::Coverage)
        .shows(Shows::Directory)
        .named()
        .says(
            "Counts, and the output's name and all paths literally. Writes `.gcno` beside the output.",
            "`.gcno` and the object name the directory and the `.gcda` to be; `-ffile-prefix-map` \
         does not change that. Both carry the same stamp, which gcc takes from the clock: they \
         are kept together.",
        ),
    key(&["-fprofile-arcs"]).shows(Shows::Directory).named().says(
        "Counts, and the output's name and all paths literally.",
        "The object names the `.gcda` to be, with its directory.",
    ),
    own(&["-fstack-usage"], Nothing, Own::StackUsage)
        .shows(Shows::Paths)
        .says("Counts. Writes `.su` beside the output.", "`.su` names sources as they were found."),
    own(&["-fcallgraph-info"], Prefix, Own::CallGraph)
        .only(Gcc)
        .shows(Shows::Paths)
        .says("Counts. Writes `.ci` beside the output.", "`.ci` names sources as they were found."),
    own(&["-emit-llvm"], Nothing, Own::EmitLlvm)
        .only(Clang)
        .shows(Shows::Paths)
        .says("Counts.", "Bitcode holds the source's path. Without `-o` the endings are `.bc` and `.ll`."),
    key(&["-dA", "-dp", "-dP"]).only(Gcc).for_("Comments in assembly."),
    uncached(&["-dM", "-dD", "-dI", "-dN", "-dU"], Nothing, "Tells macros instead of compiling."),
    uncached(
        &["-dumpbase", "-dumpbase-ext", "-dumpdir", "--dumpbase", "--dumpbase-ext", "--dumpdir"],
        Separate,
        "Other names for what is written.",
    )
    .only(Gcc),
    uncached(&["-save-temps", "--save-temps", "-save-stats", "--save-stats"], Prefix, DUMP),
    uncached(
        &[
            "-fdump-",
            "-fdbg-cnt",
            "-fdisable-",
            "-fenable-",
            "-fopt-info",
            "-fsave-optimization-record",
            "-foptimization-record",
            "-fcompare-debug",
            "-fprofile-note=",
            "-fvtv-",
            "-frepo",
        ],
        Prefix,
        DUMP,
    ),
    uncached(&["-aux-info"], Either, "Appends to a file.").only(Gcc),
    uncached(&["-serialize-diagnostics", "--serialize-diagnostics"], Separate, "Not measured.").only(Clang),
    uncached(
        &[
            "-fthin-link-bitcode=",
            "-fthinlto-index=",
            "-gen-reproducer",
            "-gen-cdb-fragment-path",
            "-fcrash-diagnostics=",
            "-fmemory-profile",
            "-fproc-stat-report",
        ],
        Prefix,
        DUMP,
    )
    .only(Clang),
    uncached(
        &[
            "-ftime-report",
            "-ftime-trace",
            "-fmem-report",
            "-fpre-ipa-mem-report",
            "-fpost-ipa-mem-report",
            "-fprofile-report",
            "-fstats",
            "-time",
            "-Q",
            "-fdiagnostics-add-output",
            "-fdiagnostics-set-output",
        ],
        Prefix,
        TIMES,
    ),
    key(&["-Qn", "-Qy", "-Qunused-arguments"]).only(Clang).for_("Messages, and a comment in the output."),
    own(&["-v", "--verbose"], Nothing, Own::Verbose)
        .says("Not cached; a question where no source is given.", TELLS),
    question(
        &[
            "-###",
            "--version",
            "-dumpversion",
            "-dumpfullversion",
            "-dumpmachine",
            "-dumpspecs",
            // (configure scripts ask these of every compiler; gcc and clang refuse them)
            "-V",
            "-qversion",
            "-version",
            "-?",
        ],
        Nothing,
    ),
    question(
        &[
            "-print-",
            "--print-",
            "--help",
            "-help",
            "--target-help",
            "--autocomplete",
            "-fhelp",
            "-fversion",
            "-ftarget-help",
            "--version=",
        ],
        Prefix,
    ),
    uncached(&["-ccc-"], Prefix, TELLS),
    uncached(
        &[
            "-fsyntax-only",
            "-verify-pch",
            "--analyze",
            "-emit-ast",
            "-emit-interface-stubs",
            "-extract-api",
            "-rewrite-objc",
            "-rewrite-legacy-objc",
            "--migrate",
        ],
        Nothing,
        "Makes no object.",
    ),
    uncached(&["-frewrite-", "-fself-test"], Prefix, "Makes no object."),
    own(&["-fdiagnostics-format="], Joined, Own::DiagnosticsFormat).says(
        "Counts; formats that write a file are not cached.",
        "gcc 13 and later can write `.json` and `.sarif` files.",
    ),
    key_value(&["-frandom-seed="], Joined).says(
        "Counts literally.",
        "Is what gcc calls unnamed things after. Without it their names come from the clock.",
    ),
];
