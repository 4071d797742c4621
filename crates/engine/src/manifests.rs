//! What cargo takes a unit's variables, features and profile from besides the lock file and its configuration: manifests. A picture holds
//! what each of them was, so that what cargo told a unit then is known to be what it would tell it today.
//!
//! What this rests on (cargo 1.95): `CARGO_PKG_*` and the like come from the package's manifest, and where that inherits
//! (`description.workspace = true`) from the workspace's, which is in a directory above it or where `package.workspace` says
//! (`find_workspace_root`); `CARGO_PKG_README` names the first of three files that is there, if the manifest names none.

use crate::note::Note;
use kiln_action::Digest;
use kiln_action::wire::{Malformed, Reader, Writer};
use kiln_sys::files;
use kiln_sys::identity::{self, Found, Memo};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const MANIFEST: &str = "Cargo.toml";
/// What cargo takes for a package's readme if the manifest does not say (`DEFAULT_README_FILES`).
const READMES: [&str; 3] = ["README.md", "README.txt", "README"];
/// No manifest is larger.
const LARGEST: u64 = 4 << 20;

/// Files, and what was in them; `None` where there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifests(Vec<(PathBuf, Option<Digest>)>);

impl Manifests {
    /// Those that the calls of a build hung on. `None` if one of them may have changed since the build began, or cannot be understood.
    pub fn of<'a>(notes: impl Iterator<Item = &'a Note>, began_ns: i64, memo: &Memo) -> Option<Manifests> {
        let packages: BTreeSet<&Path> =
            notes.filter_map(|note| note.variable("CARGO_MANIFEST_DIR")).map(Path::new).collect();
        let mut files = BTreeSet::new();
        for package in packages {
            files.extend(READMES.map(|name| package.join(name)));
            for root in [package.to_owned()].into_iter().chain(workspaces_named(&package.join(MANIFEST))?) {
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

    /// Takes it.
    pub fn read(from: &mut Reader<'_>) -> Result<Manifests, Malformed> {
        let file = |from: &mut Reader<'_>| {
            let path = PathBuf::from(OsString::from_vec(from.bytes()?.to_vec()));
            let called = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if called != MANIFEST && !READMES.contains(&called) {
                return Err(Malformed); // nobody asks for another file this way
            }
            Ok((path, if from.u8()? != 0 { Some(from.digest()?) } else { None }))
        };
        from.list(file).map(Manifests)
    }
}

/// What is in a file (`None` within: there is none), if that is the same since the build began. What a readme says is in no variable.
fn state(path: &Path, began_ns: i64, memo: &Memo) -> Option<Option<Digest>> {
    let link = files::lstat(path).ok()?;
    let Some(stat) = files::stat(path).ok()? else { return Some(None) };
    if stat.identity.ctime_ns > began_ns || link?.identity.ctime_ns > began_ns {
        return None;
    }
    if path.file_name().is_none_or(|name| name != MANIFEST) {
        return Some(Some(Digest::of(b"")));
    }
    if stat.identity.size > LARGEST {
        return None;
    }
    match identity::digest_of(path, memo).ok()? {
        Found::Content(digest, identity) => (identity == stat.identity).then_some(Some(digest)),
        Found::Nothing | Found::Other(_) => None,
    }
}

/// The directories that a manifest may name as its workspace's; `None` if that cannot be told by looking for the word.
fn workspaces_named(manifest: &Path) -> Option<Vec<PathBuf>> {
    let text = files::read_limited(manifest, LARGEST).ok()?;
    let package = manifest.parent()?;
    Some(named(&text)?.into_iter().map(|path| package.join(path)).collect())
}

/// Every text of `workspace = "…"`, wherever it stands: which of them is the key of `[package]` is not asked (another may stand in a comment
/// or a table of some tool's), and what is none brings files that do not matter.
fn named(manifest: &[u8]) -> Option<Vec<PathBuf>> {
    const WORD: &[u8] = b"workspace";
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(manifest, WORD) {
        let rest = manifest[at + WORD.len()..].trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
        let Some(value) = rest.trim_ascii_start().strip_prefix(b"=").map(<[u8]>::trim_ascii_start) else {
            continue;
        };
        let Some(quote) = value.first().filter(|first| matches!(first, b'"' | b'\'')) else { continue };
        let text = value[1..].split(|byte| byte == quote).next()?;
        if text.is_empty() || text.contains(&b'\\') || text.contains(&b'\n') {
            return None; // a string in several lines, or with escapes
        }
        found.push(PathBuf::from(OsString::from_vec(text.to_vec())));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspaces_that_a_manifest_may_name() {
        let is = |text: &str| named(text.as_bytes());
        let up = || Some(vec![PathBuf::from("../up")]);
        assert_eq!(is("[package]\nname = \"a\"\n"), Some(vec![]));
        assert_eq!(is("[package]\nversion.workspace = true\n[workspace]\nmembers = []\n"), Some(vec![]));
        for text in
            ["workspace = \"../up\"", "package.workspace='../up'", "package = { \"workspace\" = \"../up\" }"]
        {
            assert_eq!(is(text), up(), "{text}");
        }
        for text in ["workspace = \"\"\"\n../up\"\"\"", "workspace = \"..\\u002fup\""] {
            assert_eq!(is(text), None, "{text}");
        }
        let both = Some(vec![PathBuf::from("../gone"), PathBuf::from("../up")]);
        for text in [
            "# workspace = \"../gone\"\nworkspace = \"../up\"\n",
            "metadata = { x = { workspace = '../gone' } }\nworkspace = '../up'\n",
        ] {
            assert_eq!(is(text), both, "{text}");
        }
    }
}
