//! What each stage of a run took: time, processor, rows, bytes.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

use crate::underway;

/// What the stages took, in order.
#[derive(Clone, Debug, Default)]
pub struct Timings(pub Vec<Spent>);

/// What one stage took.
#[derive(Clone, Copy, Debug)]
pub struct Spent {
    /// The stage.
    pub stage: &'static str,
    /// How long it took.
    pub time: Duration,
    /// For how long it kept processors busy, all threads together.
    pub processor: Duration,
    /// Rows that went through it; 0 where it is not about rows.
    pub rows: u64,
    /// Bytes that it read or wrote; 0 where it did neither.
    pub bytes: u64,
}

impl Timings {
    /// Does the work of a stage.
    pub fn time<T>(&mut self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        underway::turn_to(stage);
        let (begun, before) = (Instant::now(), processor());
        let result = work();
        let (time, processor) = (begun.elapsed(), processor().saturating_sub(before));
        let (rows, bytes) = underway::piece().map_or((0, 0), |piece| (piece.rows, piece.bytes));
        self.0.push(Spent { stage, time, processor, rows, bytes });
        result
    }

    /// Says what went through the last stage, where it does not count that itself.
    pub fn note(&mut self, rows: u64, bytes: u64) {
        if let Some(last) = self.0.last_mut() {
            (last.rows, last.bytes) = (rows, bytes);
        }
    }

    /// Takes what the last stage waited for something else as a stage of its own.
    pub fn set_apart(&mut self, stage: &'static str, waited: Duration) {
        if let Some(last) = self.0.last_mut() {
            last.time = last.time.saturating_sub(waited);
            self.0.push(Spent { stage, time: waited, processor: Duration::ZERO, rows: 0, bytes: 0 });
        }
    }

    /// The time of all stages.
    pub fn total(&self) -> Duration {
        self.0.iter().map(|spent| spent.time).sum()
    }

    /// The seconds of each stage, by its name.
    pub fn seconds(&self) -> Map<String, Value> {
        self.0.iter().map(|spent| (spent.stage.to_owned(), json!(spent.time.as_secs_f64()))).collect()
    }
}

/// How long this process has kept processors busy.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}
