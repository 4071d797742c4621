//! Words of sources after which a result depends on more than what was read: the time, or how a file is called.

/// Macros that expand to the time of day or the date (`SOURCE_DATE_EPOCH` settles the first two).
pub const TIME: &[&[u8]] = &[b"__DATE__", b"__TIME__"];

/// The macro that expands to a file's time of change, which nothing settles.
pub const TIMESTAMP: &[u8] = b"__TIMESTAMP__";

/// What expands to a source's path as it was found: absolute if it was found through an absolute path. A value computed
/// from one (`sizeof __FILE__`) leaves nothing in an output that could be searched for.
pub const PATH: &[&[u8]] =
    &[b"__FILE__", b"__BASE_FILE__", b"__builtin_FILE", b"__builtin_source_location", b"source_location"];
