//! Which C compilers are there, and can each be watched?

use super::{Finding, Patient};
use crate::{setup, wiring};
use kiln_action::Family;
use kiln_compiler::{family_of, recognise};
use kiln_engine::inputs;
use kiln_recorder::{Act, Recorder};
use kiln_sys::files;
use kiln_sys::process::{self, Ended, Program};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const NAME: &str = "c";

/// Other programs that stand in front of compilers, or behind their names.
const RIVALS: [&str; 6] = ["ccache", "sccache", "cachepot", "buildcache", "distcc", "icecc"];

const NOT_AT_ALL: &str = "it does not compile a tiny file";

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        compilers(patient).iter().map(|(real, names)| looked_at(patient, real, names)).collect();
    if findings.is_empty() {
        findings.push(Finding::fine(NAME, "there is no C compiler on PATH"));
    }
    findings.push(wired(patient));
    findings.extend(chosen(patient));
    findings
}

/// The compilers on `$PATH` by the files that they are, each with the paths that lead to it; kiln's own links are none.
fn compilers(patient: &Patient<'_>) -> BTreeMap<PathBuf, Vec<PathBuf>> {
    let real = |path: &Path| files::real_path(path).ok().flatten();
    let own = wiring::own_wrapper().and_then(|own| real(&own));
    let (mut found, mut seen) = (BTreeMap::<PathBuf, Vec<PathBuf>>::new(), BTreeSet::new());
    for directory in inputs::search_path(patient.environment).iter().filter(|path| path.is_absolute()) {
        for entry in files::list(directory).ok().flatten().unwrap_or_default() {
            let path = directory.join(&entry.name);
            let is_c = recognise(&entry.name, None).is_some_and(|it| it.subject.is_c());
            let Some(real) = real(&path).filter(|_| is_c && process::is_executable(&path)) else { continue };
            if Some(&real) != own.as_ref() && seen.insert(entry.name) {
                found.entry(real).or_default().push(path);
            }
        }
    }
    found
}

fn looked_at(patient: &Patient<'_>, real: &Path, names: &[PathBuf]) -> Finding {
    const ADVICE: &str = "what it compiles is not cached; a dynamically linked compiler's is";
    let called: Vec<_> = names.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    let (shown, called) = (real.display(), called.join(", "));
    let name = real.file_name().unwrap_or_default();
    if RIVALS.iter().any(|rival| name == *rival) || name == "kiln" {
        let directory = names.first().and_then(|path| path.parent()).unwrap_or(Path::new("/"));
        let advice = format!(
            "take {} out of PATH: what is compiled through it is not cached here",
            directory.display()
        );
        return Finding::warning(NAME, format!("{called}: {} in disguise ({shown})", name.display()), advice);
    }
    let family = match family_of(name) {
        Some(Family::Gcc) => "gcc",
        Some(Family::Clang) => "clang",
        _ => return Finding::fine(NAME, format!("{called}: {shown}, whose compiles are not cached")),
    };
    let stat = files::stat(real).ok().flatten();
    if !kiln_recorder::watchable(real) {
        let why = match stat {
            Some(stat) if stat.mode & 0o6000 != 0 => "runs as another user",
            _ => "is static, or of another kind than this machine's programs",
        };
        return Finding::warning(NAME, format!("{called}: {shown} {why}, so it cannot be watched"), ADVICE);
    }
    let script = files::read_limited(real, 1 << 20).is_ok_and(|text| text.starts_with(b"#!"));
    let kind = if script { "a script; " } else { "" };
    match watched(patient, real) {
        Ok(()) => Finding::fine(NAME, format!("{called}: {family}, {kind}can be watched ({shown})")),
        Err(why) if why == NOT_AT_ALL => Finding::warning(
            NAME,
            format!("{called}: {shown}: {why}"),
            "is it whole, and is `as` (binutils) on PATH?",
        ),
        Err(why) => Finding::warning(NAME, format!("{called}: {shown}: {why}"), ADVICE),
    }
}

/// Compiles a tiny file with it: the recorder has to see the source being read.
fn watched(patient: &Patient<'_>, compiler: &Path) -> Result<(), String> {
    let (source, object) = (patient.scratch.join("doctor.c"), patient.scratch.join("doctor.o"));
    let _ = files::write_private(&source, b"int answer(void) { return 42; }\n");
    let recorder = Recorder::new(Some(&patient.scratch.join("recorder"))).map_err(|it| it.to_string())?;
    let set = recorder.environment(patient.environment.get("LD_PRELOAD"));
    let set: Vec<(&OsStr, &OsStr)> =
        set.iter().map(|(name, value)| (OsStr::new(name), value.as_os_str())).collect();
    let args = ["-x", "c", "-c"].map(OsStr::new);
    let args = [&args[..], &[source.as_os_str(), OsStr::new("-o"), object.as_os_str()]].concat();
    let program = Program { program: compiler.as_os_str(), called: None, args: &args, set: &set };
    let output = process::ask(&program).map_err(|error| error.to_string())?;
    let record = recorder.finish(compiler).map_err(|it| it.to_string())?;
    let saw = |act: &Act| matches!(act, Act::Open { path, errno: 0, .. } if *path == source);
    match output.ended {
        Ended::Code(0) if record.events.iter().any(|event| saw(&event.act)) => Ok(()),
        Ended::Code(0) => Err("what it reads is not seen".into()),
        _ => Err(NOT_AT_ALL.into()),
    }
}

/// Whether C compiles come here at all.
fn wired(patient: &Patient<'_>) -> Finding {
    const NAME: &str = "c wiring";
    let found = setup::c::look(patient.environment, patient.directory);
    if let Some((says, advice)) = found.trouble() {
        return match found.is_broken() {
            true => Finding::problem(NAME, says, advice),
            false => Finding::warning(NAME, says, advice),
        };
    }
    let settings = &patient.loaded.settings;
    let scripts = match (found.is_wired(), settings.wire_c && settings.build_scripts) {
        (true, _) => "build scripts compile C through kiln (`kiln setup --c`)",
        (false, true) => "build scripts that cargo makes through kiln compile C through it",
        (false, false) => "build scripts compile C past kiln: `wire-c` or `build-scripts` is off",
    };
    let others = match settings.wire_c {
        true => "`kiln run` wires any other build",
        false => "`wire-c` is off for `kiln run`",
    };
    Finding::fine(NAME, format!("{scripts}; {others}"))
}

/// Variables that name another cache in front of the compiler.
fn chosen(patient: &Patient<'_>) -> Vec<Finding> {
    const VARIABLES: [&str; 4] = ["CC", "CXX", "CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER"];
    let rival = |variable: &&str| {
        let value = patient.environment.get(variable)?.to_str()?;
        let first = Path::new(value.split_whitespace().next()?).file_name()?;
        RIVALS.iter().any(|rival| first == *rival).then(|| value.to_owned())
    };
    let found = VARIABLES.iter().filter_map(|variable| Some((variable, rival(variable)?)));
    let finding = |(variable, value): (&&str, String)| {
        let same = if variable.starts_with("CMAKE") {
            "kiln".to_owned()
        } else {
            value.replacen("ccache", "kiln", 1)
        };
        let says = format!("{variable} is `{value}`: another cache in front of the compiler");
        Finding::warning(NAME, says, format!("unset it, or {variable}=\"{same}\""))
    };
    found.map(finding).collect()
}
