//! Objects at `s3://`, `gs://` and `az://`: listed, fetched, written.
//!
//! What speaks to the stores is a program of its own, `chartledger-store`, built apart
//! (`engines/store`): its hundred crates are not for those who have their exports on disk. It is
//! started when the first address is met.
//!
//! | file | job |
//! |---|---|
//! | `address.rs` | which paths are addresses of objects |
//! | `engine.rs` | the other program: requests and answers as lines of JSON |
//! | `problem.rs` | what it says went wrong, as errors |

mod address;
mod engine;
mod problem;

pub use address::Address;
pub use engine::{Object, Pointer, Store, Version};
pub use problem::{Kind, Problem};

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The folder of a ledger in which everything about objects stands: it is no part of the table.
pub const FOLDER: &str = ".objects";

/// That folder of a ledger.
pub fn folder(ledger: &Path) -> PathBuf {
    ledger.join(FOLDER)
}

/// Refuses an address where only a folder or file of this machine will do.
///
/// # Errors
/// [`Error::Usage`].
pub fn refuse(what: &str, path: &Path) -> Result<()> {
    match Address::is(path) {
        false => Ok(()),
        true => Err(Error::Usage(format!(
            "{what} on local disk, and {} is none; only exports and published tables may be at s3://, \
             gs:// or az://",
            path.display()
        ))),
    }
}
