//! Build scripts: kiln gets to see their runs because a launcher stands in the place of their executables.

use super::{Rules, Texts};
use crate::call::Call;
use crate::evidence::policy::Policy;
use crate::evidence::{Evidence, observers, variables};
use crate::inputs::World;
use crate::inspect;
use crate::messages::{self, Messages};
use crate::toolchain::{self, Known};
use crate::way::Way;
use kiln_action::os::OsStrExt;
use kiln_action::{Digest, Event, FileKind, Given, Invocation, Question, Reason};
use kiln_compiler::{Remap, script};
use kiln_config::Settings;
use kiln_exec::Run;
use kiln_report::cause;
use kiln_store::{Fetch, Store};
use kiln_sys::env::{self, Environment};
use kiln_sys::files::{self, Beneath};
use kiln_sys::identity::{self, Found, Memo};
use kiln_sys::process;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The run of a cargo package's build script.
pub struct BuildScript;

impl Rules for BuildScript {
    fn name_of_unparsed(&self, call: &Call<'_>) -> String {
        crate::unit::crate_name(call.argv)
    }

    fn out_of_script<'c>(&self, call: &Call<'c>) -> Option<&'c Path> {
        call.environment.get("OUT_DIR").map(Path::new)
    }

    /// Every script has the same name, so that its unit is named by the directory that cargo made for it.
    fn tell(&self, event: &mut Event, call: &Call<'_>, _invocation: &Invocation) {
        event.stem = self.out_of_script(call).and_then(cause::script_of).unwrap_or_default();
    }

    fn remap(&self, _call: &Call<'_>, _base: Option<&Path>) -> Option<Remap> {
        None
    }

    /// What an earlier run left in `OUT_DIR` this one could look at, and cargo leaves it there. What this very build put there before
    /// cargo looked is taken out again: cargo runs the script all the same, for reasons of its own (a source is younger, a dependency was
    /// built), and then it is to be empty as if nobody had been there.
    fn make_ready(&self, call: &Call<'_>, invocation: &Invocation) -> Result<(), Reason> {
        let Some(out) = invocation.outputs.tree.as_deref() else { return Ok(()) };
        if take_mark(out, call.settings) {
            empty(invocation, None);
        }
        match files::list(out) {
            Ok(Some(entries)) if entries.is_empty() => Ok(()),
            Ok(Some(_)) => Err(Reason::UsedOutDir),
            _ => Err(Reason::NotACompile("the build script was started without OUT_DIR".into())),
        }
    }

    fn toolchain(&self, invocation: &Invocation, memo: &Memo) -> Option<Result<Known, Reason>> {
        Some(toolchain::build_script(invocation, memo))
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }

    fn declared(
        &self,
        evidence: &mut Evidence,
        _run: &Run,
        world: &World<'_>,
        inspected: &Path,
    ) -> Result<Texts, Reason> {
        suspect(evidence, world, inspected)?;
        Ok(HashMap::new())
    }

    fn for_messages(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn messages(&self, evidence: &Evidence, run: &Run, world: &World<'_>) -> Result<Messages, Reason> {
        messages::for_anywhere(evidence, run, world)
    }

    fn text_here(&self, text: Vec<u8>, _world: &World<'_>) -> Vec<u8> {
        text
    }
}

/// How a record is read.
const POLICY: Policy = Policy {
    roles: observers::by_name_and_place,
    is_inert: variables::is_inert_to_scripts,
    literal_code: "a build script",
    may_be_wrapped: false,
    runs_inspected_code: true,
    inspects_programs: true,
    asks_for_preload: true,
    finds_kiln: true,
    tools_read_the_source: false,
    modes_count: true,
    knows_programs: true,
    writes_only_anew: true,
};

/// The build script's executable that a unit makes, if a launcher is to stand in its place: where cargo has it made, which runs it there. (Other
/// build tools copy it elsewhere without what lies beside it.)
pub fn to_stand_in(invocation: &Invocation, settings: &Settings) -> Option<PathBuf> {
    let is_cargos = || settings.session.is_some() || process::is_started_by("cargo");
    script::made_by(invocation).filter(|_| settings.build_scripts && is_cargos())
}

/// Puts a launcher in the place of the build script that a unit has just made, which lies beside it from then on. Where that cannot be
/// done the script stays where it is, and runs unseen.
pub fn stand_in(invocation: &Invocation, settings: &Settings) {
    if let Some(executable) = to_stand_in(invocation, settings) {
        let _ = place(&executable);
    }
}

fn place(executable: &Path) -> Option<()> {
    let (launcher, real) = launcher(executable)?;
    let there = files::lstat(executable).ok()??;
    if there.kind != FileKind::File || there.mode & 0o100 == 0 {
        return None;
    }
    files::rename(executable, &real).ok()?;
    if files::write_executable(executable, &launcher).is_err() {
        let _ = files::rename(&real, executable);
        return None;
    }
    Some(())
}

/// The launcher for an executable, and where that is to lie itself.
fn launcher(executable: &Path) -> Option<(Vec<u8>, PathBuf)> {
    let real = script::real_name(executable.file_name()?)?;
    let launcher = kiln_recorder::launcher(&env::own_program()?, &real)?;
    Some((launcher, executable.with_file_name(real)))
}

/// The stem of the unit that made the program of a build script that runs: what the program is called.
pub fn maker(invocation: &Invocation) -> Option<String> {
    Some(invocation.compiler.file_name()?.to_str()?.split('.').next()?.to_owned())
}

/// Puts a stored script behind its launcher: another name of the stored file, since nobody writes to what is called so. Most are never
/// run, for what they do is known.
pub fn link(store: &dyn Store, script: &Digest, executable: &Path) -> Option<()> {
    let (launcher, real) = launcher(executable)?;
    store.fetch(script, &real, Fetch::Link).ok()?;
    if files::lstat(&real).ok()??.mode & 0o111 == 0 {
        files::make_executable(&real).ok()?;
    }
    // All links have one inode's permissions: where others may read and run a new program today, or may not, it is copied.
    let mode = files::lstat(&real).ok()??.mode & 0o555;
    if process::umask().is_none_or(|umask| mode != 0o555 & !umask) {
        store.fetch(script, &real, Fetch::Copy { executable: true }).ok()?;
    }
    files::write_executable(executable, &launcher).ok().map(drop)
}

/// Takes out of `OUT_DIR` what was put there, so that the script finds it empty, as cargo made it.
pub fn empty(invocation: &Invocation, beneath: Option<&Beneath>) {
    let way = Way { beneath, ..Way::default() };
    if let Some(out) = invocation.outputs.tree.as_deref().and_then(|out| way.file(out)) {
        make_empty(&out);
    }
}

fn make_empty(out: &Path) {
    let _ = files::remove_tree(out);
    let _ = files::create_dirs(out);
}

/// What a mark begins with while `OUT_DIR` is being filled: whoever was to fill it and has not changed this since was killed.
const UNFINISHED: &[u8] = b"unfinished\n";
/// No mark is longer.
const LONGEST_MARK: u64 = 256;

/// The mark of a build that filled `OUT_DIR`, beside it.
fn mark(out: &Path) -> PathBuf {
    out.with_file_name(".kiln-filled")
}

/// The name of the build's session, which no other build has ever had. (Numbers of processes come again, in containers at once.)
fn build(settings: &Settings) -> Option<&[u8]> {
    Some(settings.session.as_deref()?.file_name()?.as_bytes())
}

/// Marks an `OUT_DIR` that is still empty as one that is going to be filled.
pub fn mark_begun(invocation: &Invocation, beneath: &Beneath) -> Option<()> {
    let out = invocation.outputs.tree.as_deref().filter(|out| is_empty(out))?;
    files::write_atomic(&beneath.file(&mark(out)).ok()?, UNFINISHED).ok().map(drop)
}

/// Marks `OUT_DIR` as filled by this build before cargo looked.
pub fn mark_filled(invocation: &Invocation, settings: &Settings, beneath: &Beneath) -> Option<()> {
    let mark = beneath.file(&mark(invocation.outputs.tree.as_deref()?)).ok()?;
    files::write_atomic(&mark, build(settings)?).ok().map(drop)
}

/// Makes `OUT_DIR` what it was before it was filled.
pub fn take_back(invocation: &Invocation, beneath: &Beneath) {
    empty(invocation, Some(beneath));
    if let Some(out) = invocation.outputs.tree.as_deref() {
        let _ = beneath.file(&mark(out)).map(|mark| files::remove(&mark));
    }
}

/// Takes out of a script's `OUT_DIR` what a build left there that was killed while it filled it: the script has not run yet. (To be done
/// before it is, whether it is to be kept or not.)
pub fn sweep(environment: &Environment) {
    let out = environment.get("OUT_DIR").map(Path::new).filter(|out| out.is_absolute());
    let is_unfinished =
        |out: &Path| files::read_own(&mark(out), LONGEST_MARK).is_ok_and(|text| text.starts_with(UNFINISHED));
    if let Some(out) = out.filter(|out| is_unfinished(out)) {
        make_empty(out);
        let _ = files::remove(&mark(out));
    }
}

/// Takes the mark of this build away; whether it was there.
fn take_mark(out: &Path, settings: &Settings) -> bool {
    let Some(build) = build(settings) else { return false };
    let own = files::read_own(&mark(out), LONGEST_MARK).is_ok_and(|text| text == build);
    own && files::remove(&mark(out)).is_ok_and(|was_there| was_there)
}

/// Whether nothing is in `OUT_DIR` yet, so that it can be filled.
pub fn is_empty(out: &Path) -> bool {
    files::list(out).is_ok_and(|entries| entries.is_none_or(|entries| entries.is_empty()))
}

/// Where the toolchain that a script's variables name keeps its own programs.
pub fn rustlib(world: &World<'_>) -> Option<PathBuf> {
    let rustc = world.environment.get("RUSTC")?;
    let rustc = files::real_path(&world.invocation.absolute(Path::new(rustc))).ok()??;
    toolchain::rustc_driver(&rustc)?;
    Some(rustc.parent()?.parent()?.join("lib/rustlib"))
}

/// The same of a script's own code: where it walks the environment, all of that counts.
fn suspect(evidence: &mut Evidence, world: &World<'_>, memory: &Path) -> Result<(), Reason> {
    let program = &world.invocation.compiler;
    let Ok(Found::Content(digest, _)) = identity::digest_of(program, world.memo) else {
        return Err(Reason::Untrusted(format!("{} cannot be read", program.display())));
    };
    let found = inspect::of(program, &digest, memory)?;
    if found.unseen_alone {
        return Err(Reason::Untrusted(
            "the build script contains system calls of its own, or loads libraries at run time".into(),
        ));
    }
    if found.time {
        return Err(Reason::Nondeterministic("a build script reads the processor's time counter".into()));
    }
    if found.processor {
        evidence.questions.insert(Question::Given(Given::Processor));
    }
    // What it leaves has the permissions of new files, or says of some that it made itself which these are.
    evidence.questions.insert(Question::Given(Given::Umask));
    if found.walk {
        evidence.questions.insert(Question::Environ);
    }
    if found.handing {
        evidence.questions.insert(Question::Inherited);
    }
    Ok(())
}
