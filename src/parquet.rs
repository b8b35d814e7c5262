//! Frames to Parquet bytes and back: the one place that knows the settings of the writer.

use std::cell::Cell;
use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use polars::prelude::*;

use crate::error::{Error, Result};

/// A frame as a Parquet file in memory: Zstandard, with statistics, the same bytes for the same
/// frame whatever its chunks were.
///
/// # Errors
/// [`Error::Frame`].
pub fn to_bytes(frame: &mut DataFrame) -> Result<Vec<u8>> {
    frame.align_chunks_par();
    frame.rechunk_mut();
    let mut bytes = Cursor::new(Vec::new());
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .set_parallel(false)
        .finish(frame)?;
    Ok(bytes.into_inner())
}

/// A Parquet file of our own, all columns or those named, in one chunk.
///
/// # Errors
/// [`Error::Read`] if it cannot be opened, [`Error::Damaged`] if it is not what we wrote.
pub fn read(path: &Path, columns: Option<Vec<String>>) -> Result<DataFrame> {
    decode(path, std::fs::read(path).map_err(Error::read(path))?, columns)
}

/// The same from the bytes of the file.
///
/// # Errors
/// [`Error::Damaged`] if they are not what we wrote.
pub fn decode(path: &Path, bytes: Vec<u8>, columns: Option<Vec<String>>) -> Result<DataFrame> {
    let frame = contained(|| {
        ParquetReader::new(Cursor::new(bytes))
            .with_columns(columns)
            .read_parallel(ParallelStrategy::None)
            .set_rechunk(true)
            .finish()
    });
    frame.map_err(|error| Error::damaged(path, error))
}

thread_local! {
    /// Whether a panic of this thread is expected and must not be printed.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Does work of the Parquet reader, which panics on some damaged files: here that is an error like
/// any other, and not a word of it goes to standard error.
///
/// # Errors
/// Those of `work`, and its panics.
pub fn contained<T>(work: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                usual(info);
            }
        }));
    });
    let outside = CONTAINED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outside);
    done.unwrap_or_else(|_| {
        Err(PolarsError::ComputeError(
            "it is damaged in a way that the Parquet reader does not expect".into(),
        ))
    })
}
