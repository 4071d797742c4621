//! Which variables count that a process asked for by name, in each family.

use super::observers::{Observer, ObserverRole};
use super::{Reading, Scene};
use kiln_action::Question;
use kiln_compiler::gcc::environment as c_variables;
use kiln_compiler::rustc::environment as rust_variables;
use kiln_compiler::script;

impl Reading<'_> {
    /// A process asked for a variable.
    pub(super) fn variable(&mut self, by: Observer, name: &[u8]) {
        if (self.scene.policy.is_inert)(by, name, self.scene) {
            return;
        }
        if by.role == ObserverRole::Compiler {
            self.found.variables.insert(name.to_vec());
        } else {
            self.ask(Question::Env(name.to_vec()));
        }
    }
}

fn text(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or("")
}

/// Whether a variable does not count that a compile by rustc asked for.
pub fn is_inert_to_rustc(by: Observer, name: &[u8], scene: &Scene<'_>) -> bool {
    let (text, invocation) = (text(name), scene.invocation);
    match by.role {
        // rustc's own reads: those that count are in the WeakKey, those that do not are listed with the reason
        // (PATH only for starting the linker, which is asked for as a program)
        ObserverRole::Compiler => {
            // Only dep-info tells these from `env!("CI")`; nobody means the jobserver by that.
            let in_dep_info = invocation.outputs.dep_info || text.ends_with("FLAGS");
            in_dep_info && (rust_variables::is_inert(text) || rust_variables::SEARCH.contains(&text))
                || invocation.environment.contains(&text)
        }
        ObserverRole::Linker => {
            rust_variables::SEARCH.contains(&text) || rust_variables::is_linker_inert(text)
        }
        ObserverRole::Macro => (scene.ignored)(name),
        ObserverRole::Tool => is_inert_to_c(by, name, scene),
    }
}

/// Whether a variable does not count that a C compile asked for.
pub fn is_inert_to_c(by: Observer, name: &[u8], scene: &Scene<'_>) -> bool {
    let text = text(name);
    match by.role {
        ObserverRole::Tool => {
            text == "PATH" || c_variables::is_inert(text) || scene.invocation.environment.contains(&text)
        }
        _ => (scene.ignored)(name),
    }
}

/// Whether a variable does not count that a build script's run asked for.
pub fn is_inert_to_scripts(by: Observer, name: &[u8], scene: &Scene<'_>) -> bool {
    let text = text(name);
    let is_of_rustc = || by.is_rustc && rust_variables::is_inert(text);
    let is_of_tool = || rust_variables::is_linker_inert(text) || is_of_rustc();
    script::is_inert(text) || (scene.ignored)(name) || by.role == ObserverRole::Tool && is_of_tool()
}
