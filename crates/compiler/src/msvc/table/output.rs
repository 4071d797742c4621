//! Options that say which files and messages are written, and where.

use super::Takes::{Either, Joined, Nothing, Prefix};
use super::{Flag, Own, Shows, key, key_value, own, question, uncached};
use kiln_action::Family::{ClangCl, Msvc};

const TELLS: &str = "Makes the compiler tell of its own workings.";
const TEXT: &str = "Preprocesses, to standard output or to a file of another name.";
const LINKS: &str = "The linker's; nothing is linked.";
const DEBUG: &str = "Counts, and so do the output's name and the whole command line, as it is.";
const CODEVIEW: &str = "Measured with clang 14: the object names itself, the directory, the source, the compiler and \
         all arguments of its front end.";

/// The rows of options about outputs and messages.
pub(super) static ROWS: &[Flag] = &[
    own(&["/c"], Nothing, Own::Compile).says("Counts. Without it nothing is cached.", "Else it links."),
    own(&["/Fo"], Joined, Own::Object).says(
        "That it is given counts. Its value counts (as a path) only where a row says so. One that begins with \
         `:` or holds a `\\` is not cached for clang-cl.",
        "A directory, if it ends in a slash; without an ending it gets `.obj`. Measured: clang-cl's \
         objects are equal under every name unless one of the rows that say so is there. clang 14 \
         takes a `:` for part of the name, later ones do not; what a `\\` is depends on the system.",
    ),
    own(&["/o"], Either, Own::Object).only(ClangCl).says("As `/Fo`.", "Another name for it."),
    uncached(&["/o"], Joined, "Deprecated, and meant for programs.").only(Msvc),
    own(&["/FA"], Nothing, Own::Listing)
        .only(ClangCl)
        .shows(Shows::Paths)
        .says("Counts. Writes assembly, `.asm`.", "In the directory it runs in unless `/Fa` says otherwise."),
    own(&["/Fa"], Joined, Own::Listing).only(ClangCl).shows(Shows::Paths).says(
        "As `/FA`. That it is given counts; its value does not.",
        "It asks for assembly by itself; its value is read as that of `/Fo`.",
    ),
    uncached(&["/FAc", "/FAs", "/FAu"], Prefix, "A listing with sources or bytes in it; clang-cl has none.")
        .only(ClangCl),
    uncached(&["/FA", "/Fa"], Joined, "A listing; not measured.").only(Msvc),
    uncached(&["/FR", "/Fr"], Joined, "Writes what browsers of sources read, `.sbr`."),
    own(&["/Fd"], Joined, Own::Database).only(ClangCl).says(
        "That it is given counts; its value does not.",
        "Names a `.pdb`. clang-cl ignores it: debug information is in the object.",
    ),
    key_value(&["/Fd"], Joined).only(Msvc).says(
        "Counts literally.",
        "Names a `.pdb`, which is written with `/Zi` and `/ZI`, and these are not cached.",
    ),
    key_value(&["/Fe", "/Fi", "/Fm"], Joined).says("Counts literally.", "Names what is not written with `/c`."),
    key(&["/Z7"]).shows(Shows::Everything).named().says(DEBUG, CODEVIEW),
    key(&["/Zi"]).only(ClangCl).shows(Shows::Everything).named().says(DEBUG, "The same as `/Z7` there."),
    uncached(&["/Zi"], Nothing, "Debug information goes into a `.pdb` that other compiles write to as well.")
        .only(Msvc),
    uncached(&["/ZI"], Nothing, "Debug information for editing what runs, in a `.pdb`."),
    key(&["/Zd"]).only(Msvc).shows(Shows::Everything).named().says(DEBUG, "As `/Z7`, with lines only."),
    key(&[
        "-gcodeview",
        "-gcodeview-ghash",
        "-gdwarf",
        "-gline-tables-only",
        "-gline-directives-only",
        "-gcolumn-info",
        "-ginline-line-tables",
        "-gstrict-dwarf",
    ])
    .only(ClangCl)
    .shows(Shows::Everything)
    .named()
    .says(DEBUG, CODEVIEW),
    key(&["-gno-codeview-ghash", "-gno-column-info", "-gno-inline-line-tables", "-gno-strict-dwarf"])
        .only(ClangCl)
        .for_("A part less of debug information."),
    uncached(&["-gen-reproducer", "-gen-cdb-fragment-path"], Prefix, "Writes further files.").only(ClangCl),
    key(&["/Zo", "/Zo-", "/ZH:MD5", "/ZH:SHA1", "/ZH:SHA_256", "/d2Zi+"])
        .for_("The form of debug information; clang-cl ignores it."),
    key(&["/FS", "/bigobj", "/nologo"]).for_("How a `.pdb` is written, the object's form, and messages."),
    key_value(&["/cgthreads", "/errorReport"], Joined).for_("How the compiler works; clang-cl ignores it."),
    key(&["/Brepro", "/Brepro-"]).for_(
        "Whether the object holds the time at which it was made (with MSVC targets it does by default). \
         Where it does, what is served holds the time of the run that made it.",
    ),
    key(&["/showIncludes", "/showIncludes:user"]).says(
        "Counts.",
        "Tells headers on standard output, by their paths as they were found: replayed, with the \
         paths of this checkout.",
    ),
    key(&["/showFilenames", "/showFilenames-"]).for_("Tells the source's name, which is replayed."),
    key(&["/FC"]).only(ClangCl).for_("Ignored."),
    key(&["/FC"])
        .only(Msvc)
        .shows(Shows::Directory)
        .for_("Sources are named by their whole paths, in `__FILE__` as well."),
    key(&["/diagnostics:classic", "/diagnostics:column", "/diagnostics:caret"]).for_("The form of messages."),
    uncached(
        &["/sourceDependencies", "/sourceDependencies:directives"],
        Either,
        "Writes what was read as JSON; not measured.",
    ),
    uncached(&["/scanDependencies"], Prefix, "Writes what was read as JSON; not measured.").only(Msvc),
    uncached(&["/doc"], Joined, "Writes comments into `.xdc`."),
    uncached(&["/MP"], Joined, "Several compilers at once, for several sources."),
    uncached(&["/E", "/EP", "/P"], Nothing, TEXT),
    uncached(&["/PD", "/PH"], Nothing, TEXT).only(Msvc),
    key(&["/C", "/d1PP"]).for_("The form of preprocessed text; clang-cl refuses `/C` without some."),
    uncached(&["/Zs", "/Zg"], Nothing, "Writes no object."),
    uncached(&["/Gm"], Nothing, "Keeps a file of what changed, `.idb`."),
    key(&["/Gm-"]).for_("Switches something off."),
    key(&["/analyze-"]).for_("Switches something off."),
    uncached(&["/analyze"], Prefix, "Writes what was found to files of its own.").only(Msvc),
    uncached(&["/link"], Prefix, "Everything behind it is the linker's."),
    key(&["/LD", "/LDd"]).for_("Which C library is meant; with `/c` nothing is linked."),
    uncached(&["/LN"], Nothing, "Another kind of output."),
    key_value(&["/F"], Either).says("Counts literally.", LINKS),
    key(&["/V"]).only(ClangCl).for_("Ignored."),
    key_value(&["/V"], Joined).only(Msvc).for_("A text in the object."),
    uncached(&["/Bt", "/Bt+"], Nothing, "Tells times, which differ from run to run."),
    uncached(&["/Fx", "/H"], Nothing, "Undocumented, or of no meaning any more."),
    question(&["/HELP", "/help", "/?"], Nothing),
    question(&["-###", "--version", "-print-supported-cpus", "--print-supported-cpus"], Nothing)
        .only(ClangCl),
    uncached(&["-v"], Nothing, TELLS).only(ClangCl),
    uncached(&["-ccc-"], Prefix, TELLS).only(ClangCl),
    key(&["/d1reportAllClassLayout"]).for_("Printed on standard output, which is replayed."),
    uncached(&["/d1", "/d2"], Joined, "Undocumented."),
    uncached(
        &["--analyze", "--coverage", "-coverage", "-objcmt-", "-object-file-name=", "--via-file-asm"],
        Prefix,
        "Not a compile into an object, or writes further files.",
    )
    .only(ClangCl),
];
