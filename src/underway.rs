//! What this process is doing, for those who ask from outside the run: the log names the run in
//! every line, and a signal may end the process between two steps but not within one.
//!
//! Everything a run writes becomes visible by a link or a rename. A signal that comes just then
//! waits until it is durable, a few milliseconds, so that what is said of the state is true.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has changed yet.
    #[default]
    Before,
    /// The ledger has a new commit.
    Committed,
    /// The tables are published.
    Published,
}

static RUN: RwLock<Option<String>> = RwLock::new(None);
static STAGE: Mutex<Stage> = Mutex::new(Stage::Before);

/// Says that the run called `name` begins.
pub fn begin(name: &str) {
    *RUN.write().unwrap_or_else(PoisonError::into_inner) = Some(name.to_owned());
    *stage() = Stage::Before;
}

/// The name of the run, if one has begun.
pub fn run() -> Option<String> {
    RUN.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Does the work that takes the run to `stage`, undisturbed by [`stop`].
///
/// # Errors
/// Those of `work`; the stage is then as it was.
pub fn reach<T, E>(reached: Stage, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut stage = stage();
    let done = work()?;
    *stage = reached;
    Ok(done)
}

/// How far the run has come; it gets no further while the answer is held.
pub fn stop() -> MutexGuard<'static, Stage> {
    stage()
}

fn stage() -> MutexGuard<'static, Stage> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far one piece of the work is: what a progress bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What is being done, in the words of the timings.
    pub name: &'static str,
    /// How much of it there is; 0 if nobody knows.
    pub of: u64,
    /// How much of that is done.
    pub done: u64,
    /// Rows that this was.
    pub rows: u64,
    /// Bytes that this was.
    pub bytes: u64,
    /// For how long it has gone on.
    pub time: Duration,
}

static PIECE: RwLock<Option<(&'static str, Instant)>> = RwLock::new(None);
static OF: AtomicU64 = AtomicU64::new(0);
static DONE: AtomicU64 = AtomicU64::new(0);
static ROWS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Says that another piece of the work begins.
pub fn turn_to(name: &'static str) {
    let mut piece = PIECE.write().unwrap_or_else(PoisonError::into_inner);
    *piece = Some((name, Instant::now()));
    [&OF, &DONE, &ROWS, &BYTES].into_iter().for_each(|count| count.store(0, Ordering::Relaxed));
}

/// Says how much there is to do in this piece, in whatever it is measured by.
pub fn expect(of: u64) {
    OF.store(of, Ordering::Relaxed);
}

/// Says that some of this piece is done, and how many rows and bytes it was.
pub fn advance(done: u64, rows: u64, bytes: u64) {
    for (count, more) in [(&DONE, done), (&ROWS, rows), (&BYTES, bytes)] {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

/// The piece that is being worked on.
pub fn piece() -> Option<Piece> {
    let (name, since) = (*PIECE.read().unwrap_or_else(PoisonError::into_inner))?;
    let [of, done, rows, bytes] = [&OF, &DONE, &ROWS, &BYTES].map(|count| count.load(Ordering::Relaxed));
    Some(Piece { name, of, done, rows, bytes, time: since.elapsed() })
}
