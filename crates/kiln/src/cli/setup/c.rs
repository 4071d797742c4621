//! `kiln setup --c`: the two links that cargo's configuration names as this machine's compilers, and a directory of links for
//! builds that are not cargo's.

use super::{Entry, Site};
use crate::links;
use crate::wiring::{self, NamedWrapper};
use kiln_compiler::cc_rs_links;
use kiln_sys::env::Environment;
use kiln_sys::files;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The directory for the front of `$PATH`, below cargo's home.
const BIN: &str = "kiln/bin";

/// What the configuration is to say.
pub(super) fn entries(home: &Path) -> Vec<Entry> {
    let entry = |(name, key, _): &(&'static str, &'static str, &str)| Entry {
        table: "env",
        key,
        value: home.join(cc_rs_links::DIRECTORY).join(name),
        called: key,
        is_own: is_link,
    };
    cc_rs_links::LINKS.iter().map(entry).collect()
}

fn is_link(compiler: &str) -> bool {
    cc_rs_links::link(Path::new(compiler)).is_some()
}

/// Makes the links, those for the front of `$PATH` for the compilers that are there today.
pub(super) fn link(site: &Site<'_>, environment: &Environment) -> Result<(), String> {
    let names = cc_rs_links::LINKS.iter().map(|(name, ..)| (*name).into()).collect();
    links::hold(&site.home.join(cc_rs_links::DIRECTORY), &names, site.own)?;
    links::fill(&site.home.join(BIN), site.own, environment)
}

/// Removes kiln's links with compilers' names.
pub(super) fn unlink(site: &Site<'_>) -> Result<(), String> {
    let failed = |error: files::FileError| error.to_string();
    for directory in [cc_rs_links::DIRECTORY, BIN].map(|name| site.home.join(name)) {
        for entry in files::list(&directory).map_err(failed)?.unwrap_or_default() {
            files::remove(&directory.join(entry.name)).map_err(failed)?;
        }
        let _ = files::remove_empty_dir(&directory);
    }
    let _ = files::remove_empty_dir(&site.home.join("kiln"));
    Ok(())
}

/// What names the compilers of build scripts here, C before C++.
pub struct Wired(Vec<(&'static str, Vec<NamedWrapper>)>);

/// Looks. cc-rs asks for `CC_<target>` (spelled in two ways), then for `HOST_CC`, then for `CC`; cargo's `[env]` gives what the
/// environment does not have.
pub fn look(environment: &Environment, directory: &Path) -> Wired {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let of = |(_, host, plain): &(&str, &'static str, &str)| {
        let own = [target.clone(), target.replace('-', "_")].map(|target| format!("{plain}_{target}"));
        let asked = own.iter().map(String::as_str).chain([*host, *plain]);
        (*host, asked.flat_map(|name| wiring::compilers_named(name, environment, directory)).collect())
    };
    Wired(cc_rs_links::LINKS.iter().map(of).collect())
}

impl Wired {
    /// Whether both are kiln's, and there.
    pub fn is_wired(&self) -> bool {
        self.0.iter().all(|(_, named)| named.first().is_some_and(|it| is_link(&it.wrapper) && is_there(it)))
    }

    /// The same for programs.
    pub fn as_json(&self) -> serde_json::Value {
        let named = self.0.iter().filter_map(|(_, named)| named.first());
        let named: Vec<_> = named
            .map(|it| json!({ "place": it.place.to_string(), "compiler": it.wrapper, "kiln": is_link(&it.wrapper) }))
            .collect();
        json!({ "wired": self.is_wired(), "named": named })
    }

    /// What keeps builds from kiln's links, if anything of kiln's is named at all.
    pub fn trouble(&self) -> Option<(String, &'static str)> {
        let ours = |named: &[NamedWrapper]| named.iter().any(|it| is_link(&it.wrapper));
        let (_, named) = self.0.iter().find(|(_, named)| ours(named) && !self.is_wired_by(named))?;
        let first = named.first()?;
        Some(match is_link(&first.wrapper) {
            true => (
                format!("{} names {}, which is not there", first.place, first.wrapper),
                "`kiln setup --c` makes it again, `kiln setup --c --remove` takes it out",
            ),
            false => (
                format!("{} names `{}` before kiln is asked for", first.place, first.wrapper),
                "C of build scripts does not go through kiln as long as it does",
            ),
        })
    }

    /// Whether a link that is named is not there: builds fail then.
    pub fn is_broken(&self) -> bool {
        let first =
            |named: &Vec<NamedWrapper>| named.first().is_some_and(|it| is_link(&it.wrapper) && !is_there(it));
        self.0.iter().any(|(_, named)| first(named))
    }

    fn is_wired_by(&self, named: &[NamedWrapper]) -> bool {
        named.first().is_some_and(|it| is_link(&it.wrapper) && is_there(it))
    }
}

fn is_there(named: &NamedWrapper) -> bool {
    files::stat(&PathBuf::from(&named.wrapper)).is_ok_and(|found| found.is_some())
}

/// What is so now.
pub(super) fn as_text(site: &Site<'_>, wired: &Wired) -> String {
    let bin = site.home.join(BIN);
    if wired.is_wired() {
        return format!(
            "C and C++ that build scripts compile for this machine go through kiln, too\n\
             other builds: export PATH={}:$PATH (make, configure, meson), -DCMAKE_C_COMPILER_LAUNCHER=kiln \
             -DCMAKE_CXX_COMPILER_LAUNCHER=kiln (CMake)\n",
            bin.display()
        );
    }
    match wired.trouble() {
        Some((says, advice)) => format!("{says}: {advice}\n"),
        None => "C and C++ of build scripts do not go through kiln; `kiln setup --c` changes that, `kiln cargo` does it \
                 for one build\n"
            .into(),
    }
}
