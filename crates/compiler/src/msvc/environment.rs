//! Variables that clang-cl and cl read for themselves. What clang reads under any name is in
//! [`crate::gcc::environment`]; clang 14 as clang-cl was asked the same way, cl's are from its documentation.

use crate::gcc::environment::{Row, counting};

counting! {
    ("INCLUDE", "Where headers are looked for."),
    ("EXTERNAL_INCLUDE", "Where headers are looked for."),
    ("VCToolsInstallDir", "Where clang-cl looks for Microsoft's headers, and which version it plays."),
    ("VCINSTALLDIR", "Where clang-cl looks for Microsoft's headers."),
    ("WindowsSdkDir", "Where clang-cl looks for a system's headers."),
    ("WindowsSDKLibVersion", "Which of the system's headers clang-cl takes."),
    ("UCRTVersion", "Which of the C library's headers clang-cl takes."),
    ("UniversalCRTSdkDir", "Where clang-cl looks for the C library's headers."),
    ("VSLANG", "The language of cl's messages, which are replayed."),
    ("SOURCE_DATE_EPOCH", "What `__DATE__` and `__TIME__` are."),
    ("LLVM_OVERRIDE_PRODUCER", "Is written into bitcode."),
    ("SDKROOT", "Where clang looks for a system's headers."),
    ("ROCM_PATH", "Where clang looks for a device's headers."),
    ("LC_ALL", "The language and the letters of messages, which are replayed."),
    ("LC_CTYPE", "The letters of messages."),
    ("LC_MESSAGES", "The language of messages."),
    ("LANG", "The language and the letters of messages."),
}

/// With one of these set, to more than nothing, nothing is cached, beside those of [`crate::gcc::environment::UNCACHED`].
pub const UNCACHED: &[Row] = &[
    (
        "CL",
        "Further arguments, before those of the command line. What a variable says is never kept as text.",
    ),
    ("_CL_", "Further arguments, behind those of the command line."),
    ("VS_UNICODE_OUTPUT", "Visual Studio's own pipe, to which cl writes its messages."),
];
