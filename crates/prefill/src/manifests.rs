//! What cargo takes a unit's variables, features and profile from besides the lock file and its configuration: manifests. A snapshot holds
//! what each of them was, so that what cargo set for a unit then is known to be what it would set today.
//!
//! What this rests on (cargo 1.95): `CARGO_PKG_*` and the like come from the package's manifest, and where that inherits
//! (`description.workspace = true`) from the workspace's, which is in a directory above it or where `package.workspace` says
//! (`find_workspace_root`); `CARGO_PKG_README` names the first of three files that is there, if the manifest names none. Of a package that
//! is in a directory of packages (`cargo vendor`) cargo refuses to build anything if a file of it is another than `.cargo-checksum.json`
//! beside the manifest says, whether anybody reads the file or not; of what is built already it does not look.

use crate::recorded::RecordedCall;
use kiln_action::os::{OsStrExt, OsStringExt};
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_action::{Digest, FileKind};
use kiln_sys::files::{self, Stat};
use kiln_sys::identity::{self, Found, Memo};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

const MANIFEST: &str = "Cargo.toml";
/// What says, in a directory of packages, which files a package has.
const CHECKSUMS: &str = ".cargo-checksum.json";
/// No package there has more files.
const MOST_FILES: usize = 20_000;
/// What cargo takes for a package's readme if the manifest does not say (`DEFAULT_README_FILES`).
const READMES: [&str; 3] = ["README.md", "README.txt", "README"];
/// No manifest is larger.
const LARGEST: u64 = 4 << 20;

/// Files, and what was in them; `None` where there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifests(Vec<(PathBuf, Option<Digest>)>);

impl Manifests {
    /// Those that the calls of a build hung on. `None` if one of them may have changed since the build began, or cannot be understood.
    pub fn of<'a>(
        calls: impl Iterator<Item = &'a RecordedCall>,
        began_ns: i64,
        memo: &Memo,
    ) -> Option<Manifests> {
        let packages: BTreeSet<&Path> =
            calls.filter_map(|call| call.variable("CARGO_MANIFEST_DIR")).map(Path::new).collect();
        let mut files = BTreeSet::new();
        for package in packages {
            files.extend(READMES.into_iter().chain([CHECKSUMS]).map(|name| package.join(name)));
            for root in [package.to_owned()].into_iter().chain(workspace_named(&package.join(MANIFEST))?) {
                files.extend(root.ancestors().map(|above| above.join(MANIFEST)));
            }
        }
        let state = |path: PathBuf| {
            let state = state(&path, began_ns, memo)?;
            Some((path, state))
        };
        files.into_iter().map(state).collect::<Option<_>>().map(Manifests)
    }

    /// Whether all of them are as they were, and have been since the build began.
    pub fn hold(&self, began_ns: i64, memo: &Memo) -> bool {
        self.0.iter().all(|(path, was)| state(path, began_ns, memo).as_ref() == Some(was))
    }

    /// Appends the wire form.
    pub fn write(&self, to: &mut Writer) {
        to.u32(self.0.len() as u32);
        for (path, digest) in &self.0 {
            to.bytes(path.as_os_str().as_bytes());
            to.u8(u8::from(digest.is_some()));
            digest.iter().for_each(|digest| to.digest(digest));
        }
    }

    /// Reads what [`Manifests::write`] wrote.
    pub fn read(from: &mut Reader<'_>) -> Result<Manifests, Malformed> {
        let file = |from: &mut Reader<'_>| {
            let path = PathBuf::from(OsString::from_vec(from.bytes()?.to_vec()));
            let called = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if ![MANIFEST, CHECKSUMS].contains(&called) && !READMES.contains(&called) {
                return Err(Malformed); // nobody asks for another file this way
            }
            Ok((path, if from.u8()? != 0 { Some(from.digest()?) } else { None }))
        };
        from.list(file).map(Manifests)
    }
}

/// What is in a file (`None` within: there is none), if that is the same since the build began. What a readme says is in no variable.
/// Behind the checksums of a package stand all its files.
fn state(path: &Path, began_ns: i64, memo: &Memo) -> Option<Option<Digest>> {
    let is = |name: &str| path.file_name().is_some_and(|it| it == name);
    if is(CHECKSUMS) && files::lstat(path).ok()?.is_some() {
        return package(path.parent()?, began_ns, memo).map(Some);
    }
    let link = files::lstat(path).ok()?;
    let Some(stat) = files::stat(path).ok()? else { return Some(None) };
    if stat.identity.ctime_ns > began_ns || link?.identity.ctime_ns > began_ns {
        return None;
    }
    if !is(MANIFEST) {
        return Some(Some(Digest::of(b"")));
    }
    if stat.identity.size > LARGEST {
        return None;
    }
    content(path, &stat, memo).map(Some)
}

/// What is in a file that was looked at.
fn content(path: &Path, stat: &Stat, memo: &Memo) -> Option<Digest> {
    match identity::digest_of(path, memo).ok()? {
        Found::Content(digest, identity) => (identity == stat.identity).then_some(digest),
        Found::Nothing | Found::Other(_) => None,
    }
}

/// All that is in a package's directory, if that is the same since the build began.
fn package(root: &Path, began_ns: i64, memo: &Memo) -> Option<Digest> {
    let mut text = Writer::default();
    let mut left = vec![root.to_owned()];
    let mut count = 0;
    while let Some(directory) = left.pop() {
        for entry in files::list(&directory).ok()?? {
            count += 1;
            let path = directory.join(&entry.name);
            let stat = files::lstat(&path).ok()??;
            match stat.kind {
                FileKind::Directory => left.push(path),
                FileKind::File if stat.identity.ctime_ns <= began_ns && count <= MOST_FILES => {
                    text.bytes(path.strip_prefix(root).ok()?.as_os_str().as_bytes());
                    text.digest(&content(&path, &stat, memo)?);
                }
                _ => return None,
            }
        }
    }
    Some(Digest::of(&text.0))
}

/// The directory that a manifest names as its workspace's, if it names one; `None` if the manifest cannot be read.
fn workspace_named(manifest: &Path) -> Option<Option<PathBuf>> {
    let text = files::read_limited(manifest, LARGEST).ok()?;
    Some(named(&text)?.map(|path| manifest.with_file_name(path)))
}

/// The value of `package.workspace` (`[project]` is what cargo called `[package]` once), by the reader of TOML that cargo has.
fn named(manifest: &[u8]) -> Option<Option<PathBuf>> {
    let text = std::str::from_utf8(manifest).ok()?;
    let table = DeTable::parse(text).ok()?;
    let packages = ["package", "project"].into_iter().filter_map(|name| table.get_ref().get(name));
    for package in packages {
        if let Some(path) = package.get_ref().as_table()?.get("workspace") {
            return Some(Some(PathBuf::from(path.get_ref().as_str()?)));
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_that_a_manifest_names() {
        let is = |text: &str| named(text.as_bytes());
        for text in [
            "[package]\nname = \"a\"\n",
            "[package]\nversion.workspace = true\n[workspace]\nmembers = []\n",
            "# workspace = \"../up\"\n[package.metadata.x]\nworkspace = '../up'\n",
            "[dependencies]\na = { workspace = true }\n",
        ] {
            assert_eq!(is(text), Some(None), "{text}");
        }
        for text in [
            "[package]\nworkspace = \"../up\"\n",
            "[project]\nworkspace = \"../up\"\n",
            "package.workspace='../up'",
            "package . 'workspace' = '../up'",
            "package = { \"workspace\" = \"../up\" }",
            "[package]\n\"work\\u0073pace\" = \"../up\"\n",
            "[ \"p\\U00000061ckage\" ]\nworkspace = \"..\\u002fup\"\n",
            "[package]\nworkspace = \"\"\"\n../\\\n  up\"\"\"\n",
            "\u{feff}[package]\r\nworkspace = \"../up\"\r\n",
        ] {
            assert_eq!(is(text), Some(Some("../up".into())), "{text}");
        }
        for text in
            ["[package]\nworkspace = 1\n", "package = 1", "[package", "[package]\nworkspace = \"..\\qup\""]
        {
            assert_eq!(is(text), None, "{text}");
        }
        assert_eq!(named(b"[package]\nname = \"\xff\"\n"), None);
    }
}
