//! A bar on a terminal while exports are read, and nothing elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chartledger::exports::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Runs `work` with a bar for its progress; `quiet` draws none.
pub fn with_bar<T: Send>(quiet: bool, work: impl FnOnce(&Progress) -> T + Send) -> T {
    let progress = Progress::default();
    // indicatif draws nothing on anything but a terminal.
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(None, target);
    if bar.is_hidden() {
        return work(&progress);
    }
    let template = "reading {bar:30} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (bytes, expected) = (progress.bytes(), progress.expected());
                if expected > 0 {
                    bar.set_length(expected);
                    bar.set_position(bytes);
                }
                if expected > 0 && bytes >= expected {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            bar.finish_and_clear();
        });
        let result = work(&progress);
        done.store(true, Ordering::Relaxed);
        result
    })
}
