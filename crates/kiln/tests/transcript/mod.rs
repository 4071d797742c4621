//! What a person sees of a session: every command, what it said and how it ended, with everything masked that is another
//! one on another machine or on another day.
#![allow(dead_code, reason = "each test uses its part of it")]

use crate::space::{Space, err, out, rustc};
use regex_lite::Regex;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// A session, to be compared with the one that is kept in `tests/snapshots`.
pub struct Transcript<'a> {
    space: &'a Space,
    text: String,
}

impl<'a> Transcript<'a> {
    pub fn new(space: &'a Space) -> Transcript<'a> {
        Transcript { space, text: String::new() }
    }

    /// `kiln` with these arguments.
    pub fn kiln(&mut self, args: &[&str]) -> &mut Self {
        self.kiln_with(&[], args)
    }

    /// The same with variables set.
    pub fn kiln_with(&mut self, set: &[(&str, &str)], args: &[&str]) -> &mut Self {
        let mut command = self.space.kiln(args);
        command.envs(set.iter().copied());
        let set: String = set.iter().map(|(name, value)| format!("{name}={value} ")).collect();
        self.command(&format!("{set}kiln {}", args.join(" ")), &mut command)
    }

    /// Any command, and what it is to be called.
    pub fn command(&mut self, shown: &str, command: &mut Command) -> &mut Self {
        let output = command.output().unwrap();
        let _ = writeln!(self.text, "$ {shown}");
        self.text.push_str(&out(&output));
        if !output.stderr.is_empty() {
            let _ = write!(self.text, "--- on standard error\n{}", err(&output));
        }
        if output.status.code() != Some(0) {
            let _ = writeln!(self.text, "--- exit code {}", output.status.code().unwrap());
        }
        self.text.push('\n');
        self
    }

    /// What somebody does in between, as a comment.
    pub fn note(&mut self, what: &str) -> &mut Self {
        let _ = writeln!(self.text, "# {what}\n");
        self
    }

    /// What a file holds now.
    pub fn file(&mut self, name: &str) -> &mut Self {
        let held =
            std::fs::read_to_string(self.space.path(name)).unwrap_or_else(|_| "(it is not there)\n".into());
        let _ = writeln!(self.text, "# {name} holds:\n{held}");
        self
    }

    /// Compares it. `INSTA_UPDATE=always cargo test -p kiln --test snapshots` accepts what is different.
    #[track_caller]
    pub fn is(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, mask(self.space, &self.text)));
    }
}

/// Text with a word in place of whatever is another one elsewhere or later: places, sizes, times, digests, versions, and
/// what `kiln doctor` says of this machine's disk and linker.
pub fn mask(space: &Space, text: &str) -> String {
    let kiln = Path::new(env!("CARGO_BIN_EXE_kiln")).parent().unwrap();
    let compiler = rustc();
    let toolchain = compiler.ancestors().nth(2).unwrap();
    let root = space.path("");
    let mut text = text.to_owned();
    for (place, word) in [(root.as_path(), "[SPACE]/"), (kiln, "[BIN]"), (toolchain, "[TOOLCHAIN]")] {
        text = text.replace(place.to_str().unwrap(), word);
    }
    for (pattern, word) in [
        (r"\b\d+(\.\d+)? ([KMG]i)?B\b", "[SIZE]"),
        (r"\b\d+(\.\d+)? (ms|s|min|h|d)\b( \d+ (s|min)\b)?( ago)?", "[TIME]"),
        (r"\bjust now\b", "[TIME]"),
        (r#""(\w*_(?:ms|bytes)|bytes)": \d+"#, r#""$1": [NUMBER]"#),
        (r"\b([0-9a-f]/)?[0-9a-f]{16,64}\b", "[DIGEST]"),
        (r"\brustc 1\.\d+\.\d+\S* \([^)]*\)", "rustc [VERSION]"),
        (r"\(\d+ looks\)", "([NUMBER] looks)"),
        (
            r"(?m)^(ok     |warning)  (disk|room|links|linker)( +).*(\n {21}.*)*",
            "[LEVEL]  $2$3[THIS MACHINE]",
        ),
        (
            r#""says": "[^"]*( on the disk|files can(not)? share|libraries are linked|tiny program)[^"]*""#,
            r#""says": "[THIS MACHINE]""#,
        ),
        (r"(?m)^(ok     |warning)  c  .*(\n {21}.*)*", "[LEVEL]  c           [THIS MACHINE]"),
        (r#""says": "[^"]*can be watched[^"]*""#, r#""says": "[THIS MACHINE]""#),
        (env!("CARGO_PKG_VERSION"), "[KILN]"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    // In a table the room in front of a masked number is that of the number.
    Regex::new(r" {2,}(\[SIZE\]|\[TIME\])").unwrap().replace_all(&text, "  $1").into_owned()
}
