//! How far a run is: a bar on a terminal, a line every few seconds in a log, nothing in a pipe.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chartledger::exports::Progress;
use chartledger::underway::{self, Piece};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text;

/// The bar on the screen, which must step aside for whatever else is written there.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// How often a bar is drawn.
const DRAWN: Duration = Duration::from_millis(100);

/// Who wants to know how far a run is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Watcher {
    /// Somebody at a terminal.
    Screen,
    /// A log, every so often.
    Log(Duration),
    /// Nobody.
    Nobody,
}

impl Watcher {
    /// A log that tells of progress is told; otherwise whoever sees standard error, unless `quiet`.
    pub fn of(logs: bool, every: Duration, quiet: bool) -> Self {
        match (logs && !every.is_zero(), quiet) {
            (_, true) => Self::Nobody,
            (true, _) => Self::Log(every),
            (false, _) if !logs && io::stderr().is_terminal() => Self::Screen,
            _ => Self::Nobody,
        }
    }

    /// Runs `work` and tells how far it is.
    pub fn watch<T: Send>(self, work: impl FnOnce(&Progress) -> T + Send) -> T {
        let progress = Progress::default();
        let every = match self {
            Self::Nobody => return work(&progress),
            Self::Screen => DRAWN,
            Self::Log(every) => every,
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if self == Self::Screen {
            *shown() = Some(bar.clone());
        }
        let (done, is_done) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let progress = &progress;
            let watcher = scope.spawn(move || {
                let began = Instant::now();
                while is_done.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    let Some(piece) = now(progress) else { continue };
                    match self {
                        Self::Screen => draw(&bar, &piece),
                        _ => log(&piece, began.elapsed()),
                    }
                }
                *shown() = None;
                bar.finish_and_clear();
            });
            let result = work(progress);
            drop(done);
            // Whatever is said next must not meet the bar.
            let _ = watcher.join();
            result
        })
    }
}

/// Puts a bar on the screen that steps aside for whatever else is written there; `None` takes it away.
pub fn put(bar: Option<ProgressBar>) {
    *shown() = bar;
}

fn shown() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    BAR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes to standard error, above the bar if there is one.
pub fn aside(bytes: &[u8]) -> io::Result<()> {
    let bar = shown().clone();
    let write = || io::stderr().write_all(bytes);
    bar.map_or_else(write, |bar| bar.suspend(write))
}

/// The piece of work, with what the decoder says of its own.
fn now(progress: &Progress) -> Option<Piece> {
    let piece = underway::piece()?;
    Some(match piece.name {
        "decode" => Piece {
            of: progress.expected(),
            done: progress.bytes(),
            bytes: progress.bytes(),
            rows: progress.rows_seen(),
            ..piece
        },
        _ => piece,
    })
}

/// So much in a second.
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-3)
}

/// How long the rest takes if it goes on like this.
fn left(piece: &Piece) -> Option<Duration> {
    let rest = piece.of.checked_sub(piece.done).filter(|_| piece.done > 0)?;
    Duration::try_from_secs_f64(rest as f64 / per_second(piece.done, piece.time)).ok()
}

fn draw(bar: &ProgressBar, piece: &Piece) {
    let mut said = Vec::new();
    if piece.rows > 0 {
        let rows = per_second(piece.rows, piece.time) as i64;
        said.push(format!("{} rows, {}/s", text::thousands(piece.rows as i64), text::thousands(rows)));
    }
    if piece.bytes > 0 {
        said.push(format!("{}/s", text::bytes(per_second(piece.bytes, piece.time) as u64)));
    }
    if let Some(left) = left(piece) {
        said.push(format!("{:#} left", HumanDuration(left)));
    }
    let template = if piece.of > 0 {
        "{prefix:<10} {bar:24} {percent:>3}% {msg}"
    } else {
        "{prefix:<10} {spinner} {msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(piece.name);
    bar.set_message(said.join(", "));
    bar.set_length(piece.of);
    bar.set_position(piece.done.min(piece.of));
    bar.tick();
}

fn log(piece: &Piece, elapsed: Duration) {
    let Piece { name, of, done, rows, bytes, time } = *piece;
    let percent = (of > 0).then(|| (done.min(of) as f64 * 100.0 / of as f64).floor() as u64);
    tracing::info!(
        stage = name,
        seconds = elapsed.as_secs(),
        percent,
        rows,
        rows_per_second = per_second(rows, time) as u64,
        bytes,
        bytes_per_second = per_second(bytes, time) as u64,
        seconds_left = left(piece).map(|left| left.as_secs()),
        "under way"
    );
}
