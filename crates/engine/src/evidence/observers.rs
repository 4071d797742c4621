//! Each process of a run: the role in which it looks, and what is known of its program.

use super::Scene;
use kiln_action::place::{below, same};
use kiln_compiler::programs::{self, ProgramRole, ProgramRoles};
use kiln_recorder::{By, Process};
use std::path::Path;

/// The role in which a process looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObserverRole {
    /// rustc's own code.
    Compiler,
    /// A program that rustc's own code started.
    Linker,
    /// Code that is taken literally: a macro, a build script, and every program that they start and of which nothing is known.
    Macro,
    /// A program of a C compile, or a known one that a build script started.
    Tool,
}

/// A process that looks. It is made once and then only read.
#[derive(Clone, Copy, Debug)]
pub struct Observer {
    /// Its role; of code that was loaded into the compiler another one.
    pub role: ObserverRole,
    /// What its program is known for.
    known: ProgramRoles,
    /// Whether it is kiln itself, which says what its answers hang on.
    pub is_kiln: bool,
    /// Whether it is a toolchain's rustc that a build script runs.
    pub is_rustc: bool,
}

impl Observer {
    /// Whether its program is known for this.
    pub fn is(self, known: ProgramRole) -> bool {
        self.known.has(known)
    }

    /// Whether what `stat` tells may decide: for macros, and for programs in front of the linker that are not known.
    pub fn counts_every_look(self) -> bool {
        self.role == ObserverRole::Macro || self.role == ObserverRole::Linker && !self.is(ProgramRole::Linker)
    }

    /// The observer that code is which was loaded into this one.
    pub fn of_code(self, by: By) -> Observer {
        match (self.role, by) {
            (ObserverRole::Compiler, By::Loaded) => Observer { role: ObserverRole::Macro, ..self },
            _ => self,
        }
    }

    /// The same observer in another role.
    pub fn in_role(self, role: ObserverRole) -> Observer {
        Observer { role, ..self }
    }
}

/// The observers of a run, by the numbers of its processes.
pub fn of(processes: &[Process], scene: &Scene<'_>) -> Vec<Observer> {
    let roles = (scene.policy.roles)(processes, scene);
    let observer = |(process, role): (&Process, ObserverRole)| Observer {
        role,
        known: programs::roles(&process.exe),
        is_kiln: is_kiln(&process.exe, scene),
        is_rustc: scene.policy.knows_programs && (scene.is_rustc)(&process.exe),
    };
    processes.iter().zip(roles).map(observer).collect()
}

/// Whether a program is kiln itself.
fn is_kiln(exe: &Path, scene: &Scene<'_>) -> bool {
    scene.own.is_some_and(|own| same(own, exe))
}

/// The roles in a compile by rustc: the first process is the compiler, a program that its own code starts is a linker, a program that
/// loaded code or a wrapper that is not known starts is a macro's.
pub fn by_descent(processes: &[Process], scene: &Scene<'_>) -> Vec<ObserverRole> {
    let mut roles: Vec<ObserverRole> = Vec::with_capacity(processes.len());
    for process in processes {
        let parent = process.parent.map(|at| at as usize);
        let ours = (scene.owns)(&process.exe);
        let is_rustc = || programs::roles(&process.exe).has(ProgramRole::RustCompiler);
        let role = match parent.and_then(|at| Some((roles.get(at)?, &processes[at]))) {
            None if ours => ObserverRole::Compiler,
            None => ObserverRole::Macro, // a wrapper that kiln does not know: whatever it looks at counts
            Some((ObserverRole::Macro, parent)) if parent.parent.is_none() && ours && is_rustc() => {
                ObserverRole::Compiler
            }
            Some((ObserverRole::Macro, _)) => ObserverRole::Macro,
            Some(_) if process.spawned_by == By::Loaded => ObserverRole::Macro,
            Some(_) => ObserverRole::Linker,
        };
        roles.push(role);
    }
    roles
}

/// The roles in a C compile: the programs of which it consists are known by their names.
pub fn by_name(processes: &[Process], _scene: &Scene<'_>) -> Vec<ObserverRole> {
    let is_tool = |process: &Process| programs::roles(&process.exe).has(ProgramRole::CTool);
    processes
        .iter()
        .map(|process| if is_tool(process) { ObserverRole::Tool } else { ObserverRole::Macro })
        .collect()
}

/// The roles in a build script's run: its programs are known by their names, where they are installed with the system or the toolchain.
pub fn by_name_and_place(processes: &[Process], scene: &Scene<'_>) -> Vec<ObserverRole> {
    let is_installed = |exe: &Path| programs::is_of_the_system(exe) || is_of_the_toolchain(exe, scene);
    let is_known = |exe: &Path| {
        let known = programs::roles(exe);
        let is_named = [ProgramRole::Linker, ProgramRole::CTool, ProgramRole::Helper]
            .into_iter()
            .any(|role| known.has(role));
        is_kiln(exe, scene) || is_named && is_installed(exe) || (scene.is_rustc)(exe)
    };
    processes
        .iter()
        .map(|process| if is_known(&process.exe) { ObserverRole::Tool } else { ObserverRole::Macro })
        .collect()
}

/// Whether a program is one of the toolchain's own, by where that is and not by what a directory is called.
fn is_of_the_toolchain(exe: &Path, scene: &Scene<'_>) -> bool {
    scene.rustlib.is_some_and(|root| below(exe, root).is_some())
}
