//! What is known of libc's functions: the object has a hook for those that look at something, and a table names those that do not.

#[cfg(unix)]
use crate::object::OBJECT;

#[cfg(not(unix))]
static OBJECT: &[u8] = &[];

static TABLE: &str = include_str!("harmless.txt");

/// The object, which exports its hooks by the names of the functions that they stand before; empty on other machines.
pub fn object() -> &'static [u8] {
    OBJECT
}

/// The names of what neither looks at anything nor changes a name.
pub fn harmless() -> impl Iterator<Item = &'static str> {
    rows().flat_map(|(_, names)| names)
}

/// Those among them of which the last bits are another processor's otherwise.
pub fn of_processor() -> impl Iterator<Item = &'static str> {
    rows().filter(|(why, _)| why.contains("hang on the processor")).flat_map(|(_, names)| names)
}

/// The table: reasons, and the names that each is for.
pub fn rows() -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static str>)> {
    let blocks = TABLE.split("\n\n").skip(1);
    blocks
        .filter_map(|block| block.trim_start().strip_prefix("# ")?.split_once('\n'))
        .map(|(why, names)| (why, names.split_whitespace()))
}

/// Another one whenever the hooks or the table are.
pub const VERSION: &str = env!("KILN_KNOWN_DIGEST");
