//! The run of a build script: not a compile, but like one a function of what it looks at. What is known of it beforehand is little:
//! its program, and that its outputs go to `OUT_DIR`, which cargo has just made for it.

pub use crate::recognise::is_build_script;
use crate::recognise::{BUILD_SCRIPT as START, BUILD_SCRIPT_BEHIND as REAL};
use crate::{Context, Recognised};
use kiln_action::{Family, Field, Invocation, Mode, OutputPlan, Places, Reason, Subject, Unit};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

mod environment;

pub use environment::{INERT, SESSION, describe, is_inert, is_session};

/// The kind of unit that the run of a build script is.
pub const KIND: &str = "build-script-run";

/// What the script itself is called, where a launcher has its name; `None` if that is no name of a build script's executable.
pub fn real_name(executable: &OsStr) -> Option<OsString> {
    let is_script = executable.to_str()?.starts_with(START) && !executable.to_str()?.contains('.');
    let mut real = executable.to_owned();
    real.push(REAL);
    is_script.then_some(real)
}

/// What cargo calls a script that is really `build_script_build-0a1b.real`: `build-script-build`, beside it.
pub fn called(real: &Path) -> Option<OsString> {
    let (name, _) = real.file_stem()?.to_str()?.rsplit_once('-')?;
    Some(real.with_file_name(name.replace('_', "-")).into_os_string())
}

/// Understands the run, or says why it is none that can be kept.
pub fn parse(recognised: &Recognised, context: &Context<'_>) -> Result<Invocation, Reason> {
    let out = (context.getenv)("OUT_DIR").map(PathBuf::from).filter(|out| out.is_absolute());
    let out = out.ok_or_else(|| Reason::NotACompile("a build script without OUT_DIR".into()))?;
    let package = (context.getenv)("CARGO_PKG_NAME").and_then(|name| name.into_string().ok());
    let called = || recognised.compiler.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let argument = |value: &OsString| Field { name: "argument", value: value.clone(), path: false };
    Ok(Invocation {
        subject: Subject::BuildScript,
        mode: Mode::Compile,
        unit: Unit { name: package.unwrap_or_else(called), kind: KIND.into() },
        compiler: recognised.compiler.clone(),
        wrapper: None,
        target: None,
        fields: context.args.iter().map(argument).collect(),
        lazy: Vec::new(),
        externs: Vec::new(),
        outputs: OutputPlan { directory: out.clone(), tree: Some(out), ..OutputPlan::default() },
        places: Places::new(),
        stdin: false,
        incremental: false,
        native: false,
        links: false,
        // Its outputs go there and may say so.
        environment: &["OUT_DIR"],
        append: Vec::new(),
        directory: context.directory.to_owned(),
        source: None,
        depfile: None,
        shows_directory: false,
    })
}

/// The build script's executable that a rustc unit makes: `build_script_build-0a1b`, in `<profile>/build/<package>-0a1b`.
pub fn made_by(invocation: &Invocation) -> Option<PathBuf> {
    let script =
        invocation.subject == Subject::Compile(Family::Rustc) && invocation.unit.name.starts_with(START);
    let build = |directory: &Path| directory.parent().is_some_and(|above| above.ends_with("build"));
    let stem = invocation.outputs.stems.first().filter(|_| script && build(&invocation.outputs.directory))?;
    Some(invocation.outputs.directory.join(stem))
}

#[cfg(test)]
mod tests;
