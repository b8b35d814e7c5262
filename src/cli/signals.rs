//! SIGINT and SIGTERM end a run at once, between two of its steps and never within one.
//!
//! Whatever is not committed by then was only ever written under temporary names, which the next
//! run sweeps; the lock ends with the process. A second signal kills, whatever the first waits for.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use chartledger::hook;
use chartledger::underway::{self, Stage};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// Ends the process on the first signal: `say` gets a sentence, and `last` the exit code.
pub fn watch(
    say: impl FnOnce(&str) + Send + 'static,
    last: impl FnOnce(u8) + Send + 'static,
) -> io::Result<()> {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag down, and the second one up.
        flag::register_conditional_default(signal, Arc::clone(&stopping))?;
        flag::register(signal, Arc::clone(&stopping))?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        let (name, code) = match signal {
            SIGINT => ("SIGINT", 130),
            _ => ("SIGTERM", 143),
        };
        // Held to the end, so that nothing changes behind the sentence.
        let stage = underway::stop();
        let state = match *stage {
            Stage::Before => "nothing was committed; the ledger and the published tables are as they were",
            Stage::Committed => {
                "the ledger has taken the new exports in, the published tables are as they were; the next run \
                 publishes them"
            }
            Stage::Published => "the run was over: ledger and tables are in place",
        };
        // Nobody would be left to end it after its time.
        hook::stop();
        say(&format!("stopped by {name}: {state}"));
        last(code);
        process::exit(i32::from(code));
    })?;
    Ok(())
}
