//! Blobs: into the store and out of it.
//!
//! What is copied out is believed if the memo knows the very identity of the stored file, else it is hashed on the way. A
//! stored file that is linked into a target directory can be written to there, and linking changes its identity, so it is
//! mostly hashed again before it is linked once more (5 MB take 0.6 ms).

use super::{BLOBS, LocalStore};
use crate::{Fetched, Keep, Key, StoreError};
use kiln_action::{Digest, FileKind};
use kiln_sys::files::{self, Draft, FileError, Search, Source, Stat};
use kiln_sys::identity::{self, FileTime, WrittenBy, hash_and_remember};
use kiln_sys::process;
use std::path::{Path, PathBuf};

impl LocalStore {
    /// Whether the blob is there, as far as its length tells.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.there(digest) != There::Missing
    }

    fn there(&self, digest: &Digest) -> There {
        match files::lstat(&self.path(&Key::Blob(*digest))) {
            Ok(Some(stat)) if is_whole(Some(stat), digest) => match self.memo.get(&stat.identity) {
                Some(known) if known == *digest => There::Right,
                _ => There::Doubtful,
            },
            _ => There::Missing,
        }
    }

    /// It was put there, over what was.
    fn has_come(&self, digest: &Digest, there: There) {
        if there == There::Missing {
            self.usage.grow(digest.size);
        }
    }

    pub(super) fn put_bytes(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let there = self.there(digest);
        if there == There::Right {
            return Ok(());
        }
        let path = self.path(&Key::Blob(*digest));
        if Digest::of(bytes) != *digest {
            return Err(StoreError::NotTheKey(path));
        }
        let identity = files::write_atomic(&path, bytes)?;
        debug_assert_eq!(identity.size, digest.size, "what is remembered as this content has its size");
        self.memo.put(&identity, digest, WrittenBy::Kiln);
        self.has_come(digest, there);
        Ok(())
    }

    /// Keeps a copy. What was copied is not looked at again here, so it is not believed until it has been hashed.
    pub(super) fn put_copy(&self, digest: &Digest, from: &Path) -> Result<(), StoreError> {
        let there = self.there(digest);
        if there == There::Right {
            return Ok(());
        }
        let source = Source::open(from)?;
        if source.stat().kind != FileKind::File || source.stat().identity.size != digest.size {
            return Err(StoreError::NotTheKey(from.to_owned()));
        }
        files::place_copy(&source, &self.path(&Key::Blob(*digest)), false)?;
        self.has_come(digest, there);
        Ok(())
    }

    pub(super) fn put_link(&self, digest: &Digest, from: &Path) -> Result<(), StoreError> {
        let there = self.there(digest);
        if there == There::Right {
            return Ok(());
        }
        let plain = |stat: &Stat| stat.kind == FileKind::File && stat.identity.size == digest.size;
        if !files::lstat(from)?.as_ref().is_some_and(plain) {
            return self.put_copy(digest, from); // a symbolic link must not get into the store; all else fails there
        }
        let path = self.path(&Key::Blob(*digest));
        match files::place_link(from, &path) {
            Ok(_) => self.has_come(digest, there),
            // It came over a doubtful one, and was evicted a moment later.
            Err(error) if error.is_missing() && error.path == path => {}
            Err(error) if error.wants_copy() => return self.put_copy(digest, from),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Keeps a file whose digest nobody knows yet, reading it only once, and says what it is. A copy that was made this
    /// way is believed from now on, because what was hashed is what was written. A file that holds one of `banned` is not kept.
    pub fn keep(&self, from: &Path, how: Keep, banned: &[&[u8]]) -> Result<Digest, StoreError> {
        let source = Source::open(from)?;
        if source.stat().kind != FileKind::File {
            return Err(StoreError::NotTheKey(from.to_owned()));
        }
        let mut search = Search::new(banned);
        let allowed = |search: Search<'_>| match search.found() {
            Some(at) => Err(StoreError::Banned(from.to_owned(), banned[at].to_vec())),
            None => Ok(()),
        };
        match how {
            Keep::Link => {
                let hashed = identity::hash_showing(&source, &self.memo, |piece| search.see(piece))?;
                allowed(search)?;
                if !hashed.stable {
                    return Err(StoreError::NotTheKey(from.to_owned()));
                }
                self.put_link(&hashed.digest, from)?;
                Ok(hashed.digest)
            }
            Keep::Copy => {
                let draft = Draft::create(&self.root.join(BLOBS), 0o666)?;
                let digest = draft.fill_showing(&source, |piece| search.see(piece))?;
                allowed(search)?;
                let there = self.there(&digest);
                if there != There::Right {
                    let identity = draft.publish(&self.path(&Key::Blob(digest)))?;
                    debug_assert_eq!(identity.size, digest.size, "what was hashed is what was written");
                    self.memo.put(&identity, &digest, WrittenBy::Kiln);
                    self.has_come(&digest, there);
                }
                Ok(digest)
            }
        }
    }

    pub(super) fn fetch_copy(
        &self,
        digest: &Digest,
        to: &Path,
        executable: bool,
    ) -> Result<Fetched, StoreError> {
        let (path, source) = self.open_blob(digest)?;
        let believed = self.memo.get(&source.stat().identity) == Some(*digest);
        let placed = if believed {
            files::place_copy(&source, to, executable).map(Some)
        } else {
            let moment = FileTime::now();
            let placed = files::place_copy_checked(&source, to, executable, digest);
            self.remember(&source, digest, moment, &placed);
            placed
        };
        match placed.map_err(|error| self.read_error(digest, &path, error))? {
            Some(identity) => {
                self.memo.put(&identity, digest, WrittenBy::Kiln);
                Ok(Fetched { identity, linked: false, taken: false })
            }
            None => Err(self.damaged(digest)),
        }
    }

    /// A blob that has just been copied and found right need not be hashed next time.
    fn remember<T>(
        &self,
        source: &Source,
        digest: &Digest,
        moment: FileTime,
        placed: &Result<Option<T>, FileError>,
    ) {
        let right = matches!(placed, Ok(Some(_)));
        let same = source.stat_again().is_ok_and(|now| now.identity == source.stat().identity);
        let local = source.filesystem_kind().is_ok_and(|kind| !kind.is_remote());
        if right && same {
            let writer = if local { WrittenBy::Other(moment) } else { WrittenBy::Remote(moment) };
            self.memo.put(&source.stat().identity, digest, writer);
        }
    }

    pub(super) fn fetch_link(&self, digest: &Digest, to: &Path) -> Result<Fetched, StoreError> {
        let (path, source) = self.open_blob(digest)?;
        let mut known = self.memo.get(&source.stat().identity) == Some(*digest);
        if !known {
            let hashed = hash_and_remember(&source, &self.memo);
            let hashed = hashed.map_err(|error| self.read_error(digest, &path, error))?;
            if hashed.digest != *digest {
                return Err(self.damaged(digest));
            }
            known = self.memo.get(&hashed.identity) == Some(*digest);
        }
        let identity = match files::place_link(&path, to) {
            Ok(identity) => identity,
            Err(error) if error.wants_copy() => return self.fetch_copy(digest, to, false),
            // It was evicted a moment ago, even if somebody has put it back since.
            Err(error) if error.is_missing() => return Err(StoreError::Missing(*digest)),
            Err(error) => return Err(error.into()),
        };
        if !identity.same_content(&source.stat().identity) {
            // It was replaced or written to between hashing and linking.
            let _ = files::remove(to);
            return Err(StoreError::Missing(*digest));
        }
        if known {
            self.memo.put(&identity, digest, WrittenBy::Kiln); // linking has changed nothing but ctime
        }
        Ok(Fetched { identity, linked: true, taken: false })
    }

    /// Moves a blob out, if its content is known, nobody else has a name for it, and it has the permissions that new files have here.
    pub(super) fn take(
        &self,
        digest: &Digest,
        to: &Path,
        executable: bool,
    ) -> Result<Option<Fetched>, StoreError> {
        let path = self.path(&Key::Blob(*digest));
        let Some(stat) = files::lstat(&path)?.filter(|stat| is_whole(Some(*stat), digest)) else {
            return Ok(None);
        };
        let usual = process::umask().is_some_and(|umask| stat.mode & 0o7777 == 0o666 & !umask);
        let known = self.memo.get(&stat.identity) == Some(*digest);
        if stat.links != 1 || !usual || !known || files::rename(&path, to).is_err() {
            return Ok(None);
        }
        if executable {
            files::make_executable(to)?;
        }
        files::touch_now(to)?;
        let identity = files::lstat(to)?.ok_or(StoreError::Missing(*digest))?.identity;
        self.memo.put(&identity, digest, WrittenBy::Kiln);
        Ok(Some(Fetched { identity, linked: false, taken: true }))
    }

    fn open_blob(&self, digest: &Digest) -> Result<(PathBuf, Source), StoreError> {
        let path = self.path(&Key::Blob(*digest));
        let source = match Source::open_own(&path) {
            Err(error) if error.is_missing() => return Err(StoreError::Missing(*digest)),
            source => source?,
        };
        if !is_whole(Some(*source.stat()), digest) {
            return Err(self.damaged(digest));
        }
        Ok((path, source))
    }

    fn damaged(&self, digest: &Digest) -> StoreError {
        match files::remove(&self.path(&Key::Blob(*digest))) {
            Ok(_) => StoreError::Damaged(*digest),
            Err(error) => StoreError::File(error),
        }
    }

    /// A blob that the disk cannot read is damaged, too.
    fn read_error(&self, digest: &Digest, path: &Path, error: FileError) -> StoreError {
        if error.path == path && error.verb == "read" { self.damaged(digest) } else { error.into() }
    }
}

/// What the store knows of a blob without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    /// It is not there, or has another length.
    Missing,
    /// It has its length, and nobody knows more: whoever has the right bytes puts them over it, so that one compile mends
    /// everything that is damaged of a unit.
    Doubtful,
    /// It was hashed, or written, as it is.
    Right,
}

fn is_whole(there: Option<Stat>, digest: &Digest) -> bool {
    there.is_some_and(|stat| stat.kind == FileKind::File && stat.identity.size == digest.size)
}
