//! What is particular to a compile by rustc: dep-info is held against the record, `env!` asks for variables.

use super::{Rules, Texts};
use crate::argfile;
use crate::call::Call;
use crate::evidence::policy::Policy;
use crate::evidence::{Evidence, observers, variables};
use crate::generated;
use crate::inputs::{self, World};
use crate::messages::{self, Messages};
use crate::seen::Seen;
use crate::unit;
use kiln_action::os::OsStrExt;
use kiln_action::template::Spelling;
use kiln_action::{Event, Invocation, Mode, Place, Question, Reason, Template};
use kiln_compiler::Remap;
use kiln_compiler::rustc::{depinfo, table};
use kiln_exec::{Ended, Run};
use kiln_store::Keep;
use kiln_sys::files;
use kiln_sys::process::{self, Channel};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// rustc, and clippy-driver in front of it.
pub struct Rustc;

impl Rules for Rustc {
    fn name_of_unparsed(&self, call: &Call<'_>) -> String {
        unit::crate_name(&argfile::words(call.argv, call.directory))
    }

    /// Every package's build script has the same name as a crate, so that its unit is named by the package.
    fn tell(&self, event: &mut Event, call: &Call<'_>, invocation: &Invocation) {
        let of_script = invocation.unit.name.starts_with("build_script_");
        if let Some(package) = call.environment.get("CARGO_PKG_NAME").filter(|_| of_script) {
            event.name = package.to_string_lossy().into_owned();
        }
    }

    fn remap(&self, call: &Call<'_>, _base: Option<&Path>) -> Option<Remap> {
        remap_of(call)
    }

    /// Messages for people are laid out for the terminal that they go to.
    fn refuse(&self, call: &Call<'_>, args: &[OsString], invocation: &Invocation) -> Option<Reason> {
        let words = argfile::words(args, call.directory);
        let human = !words.iter().any(|word| word.as_encoded_bytes().starts_with(b"--error-format=json"));
        let shown = human && invocation.mode == Mode::Compile && process::is_terminal(Channel::Err);
        shown.then_some(Reason::Terminal)
    }

    fn policy(&self) -> &'static Policy {
        &POLICY
    }

    fn declared(
        &self,
        evidence: &mut Evidence,
        run: &Run,
        world: &World<'_>,
        _inspected: &Path,
    ) -> Result<Texts, Reason> {
        let texts = declared(evidence, run, world)?;
        ask_variables(evidence, world);
        evidence.ask_arithmetic(); // LLVM reckons with it while it compiles
        Ok(texts)
    }

    fn for_messages(&self) -> Vec<&'static str> {
        let lazy = table::rows().filter(|flag| matches!(flag.effect, table::Effect::Lazy));
        lazy.map(|flag| flag.field).collect()
    }

    fn messages(&self, evidence: &Evidence, run: &Run, world: &World<'_>) -> Result<Messages, Reason> {
        messages::for_anywhere(evidence, run, world)
    }

    /// rustc replaces libraries only by renaming, so a link into the store is safe.
    fn keep(&self, path: &Path) -> Keep {
        if path.extension().is_some_and(|extension| extension == "rlib") { Keep::Link } else { Keep::Copy }
    }

    fn text_here(&self, text: Vec<u8>, world: &World<'_>) -> Vec<u8> {
        inputs::with_values(&text, world)
    }
}

/// How a record is read.
const POLICY: Policy = Policy {
    roles: observers::by_descent,
    is_inert: variables::is_inert_to_rustc,
    literal_code: "a macro",
    may_be_wrapped: true,
    runs_inspected_code: false,
    inspects_programs: true,
    asks_for_preload: true,
    finds_kiln: false,
    tools_read_the_source: true,
    modes_count: false,
    knows_programs: false,
    writes_only_anew: false,
};

/// What the remap setting maps: cargo runs the compiler for a workspace's members in the workspace's directory, for
/// other packages in theirs, so the workspace is found from the output directory, which cargo puts below it.
fn remap_of(call: &Call<'_>) -> Option<Remap> {
    let words = argfile::words(call.argv, call.directory);
    let out = words.iter().zip(words.iter().skip(1)).find(|(flag, _)| *flag == "--out-dir");
    let out = out.map(|(_, directory)| call.directory.join(directory));
    let target = out.as_deref().and_then(target_directory);
    let beside = target.as_deref().and_then(Path::parent).filter(|root| has_manifest(root));
    let work = if has_manifest(call.directory) && !is_of_a_registry(call.directory) {
        Some(call.directory.to_owned())
    } else {
        beside.map(Path::to_owned)
    };
    Some(Remap { work: work?, target })
}

fn has_manifest(directory: &Path) -> bool {
    files::stat(&directory.join("Cargo.toml")).is_ok_and(|found| found.is_some())
}

/// Sources that cargo unpacked are the same for every workspace.
fn is_of_a_registry(directory: &Path) -> bool {
    files::stat(&directory.join(".cargo-ok")).is_ok_and(|found| found.is_some())
}

/// The target directory: the nearest one above the outputs that cargo has marked.
fn target_directory(out: &Path) -> Option<PathBuf> {
    let marked =
        |directory: &&Path| files::stat(&directory.join("CACHEDIR.TAG")).is_ok_and(|found| found.is_some());
    out.ancestors().find(marked).map(Path::to_owned)
}

/// The first ring: what the compiler wrote down itself. The record counts only if it saw all of that.
fn declared(evidence: &mut Evidence, run: &Run, world: &World<'_>) -> Result<Texts, Reason> {
    let invocation = world.invocation;
    for path in invocation.externs.iter().filter_map(|krate| krate.path.as_deref()) {
        evidence.questions.insert(Question::File(invocation.places.place(path)));
    }
    let mut texts = HashMap::new();
    let written: Vec<PathBuf> = evidence
        .outputs
        .iter()
        .filter(|path| invocation.outputs.dep_info && is_dep_info(path))
        .cloned()
        .collect();
    if invocation.outputs.dep_info && run.exit == Ended::Code(0) && written.is_empty() {
        return Err(Reason::BadOutputs("no dep-info was written".into()));
    }
    let seen = Seen::new(&evidence.opened);
    // Without dep-info this is all that shows whether the record is of this compile.
    let input = invocation.fields.iter().find(|field| field.name == "input" && !invocation.stdin);
    if let Some(input) = input.map(|field| invocation.absolute(Path::new(&field.value)))
        && !invocation.outputs.stems.is_empty()
        && !seen.holds(&input)
        && !evidence.absent.contains(input.as_os_str())
    {
        return Err(Reason::Untraceable(format!(
            "{} was read, and the recorder did not see it",
            input.display()
        )));
    }
    for path in written {
        let text = files::read(&path).map_err(|error| Reason::BadOutputs(error.to_string()))?;
        let parsed = depinfo::parse(&text)
            .ok_or_else(|| Reason::BadOutputs(format!("{} is not dep-info", path.display())))?;
        for source in &parsed.inputs {
            let source = invocation.absolute(Path::new(std::ffi::OsStr::from_bytes(source)));
            if evidence.outputs.contains(&source) {
                continue;
            }
            if !seen.holds(&source) {
                return Err(Reason::Untraceable(format!(
                    "{} was read, and the recorder did not see it",
                    source.display()
                )));
            }
            evidence.questions.insert(Question::File(invocation.places.place(&source)));
        }
        evidence.variables.extend(parsed.environment.into_iter().map(|(name, _)| name));
        let names = |root: &PathBuf| memchr::memmem::find(&text, root.as_os_str().as_bytes()).is_some();
        if let Some(root) = evidence.aliases.iter().find(|root| names(root)) {
            return Err(Reason::BadOutputs(format!(
                "its dep-info contains {}, another name of a directory",
                root.display()
            )));
        }
        let valueless = depinfo::with_environment(&text, &|_| None);
        if inputs::with_values(&valueless, world) != text {
            return Err(Reason::BadOutputs(format!(
                "{} is not in the form in which rustc writes dep-info",
                path.display()
            )));
        }
        texts.insert(path, Template::cut(&valueless, &invocation.places, &[Spelling::Make, Spelling::Plain]));
    }
    Ok(texts)
}

/// What `env!` and `option_env!` asked for. A macro's own asking for the same variable is in the questions already.
fn ask_variables(evidence: &mut Evidence, world: &World<'_>) {
    for name in std::mem::take(&mut evidence.variables) {
        let literal = Question::Env(name.clone());
        let by_place = name == generated::OUT_DIR
            && !evidence.questions.contains(&literal)
            && is_mapped(&name, world)
            && only_finds_files(evidence, world);
        evidence.questions.insert(if by_place { Question::Where(name) } else { literal });
    }
}

fn is_mapped(name: &[u8], world: &World<'_>) -> bool {
    let value = world.environment.get(std::ffi::OsStr::from_bytes(name));
    value.is_some_and(|value| {
        world.invocation.places.remapped().place(Path::new(value)).place != Place::Literal
    })
}

/// Whether the unit's own sources use `OUT_DIR` for nothing but includes, and nothing else it reads (metadata with
/// exported macros, proc macros) knows the word.
fn only_finds_files(evidence: &Evidence, world: &World<'_>) -> bool {
    evidence.questions.iter().all(|question| {
        let Question::File(placed) = question else { return true };
        let Some(path) = world.invocation.places.resolve(placed) else { return false };
        if matches!(placed.place, Place::Deps(_) | Place::Out) {
            return matches!(files::find_any(&path, &[generated::OUT_DIR]), Ok(None));
        }
        files::read(&path).is_ok_and(|source| generated::only_includes(&source))
    })
}

fn is_dep_info(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "d")
}
