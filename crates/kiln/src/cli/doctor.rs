//! `kiln doctor`: is everything as it should be, and if not, what to do?

use crate::paint::Paint;
use crate::progress::Progress;
use crate::{exit, say};
use kiln_config::layers::Loaded;
use kiln_engine::cache_dir::CacheDir;
use kiln_sys::env::{self, Environment};
use kiln_sys::files;
use serde_json::json;
use std::fmt::Write;
use std::path::{Path, PathBuf};

mod builds;
mod c;
mod cache;
mod compiler;
mod linker;
mod remote;
mod system;

/// How to show it.
#[derive(clap::Args)]
#[command(after_help = "\
It looks at builds in this directory: run it in your project. Nothing is changed, but the cache directory is made if it \
is not there; a few tiny programs are compiled and linked in a temporary directory.

Exit codes: 0 if nothing is wrong (there may be warnings), 1 if something is.")]
pub struct Arguments {
    /// As JSON (fields are only ever added)
    #[arg(long)]
    json: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Fine,
    Warning,
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// Stable, for programs.
    name: &'static str,
    severity: Severity,
    /// What is so.
    says: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Finding {
    fn fine(name: &'static str, says: impl Into<String>) -> Finding {
        Finding { name, severity: Severity::Fine, says: says.into(), advice: None }
    }

    fn warning(name: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { name, severity: Severity::Warning, says: says.into(), advice: Some(advice.into()) }
    }

    fn problem(name: &'static str, says: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { name, severity: Severity::Problem, says: says.into(), advice: Some(advice.into()) }
    }
}

/// What the doctor looks at.
struct Patient<'a> {
    environment: &'a Environment,
    directory: &'a Path,
    loaded: &'a Loaded,
    /// The cache, where it can be opened.
    cache: Option<&'a CacheDir>,
    /// A directory for trials.
    scratch: &'a Path,
}

/// Looks at everything.
pub fn run(
    arguments: &Arguments,
    loaded: &Loaded,
    environment: &Environment,
    directory: &Path,
    paint: Paint,
) -> i32 {
    let progress = Progress::start("looking at everything", paint.moves() && !arguments.json);
    let scratch = Scratch::new();
    let opened = CacheDir::open(&loaded.settings);
    let patient =
        Patient { environment, directory, loaded, cache: opened.as_ref().ok(), scratch: &scratch.0 };
    let mut findings = system::look();
    findings.extend(builds::look(&patient));
    findings.extend(cache::look(&patient, opened.as_ref().err()));
    let (found, rustc) = compiler::look(&patient);
    findings.extend(found);
    if let Some(rustc) = rustc {
        findings.extend(linker::look(&patient, &rustc));
    }
    findings.extend(c::look(&patient));
    findings.extend(remote::look(&patient));
    drop(progress);
    match arguments.json {
        true => say(&format!("{:#}\n", as_json(&findings))),
        false => say(&as_text(&findings, paint)),
    }
    if count(&findings, Severity::Problem) > 0 { exit::WRONG } else { exit::FINE }
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn as_json(findings: &[Finding]) -> serde_json::Value {
    let report = |finding: &Finding| {
        let severity = match finding.severity {
            Severity::Fine => "ok",
            Severity::Warning => "warning",
            Severity::Problem => "problem",
        };
        json!({ "name": finding.name, "level": severity, "says": finding.says, "advice": finding.advice })
    };
    json!({
        "schema": 1,
        "findings": findings.iter().map(report).collect::<Vec<_>>(),
        "warnings": count(findings, Severity::Warning),
        "problems": count(findings, Severity::Problem),
    })
}

fn as_text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Fine => paint.good("ok     "),
            Severity::Warning => paint.warning("warning"),
            Severity::Problem => paint.bad("PROBLEM"),
        };
        let _ = writeln!(text, "{severity}  {:<10}  {}", finding.name, finding.says);
        if let Some(advice) = &finding.advice {
            let indented = advice.replace('\n', "\n                     ");
            let _ = writeln!(text, "                     {} {indented}", paint.faint("->"));
        }
    }
    let (problems, warnings) = (count(findings, Severity::Problem), count(findings, Severity::Warning));
    let some = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let _ = match (problems, warnings) {
        (0, 0) => writeln!(text, "\nAll is well."),
        (0, _) => writeln!(text, "\nNothing is wrong; {}.", some(warnings, "warning")),
        _ => writeln!(text, "\n{}, {}.", some(problems, "problem"), some(warnings, "warning")),
    };
    text
}

/// A directory of its own that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        let temporary = env::temporary_directory();
        let room = files::create_private_room(&temporary, "kiln-doctor-");
        Scratch(room.unwrap_or_else(|_| temporary.join("kiln-doctor"))) // if it cannot be, the trials say so
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        clear(&self.0);
    }
}

fn clear(directory: &Path) {
    for entry in files::list(directory).ok().flatten().unwrap_or_default() {
        let path = directory.join(&entry.name);
        if entry.kind == kiln_action::FileKind::Directory {
            clear(&path);
        } else {
            let _ = files::remove(&path);
        }
    }
    let _ = files::remove_empty_dir(directory);
}

#[cfg(test)]
mod tests;
