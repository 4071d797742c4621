//! Which linker is used, and is there a faster one here?

use super::{Finding, Patient};
use crate::{links, wiring};
use kiln_compiler::rustc::linker;
use kiln_engine::inputs;
use kiln_prefill::configuration;
use kiln_recorder::{Record, Recorder};
use kiln_sys::clock::Moment;
use kiln_sys::files;
use kiln_sys::process::{self, Ended, Program};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

const NAME: &str = "linker";

/// Linkers that a compiler's driver can use, by the driver's name for them and the program it then looks for.
const KNOWN: [(&str, &str); 3] = [("mold", "mold"), ("lld", "ld.lld"), ("wild", "wild")];

pub(super) fn look(patient: &Patient<'_>, rustc: &Path) -> Vec<Finding> {
    let source = patient.scratch.join("link.rs");
    let _ = files::write_private(&source, b"fn main() { println!(\"{:?}\", std::env::args()); }\n");
    let flags = own_flags(patient);
    let Some(used) = used(patient, rustc, &flags) else {
        let advice = "is a C compiler installed (`cc`)? Without one nothing can be linked";
        return vec![Finding::problem(NAME, "a tiny program cannot be linked", advice)];
    };
    let today = best(patient, rustc, &flags);
    let mut tried = Vec::new();
    for (name, program) in KNOWN {
        let choice = format!("-fuse-ld={name}");
        let there = inputs::find_program(OsStr::new(program), patient.environment).is_some();
        if !there || used.contains(name) || linker::chooses_unmeasured(&choice) {
            continue; // with a linker that kiln does not know links are not cached
        }
        let mut flags = flags.clone();
        flags.push(format!("-Clink-arg={choice}").into());
        tried.extend(best(patient, rustc, &flags).map(|took| (took, name, choice)));
    }
    let milliseconds = |took: Duration| format!("{:.0} ms", took.as_secs_f64() * 1000.0);
    let Some(today) = today else { return vec![Finding::fine(NAME, used)] };
    let says = format!("{used}; compiling and linking a tiny program takes {}", milliseconds(today));
    vec![match tried.into_iter().min() {
        Some((took, name, choice)) if took + Duration::from_millis(5) < today.mul_f64(0.95) => {
            Finding::warning(
                NAME,
                format!("{says}, with {name} {}", milliseconds(took)),
                format!(
                    "faster links: in .cargo/config.toml\n[target.'cfg(target_os = \"linux\")']\nrustflags = [\"-C\", \
                 \"link-arg={choice}\"]"
                ),
            )
        }
        Some((_, name, _)) => Finding::fine(NAME, format!("{says} ({name} is not faster)")),
        None => Finding::fine(NAME, says),
    }]
}

/// The linker's name, as the recorder saw it run.
fn used(patient: &Patient<'_>, rustc: &Path, flags: &[OsString]) -> Option<String> {
    let recorder = Recorder::new(Some(&patient.scratch.join("recorder"))).ok();
    let set = recorder.as_ref().map(|it| it.environment(patient.environment.get("LD_PRELOAD")));
    let set: Vec<(&OsStr, &OsStr)> =
        set.iter().flatten().map(|(name, value)| (OsStr::new(name), value.as_os_str())).collect();
    link(patient, rustc, flags, &set)?;
    let record = recorder.and_then(|recorder| recorder.finish(rustc).ok());
    Some(record.and_then(|record| name_in(&record)).unwrap_or_else(|| "an unknown linker".into()))
}

fn name_in(record: &Record) -> Option<String> {
    const ENDS: [&str; 6] = ["ld", "ld.bfd", "gold", "lld", "mold", "wild"];
    let mut names = record.processes.iter().skip(1).filter_map(|process| process.exe.file_name()?.to_str());
    names.rfind(|name| ENDS.iter().any(|end| name.ends_with(end))).map(str::to_owned)
}

/// The shortest of some runs.
fn best(patient: &Patient<'_>, rustc: &Path, flags: &[OsString]) -> Option<Duration> {
    const RUNS: usize = 4;
    (0..RUNS).map(|_| link(patient, rustc, flags, &[])).collect::<Option<Vec<_>>>()?.into_iter().min()
}

fn link(
    patient: &Patient<'_>,
    rustc: &Path,
    flags: &[OsString],
    set: &[(&OsStr, &OsStr)],
) -> Option<Duration> {
    let (source, out) = (patient.scratch.join("link.rs"), patient.scratch.join("link"));
    let own = ["--crate-type", "bin", "-Cdebuginfo=2", "-o"].map(OsStr::new);
    let args: Vec<&OsStr> = own
        .into_iter()
        .chain([out.as_os_str(), source.as_os_str()])
        .chain(flags.iter().map(OsString::as_os_str))
        .collect();
    // rustc links with the `cc` of `$PATH`: where that is kiln, what matters is the compiler behind it
    let path = wiring::own_wrapper().and_then(|own| links::path_without(&own, patient.environment));
    let path = path.iter().map(|path| (OsStr::new("PATH"), path.as_os_str()));
    let set: Vec<(&OsStr, &OsStr)> = set.iter().copied().chain(path).collect();
    let started = Moment::now();
    let output =
        process::ask(&Program { program: rustc.as_os_str(), called: None, args: &args, set: &set }).ok()?;
    (output.ended == Ended::Code(0)).then(|| started.elapsed())
}

/// What the user already says about linking: in the environment, else in cargo's configuration.
fn own_flags(patient: &Patient<'_>) -> Vec<OsString> {
    let text =
        |name: &str| patient.environment.get(name).and_then(OsStr::to_str).filter(|text| !text.is_empty());
    let words: Vec<String> = match (text("CARGO_ENCODED_RUSTFLAGS"), text("RUSTFLAGS")) {
        (Some(encoded), _) => encoded.split('\u{1f}').map(str::to_owned).collect(),
        (None, Some(plain)) => plain.split_whitespace().map(str::to_owned).collect(),
        (None, None) => configured(patient),
    };
    let joined = words.join("\u{1f}").replace("-C\u{1f}", "-C");
    let about_linking = |flag: &&str| flag.starts_with("-Clink") || flag.starts_with("-Zlinker");
    joined.split('\u{1f}').filter(about_linking).map(OsString::from).collect()
}

/// Flags and linkers of every target that cargo's configuration names for this system.
fn configured(patient: &Patient<'_>) -> Vec<String> {
    let mut words = Vec::new();
    for file in configuration::files(patient.environment, patient.directory) {
        let Some(document) = wiring::read(&file) else { continue };
        let targets = document.get("target").and_then(|item| item.as_table_like());
        let here = |name: &str| {
            name.contains(std::env::consts::ARCH) && name.contains("linux")
                || name.starts_with("cfg(") && (name.contains("linux") || name.contains("unix"))
        };
        let tables = targets.into_iter().flat_map(|targets| targets.iter()).filter(|(name, _)| here(name));
        let tables: Vec<_> = tables.map(|(_, item)| item).chain(document.get("build")).collect();
        for table in tables.into_iter().filter_map(|item| item.as_table_like()) {
            if let Some(program) = table.get("linker").and_then(|item| item.as_str()) {
                words.push(format!("-Clinker={program}"));
            }
            let flags = table.get("rustflags");
            match flags.map(|flags| (flags.as_array(), flags.as_str())) {
                Some((Some(list), _)) => {
                    words.extend(list.iter().filter_map(|it| it.as_str()).map(str::to_owned))
                }
                Some((_, Some(text))) => words.extend(text.split_whitespace().map(str::to_owned)),
                _ => {}
            }
        }
    }
    words
}
