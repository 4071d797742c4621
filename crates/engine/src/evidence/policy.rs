//! What differs between families in the reading of a record, as plain data that each family's rules make.

use super::Scene;
use super::observers::{Observer, ObserverRole};
use kiln_recorder::Process;

/// How a record is read.
pub struct Policy {
    /// Finds the role of every process.
    pub roles: fn(&[Process], &Scene<'_>) -> Vec<ObserverRole>,
    /// Whether a variable does not count to which an observer looked.
    pub is_inert: fn(Observer, &[u8], &Scene<'_>) -> bool,
    /// The code that is taken literally, as reasons call it.
    pub literal_code: &'static str,
    /// Whether the first process may be a program of which nothing is known, and which may do anything with the name of a file of
    /// arguments.
    pub may_be_wrapped: bool,
    /// Whether the first process is the compiled program, whose code is inspected: what it does with the environment is known by that.
    pub runs_inspected_code: bool,
    /// Whether the programs that may do anything are inspected for what they call.
    pub inspects_programs: bool,
    /// Whether `/etc/ld.so.preload` is asked for where the loader searched.
    pub asks_for_preload: bool,
    /// Whether kiln itself stands in the way of programs that are searched for and run: then the search is recorded place by place, and
    /// kiln says what a compile hung on.
    pub finds_kiln: bool,
    /// Whether all tools compile the source that the outputs are made of: what they look for is what the source asks for.
    pub tools_read_the_source: bool,
    /// Whether the permissions of a file that is read count.
    pub modes_count: bool,
    /// Whether programs of the system are known by name, which look at what they tell nobody.
    pub knows_programs: bool,
    /// Whether writing to a file that the run did not make keeps it from being kept, wherever the file is.
    pub writes_only_anew: bool,
}
