//! Do builds here go through this kiln?

use super::{Finding, Patient};
use crate::wiring::{self, NamedWrapper};
use kiln_sys::env::Environment;
use kiln_sys::process::{self, Ended, Program};
use std::ffi::OsStr;

pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let mut findings = vec![executables(), wired(patient)];
    findings.extend(rivals(patient.environment));
    findings.extend(settings(patient));
    findings
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the wrapper in a file; `None` if it does not say.
fn version_of(wrapper: &OsStr) -> Option<String> {
    let program =
        Program { program: wrapper, called: None, args: &[OsStr::new("--wrapper-version")], set: &[] };
    let configured = process::ask(&program).ok()?;
    let text = String::from_utf8(configured.out).ok()?;
    (configured.ended == Ended::Code(0)).then(|| text.trim().to_owned())
}

fn executables() -> Finding {
    const NAME: &str = "programs";
    const AGAIN: &str =
        "install both together: `cargo install --locked --path crates/kiln` in a checkout of kiln";
    let Some(wrapper) = wiring::own_wrapper() else {
        return Finding::problem(NAME, "cannot tell where kiln is installed", AGAIN);
    };
    let shown = wrapper.display();
    match version_of(wrapper.as_os_str()) {
        Some(version) if version == VERSION => {
            Finding::fine(NAME, format!("kiln and kiln-cli {VERSION}, {shown}"))
        }
        Some(other) => {
            Finding::problem(NAME, format!("kiln-cli is {VERSION}, and {shown} is {other}"), AGAIN)
        }
        None => Finding::problem(NAME, format!("{shown} is not there or cannot be run"), AGAIN),
    }
}

fn wired(patient: &Patient<'_>) -> Finding {
    const NAME: &str = "wrapper";
    let named = wiring::named(patient.environment, patient.directory);
    let Some(first) = named.first() else {
        let advice = "`kiln setup` makes it every build's wrapper; `kiln cargo build` does for one build";
        return Finding::warning(NAME, "builds here do not go through kiln", advice);
    };
    let place = &first.place;
    if !first.is_kiln() {
        let says = match first.wrapper.as_str() {
            "" => format!("{place} is empty, which switches wrappers off"),
            other => format!("builds here go through `{other}`, says {place}"),
        };
        let advice = match named.iter().any(NamedWrapper::is_kiln) {
            true => format!("take it out of {place}: kiln is named, too, in a weaker place"),
            false => format!("take it out of {place}, then `kiln setup`"),
        };
        return Finding::problem(NAME, says, advice);
    }
    match version_of(OsStr::new(&first.wrapper)) {
        Some(version) if version == VERSION => {
            Finding::fine(NAME, format!("{place} names {}", first.wrapper))
        }
        Some(version) => Finding::problem(
            NAME,
            format!("{place} names {}, which is version {version}; this is {VERSION}", first.wrapper),
            "`kiln setup` names this one",
        ),
        None => Finding::problem(
            NAME,
            format!("{place} names `{}`, which cannot be run or is no kiln of today", first.wrapper),
            "`kiln setup` names this one",
        ),
    }
}

/// Settings of sccache that mean something here. They are not read.
const SCCACHE: [(&str, &str); 7] = [
    ("SCCACHE_DIR", "KILN_DIR is where kiln's cache is (they cannot share one)"),
    ("SCCACHE_CACHE_SIZE", "KILN_MAX_SIZE (or `kiln config set max-size`) is kiln's limit"),
    ("SCCACHE_RECACHE", "KILN_RECACHE=1 is the same for kiln"),
    ("SCCACHE_LOCAL_RW_MODE", "KILN_READ_ONLY=1 is READ_ONLY for kiln"),
    ("SCCACHE_ERROR_LOG", "KILN_LOG=warn:/a/file is the same for kiln"),
    ("SCCACHE_LOG", "KILN_LOG=debug:/a/file is the same for kiln"),
    ("SCCACHE_BASEDIRS", "KILN_REMAP=1 lets checkouts share for kiln"),
];

fn rivals(environment: &Environment) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (variable, same) in SCCACHE {
        if environment.get(variable).is_some_and(|value| !value.is_empty()) {
            findings.push(Finding::warning(
                "sccache",
                format!("{variable} is set; kiln does not read it"),
                same,
            ));
        }
    }
    let inner = environment.get("RUSTC_WORKSPACE_WRAPPER").filter(|inner| !inner.is_empty());
    if let Some(inner) = inner.filter(|inner| wiring::is_rival(inner)) {
        findings.push(Finding::problem(
            "rivals",
            format!("RUSTC_WORKSPACE_WRAPPER is {}: two caches, one inside the other", inner.display()),
            "unset it",
        ));
    }
    findings
}

fn settings(patient: &Patient<'_>) -> Vec<Finding> {
    const NAME: &str = "settings";
    let set = &patient.loaded.settings;
    let mut findings: Vec<Finding> = patient
        .loaded
        .complaints
        .iter()
        .map(|it| Finding::warning(NAME, it.to_string(), "`kiln config list` shows what is in force"))
        .collect();
    for (on, name) in [(set.off, "off"), (set.recache, "recache"), (set.read_only, "read-only")] {
        if on {
            let advice = format!("`kiln config get {name} --json` says where it was set");
            findings.push(Finding::warning(NAME, format!("`{name}` is on"), advice));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::fine(NAME, "none is odd"));
    }
    findings
}
