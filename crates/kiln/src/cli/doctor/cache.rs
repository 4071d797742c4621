//! Is the cache directory one that can be used, and used well?

use super::{Finding, Patient};
use crate::wiring;
use kiln_action::Reason;
use kiln_engine::cache_dir::CacheDir;
use kiln_prefill::configuration;
use kiln_sys::files;
use kiln_sys::{env, process};
use std::path::{Path, PathBuf};

const ELSEWHERE: &str = "`kiln config set directory /another/directory`, or KILN_DIR";

pub(super) fn look(patient: &Patient<'_>, fault: Option<&Reason>) -> Vec<Finding> {
    let Some(cache) = patient.cache else {
        let why = fault.map_or_else(|| "it cannot be opened".into(), ToString::to_string);
        return vec![Finding::problem("cache", why, ELSEWHERE)];
    };
    let mut findings = vec![directory(patient, cache), filesystem(cache), room(patient, cache)];
    findings.extend(links(patient, cache));
    findings
}

fn directory(patient: &Patient<'_>, cache: &CacheDir) -> Finding {
    const NAME: &str = "cache";
    let shown = cache.directory.display();
    let trial = cache.directory.join(format!("doctor-{}", process::own_id()));
    if let Err(error) = files::write_private(&trial, b"kiln doctor\n") {
        if patient.loaded.settings.read_only {
            return Finding::fine(
                NAME,
                format!("{shown}, which cannot be written; nor need it, with `read-only`"),
            );
        }
        let advice = match error.source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                format!("make room (`kiln clear`, `kiln gc` with a smaller max-size), or {ELSEWHERE}")
            }
            _ => ELSEWHERE.to_owned(),
        };
        return Finding::problem(NAME, format!("{shown}: {error}"), advice);
    }
    let _ = files::remove(&trial);
    if let Ok(Some(owner)) = files::owner(&cache.directory)
        && owner != env::user()
    {
        let says = format!("{shown} belongs to user {owner}, and this is user {}", env::user());
        return Finding::warning(
            NAME,
            says,
            "results come from whoever can write there: have a cache of your own",
        );
    }
    match files::stat(&cache.directory) {
        Ok(Some(stat)) if stat.mode & 0o022 != 0 => {
            let says = format!("{shown} can be written by others (mode {:o})", stat.mode);
            Finding::warning(
                NAME,
                says,
                format!("`chmod go-w {shown}`: results come from whoever can write there"),
            )
        }
        _ => Finding::fine(NAME, format!("{shown} can be written")),
    }
}

fn filesystem(cache: &CacheDir) -> Finding {
    const NAME: &str = "disk";
    match files::filesystem_kind(&cache.directory) {
        Ok(kind) if kind.is_remote() => Finding::warning(
            NAME,
            "the cache is on a network file system: slow, and its times are another machine's",
            ELSEWHERE,
        ),
        Ok(kind) if kind.shares_blocks() => {
            Finding::fine(NAME, "files can share blocks: copies cost nothing")
        }
        Ok(_) => Finding::fine(NAME, "files cannot share blocks: libraries are linked, the rest is copied"),
        Err(error) => Finding::warning(NAME, error.to_string(), ELSEWHERE),
    }
}

fn room(patient: &Patient<'_>, cache: &CacheDir) -> Finding {
    const NAME: &str = "room";
    let gibibytes = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    let used = cache.store.estimate().unwrap_or(0);
    let free = match files::free_bytes(&cache.directory) {
        Ok(free) => free,
        Err(error) => return Finding::warning(NAME, error.to_string(), ELSEWHERE),
    };
    let limit = patient.loaded.settings.max_size;
    let says = format!(
        "{} used of {}, {} free on the disk",
        gibibytes(used),
        limit.map_or("any".into(), gibibytes),
        gibibytes(free)
    );
    match limit.map(|limit| limit.saturating_sub(used)) {
        Some(wanted) if wanted > free => Finding::warning(
            NAME,
            format!("{says}: less than it may want"),
            "`kiln config set max-size` to what there is",
        ),
        None if free < 1 << 30 => Finding::warning(NAME, says, "`kiln config set max-size` sets a limit"),
        _ => Finding::fine(NAME, says),
    }
}

/// Whether results get into the target directory as links.
fn links(patient: &Patient<'_>, cache: &CacheDir) -> Option<Finding> {
    const NAME: &str = "links";
    let target = target_directory(patient)?;
    let there = target.ancestors().find(|path| files::stat(path).is_ok_and(|stat| stat.is_some()))?;
    let device = |path: &Path| files::stat(path).ok().flatten().map(|stat| stat.identity.dev);
    let shown = target.display();
    if device(there) != device(&cache.directory) {
        return Some(Finding::warning(
            NAME,
            format!("{shown} and the cache are on different file systems: everything is copied"),
            "put the cache on the disk that you build on (`kiln config set directory`)",
        ));
    }
    // A trial where kiln's own files are: not every file system has links.
    let (file, link) =
        (cache.directory.join(format!("doctor-{}", process::own_id())), cache.directory.join("doctor-link"));
    let tried = files::write_private(&file, b"").and_then(|_| files::place_link(&file, &link));
    let _ = files::remove(&link);
    let _ = files::remove(&file);
    Some(match tried {
        Ok(_) => Finding::fine(NAME, format!("{shown} is on the cache's file system: libraries are linked")),
        Err(error) => Finding::warning(NAME, format!("everything is copied: {error}"), ELSEWHERE),
    })
}

/// Where cargo builds, if this is a project.
fn target_directory(patient: &Patient<'_>) -> Option<PathBuf> {
    let named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].into_iter().find_map(|name| {
        patient
            .environment
            .get(name)
            .filter(|value| !value.is_empty())
            .map(|value| patient.directory.join(value))
    });
    let configured = || {
        configuration::files(patient.environment, patient.directory).into_iter().find_map(|file| {
            let document = wiring::read(&file)?;
            let target = document.get("build")?.as_table_like()?.get("target-dir")?.as_str()?.to_owned();
            Some(file.parent()?.parent()?.join(target)) // relative to where `.cargo` is
        })
    };
    let has =
        |directory: &Path, name: &str| files::stat(&directory.join(name)).is_ok_and(|found| found.is_some());
    let project = || {
        let locked = patient.directory.ancestors().find(|directory| has(directory, "Cargo.lock"));
        let root =
            locked.or_else(|| patient.directory.ancestors().find(|directory| has(directory, "Cargo.toml")));
        root.map(|root| root.join("target"))
    };
    named.or_else(configured).or_else(project)
}
