//! Code generation, warnings, and what concerns the driver.

use super::Takes::{Joined, Nothing, Prefix, Separate};
use super::{Flag, Own, Shows, key, key_value, own, uncached};
use kiln_action::Family::{ClangCl, Msvc};

const CODE: &str = "Changes generated code; no path is in it.";
const MESSAGES: &str = "Decides the messages, and whether the compile succeeds; later ones win.";

/// The rows of options about generated code and warnings.
pub(super) static ROWS: &[Flag] = &[
    key_value(&["/O"], Prefix).says("Counts, in order.", CODE),
    own(&["/arch:", "/tune:", "/favor"], Joined, Own::Machine)
        .says("Counts; where it says `native` the processor counts as well.", CODE),
    key(&["/MD", "/MDd", "/MT", "/MTd"]).for_("Macros, and the name of the C library in the object."),
    key_value(&["/EH", "/guard:", "/RTC", "/Zp", "/vd", "/Gs"], Joined).for_(CODE),
    key(&["/fp:except", "/fp:except-", "/fp:fast", "/fp:precise", "/fp:strict"]).for_(CODE),
    key(&["/fp:contract"]).only(Msvc).for_(CODE),
    key(&["/vmb", "/vmg", "/vmm", "/vms", "/vmv", "/volatile:iso", "/volatile:ms"]).for_(CODE),
    key(&[
        "/GA", "/Gd", "/Ge", "/GF", "/GF-", "/Gh", "/GH", "/GR", "/GR-", "/Gr", "/Gregcall", "/GS", "/GS-", "/GT",
        "/Gv", "/Gw", "/Gw-", "/GX", "/GX-", "/Gy", "/Gy-", "/GZ", "/Gz", "/G1", "/G2", "/GL-",
    ])
    .for_(CODE),
    key(&["/GL"]).for_("Code that the linker makes; clang-cl ignores it."),
    key(&[
        "/hotpatch",
        "/homeparams",
        "/JMC",
        "/JMC-",
        "/sdl",
        "/sdl-",
        "/Zl",
        "/d2FastFail",
        "/QIntel-jcc-erratum",
        "/Qfast_transcendentals",
        "/QIfist",
        "/Qimprecise_fwaits",
        "/Qpar",
        "/Qsafe_fp_loads",
        "/Qspectre",
        "/Qspectre-load",
        "/Qspectre-load-cf",
        "/Qvec",
        "/Qvec-",
    ])
    .for_(CODE),
    key(&[
        "/Zf",
        "/Qspectre-jmp",
        "/forceInterlockedFunctions",
        "/forceInterlockedFunctions-",
        "/jumptablerdata",
        "/volatileMetadata",
        "/volatileMetadata-",
    ])
    .only(Msvc)
    .for_(CODE),
    key_value(&["/fpcvt:", "/vlen"], Joined).only(Msvc).for_(CODE),
    key_value(&["/Qpar-report", "/Qvec-report"], Joined).for_("Messages."),
    key(&["/fsanitize=address"])
        .shows(Shows::Paths)
        .for_("Objects hold paths of sources as they were found, for messages at run time."),
    key_value(&["/fsanitize-address-use-after-return", "/fno-sanitize-address-vcasan-lib"], Joined).for_(CODE),
    key(&["/W0", "/W1", "/W2", "/W3", "/W4", "/Wall", "/WX", "/WX-", "/WL", "/Wp64"]).for_(MESSAGES),
    key_value(&["/w", "/Wv"], Joined).says("Counts literally, in order.", MESSAGES),
    key_value(&["-W"], Prefix).only(ClangCl).says("Counts, in order.", MESSAGES),
    uncached(&["-Wa,", "-Wl,", "-Wp,"], Prefix, "Goes to another program past the driver.").only(ClangCl),
    key_value(&["-Rpass=", "-Rpass-analysis=", "-Rpass-missed="], Joined)
        .only(ClangCl)
        .for_("Remarks, which are replayed."),
    key(&["-Qunused-arguments", "--start-no-unused-arguments", "--end-no-unused-arguments"])
        .only(ClangCl)
        .for_("Messages."),
    key(&["-canonical-prefixes", "-no-canonical-prefixes"]).only(ClangCl).for_("How the driver finds its parts."),
    own(&["--target="], Joined, Own::Target).only(ClangCl).says("Counts, and is the target.", CODE),
    own(&["/clang:"], Joined, Own::Clang).only(ClangCl).says(
        "Counts where it is `-MD`, `-MMD`, `-MF`, `-MT`, `-MQ`, `-MP`, `-O…`, or an option with `-f` or `-m` that \
         counts for clang; else not cached. The rule for make is an output, its file's name does not count.",
        "Goes to the driver as clang's own option, behind all others. Without `-MF` the rule is beside \
         the source's name in the directory it runs in, and its target is the source's name \
         with `.o`, whatever `/Fo` says.",
    ),
    own(&["-Xclang"], Separate, Own::Frontend).only(ClangCl).says(
        "Counts where it is one of the short list in the page about gcc and clang; else not cached.",
        "Goes to clang's front end, past everything that the driver checks.",
    ),
    own(&["-mllvm"], Separate, Own::Llvm).only(ClangCl).shows(Shows::Directory).says(
        "Counts literally, in order, and all paths literally. Those that tell of the compiler's \
         own workings are not cached.",
        "Handed to LLVM. What it would write beside the outputs makes the result unstorable.",
    ),
    own(&["--driver-mode="], Joined, Own::DriverMode)
        .only(ClangCl)
        .says("Counts where it is `cl`; else not cached.", "Another command line's grammar."),
    uncached(&["-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang"], Nothing, "Of no use.")
        .only(ClangCl),
];
