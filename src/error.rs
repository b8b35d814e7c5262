//! Every way in which the library can fail, and the exit code of each.
//!
//! Messages are lower-case fragments that name the file, the line where there is one, and a way
//! out. The exit codes are a contract with schedulers: they are listed in docs/commands.md and in
//! `chartledger --help` from [`EXIT_CODES`], the one place where they are written down.

use std::path::{Path, PathBuf};

use crate::store::{Address, Problem};

/// The exit codes with their meaning, in the words of the help text.
pub const EXIT_CODES: [(u8, &str); 9] = [
    (0, "success, with or without anything new"),
    (1, "internal error"),
    (2, "wrong usage, pipeline or catalog file"),
    (3, "bad input: nothing usable, or --strict and something was quarantined"),
    (
        4,
        "an audit failed, nothing published; a scope is older than max_staleness, tables published; \
         `claims check --strict`: a claim is contradicted; `explain`, `report`: a figure does not follow from the \
         ledger; `verify`: something is not as it was written",
    ),
    (5, "output could not be written"),
    (6, "another run holds the ledger, or publishes to the same place"),
    (130, "stopped by SIGINT (Ctrl-C): nothing half done, run again"),
    (143, "stopped by SIGTERM: nothing half done, run again"),
];

/// A result of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pipeline or catalog file, or a flag, that does not say what it should.
    #[error("{0}")]
    Usage(String),
    /// A configuration file that cannot be read or understood.
    #[error("{}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        problem: String,
    },
    /// An export that cannot be used, or no export at all.
    #[error("{0}")]
    Input(String),
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A figure or a table that contradicts its own contract.
    #[error("audit failed: {0}")]
    Audit(String),
    /// Scopes whose newest date is too old, though all that came in is published.
    #[error("too old: {0}; the tables are published all the same, with what there is")]
    Stale(String),
    /// A file or directory that cannot be written.
    #[error("cannot write {}{}: {source}", path.display(), way_out(source))]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The ledger or a published run is not what it says it is.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Claims that the data contradicts, where that is a failure.
    #[error("{}: {problem}", path.display())]
    Contradicted {
        /// The claims file.
        path: PathBuf,
        /// Which of them.
        problem: String,
    },
    /// Files that are not as they were written, or tables that do not follow from the ledger.
    #[error("{0}")]
    Faults(String),
    /// Another run is writing to the ledger.
    #[error("the ledger {} is held by another run{holder}; wait for it or use another --ledger", path.display())]
    Locked {
        /// The ledger.
        path: PathBuf,
        /// Who holds it, with a leading space, or nothing.
        holder: String,
    },
    /// Another run, from another ledger, publishes to the same place.
    #[error("another run publishes to {}; wait for it or use another --out", path.display())]
    Publishing {
        /// Where.
        path: PathBuf,
    },
    /// Objects that cannot be read.
    #[error("cannot read {at}: {problem}")]
    Unreadable {
        /// Where they are.
        at: String,
        /// What the store said, and what to do.
        problem: String,
    },
    /// Objects that cannot be written.
    #[error("cannot write {at}: {problem}")]
    Unwritable {
        /// Where they should be.
        at: String,
        /// What the store said, and what to do.
        problem: String,
    },
    /// Another run has published to the same place while this one was made.
    #[error(
        "{at} was written by another run meanwhile{by}; nothing of this run was published there, what the ledger \
         has taken in stays, and the next run publishes it"
    )]
    Overtaken {
        /// The pointer that it has written.
        at: String,
        /// Which run, with a leading blank, or nothing.
        by: String,
    },
    /// A frame operation that should not fail.
    #[error("internal error in a table operation: {0}")]
    Frame(#[from] polars::error::PolarsError),
}

/// What to do about a file that cannot be written; what was there before is as it was.
fn way_out(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{
        NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    match source.kind() {
        StorageFull | QuotaExceeded => "; free some space and run again, nothing is lost",
        ReadOnlyFilesystem | PermissionDenied => "; make it writable and run again, nothing is lost",
        NotADirectory => "; a file is where a folder should be: move it away and run again",
        _ => "",
    }
}

impl Error {
    /// The exit code of the process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Frame(_) => 1,
            Self::Usage(_) | Self::Config { .. } => 2,
            Self::Input(_) | Self::Read { .. } | Self::Unreadable { .. } => 3,
            Self::Audit(_)
            | Self::Damaged { .. }
            | Self::Contradicted { .. }
            | Self::Faults(_)
            | Self::Stale(_) => 4,
            Self::Write { .. } | Self::Unwritable { .. } | Self::Overtaken { .. } => 5,
            Self::Locked { .. } | Self::Publishing { .. } => 6,
        }
    }

    /// For `map_err` on a file that is read.
    pub fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::Read { path: path.to_owned(), source }
    }

    /// For `map_err` on a file that is written.
    pub fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::Write { path: path.to_owned(), source }
    }

    /// Objects that cannot be read, and why.
    pub fn unreadable(at: &Address, problem: &Problem) -> Self {
        Self::Unreadable { at: at.to_string(), problem: problem.sentence(at) }
    }

    /// Objects that cannot be written, and why.
    pub fn unwritable(at: &Address, problem: &Problem) -> Self {
        Self::Unwritable { at: at.to_string(), problem: problem.sentence(at) }
    }

    /// A configuration file with a problem.
    pub fn config(path: &Path, problem: impl ToString) -> Self {
        Self::Config { path: path.to_owned(), problem: problem.to_string() }
    }

    /// A file of our own that is damaged.
    pub fn damaged(path: &Path, problem: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.to_string() }
    }
}
