//! Do the remote stores answer?

use super::{Finding, Patient};
use crate::daemon;
use kiln_protocol::TriedStore;

const NAME: &str = "remote";

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let settings = &patient.loaded.settings;
    if settings.remote.is_empty() {
        return Vec::new();
    }
    let tried = daemon::client(settings, patient.environment, true)
        .and_then(|client| client.try_stores().map_err(|refusal| refusal.to_string()));
    let tried = match tried {
        Ok(tried) => tried,
        Err(what) => {
            return vec![Finding::problem(NAME, what, "until then builds use this machine's cache only")];
        }
    };
    let complaints = tried.complaints.iter().map(|what| {
        Finding::problem(
            NAME,
            what,
            "`kiln config set remote URL`, or KILN_REMOTE, as docs/guide/sharing.md says",
        )
    });
    complaints.chain(tried.stores.iter().map(store)).collect()
}

fn store(store: &TriedStore) -> Finding {
    let TriedStore { url, writable, outcome } = store;
    let access = if *writable { "" } else { ", read-only" };
    match outcome {
        Ok(took_ms) => Finding::fine(NAME, format!("{url} answers in {took_ms:.1} ms{access}")),
        Err(fault) => Finding::warning(
            NAME,
            format!("{url} does not answer: {fault}"),
            "builds go on without it; `kiln daemon status` shows how it does",
        ),
    }
}
