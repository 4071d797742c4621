//! Where gcc and clang break the lines of a rule for make. It depends on how long the names are, so a rule that is replayed
//! again for another directory must be broken anew to be what the compiler would have written there.

use kiln_action::Family;

/// gcc 12: `deps_write` with 72 columns (libcpp/mkdeps.cc, `make_write_name`).
const COLUMNS_OF_GCC: usize = 72;
/// clang 14: `DependencyFileGenerator::outputDependencyFile`.
const COLUMNS_OF_CLANG: usize = 75;

/// Rules with their lines broken as the compiler breaks them; `None` if the text is not a list of rules. Text that a
/// compiler wrote comes back as it was: where it does not, this is not how that compiler does it.
pub fn wrap(text: &[u8], family: Family) -> Option<Vec<u8>> {
    let mut wrapped = Vec::with_capacity(text.len() + 16);
    let text = joined(text);
    let text = match text.strip_suffix(b"\n") {
        Some(text) => text,
        None if text.is_empty() => return Some(wrapped),
        None => return None,
    };
    for line in text.split(|&byte| byte == b'\n') {
        let words = words(line);
        if words.is_empty() {
            wrapped.push(b'\n'); // clang puts an empty line before each of `-MP`'s
            continue;
        }
        let end = words.iter().position(|word| word.ends_with(b":"))?;
        let (targets, prerequisites) = words.split_at(end + 1);
        match family {
            Family::Clang | Family::ClangCl => clang(targets, prerequisites, &mut wrapped),
            Family::Gcc | Family::Rustc | Family::Msvc => gcc(targets, prerequisites, &mut wrapped),
        }
        wrapped.push(b'\n');
    }
    Some(wrapped)
}

/// The text with broken lines in one piece again.
fn joined(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after.strip_prefix(b"\n")) {
            (b'\\', Some(next)) => next,
            _ => {
                joined.push(byte);
                after
            }
        };
    }
    joined
}

/// The words of a line as they are written: a space with a backslash before it belongs to its word.
fn words(line: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut start = 0;
    for at in 0..=line.len() {
        let ends = line.get(at).is_none_or(|&byte| byte == b' ' && (at == 0 || line[at - 1] != b'\\'));
        if ends {
            words.extend(Some(&line[start..at]).filter(|word| !word.is_empty()));
            start = at + 1;
        }
    }
    words
}

/// The targets' last word ends with the colon, which gcc counts after it has chosen the line.
fn gcc(targets: &[&[u8]], prerequisites: &[&[u8]], to: &mut Vec<u8>) {
    let mut column = 0;
    for (at, word) in targets.iter().chain(prerequisites).enumerate() {
        let colon = usize::from(at + 1 == targets.len());
        let size = word.len() - colon;
        if column > 0 {
            if column + size > COLUMNS_OF_GCC {
                to.extend(b" \\\n");
                column = 0;
            }
            column += 1;
            to.push(b' ');
        }
        column += size + colon;
        to.extend(*word);
    }
}

fn clang(targets: &[&[u8]], prerequisites: &[&[u8]], to: &mut Vec<u8>) {
    let mut column = 0;
    for (at, word) in targets.iter().enumerate() {
        let colon = usize::from(at + 1 == targets.len());
        let size = word.len() - colon;
        if column == 0 {
            column = size;
        } else if column + size + 2 > COLUMNS_OF_CLANG {
            to.extend(b" \\\n  ");
            column = size + 2;
        } else {
            to.push(b' ');
            column += size + 1;
        }
        column += colon;
        to.extend(*word);
    }
    for word in prerequisites {
        let size = unescaped_length(word);
        if column + size + 3 > COLUMNS_OF_CLANG {
            to.extend(b" \\\n ");
            column = 2;
        }
        to.push(b' ');
        to.extend(*word);
        column += size + 1;
    }
}

/// clang counts names as they are, not as they are written.
fn unescaped_length(word: &[u8]) -> usize {
    let mut length = 0;
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped =
            matches!((byte, after.first()), (b'\\', Some(b' ' | b'#' | b'\\')) | (b'$', Some(b'$')));
        rest = if escaped { &after[1..] } else { after };
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests;
