//! Options that say what is read: languages, macros, directories, files.

use super::Takes::{Either, Joined, Nothing, Prefix, Separate};
use super::{Flag, Own, key, key_value, own, path, uncached};
use kiln_action::Family::{ClangCl, Msvc};

const SEARCH: &str = "Where headers are looked for; which was found, and which was not, are questions of the \
         run. A directory below the project may lie elsewhere in another checkout: its path is \
         only in outputs that show paths.";
const LANGUAGE: &str = "Decides the language.";
const PCH: &str = "Makes or takes a precompiled header, whose bytes differ from run to run.";
const MODULES: &str = "Modules and header units are files that other compiles write.";

/// The rows of options about sources, headers and languages.
pub(super) static ROWS: &[Flag] = &[
    own(&["/TC", "/TP"], Nothing, Own::Language).says("Counts.", "The language of all sources."),
    own(&["/Tc", "/Tp"], Either, Own::Source)
        .says("Counts as the source, a path.", "A source, and its language."),
    key_value(&["/D", "/U"], Either)
        .says("Counts literally, in order.", "Decides what is compiled; later ones win."),
    key(&["/u"]).for_("Takes back the predefined macros; clang-cl ignores it."),
    own(&["/I"], Either, Own::Include).says("Counts as a path, in order. `/I-` is not cached.", SEARCH),
    path(&["/external:I"], Either).for_(SEARCH),
    path(&["/imsvc", "/vctoolsdir", "/winsdkdir", "/winsysroot", "/diasdkdir"], Either)
        .only(ClangCl)
        .for_(SEARCH),
    path(&["-resource-dir"], Separate).only(ClangCl).for_(SEARCH),
    key_value(&["/vctoolsversion", "/winsdkversion"], Either)
        .only(ClangCl)
        .says("Counts literally.", "Part of the names of directories."),
    uncached(&["/external:env:"], Joined, "Names a variable with directories; no key is kept for it."),
    key_value(&["/external:"], Joined).for_("Messages about headers that are not the project's."),
    path(&["/FI"], Either).for_("The file that was read is a question of the run."),
    key(&["/X"]).for_("Headers are not looked for in `INCLUDE`."),
    key(&["-nobuiltininc"]).only(ClangCl).for_("Decides what is read."),
    key_value(&["/std:", "/Zc:", "/constexpr:", "/await:"], Joined).for_(LANGUAGE),
    key(&["/permissive", "/permissive-", "/Za", "/Ze", "/await", "/J", "/kernel", "/kernel-"]).for_(LANGUAGE),
    key(&["/openmp", "/openmp-", "/openmp:experimental"]).for_(LANGUAGE),
    key(&["/openmp:llvm"]).only(Msvc).for_(LANGUAGE),
    key(&["/utf-8", "/validate-charset", "/validate-charset-"]).for_("How sources and strings are written."),
    key_value(&["/source-charset:", "/execution-charset:"], Joined)
        .for_("How sources and strings are written."),
    uncached(&["/Yc", "/Yu", "/Yl"], Joined, PCH),
    uncached(&["/Yd"], Nothing, PCH),
    key(&["/Y-"]).for_("Takes back `/Yc` and `/Yu`, which are not cached all the same."),
    key_value(&["/Fp"], Joined).says("Counts literally.", "Names a precompiled header for `/Yc` and `/Yu`."),
    key_value(&["/Zm"], Joined).for_("How much memory precompiled headers may take; clang-cl ignores it."),
    uncached(&["/FU", "/AI"], Either, "Metadata of other programs, for `/clr` and `/ZW`."),
    uncached(&["/clr", "/ZW"], Joined, "Another language, for another machine."),
    uncached(&["/experimental:"], Joined, "Modules, logs, and what is not known yet."),
    uncached(&["/headerUnit", "/headerUnit:angle", "/headerUnit:quote", "/reference"], Either, MODULES),
    uncached(&["/headerName:"], Joined, MODULES),
    uncached(&["/exportHeader", "/translateInclude"], Nothing, MODULES),
    uncached(
        &[
            "/ifcOutput",
            "/ifcSearchDir",
            "/ifcMap",
            "/ifcOnly",
            "/interface",
            "/internalPartition",
            "/stdIfcDir",
        ],
        Prefix,
        MODULES,
    )
    .only(Msvc),
    uncached(&["-working-directory"], Prefix, "Changes what every path means.").only(ClangCl),
    uncached(&["-ObjC", "-sycl-std="], Prefix, "Another language.").only(ClangCl),
    uncached(&["--rsp-quoting="], Joined, "Changes how response files are read.").only(ClangCl),
    uncached(&["--config"], Prefix, "A file with further options.").only(ClangCl),
];
