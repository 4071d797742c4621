//! What differs between compilers, and between them and build scripts: one small trait, with a file for each.

use crate::call::Call;
use crate::evidence::Evidence;
use crate::evidence::policy::Policy;
use crate::inputs::World;
use crate::messages::Messages;
use crate::toolchain::Known;
use kiln_action::{Answer, Event, Family, Invocation, Question, Reason, Shape, Subject, Template};
use kiln_compiler::{Recognised, Remap};
use kiln_exec::Run;
use kiln_store::Keep;
use kiln_sys::identity::Memo;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub mod build_script;
pub mod c;
mod rustc;

/// Outputs that are kept as texts with holes: dep-info and depfiles, which name places.
pub type Texts = HashMap<PathBuf, Template>;

/// The rules of a family, from the call to the outputs.
pub trait Rules: Sync {
    /// Which compiler is meant, where the name that it is called by does not say so.
    fn resolve(&self, recognised: Recognised, _call: &Call<'_>) -> Result<Recognised, Reason> {
        Ok(recognised)
    }

    /// The name for an event about a command line that is not understood.
    fn name_of_unparsed(&self, call: &Call<'_>) -> String;

    /// The `OUT_DIR` of the build script that runs, or for which a compile runs.
    fn out_of_script<'c>(&self, _call: &Call<'c>) -> Option<&'c Path> {
        None
    }

    /// The directory in cargo's layout that the outputs of a compile go to, or those of the build script for which it runs.
    fn cargos_directory<'c>(&self, invocation: &'c Invocation, call: &Call<'c>) -> Option<&'c Path> {
        self.out_of_script(call).or(Some(&invocation.outputs.directory))
    }

    /// Adds to an event what only this family tells.
    fn tell(&self, event: &mut Event, call: &Call<'_>, invocation: &Invocation);

    /// The project's directory, where paths below it count by place.
    fn base(&self, _call: &Call<'_>, _memo: &Memo) -> Option<PathBuf> {
        None
    }

    /// What the remap setting maps.
    fn remap(&self, call: &Call<'_>, base: Option<&Path>) -> Option<Remap>;

    /// Adds what the command line does not say.
    fn complete(
        &self,
        _invocation: &mut Invocation,
        _base: Option<&Path>,
        _call: &Call<'_>,
        _args: &[OsString],
    ) {
    }

    /// Why a compile that is understood is none for the cache, if it is not, whatever is there.
    fn refuse(&self, _call: &Call<'_>, _args: &[OsString], _invocation: &Invocation) -> Option<Reason> {
        None
    }

    /// Makes the place for outputs ready for a run; a reason where what is there keeps it from being cached.
    fn make_ready(&self, _call: &Call<'_>, _invocation: &Invocation) -> Result<(), Reason> {
        Ok(())
    }

    /// The toolchain, where it is known without having been met; `None` where its files have to be read first.
    fn toolchain(&self, _invocation: &Invocation, _memo: &Memo) -> Option<Result<Known, Reason>> {
        None
    }

    /// How a record of what was observed is read.
    fn policy(&self) -> &'static Policy;

    /// Adds to what was observed what the compiler wrote down itself. The record counts only if it saw all of that. `inspected` is the
    /// directory in which is remembered what inspecting a file came to.
    fn declared(
        &self,
        evidence: &mut Evidence,
        run: &Run,
        world: &World<'_>,
        inspected: &Path,
    ) -> Result<Texts, Reason>;

    /// Parts of the command line that count where messages were rendered.
    fn for_messages(&self) -> Vec<&'static str>;

    /// What else is to be asked, now that these answers are known.
    fn follow_up(
        &self,
        _shape: &Shape,
        _answers: &[Answer],
        _evidence: &Evidence,
        _world: &World<'_>,
    ) -> Result<Vec<Question>, Reason> {
        Ok(Vec::new())
    }

    /// Its messages, with holes for places.
    fn messages(&self, evidence: &Evidence, run: &Run, world: &World<'_>) -> Result<Messages, Reason>;

    /// How the store keeps an output.
    fn keep(&self, _path: &Path) -> Keep {
        Keep::Copy
    }

    /// Whether an output that may be run now may be run once it is restored.
    fn keeps_executables(&self) -> bool {
        true
    }

    /// A stored text (dep-info, a depfile) as this family writes it at this place.
    fn text_here(&self, text: Vec<u8>, world: &World<'_>) -> Vec<u8>;

    /// What keeps outputs from being put in place, so that the compiler is run.
    fn obstacle(&self, _invocation: &Invocation) -> Option<String> {
        None
    }
}

/// The rules for what runs.
pub fn of(subject: Subject) -> &'static dyn Rules {
    match subject {
        Subject::Compile(Family::Rustc) => &rustc::Rustc,
        Subject::Compile(Family::Gcc | Family::Clang | Family::ClangCl | Family::Msvc) => &c::C,
        Subject::BuildScript => &build_script::BuildScript,
    }
}
