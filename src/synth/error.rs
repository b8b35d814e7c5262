use std::io;
use std::path::{Path, PathBuf};

use super::options::{Dialect, Layout};

/// Why synthetic exports could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// The file system refused.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A name given on the command line is not one of the known ones.
    #[error("unknown {kind} `{name}`, expected one of {known}")]
    UnknownName {
        /// What was being named: a dialect, a layout, a compression.
        kind: &'static str,
        /// What was given.
        name: String,
        /// The accepted names, comma-separated.
        known: String,
    },
    /// A dialect that never comes in this layout in the wild.
    #[error("dialect {dialect} does not come in layout {layout}")]
    Layout {
        /// The dialect asked for.
        dialect: Dialect,
        /// The layout asked for.
        layout: Layout,
    },
    /// A count in the request is zero or beyond what the world holds.
    #[error("{what} is {asked}, expected 1 to {limit}")]
    Count {
        /// The field of the request.
        what: &'static str,
        /// Its value.
        asked: usize,
        /// The largest value accepted.
        limit: usize,
    },
    /// The days asked for leave the calendar (years 1 to 9999).
    #[error("the period of {days} days from {from} leaves the calendar")]
    Calendar {
        /// First day of the request.
        from: chrono::NaiveDate,
        /// Length of the request.
        days: usize,
    },
    /// A weekly dialect over days that hold no whole week.
    #[error("the period of {days} days from {from} holds no whole chart week")]
    NoWholeWeek {
        /// First day of the request.
        from: chrono::NaiveDate,
        /// Length of the request.
        days: usize,
    },
}

impl SynthError {
    /// For `map_err`: ties an I/O error to the path it happened on.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.to_owned(), source }
    }
}
