//! What stands in the place of a build script's executable, so that kiln is asked before the script runs. A file of a few thousand
//! bytes (launcher/launcher.c) that knows two names: kiln's, and that of the script beside it.

use kiln_action::os::OsStrExt;
use std::ffi::OsStr;
use std::path::Path;

static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/launcher"));
/// What launcher.c has in the places of the names, and how much room there is.
const KILN: (&[u8], usize) = (b"kiln: the path of kiln\0", 4096);
const SCRIPT: (&[u8], usize) = (b"kiln: the name of the script\0", 256);

/// The launcher's file for a script that is called `script` beside it; `None` where there is none for this machine, or a name is too
/// long for it.
pub fn launcher(kiln: &Path, script: &OsStr) -> Option<Vec<u8>> {
    let mut program = PROGRAM.to_vec();
    write(&mut program, KILN, kiln.as_os_str().as_bytes())?;
    write(&mut program, SCRIPT, script.as_bytes())?;
    Some(program)
}

fn write(program: &mut [u8], (mark, room): (&[u8], usize), name: &[u8]) -> Option<()> {
    let at = program.windows(mark.len()).position(|part| part == mark)?;
    let place = program.get_mut(at..at + room)?;
    if name.len() >= room || name.is_empty() || name.contains(&0) {
        return None;
    }
    place.fill(0);
    place[..name.len()].copy_from_slice(name);
    Some(())
}
