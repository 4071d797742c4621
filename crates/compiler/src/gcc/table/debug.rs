//! Debug information.

use super::Takes::{Nothing, Prefix};
use super::{Flag, Own, Shows, key, key_value, own, uncached};
use kiln_action::Family::Clang;

const SHOWN: &str = "Counts; unless a prefix map covers the directory and what is absolute, all paths count \
         literally.";
const NAMES: &str = "Debug information holds the directory the compiler runs in (`PWD` where that is another \
         name for it) and paths as they were found. Measured: `-ffile-prefix-map` and \
         `-fdebug-prefix-map` cover both in gcc 12 and clang 14, except for assembler sources in \
         clang.";

/// The rows of options about debug information.
pub(super) static ROWS: &[Flag] = &[
    key(&["-g0", "-ggdb0"]).for_("No debug information; what stands before it may still ask for some."),
    key(&[
        "-g",
        "-g1",
        "-g2",
        "-g3",
        "-ggdb",
        "-ggdb1",
        "-ggdb2",
        "-ggdb3",
        "-glldb",
        "-gsce",
        "-gdbx",
        "-gfull",
        "-gused",
        "-gtoggle",
        "-gline-tables-only",
        "-gline-directives-only",
        "-gmlt",
        "-gdwarf32",
        "-gdwarf64",
        "-gbtf",
        "-gctf",
        "-gctf0",
        "-gctf1",
        "-gctf2",
        "-gcodeview",
        "-gcodeview-ghash",
        "-gvms",
        "-gcolumn-info",
        "-ginline-line-tables",
        "-gpubnames",
        "-ggnu-pubnames",
        "-gstrict-dwarf",
        "-gdescribe-dies",
        "-gas-loc-support",
        "-gas-locview-support",
        "-ginline-points",
        "-gstatement-frontiers",
        "-ginternal-reset-location-views",
        "-gvariable-location-views",
        "-gvariable-location-views=incompat5",
        "-grecord-gcc-switches",
        "-gdwarf-aranges",
        "-gsimple-template-names",
        "-gembed-source",
        "-gkey-instructions",
        "-gstructor-decl-linkage-names",
        "-gtemplate-alias",
    ])
    .shows(Shows::Debug)
    .says(SHOWN, NAMES),
    key_value(
        &["-gdwarf", "-gstabs", "-gxcoff", "-gcoff", "-gsrc-hash=", "-gsimple-template-names="],
        Prefix,
    )
    .shows(Shows::Debug)
    .says(SHOWN, NAMES),
    key_value(&["-gno-", "-gz"], Prefix).for_("The form of debug information, or a part less of it."),
    own(&["-gsplit-dwarf", "-gsplit-dwarf=split"], Nothing, Own::SplitDwarf)
        .shows(Shows::Debug)
        .named()
        .says(
            "Counts, and the output's name. Writes `.dwo` beside the output. Not cached with `-S`.",
            "The object names its `.dwo` as the output is called. gcc takes it to ask for debug \
         information, clang does not; with `-S` clang calls the file after the source.",
        ),
    key(&["-gsplit-dwarf=single"])
        .only(Clang)
        .shows(Shows::Debug)
        .named()
        .says("Counts, and the output's name.", "The object names itself."),
    key(&["-grecord-command-line"]).only(Clang).shows(Shows::Everything).named().says(
        "Counts, and so does the whole command line, as it is.",
        "Debug information holds the command line.",
    ),
    uncached(&["-gmodules"], Nothing, "Debug information in precompiled headers.").only(Clang),
];
