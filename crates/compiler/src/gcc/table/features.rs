//! `-f` options, apart from those that say what is read or written, or that concern debug information.

use super::Takes::{Feature, Joined, Prefix};
use super::{Effect, Flag, Own, Shows, key, key_value, own, uncached};
use kiln_action::Family::{Clang, Gcc};

const LITERAL: &str = "Counts literally.";
const PATHS: &str = "Counts; where the command line names sources or headers by absolute paths, all paths \
         count literally.";
const EVERYTHING: &str = "Counts, and so does the whole command line, as it is.";

/// The rows of `-f` options.
pub(super) static ROWS: &[Flag] = &[
    Flag::new(&["-f"], Feature, Effect::Key).says(
        "`-fNAME`, `-fno-NAME`, `-fNAME=VALUE` with a name of the list below: counts, in order.",
        "Changes generated code, the language or messages. No file is read or written because \
         of it, and no path reaches an output.",
    ),
    key_value(
        &[
            "-fbuiltin-",
            "-fno-builtin-",
            "-ffixed-",
            "-fcall-used-",
            "-fcall-saved-",
            "-ftemplate-depth-",
            "-finline-limit-",
        ],
        Prefix,
    )
    .for_("Changes generated code."),
    key_value(&["-fsanitize", "-fno-sanitize"], Prefix).shows(Shows::Paths).says(
        PATHS,
        "Objects hold paths of sources as they were found, for messages at run time. A list \
         of exceptions is a file that the run reads.",
    ),
    key_value(&["-flto", "-flto="], Prefix).only(Gcc).shows(Shows::Directory).says(
        "Counts, and all paths literally.",
        "Bytes differ in two directories, and no prefix map covers it. Without `-frandom-seed` \
         they differ from run to run: what is served is what one run made.",
    ),
    key_value(&["-flto", "-flto="], Prefix)
        .only(Clang)
        .shows(Shows::Paths)
        .says(PATHS, "Bitcode holds the source's path."),
    key(&["-fno-lto"]).for_("Switches something off."),
    key_value(
        &["-fembed-bitcode", "-fpseudo-probe-for-profiling", "-funique-internal-linkage-names"],
        Prefix,
    )
    .only(Clang)
    .shows(Shows::Paths)
    .says(PATHS, "The source's path, or a number made of it, is in the object."),
    key(&["-fno-pseudo-probe-for-profiling", "-fno-unique-internal-linkage-names"])
        .for_("Switches something off."),
    key_value(
        &[
            "-fprofile-generate",
            "-fprofile-use",
            "-fprofile-dir=",
            "-fprofile-update=",
            "-fprofile-abs-path",
            "-fprofile-info-section",
            "-fprofile-filter-files=",
            "-fprofile-exclude-files=",
            "-fprofile-prefix-path=",
            "-fauto-profile",
            "-fbranch-probabilities",
            "-fprofile-values",
            "-fprofile-reorder-functions",
            "-fvpt",
            "-fprofile-instr-generate",
            "-fprofile-instr-use",
            "-fcs-profile-generate",
            "-fcoverage-mapping",
            "-fcoverage-compilation-dir=",
            "-fprofile-sample-use",
            "-fprofile-sample-accurate",
            "-fprofile-list=",
            "-fprofile-remapping-file=",
            "-fcreate-profile",
            "-fmcdc",
        ],
        Prefix,
    )
    .shows(Shows::Directory)
    .named()
    .says(
        "Counts literally, and the output's name and all paths literally.",
        "The directory or the output's name is in the object, or says where the profile is looked \
         for; the profile itself is a file that the run reads.",
    ),
    key(&[
        "-fno-profile-generate",
        "-fno-profile-use",
        "-fno-profile-arcs",
        "-fno-test-coverage",
        "-fno-coverage-mapping",
        "-fno-auto-profile",
        "-fno-profile-instr-generate",
        "-fno-profile-instr-use",
        "-fno-branch-probabilities",
        "-fno-profile-values",
        "-fno-profile-reorder-functions",
        "-fno-vpt",
        "-fno-profile-sample-use",
    ])
    .for_("Switches something off."),
    key_value(&["-fverbose-asm"], Prefix)
        .shows(Shows::Paths)
        .says(PATHS, "Assembly names the options and the sources."),
    key(&["-fno-verbose-asm", "-fno-stack-usage", "-fno-record-gcc-switches", "-fno-record-command-line"])
        .for_("Switches something off."),
    key(&["-frecord-gcc-switches", "-frecord-command-line"])
        .shows(Shows::Everything)
        .named()
        .says(EVERYTHING, "The command line is in the object. (gcc 12 leaves paths out; clang does not.)"),
    key_value(&["-finstrument-functions-exclude-", "-fpatchable-function-entry"], Prefix)
        .for_("Changes generated code."),
    key_value(
        &["-fxray-always-instrument=", "-fxray-never-instrument=", "-fxray-attr-list="],
        super::Takes::Either,
    )
    .only(Clang)
    .says(LITERAL, "A list is a file that the run reads."),
    uncached(
        &["-fxray-instrumentation-bundle", "-fxray-instruction-threshold", "-fxray-modes", "-ftrapv-handler"],
        Prefix,
        "Takes a value in more than one form.",
    )
    .only(Clang),
    key(&["-fdiagnostics-absolute-paths"])
        .only(Clang)
        .shows(Shows::Directory)
        .for_("Messages name the directory."),
    own(&["-ffile-prefix-map=", "-fdebug-prefix-map="], Joined, Own::Map).says(
        "Counts, in order; what is mapped as a path, to what literally.",
        "Debug information holds what stands on the right side for every path that begins with \
         what stands on the left. Both compilers compare bytes, gcc lets the last one win, clang \
         14 the one that sorts first.",
    ),
    own(&["-fmacro-prefix-map=", "-fprofile-prefix-map=", "-fcoverage-prefix-map="], Joined, Own::OtherMap)
        .says(
            "Counts, in order; what is mapped as a path, to what literally.",
            "Changes `__FILE__` or coverage; the directory in debug information stays.",
        ),
    own(&["-fdebug-compilation-dir=", "-ffile-compilation-dir="], Joined, Own::CompilationDirectory)
        .only(Clang)
        .says("Counts literally; debug information then shows it instead of the directory.", "clang 14."),
    own(&["-fdebug-compilation-dir"], super::Takes::Separate, Own::CompilationDirectory)
        .only(Clang)
        .says("Counts literally; debug information then shows it instead of the directory.", "clang 14."),
    uncached(
        &["-fplugin", "-fpass-plugin", "-fno-plugin"],
        Prefix,
        "A program of others inside the compiler.",
    ),
    uncached(
        &["-fbasic-block-sections=list=", "-fmodule", "-fwpa", "-fltrans", "-fresolution="],
        Prefix,
        "Not a compile of one source.",
    ),
    uncached(&["-fdebug-cpp"], super::Takes::Nothing, "Tells of the compiler's own workings.").only(Gcc),
];
