//! What a unit is called: in results, in events and in baselines.

use kiln_action::os::OsStrExt;
use kiln_action::{Digest, Invocation};
use std::ffi::OsString;
use std::path::Path;

/// The name of a unit in results, events and baselines.
pub fn name(invocation: &Invocation) -> String {
    format!("{} {}", invocation.unit.name, invocation.unit.kind)
}

/// The stem of the names of a unit's files.
pub fn stem(invocation: &Invocation) -> String {
    invocation.outputs.stems.first().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// Tells apart the runs of units of one name: cargo's metadata does, and the output of a C compile.
pub fn variant(invocation: &Invocation) -> [u8; 8] {
    let metadata = invocation.fields.iter().filter(|field| field.name == "C.metadata");
    let output = invocation.outputs.files.first().filter(|_| invocation.subject.is_c());
    let output = output.map(|path| path.as_os_str().as_bytes());
    let text: Vec<&[u8]> = metadata.map(|field| field.value.as_bytes()).chain(output).collect();
    let mut variant = [0; 8];
    variant.copy_from_slice(&Digest::of(&text.join(&0)).hash[..8]);
    variant
}

/// The name of a crate, by a command line that is not understood.
pub fn crate_name(argv: &[OsString]) -> String {
    let named = argv.iter().zip(argv.iter().skip(1)).find(|(flag, _)| *flag == "--crate-name");
    named.map_or_else(String::new, |(_, name)| name.to_string_lossy().into_owned())
}

/// The name of a C compile, by such a command line: what it writes, else the compiler itself.
pub fn c_name(argv: &[OsString]) -> String {
    let named = argv.iter().zip(argv.iter().skip(1)).find(|(flag, _)| *flag == "-o").map(|(_, name)| name);
    let path = Path::new(named.unwrap_or(&argv[0]));
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
