//! What a process asked of the system that is no file and no variable.

use super::observers::{Observer, ObserverRole};
use super::{Reading, kernel};
use kiln_action::{Given, Question, Reason};
use kiln_compiler::programs::ProgramRole;
use kiln_recorder::Ask;

impl Reading<'_> {
    /// A process asked the system for something. Of rustc and of linkers it is known that this does not reach their outputs.
    pub(super) fn asked(&mut self, by: Observer, ask: Ask) -> Result<(), Reason> {
        match by.role {
            ObserverRole::Macro if is_known_of(by, ask, self.scene.policy.knows_programs) => Ok(()),
            ObserverRole::Macro => self.asked_by_literal_code(ask),
            ObserverRole::Tool => self.asked_by_tool(ask),
            ObserverRole::Compiler | ObserverRole::Linker => Ok(()),
        }
    }

    fn asked_by_literal_code(&mut self, ask: Ask) -> Result<(), Reason> {
        let what = match ask {
            // A map with random hashing asks for it; a result that depends on it is as good as any other run's.
            Ask::Random => return Ok(()),
            Ask::Cwd => {
                if !self.mapped.roots().is_empty() {
                    self.ask(Question::Argv);
                }
                return Ok(()); // the directory is in the key
            }
            Ask::Time => "asks for the time",
            Ask::Monotonic => "asks for the uptime",
            Ask::Pid => "asks for the process id",
            Ask::Host => "asks for the host's name",
            Ask::User => "asks for the user's name or id",
            Ask::Cpus => "asks for the number of processors",
            Ask::Limits => "asks for resource limits or memory sizes of the machine",
            Ask::Network => "uses the network",
            Ask::Date => "asks for the time zone",
            Ask::Utc => return Ok(()), // a conversion only: the time itself is asked for elsewhere
            Ask::Umask => return self.given(Given::Umask),
            Ask::Signals => return self.given(Given::Signals),
            Ask::Processor => return self.given(Given::Processor),
            Ask::Terminal => "asks the user at the terminal",
            Ask::Attributes => "reads or sets extended attributes",
            Ask::Space => "asks for the size or the free space of a file system",
            Ask::Others => "reads about other processes",
            Ask::Unknown => "makes a system call that kiln does not know",
            Ask::Unseen => "calls a function of libc whose file accesses kiln cannot see",
        };
        Err(Reason::Nondeterministic(format!("{} {what}", self.scene.policy.literal_code)))
    }

    /// gcc and clang ask for the time, chance and their number for temporary names and statistics; a date only where a
    /// source expands one.
    fn asked_by_tool(&self, ask: Ask) -> Result<(), Reason> {
        match ask {
            Ask::Date if !self.scene.dates => {
                Err(Reason::Nondeterministic("a source expands __DATE__, __TIME__ or __TIMESTAMP__".into()))
            }
            Ask::Network => Err(Reason::Nondeterministic("the compiler uses the network".into())),
            _ => Ok(()),
        }
    }

    fn given(&mut self, what: Given) -> Result<(), Reason> {
        self.ask(Question::Given(what));
        Ok(())
    }

    /// Literal code opened the terminal. Whether there is one can be asked for; what somebody types there cannot.
    pub(super) fn terminal(&mut self, by: Observer, both: bool, errno: i32) -> Result<(), Reason> {
        if errno == 0 && !(by.is(ProgramRole::TerminalOpener) && both) {
            return Err(Reason::Nondeterministic(format!(
                "a process opens the terminal ({})",
                kernel::TERMINAL
            )));
        }
        self.given(Given::Terminal)
    }
}

/// Whether the system's program is known to tell nobody of what it asks.
fn is_known_of(by: Observer, ask: Ask, knows_programs: bool) -> bool {
    let is_careful = knows_programs && by.is(ProgramRole::Careful);
    match ask {
        Ask::User | Ask::Pid => is_careful, // at its start, to be careful where it has another user's rights
        Ask::Space => is_careful || by.is(ProgramRole::Walker), // how to walk it fastest
        _ => false,
    }
}
