//! The kinds of remote stores, from the table that their URLs are read through.

use kiln_action::schemes::{ACCESS, SCHEMES, Says, Scheme, Takes, Word};
use std::fmt::Write;

const INTRODUCTION: &str = "\
# Remote stores

Generated from the table in crates/action/src/schemes.rs by `cargo xtask docs`. How stores are used: [sharing a cache](../guide/sharing.md).

The setting [`remote`](settings.md#remote) is a list of URLs, from near to far. What stands in a URL's query are words with values:
`s3://bucket/prefix?region=auto&access=read-only`. A value's special characters are written as in any URL (`%26` is `&`). A URL whose scheme or
word is not on this page is reported once a build, and the build goes on without any remote store.

A login and the values marked *hidden* are shown by no command, and stand in no log.
";

/// `docs/reference/stores.md`.
pub fn page() -> String {
    let mut text = String::from(INTRODUCTION);
    text += "\n| scheme | what it is | example |\n|---|---|---|\n";
    for scheme in SCHEMES {
        let _ = writeln!(text, "| `{}://` | {} | `{}` |", scheme.name, scheme.does, scheme.example);
    }
    let _ = write!(text, "\n## Words\n\n| word | of | value | |\n|---|---|---|---|\n");
    let _ = writeln!(text, "{}", row(&ACCESS, "all"));
    let mut listed: Vec<&str> = Vec::new();
    for word in SCHEMES.iter().flat_map(|scheme| scheme.words) {
        if !listed.contains(&word.name) {
            listed.push(word.name);
            let _ = writeln!(text, "{}", row(word, &those_with(word)));
        }
    }
    for scheme in SCHEMES.iter().filter(|scheme| !scheme.variables.is_empty()) {
        let _ = write!(text, "\n## Variables of {}://\n\n{}", scheme.name, variables(scheme));
    }
    text
}

fn those_with(word: &Word) -> String {
    let with = SCHEMES.iter().filter(|scheme| scheme.words.iter().any(|own| own.name == word.name));
    let names: Vec<String> = with.map(|scheme| format!("`{}`", scheme.name)).collect();
    names.join(", ")
}

fn row(word: &Word, of: &str) -> String {
    let value = match word.takes {
        Takes::OneOf(all) => all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or "),
        Takes::Secret(what) => format!("{what}; *hidden*"),
        takes => takes.to_string(),
    };
    format!("| `{}` | {of} | {value} | {} |", word.name, word.does)
}

fn variables(scheme: &Scheme) -> String {
    let mut text = String::from(
        "They count with the values that they have for the build; the daemon's own environment does not count.\n\n\
         | variable | it says |\n|---|---|\n",
    );
    for variable in scheme.variables {
        let says = match variable.says {
            Says::Where => "where the store is",
            Says::How => "where credentials are found, or how",
            Says::Secret => "a credential; *hidden*",
        };
        let _ = writeln!(text, "| `{}` | {says} |", variable.name);
    }
    text
}
