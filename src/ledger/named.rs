//! Reading files whose name is the hash of their content.

use std::io::ErrorKind;
use std::path::Path;

use polars::prelude::DataFrame;

use crate::error::{Error, Result};
use crate::parquet;

/// What to do about a ledger that is damaged.
pub const WAY_OUT: &str = "restore the ledger from a backup; or delete it and run again with --full, \
                           which takes in what is still among the exports";

/// The hash in a file's name: `<hash>.parquet` or `<kind>-<hash>.parquet`.
pub fn hash_in(name: &str) -> Option<&str> {
    let stem = name.rsplit('/').next()?.split('.').next()?;
    let hash = stem.rsplit('-').next()?;
    (hash.len() == 2 * blake3::OUT_LEN && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
}

/// A file or folder of the ledger that is there and cannot be read.
pub fn unreadable(path: &Path, source: &std::io::Error) -> Error {
    let way_out = match source.kind() {
        ErrorKind::NotADirectory => "a file is where a folder should be: move it away",
        ErrorKind::IsADirectory => WAY_OUT,
        _ => "make it readable and run again",
    };
    Error::damaged(path, format!("it cannot be read: {source}; {way_out}"))
}

/// The bytes of a file of the ledger, which are what its name says.
///
/// # Errors
/// [`Error::Damaged`] if it is missing, cannot be read, or is another content.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => Error::damaged(path, format!("it is missing; {WAY_OUT}")),
        _ => unreadable(path, &source),
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    match hash_in(&name) {
        Some(hash) if hash != blake3::hash(&bytes).to_hex().as_str() => Err(Error::damaged(
            path,
            format!("its content is not the one that its name is the hash of; {WAY_OUT}"),
        )),
        _ => Ok(bytes),
    }
}

/// The frame in a Parquet file of the ledger. Damaged bytes never come to the decoder.
///
/// # Errors
/// Those of [`bytes`].
pub fn read(path: &Path) -> Result<DataFrame> {
    parquet::decode(path, bytes(path)?, None)
}
