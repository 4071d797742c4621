//! What sources ask of their compiler, as far as their text shows: the name of a file, or which of two files is older.

/// What expands to a file's name, or gives it.
const NAMES: [&[u8]; 4] = [b"__FILE__", b"__BASE_FILE__", b"__builtin_FILE", b"source_location"];

/// Words that a name could be pasted from (`__FI ## LE__`) or be broken into by a backslash at the end of a line: what it
/// can end with, and what can stand before a last `_`.
const PIECES: [&[u8]; 14] = [
    b"E__",
    b"LE__",
    b"ILE__",
    b"FILE__",
    b"_FILE__",
    b"BASE_FILE__",
    b"_BASE_FILE__",
    b"E_",
    b"LE_",
    b"ILE_",
    b"FILE_",
    b"_FILE_",
    b"__FILE_",
    b"__builtin_",
];

/// Whether a source may ask for a file's name: it says one of the words, or what one could be pasted from.
pub fn may_ask_for_a_name(text: &[u8]) -> bool {
    says_a_name(text) || may_paste_a_name(text)
}

/// All these words end with a `_`, so only such words are looked at.
fn may_paste_a_name(text: &[u8]) -> bool {
    memchr::memchr_iter(b'_', text).map(|at| at + 1).any(|end| {
        if text.get(end).is_some_and(|&byte| is_of_word(byte)) {
            return false;
        }
        let start = text[..end].iter().rposition(|&byte| !is_of_word(byte)).map_or(0, |before| before + 1);
        PIECES.contains(&&text[start..end]) || ends_a_paste(text, start, end)
    })
}

/// Whether a word is but `_` or `__`, behind `##` or where it may be the last argument of a macro that pastes.
fn ends_a_paste(text: &[u8], start: usize, end: usize) -> bool {
    let before = || text[..start].trim_ascii_end();
    let last = || before().ends_with(b",") && text[end..].trim_ascii_start().starts_with(b")");
    match &text[start..end] {
        b"_" => before().ends_with(b"##"),
        b"__" => before().ends_with(b"##") || last(),
        _ => false,
    }
}

/// Whether it says one of the words. Of a system's header that is enough: what its macros paste they are given.
pub fn says_a_name(text: &[u8]) -> bool {
    NAMES.iter().any(|name| find(text, name).is_some())
}

fn is_of_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Whether a source has the compiler compare the times of two files: `#pragma GCC dependency`.
pub fn compares_times(text: &[u8]) -> bool {
    const WORD: &[u8] = b"dependency";
    let mut rest = text;
    let mut gone = 0;
    while let Some(at) = find(rest, WORD) {
        let before = text[..gone + at].trim_ascii_end();
        if before.len() < gone + at && before.ends_with(b"GCC") {
            return true;
        }
        gone += at + WORD.len();
        rest = &text[gone..];
    }
    false
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, word)
}

#[cfg(test)]
mod tests;
