//! With remap: may a unit that includes generated code (`include!(concat!(env!("OUT_DIR"), "/x.rs"))`) be shared between
//! checkouts, although it asks for a variable that names one?
//!
//! Only where the value does nothing but find a file: then rustc maps the file's path, and the value is in no output.
//! That is so if everywhere `OUT_DIR` stands in the unit's own sources it stands in this very form, and if nothing that
//! could bring in more code (an extern's exported macro, a proc macro) contains the word. In doubt the value counts.

/// The variable cargo names a package's directory of generated files by.
pub const OUT_DIR: &[u8] = b"OUT_DIR";

/// Whether a source uses the value of `OUT_DIR` only to find included files.
pub fn only_includes(source: &[u8]) -> bool {
    let text = String::from_utf8_lossy(source);
    let computed = ["env!", "option_env!"].iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let rest = text[at + name.len()..].trim_start().trim_start_matches(['(', '[', '{']).trim_start();
            !rest.starts_with('"') // a name that is put together elsewhere may be any
        })
    });
    !computed
        && text.match_indices("OUT_DIR").all(|(at, word)| is_include(&text[..at], &text[at + word.len()..]))
}

/// Whether what stands before and after the word makes it an include of a literal name in that directory.
fn is_include(before: &str, after: &str) -> bool {
    let Some(before) = strip_back(before, &["\"", "(", "env!", "(", "concat!", "("]) else { return false };
    let names = ["include!", "include_str!", "include_bytes!"];
    let Some(start) = names.iter().find_map(|name| before.strip_suffix(name)) else { return false };
    let whole_word = !start.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let Some(after) = strip_front(after, &["\"", ")", ",", "\""]) else { return false };
    let Some((name, after)) = after.split_once('"') else { return false };
    let after = after.trim_start();
    let after = after.strip_prefix(',').map_or(after, str::trim_start);
    whole_word && !name.contains('\\') && strip_front(after, &[")", ")"]).is_some()
}

fn strip_back<'a>(mut text: &'a str, tokens: &[&str]) -> Option<&'a str> {
    for token in tokens {
        text = text.strip_suffix(token)?.trim_end();
    }
    Some(text)
}

fn strip_front<'a>(mut text: &'a str, tokens: &[&str]) -> Option<&'a str> {
    for token in tokens {
        text = text.trim_start().strip_prefix(token)?;
    }
    Some(text)
}

#[cfg(test)]
mod tests;
