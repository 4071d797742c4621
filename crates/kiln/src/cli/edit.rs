//! Changing a TOML file that a person wrote: everything that is not meant stays as it is, and readers see the old file or
//! the new one.

use kiln_sys::files::{self, Draft};
use std::path::{Path, PathBuf};
use toml_edit::DocumentMut;

/// A file to be changed.
pub struct Edited {
    /// The file itself, where its name is a symbolic link.
    file: PathBuf,
    mode: u32,
    before: Option<String>,
    /// What is in it.
    pub document: DocumentMut,
}

impl Edited {
    /// Opens a file, which need not be there.
    pub fn open(path: &Path) -> Result<Edited, String> {
        let file = files::real_path(path).ok().flatten().unwrap_or_else(|| path.to_owned());
        let mode = files::stat(&file).ok().flatten().map_or(0o666, |stat| stat.mode);
        let before = match files::read(&file) {
            Ok(bytes) => {
                Some(String::from_utf8(bytes).map_err(|_| format!("{} is not text", path.display()))?)
            }
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(error.to_string()),
        };
        let document = before.as_deref().unwrap_or_default().parse::<DocumentMut>();
        let document = document
            .map_err(|error| format!("{} is not TOML, so it is left as it is:\n{error}", path.display()))?;
        Ok(Edited { file, mode, before, document })
    }

    /// Writes it back, if anything is different now; says whether it was. A file that nothing is left in goes.
    pub fn save(self) -> Result<bool, String> {
        let mut text = self.document.to_string();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if Some(&text) == self.before.as_ref() || self.before.is_none() && text.is_empty() {
            return Ok(false);
        }
        if text.trim().is_empty() {
            return files::remove(&self.file).map_err(|error| error.to_string());
        }
        let draft = Draft::create(self.file.parent().unwrap_or(Path::new("")), self.mode);
        let written = draft.and_then(|draft| {
            draft.write(text.as_bytes())?;
            draft.publish(&self.file)
        });
        written.map(|_| true).map_err(|error| error.to_string())
    }
}
