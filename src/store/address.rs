//! Which paths are addresses of objects.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The stores there are.
const SCHEMES: [&str; 3] = ["s3", "gs", "az"];

/// Where an object is, or the objects below a prefix: `s3://bucket/key`, without a `/` at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

impl Address {
    /// Whether a path is meant as an address, be it a right one or not.
    pub fn is(path: &Path) -> bool {
        let scheme = path.to_str().and_then(|text| text.split_once("://")).map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric()))
    }

    /// The address that a path is; `None` for a file or folder.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that no store has.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        match path.to_str().filter(|_| Self::is(path)) {
            None => Ok(None),
            Some(text) => Self::parse(text).map(Some).map_err(Error::Usage),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        if !SCHEMES.contains(&scheme) {
            return Err(format!(
                "{text}: {scheme}:// is not known; exports and tables are at s3://, gs:// (Google) and az:// \
                 (Azure), or in folders"
            ));
        }
        let rest = rest.trim_end_matches('/');
        let mut parts = rest.split('/');
        if parts.next().is_none_or(str::is_empty) {
            return Err(format!("{text} names no bucket; an address is {scheme}://BUCKET/FOLDER"));
        }
        if parts.any(|part| matches!(part, "" | "." | "..")) || rest.contains(char::is_control) {
            return Err(format!("{text} is no address of objects: a part of it is empty or only dots"));
        }
        Ok(Self(format!("{scheme}://{rest}")))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a path, for where files and objects stand side by side.
    pub fn to_path(&self) -> PathBuf {
        PathBuf::from(&self.0)
    }

    /// What stands below it.
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0))
    }

    /// The bucket with its store, and the key: empty for all of the bucket.
    fn parts(&self) -> (&str, &str) {
        let from = self.0.find("://").map_or(0, |at| at + 3);
        match self.0.get(from..).and_then(|rest| rest.find('/')) {
            None => (&self.0, ""),
            Some(at) => {
                let (bucket, key) = self.0.split_at(from + at);
                (bucket, key.trim_start_matches('/'))
            }
        }
    }

    /// The bucket, as `s3://bucket`.
    pub fn bucket(&self) -> &str {
        self.parts().0
    }

    /// The key of the object, or the prefix of the keys.
    pub fn key(&self) -> &str {
        self.parts().1
    }

    /// The address of a key in the same bucket.
    pub fn of_key(&self, key: &str) -> Self {
        Self(format!("{}/{key}", self.bucket()))
    }

    /// A name for it that a folder can have.
    pub fn folder_name(&self) -> String {
        let tame = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
        let words: String = self.0.replace("://", "-").chars().map(tame).take(80).collect();
        let hash = blake3::hash(self.0.as_bytes()).to_hex();
        format!("{words}-{}", hash.get(..8).unwrap_or_default())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        for path in ["exports", "/s3/x", "s3:/x", "a b://c", "://x", "C://x", "s3"] {
            assert!(!Address::is(Path::new(path)), "{path}");
            assert_eq!(Address::of(Path::new(path)).unwrap(), None);
        }
        let address = |text: &str| Address::of(Path::new(text)).unwrap().unwrap();
        let at = address("s3://b/charts/2024//");
        assert_eq!((at.as_str(), at.bucket(), at.key()), ("s3://b/charts/2024", "s3://b", "charts/2024"));
        assert_eq!(at.of_key("x/y.csv").as_str(), "s3://b/x/y.csv");
        assert_eq!((address("gs://b/").bucket(), address("gs://b").key()), ("gs://b", ""));
        for wrong in ["https://b/x", "s3a://b", "s3://", "s3:///x", "s3://b/a//c", "s3://b/../c", "az://b/\n"]
        {
            assert!(Address::of(Path::new(wrong)).is_err(), "{wrong}");
        }
        assert!(address("s3://b/a_b").folder_name() != address("s3://b/a/b").folder_name());
    }
}
