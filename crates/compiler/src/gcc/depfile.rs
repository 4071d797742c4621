//! The rules for make that gcc and clang write (`-MD`): which files they name.
//!
//! Spelling, by gcc 12 (`munge` in libcpp/mkdeps.cc) and clang 14: a space or tab in a name has a backslash before it, with
//! every backslash just before that doubled; `$` is `$$`; `#` is `\#`. A backslash at the end of a line continues it.

/// The prerequisites of all rules, in order; `None` if the text is not a list of rules.
pub fn prerequisites(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for line in lines(text) {
        let mut words = words(&line).into_iter();
        let mut targets = 0;
        loop {
            match words.next() {
                None if targets == 0 => break, // an empty line
                None => return None,
                Some(word) if word.ends_target => break,
                Some(_) => targets += 1,
            }
        }
        found.extend(words.map(|word| word.text));
    }
    Some(found)
}

/// Logical lines, without their ends.
fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(b'\n')) => {
                rest = &after[1..];
                push(&mut lines, b' ');
            }
            (b'\n', _) => lines.push(Vec::new()),
            (byte, _) => push(&mut lines, byte),
        }
    }
    lines
}

fn push(lines: &mut [Vec<u8>], byte: u8) {
    if let Some(line) = lines.last_mut() {
        line.push(byte);
    }
}

struct Word {
    text: Vec<u8>,
    /// Whether a colon that ends the targets follows.
    ends_target: bool,
}

fn words(line: &[u8]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut text = Vec::new();
    let mut targets = true;
    let mut at = 0;
    while at < line.len() {
        let next = line.get(at + 1).copied();
        match (line[at], next) {
            (b'\\', Some(escaped @ (b' ' | b'\t' | b'#'))) => {
                // backslashes before it were doubled
                let doubled = text.iter().rev().take_while(|&&byte| byte == b'\\').count() / 2;
                text.truncate(text.len() - doubled);
                text.push(escaped);
                at += 1;
            }
            (b'$', Some(b'$')) => {
                text.push(b'$');
                at += 1;
            }
            (b':', None | Some(b' ' | b'\t')) if targets => {
                targets = false;
                words.push(Word { text: std::mem::take(&mut text), ends_target: true });
            }
            (b' ' | b'\t', _) => {
                if !text.is_empty() {
                    words.push(Word { text: std::mem::take(&mut text), ends_target: false });
                }
            }
            (byte, _) => text.push(byte),
        }
        at += 1;
    }
    if !text.is_empty() {
        words.push(Word { text, ends_target: false });
    }
    words
}

#[cfg(test)]
mod tests;
