//! Options that say what is read: languages, macros, directories, files.

use super::Takes::{Either, Joined, Nothing, Prefix, Separate};
use super::{Flag, Own, Shows, key, key_value, own, path, uncached};
use kiln_action::Family::{Clang, Gcc};

const SEARCH: &str = "Where headers are looked for; which was found, and which was not, are questions of the \
         run. A directory below the project may lie elsewhere in another checkout: its path is \
         only in outputs that show paths.";
const READ: &str = "The file that was read is a question of the run.";
const MODULES: &str = "Modules are built and read behind the compiler's back, in a cache of its own.";
const OTHER_LANGUAGE: &str = "Another language than C, C++, Objective-C and assembler.";

/// The rows of options about sources, headers and languages.
pub(super) static ROWS: &[Flag] = &[
    own(&["-x"], Either, Own::Language).says(
        "Counts, in order. Headers (precompiled) and other languages are not cached.",
        "The language of the inputs behind it. A precompiled header is named after the compiler's \
         version and flags; one that is *used* is a file that the run reads, and so a question.",
    ),
    key_value(&["-D", "-U", "-A"], Either)
        .says("Counts literally, in order.", "Decides what is compiled; later ones win."),
    own(&["-I"], Either, Own::Include).says("Counts as a path, in order. `-I-` is not cached.", SEARCH),
    path(&["-isystem", "-iquote", "-idirafter", "-isysroot", "-iprefix", "-F"], Either).for_(SEARCH),
    path(&["--sysroot="], Joined).for_(SEARCH),
    path(&["--sysroot"], Separate).for_(SEARCH),
    path(&["-cxx-isystem", "-stdlib++-isystem", "-iframework"], Either).only(Clang).for_(SEARCH),
    path(&["-resource-dir"], Separate).only(Clang).for_(SEARCH),
    path(&["-resource-dir=", "--gcc-toolchain=", "--gcc-install-dir="], Joined).only(Clang).for_(SEARCH),
    key_value(&["-iwithprefix", "-iwithprefixbefore"], Either)
        .says("Counts literally, in order.", "Is put behind what `-iprefix` says."),
    key_value(&["-imultilib"], Separate).says("Counts literally.", "Part of the names of directories."),
    path(&["--embed-dir="], Joined)
        .for_("Where the files of `#embed` (gcc 15, clang 19) are looked for; which was found is a question of the run."),
    path(&["--embed-dir"], Separate).only(Clang).for_("The same."),
    path(&["-include", "-imacros"], Either).for_(READ),
    key(&["-nostdinc", "-nostdinc++", "-undef", "-remap", "-trigraphs", "-traditional", "-traditional-cpp"])
        .for_("Decides what is read, and how."),
    key(&["-nobuiltininc", "-nostdlibinc", "-ibuiltininc"]).only(Clang).for_("Decides what is read."),
    key(&["-P", "-C", "-CC"]).for_("The form of preprocessed text."),
    key(&["-H"]).for_("Tells the headers on standard error, which is replayed."),
    key_value(&["-std=", "--std="], Joined).for_("Decides the language."),
    key_value(&["-stdlib=", "--stdlib="], Joined)
        .only(Clang)
        .for_("Decides which C++ library's headers are read."),
    key(&["-ansi", "-pedantic", "-pedantic-errors"]).for_("Decides the language and the messages."),
    own(&["-Wp,"], Joined, Own::Preprocessor).says(
        "`-D…`, `-U…`, `-MD,FILE`, `-MMD,FILE`, `-MT,…`, `-MQ,…`, `-MP` count as those options \
         do; anything else is not cached.",
        "Goes to the preprocessor past the driver. gcc then takes the rule's target from the \
         source, clang from the output.",
    ),
    own(&["-Xpreprocessor"], Separate, Own::PreprocessorWord).says(
        "`-D…` and `-U…` count; anything else is not cached.",
        "Goes to the preprocessor past the driver.",
    ),
    key(&["-fworking-directory"]).shows(Shows::Directory).for_("Preprocessed text names the directory."),
    key(&["-fno-working-directory", "-fno-modules", "-fno-implicit-modules", "-fno-cxx-modules"])
        .for_("Switches something off."),
    uncached(
        &["-I-", "-include-pch", "-ivfsoverlay", "-index-header-map", "-iwithsysroot"],
        Either,
        "Not measured.",
    ),
    uncached(&["-isystem-after", "-iframeworkwithsysroot", "-imsvc"], Either, "Not measured."),
    uncached(&["-working-directory", "-working-directory="], Prefix, "Changes what every path means."),
    uncached(
        &[
            "-fmodules",
            "-fmodules-ts",
            "-fmodules-",
            "-fmodule-",
            "-fno-module-",
            "-fno-modules-",
            "-fcxx-modules",
            "-fprebuilt-",
            "-fimplicit-module",
            "-fbuiltin-module-map",
            "-fsystem-module",
            "-fbuild-session-",
            "-flang-info-",
            "-Mmodules",
            "-Mno-modules",
            "-fapinotes",
            "-fdeps-",
            "-fsearch-include-path",
            "-fexperimental-modules-reduced-bmi",
            "--precompile",
        ],
        Prefix,
        MODULES,
    ),
    uncached(
        &[
            "-fpch-codegen",
            "-fpch-debuginfo",
            "-fpch-preprocess",
            "-fpch-instantiate-templates",
            "-relocatable-pch",
        ],
        Nothing,
        "Makes precompiled headers, or has them named in the output.",
    ),
    uncached(
        &[
            "-ObjC",
            "-ObjC++",
            "--cuda-",
            "-fcuda-",
            "--hip-",
            "-fhip-",
            "--offload",
            "-foffload",
            "-fopenacc",
            "-fgpu-",
            "-fsycl",
            "-cl-",
            "-fopenmp-targets",
            "-nogpu",
            "--no-cuda-",
            "--rocm-",
            "-Xcuda-",
            "-Xopenmp-target",
        ],
        Prefix,
        OTHER_LANGUAGE,
    ),
    uncached(&["-fpre-include="], Joined, "Undocumented.").only(Gcc),
];
