//! What was in an object when it was last read, so that it need not be fetched to know.
//!
//! A ledger knows an export by its size and time, which is enough for files. An object can be
//! written twice within its store's second, and the same content again under a new time: its ETag
//! tells the one, and its hash, kept here, the other. This is a cache: without it, size and time
//! decide, and some objects are fetched once more.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Found;
use crate::error::Result;
use crate::files;

const FILE: &str = "known.json";

/// One writing of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writing {
    /// Bytes.
    pub size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub modified: u64,
    /// What the store calls it.
    pub etag: Option<String>,
}

impl Writing {
    /// Whether two are the same, as far as the store tells.
    fn is(&self, other: &Self) -> bool {
        match (&self.etag, &other.etag) {
            (Some(etag), Some(other_etag)) => etag == other_etag && self.size == other.size,
            _ => self == other,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    writing: Writing,
    /// BLAKE3 of its content, in hexadecimal.
    hash: String,
}

/// What is known of objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Known {
    entries: BTreeMap<PathBuf, Entry>,
    changed: bool,
}

/// What a look at an object says of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// It is that of this hash.
    Is(&'a str),
    /// It has been written again since it was read.
    Written,
    /// It was never read, or nobody remembers.
    Untold,
}

impl Known {
    /// That of a folder; nothing if there is none, or if it cannot be read.
    pub fn read(folder: &Path) -> Self {
        let text = std::fs::read(folder.join(FILE)).ok();
        let entries = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { entries, changed: false }
    }

    /// Keeps it, if it has changed.
    ///
    /// # Errors
    /// [`crate::error::Error::Write`].
    pub fn keep(&self, folder: &Path) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        files::create_directory(folder)?;
        let text = serde_json::to_vec(&self.entries).unwrap_or_default();
        files::put_aside(&folder.join(FILE), |file| file.write_all(&text))
    }

    /// What is in an object, of which this is listed.
    pub fn content(&self, found: &Found, listed: &Writing) -> Content<'_> {
        match self.entries.get(&found.path) {
            None => Content::Untold,
            Some(entry) if entry.writing.is(listed) => Content::Is(&entry.hash),
            Some(_) => Content::Written,
        }
    }

    pub(super) fn note(&mut self, path: &Path, writing: &Writing, hash: &str) {
        let entry = Entry { writing: writing.clone(), hash: hash.to_owned() };
        self.changed |= self.entries.get(path) != Some(&entry);
        self.entries.insert(path.to_owned(), entry);
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&Path) -> bool) {
        let before = self.entries.len();
        self.entries.retain(|path, _| stays(path));
        self.changed |= self.entries.len() != before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_says_more_than_size_and_time() {
        let writing =
            |modified, etag: Option<&str>| Writing { size: 5, modified, etag: etag.map(str::to_owned) };
        let found = Found { path: "s3://b/x.csv".into(), name: "x.csv".into(), size: 5, modified: 7 };
        let mut known = Known::default();
        assert_eq!(known.content(&found, &writing(7, Some("a"))), Content::Untold);
        known.note(&found.path, &writing(7, Some("a")), "h");
        assert_eq!(known.content(&found, &writing(8, Some("a"))), Content::Is("h"));
        assert_eq!(known.content(&found, &writing(7, Some("b"))), Content::Written);
        assert_eq!(known.content(&found, &writing(8, None)), Content::Written);
        assert_eq!(known.content(&found, &writing(7, None)), Content::Written);
    }

    #[test]
    fn it_is_kept_and_read_again() {
        let folder = std::env::temp_dir().join(format!("chartledger-known-{}", std::process::id()));
        let mut known = Known::read(&folder);
        assert_eq!(known, Known::default());
        known.note(Path::new("s3://b/x"), &Writing { size: 1, modified: 2, etag: None }, "h");
        known.keep(&folder).unwrap();
        assert_eq!(Known::read(&folder).entries, known.entries);
        std::fs::write(folder.join(FILE), "{").unwrap();
        assert_eq!(Known::read(&folder), Known::default());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
