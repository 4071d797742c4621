//! Which compiler is this, and can it be watched?

use super::{Finding, Patient};
use kiln_action::Invocation;
use kiln_compiler::Context;
use kiln_engine::inputs;
use kiln_engine::toolchain::{self, Whereabouts};
use kiln_recorder::{Act, Record, Recorder};
use kiln_sys::files;
use kiln_sys::identity::Memo;
use kiln_sys::process::{self, CapturedOutput, Ended, Program};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const INSTALL: &str = "https://rustup.rs installs one; rust-toolchain.toml and RUSTC choose one";

/// What there is to say, and the compiler.
pub(super) fn look(patient: &Patient<'_>) -> (Vec<Finding>, Option<PathBuf>) {
    let rustc = match find(patient) {
        Ok(rustc) => rustc,
        Err(finding) => return (vec![finding], None),
    };
    let version = ask(&rustc, &["-V"]).unwrap_or_default();
    match understood(patient, &rustc) {
        Err(finding) => (vec![finding], None),
        Ok(invocation) => {
            (vec![recognised(patient, &invocation, &version), watched(patient, &rustc)], Some(rustc))
        }
    }
}

fn ask(program: &Path, args: &[&str]) -> Option<String> {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    let output =
        process::ask(&Program { program: program.as_os_str(), called: None, args: &args, set: &[] }).ok()?;
    (output.ended == Ended::Code(0)).then(|| String::from_utf8_lossy(&output.out).trim().to_owned())
}

/// The compiler that cargo would run here, not rustup's proxy.
fn find(patient: &Patient<'_>) -> Result<PathBuf, Finding> {
    let named = patient.environment.get("RUSTC").filter(|name| !name.is_empty());
    let name = named.unwrap_or(OsStr::new("rustc"));
    let given = match Path::new(name).components().count() {
        1 => inputs::find_program(name, patient.environment),
        _ => Some(patient.directory.join(name)),
    };
    let shown = name.display();
    let missing = || Finding::problem("compiler", format!("there is no `{shown}` on PATH"), INSTALL);
    let given = given.ok_or_else(missing)?;
    let sysroot = ask(&given, &["--print", "sysroot"]).ok_or_else(|| {
        Finding::problem(
            "compiler",
            format!("{} does not say where its libraries are", given.display()),
            INSTALL,
        )
    })?;
    let real = Path::new(&sysroot).join("bin/rustc");
    Ok(if files::stat(&real).is_ok_and(|found| found.is_some()) { real } else { given })
}

/// A tiny compile, as cargo would ask for it.
fn arguments(patient: &Patient<'_>) -> Vec<OsString> {
    let out = patient.scratch.join("out");
    let source = patient.scratch.join("doctor.rs");
    let _ = files::create_dirs(&out);
    let _ = files::write_private(&source, b"pub fn answer() -> u32 { 42 }\nfn unused() {}\n");
    let mut args: Vec<OsString> = ["--crate-name", "doctor", "--crate-type", "lib", "--edition=2021"]
        .into_iter()
        .chain(["--emit=dep-info,metadata,link", "--error-format=json", "--out-dir"])
        .map(OsString::from)
        .collect();
    args.extend([out.into(), source.into()]);
    args
}

fn understood(patient: &Patient<'_>, rustc: &Path) -> Result<Invocation, Finding> {
    let args = arguments(patient);
    let odd = |what: String| {
        Finding::problem("compiler", format!("{}: {what}", rustc.display()), "builds with it are not cached")
    };
    let recognised = kiln_compiler::recognise(rustc.as_os_str(), args.first().map(OsString::as_os_str));
    let recognised = recognised.ok_or_else(|| odd("kiln does not support this compiler".into()))?;
    let context = Context {
        args: &args,
        directory: patient.directory,
        response: &|_| None,
        remap: None,
        base: None,
        getenv: &|name| patient.environment.get(name).map(OsStr::to_owned),
    };
    kiln_compiler::parse(&recognised, &context).map_err(|reason| odd(reason.to_string()))
}

fn recognised(patient: &Patient<'_>, invocation: &Invocation, version: &str) -> Finding {
    let none = Memo::none();
    let scratch = |name: &str| patient.scratch.join(name);
    let whereabouts = match patient.cache {
        Some(cache) => cache.whereabouts(),
        None => Whereabouts { memo: &none, memory: scratch("toolchains"), locks: scratch("flights") },
    };
    let shown = invocation.compiler.display();
    match toolchain::identify(invocation, &whereabouts) {
        Ok(_) => Finding::fine("compiler", format!("{version}, {shown}")),
        Err(reason) => Finding::problem(
            "compiler",
            format!("{version}, {shown}: {reason}"),
            "builds with it are not cached; a toolchain from rustup or a distribution is",
        ),
    }
}

/// Runs the tiny compile with and without the recorder: it has to see everything and to change nothing.
fn watched(patient: &Patient<'_>, rustc: &Path) -> Finding {
    const NAME: &str = "recorder";
    const LOST: &str =
        "what is not in the cache yet is compiled and not kept; please report it, with `rustc -vV`";
    if !kiln_recorder::watchable(rustc) {
        return Finding::problem(NAME, format!("{} is static or of another kind", rustc.display()), LOST);
    }
    let recorder = match Recorder::new(Some(&patient.scratch.join("recorder"))) {
        Ok(recorder) => recorder,
        Err(silence) => return Finding::problem(NAME, silence.to_string(), LOST),
    };
    let (Some(plain), set) =
        (compile(patient, rustc, &[]), recorder.environment(patient.environment.get("LD_PRELOAD")))
    else {
        return Finding::problem(NAME, "a tiny library does not compile even without it", INSTALL);
    };
    let set: Vec<(&OsStr, &OsStr)> =
        set.iter().map(|(name, value)| (OsStr::new(name), value.as_os_str())).collect();
    let Some(recorded) = compile(patient, rustc, &set) else {
        return Finding::problem(NAME, "with it a tiny library does not compile", LOST);
    };
    match recorder.finish(rustc) {
        Err(silence) => Finding::problem(NAME, silence.to_string(), LOST),
        Ok(record) if !saw(&record, &patient.scratch.join("doctor.rs")) => {
            Finding::problem(NAME, "it does not see which files rustc reads", LOST)
        }
        Ok(_) if plain != recorded => {
            Finding::problem(NAME, "with it the compiler's output is another", LOST)
        }
        Ok(record) => {
            let events = record.events.len();
            Finding::fine(
                NAME,
                format!("sees what this compiler looks at ({events} looks), and leaves no trace"),
            )
        }
    }
}

fn saw(record: &Record, source: &Path) -> bool {
    record.events.iter().any(|event| matches!(&event.act, Act::Open { path, errno: 0, .. } if path == source))
}

/// What came of the tiny compile: its messages and its outputs.
fn compile(patient: &Patient<'_>, rustc: &Path, set: &[(&OsStr, &OsStr)]) -> Option<Vec<Vec<u8>>> {
    let args = arguments(patient);
    let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let program = Program { program: rustc.as_os_str(), called: None, args: &args, set };
    let CapturedOutput { ended: Ended::Code(0), out, err } = process::ask(&program).ok()? else {
        return None;
    };
    let outputs = ["libdoctor.rlib", "libdoctor.rmeta", "doctor.d"];
    let outputs = outputs.iter().map(|name| files::read(&patient.scratch.join("out").join(name)).ok());
    [Some(out), Some(err)].into_iter().chain(outputs).collect()
}
