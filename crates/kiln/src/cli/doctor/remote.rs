//! Do the remote stores answer?

use super::{Finding, Patient};
use crate::daemon;
use kiln_protocol::message::tag;
use serde_json::Value;

const NAME: &str = "remote";

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let settings = &patient.loaded.settings;
    if settings.remote.is_empty() {
        return Vec::new();
    }
    let status = daemon::client(settings, patient.environment, true)
        .and_then(|client| daemon::ask(&client, tag::TRY, b"").map_err(|refusal| refusal.to_string()));
    let status = match status {
        Ok(status) => status,
        Err(what) => {
            return vec![Finding::problem(NAME, what, "until then builds use this machine's cache only")];
        }
    };
    let complaints = status["complaints"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let complaints = complaints.map(|what| {
        Finding::problem(
            NAME,
            what,
            "`kiln config set remote URL`, or KILN_REMOTE, as docs/guide/sharing.md says",
        )
    });
    let stores = status["stores"].as_array().into_iter().flatten();
    complaints.chain(stores.map(store)).collect()
}

fn store(store: &Value) -> Finding {
    let text = |name: &str| store[name].as_str().unwrap_or_default();
    let (url, access) = (text("url"), if store["writable"] == true { "" } else { ", read-only" });
    match store["took_ms"].as_f64() {
        Some(took) => Finding::fine(NAME, format!("{url} answers in {took:.1} ms{access}")),
        None => Finding::warning(
            NAME,
            format!("{url} does not answer: {}", text("fault")),
            "builds go on without it; `kiln daemon status` shows how it does",
        ),
    }
}
