//! The remote side on the way of one compile: it brings things into the local store, which serves them.

use crate::keyed::Keyed;
use crate::lookup;
use crate::workspace;
use kiln_action::Mode;
use kiln_protocol::{Resolve, Resolved, Wanted, Workspace};
use std::path::Path;

/// Has things brought until `look` finds what it looks for in the local store.
pub fn fetch<T>(keyed: &Keyed<'_>, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    const ROUNDS: u32 = 3; // Shapes, then a result; once more where others brought Shapes meanwhile
    let request = &keyed.request;
    let settings = request.call.settings;
    let remote = request.call.remote.filter(|_| !settings.recache && settings.verify.is_none())?;
    let (workspace, cost_ms) = workspace_of(keyed)?;
    for _ in 0..ROUNDS {
        let (seen, keys) = lookup::candidates_to_tell(&keyed.weak, &request.world(), &request.cache.store);
        let wanted = Wanted::Unit { weak: keyed.weak, seen, keys, workspace };
        let resolve = Resolve { wanted, build: request.call.build, cost_ms, most_ms: u32::MAX };
        let resolved = remote.resolve(&resolve);
        request.step(|| format!("{resolved:?} from the remote"));
        if resolved == Resolved::default() {
            return None;
        }
        if let Some(found) = look() {
            return Some(found);
        }
    }
    None
}

/// What the remote side knows a unit by, and what the unit is taken to cost, in milliseconds (0: nobody knows); `None` if the remote side
/// is not asked.
pub fn workspace_of(keyed: &Keyed<'_>) -> Option<(Option<Workspace>, u32)> {
    const PROBE_MS: u32 = 40;
    let request = &keyed.request;
    if request.call.reporter.is_some() {
        // What the script comes to is kept, too, and travels with the workspace: this is for those whose script has to run.
        let known = request.invocation.mode == Mode::Compile;
        return Some((None, if known { 0 } else { PROBE_MS }));
    }
    let memo = request.cache.store.memo();
    let (invocation, environment) = (&request.invocation, request.call.environment);
    match invocation.mode {
        Mode::Compile => Some((workspace::of_unit(invocation, &keyed.toolchain, environment, memo), 0)),
        Mode::Probe => {
            let out = Path::new(environment.get("OUT_DIR")?);
            let workspace = workspace::of_script(invocation, out, &keyed.toolchain, environment, memo)?;
            Some((Some(workspace), PROBE_MS))
        }
    }
}
