//! What this process is doing, for those who ask from outside the run: the log names the run in
//! every line, and a signal may end the process between two steps but not within one.
//!
//! Everything a run writes becomes visible by a link or a rename. A signal that comes just then
//! waits until it is durable, a few milliseconds, so that what is said of the state is true.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

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
