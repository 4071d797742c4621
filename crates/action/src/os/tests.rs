use super::elsewhere::{NO_NAME, OsStrExt as _, OsStringExt as _};
use std::ffi::{OsStr, OsString};

/// The names of the traits are those of std on Unix, so they are called by what they are.
#[test]
fn what_is_no_string_there_is_the_name_of_nothing() {
    for bytes in [b"plain".as_slice(), "gr\u{fc}n".as_bytes(), b""] {
        assert_eq!(<OsStr as super::elsewhere::OsStrExt>::as_bytes(OsStr::from_bytes(bytes)), bytes);
        assert_eq!(OsString::from_vec(bytes.to_vec()).into_vec(), bytes);
    }
    // Latin-1; half of a pair of UTF-16, alone and as the two of a pair that would be one letter.
    for bytes in [b"gr\xfcn".as_slice(), b"\xed\xa0\xbd", b"\xed\xa0\xbd\xed\xb8\x80"] {
        assert_eq!(OsStr::from_bytes(bytes), NO_NAME);
        assert_eq!(OsString::from_vec(bytes.to_vec()), NO_NAME);
    }
    assert!(std::fs::exists(NO_NAME).is_err());
}
