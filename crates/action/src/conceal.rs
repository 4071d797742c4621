//! What of an argument may be written down for an explanation. Where people put words of their own into a command line
//! (`--cfg`, words for the linker or LLVM), what stands after `=` may be a secret, as a variable's value may be. It is kept
//! as those are: as a digest with the salt of the cache directory. The key itself is made of everything.

use crate::Digest;
use crate::digest;
use crate::os::OsStrExt;
use crate::schemes::{self, Scheme};
use crate::words::salted;
use std::ffi::OsString;

/// In front of the digest that stands for a value.
const MARK: char = '#';
const DIGITS: usize = 32;

/// What a person may see in place of a value.
const HIDDEN: char = '\u{2026}';

/// Names of `--cfg` whose values rustc or cargo choose.
const KNOWN_CFGS: [&str; 4] = ["feature", "panic", "unix", "windows"];

/// Parts of names that say what the value is.
const TELLING: [&str; 7] = ["token", "secret", "passw", "passphrase", "credential", "auth", "key"];

/// Whose words a field of the key holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    /// The compiler's own vocabulary, or a path.
    Compiler,
    /// A `name="value"` that a person made up.
    Cfg,
    /// A macro of C.
    Macro,
    /// Words that a compiler hands on: flags of the linker or of LLVM.
    Foreign,
}

fn words_of(field: &str) -> Words {
    match field {
        "cfg" | "env-set" | "Z.crate-attr" => Words::Cfg,
        "-D" => Words::Macro,
        "-Wl," | "-Wa," | "-Wp," | "-Xlinker" | "-Xassembler" | "-Xpreprocessor" | "argument" => {
            Words::Foreign
        }
        "C.link-arg" | "C.link-args" | "C.llvm-args" | "Z.pre-link-arg" | "Z.pre-link-args" => Words::Foreign,
        _ => Words::Compiler,
    }
}

/// The value of a field of the key (an option's begins with its own `=`) as it may be written down.
pub fn argument(field: &str, value: &str, salt: &[u8]) -> String {
    match words_of(field) {
        Words::Compiler => value.to_owned(),
        Words::Macro => assignment(value, salt, |name| is_small_number(&value[name.len() + 1..])),
        Words::Cfg => assignment(value, salt, |name| {
            field == "cfg" && (KNOWN_CFGS.contains(&name) || name.starts_with("target_"))
        }),
        Words::Foreign => {
            let is_between = |c: char| c.is_whitespace() || c == ',';
            let mut shown = String::with_capacity(value.len());
            let (own, mut rest) = value.split_at(usize::from(value.starts_with('=')));
            shown.push_str(own);
            loop {
                let end = rest.find(is_between).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                shown.push_str(&foreign(word, salt));
                let Some(between) = after.chars().next() else { return shown };
                shown.push(between);
                rest = &after[between.len_utf8()..];
            }
        }
    }
}

/// `-DNDEBUG`, `-D_FORTIFY_SOURCE=2`: too short to be a secret.
fn is_small_number(value: &str) -> bool {
    value.len() <= 3 && value.bytes().all(|b| b.is_ascii_digit())
}

/// `-fuse-ld=mold` is a flag; `-DNAME=value`, `NAME=value` and `--defsym=name=value` set something.
fn foreign(word: &str, salt: &[u8]) -> String {
    assignment(word, salt, |name| {
        let value = &word[name.len() + 1..];
        let lower = name.to_ascii_lowercase();
        name.starts_with('-')
            && name == lower
            && !value.contains('=')
            && !TELLING.iter().any(|it| lower.contains(it))
    })
}

/// With the value replaced by its print, unless the name says that it may be seen.
fn assignment(text: &str, salt: &[u8], open: impl Fn(&str) -> bool) -> String {
    match text.split_once('=') {
        Some((name, value)) if !open(name) => {
            let print = digest::hex(&salted(salt, &Digest::of(value.as_bytes())));
            format!("{name}={MARK}{print}")
        }
        _ => text.to_owned(),
    }
}

/// A whole command line as it may be written down, word by word.
pub fn command_line(argv: &[OsString], salt: &[u8]) -> Vec<Vec<u8>> {
    let mut before = "";
    let mut shown = Vec::with_capacity(argv.len());
    for word in argv {
        let Some(text) = word.to_str() else {
            shown.push(word.as_bytes().to_vec()); // rustc refuses it
            continue;
        };
        let (kept, flag, value) = parts(before, text);
        let field = match flag {
            "-C" | "--codegen" | "-Z" => {
                let group = if flag == "-Z" { 'Z' } else { 'C' };
                let name = value.split('=').next().unwrap_or_default();
                let field = format!("{group}.{}", name.replace('_', "-"));
                let (name, value) = value.split_at(name.len());
                Some(format!("{kept}{name}{}", argument(&field, value, salt)))
            }
            "" => None,
            "-D" | "-Wl," => Some(format!("{kept}{}", argument(flag, value, salt))),
            flag => Some(format!("{kept}{}", argument(flag.trim_start_matches('-'), value, salt))),
        };
        shown.push(field.map_or_else(|| text.into(), String::into_bytes));
        before = text;
    }
    shown
}

/// A word as what stays, the flag it belongs to if that is one with words of its own, and the flag's value.
fn parts<'a>(before: &str, word: &'a str) -> (&'a str, &'static str, &'a str) {
    const FLAGS: [&str; 7] = ["--cfg", "--env-set", "--codegen", "-C", "-Z", "-D", "-Wl,"];
    if let Some(flag) = FLAGS.into_iter().find(|flag| *flag == before) {
        return ("", flag, word);
    }
    let glued = FLAGS.into_iter().find_map(|flag| {
        let rest = word.strip_prefix(flag)?;
        let rest = if flag.starts_with("--") { rest.strip_prefix('=')? } else { rest };
        Some((&word[..word.len() - rest.len()], flag, rest))
    });
    glued.unwrap_or((word, "", ""))
}

/// For people: a sign in place of every digest.
pub fn for_people(text: &str) -> String {
    let is_print =
        |rest: &str| rest.len() >= DIGITS && rest.as_bytes()[..DIGITS].iter().all(u8::is_ascii_hexdigit);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        shown.push_str(&rest[..at]);
        rest = &rest[at + MARK.len_utf8()..];
        if shown.ends_with('=') && is_print(rest) {
            shown.push(HIDDEN);
            rest = &rest[DIGITS..];
        } else {
            shown.push(MARK);
        }
    }
    shown + rest
}

/// What stands for what nobody is shown.
const SECRET: &str = "***";
/// The URL of a remote store as anybody may see it: without the user and the password, its own and its endpoint's, without a
/// fragment, and without values in the query that its row among the [schemes] does not show.
pub fn url(text: &str) -> String {
    let scheme = text.split_once("://").and_then(|(name, _)| schemes::scheme(name));
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let (address, fragment) = address.split_once('#').unwrap_or((address, ""));
    let (query, of_query) = query.split_once('#').unwrap_or((query, ""));
    let mut shown = without_login(address);
    for (at, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        shown.push(if at == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, value)) if may_show(scheme, name, value) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(&option(value));
            }
            Some((name, _)) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(SECRET);
            }
            None => shown.push_str(SECRET),
        }
    }
    if !fragment.is_empty() || !of_query.is_empty() {
        shown.push('#');
        shown.push_str(SECRET);
    }
    shown
}

fn may_show(scheme: Option<&Scheme>, name: &str, value: &str) -> bool {
    scheme.and_then(|scheme| scheme.word(name)).is_some_and(|word| word.takes.may_show(value))
}

/// An address without what stands before the last `@`.
fn without_login(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let between = if scheme.is_empty() { "" } else { "://" };
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme != "file" => format!("{scheme}{between}{SECRET}@{host}"),
        _ => address.to_owned(),
    }
}

/// The value of a public word, which may be a URL itself: then its characters may be written as `%40`, and so may a login's end be.
fn option(value: &str) -> String {
    let plain = value
        .replace("%3A", ":")
        .replace("%3a", ":")
        .replace("%2F", "/")
        .replace("%2f", "/")
        .replace("%40", "@");
    match plain.contains('@') {
        true => without_login(plain.split(['?', '#']).next().unwrap_or_default()),
        false => value.split(['?', '#']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
