//! A command that is told what a run changed.
//!
//! Whatever the command does, the run is published and stays so: it may fail, not read what it is
//! given, or not end, and none of this is more than a warning.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::changes::Subscription;
use crate::files;

/// Whom to tell of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The command, for `sh -c`; `None` if there is nobody to tell.
    pub command: Option<String>,
    /// Where it starts; where the program did without one.
    pub folder: Option<PathBuf>,
    /// How long it may take.
    pub limit: Duration,
    /// What it is told of.
    pub subscription: Subscription,
}

impl Default for Hook {
    fn default() -> Self {
        let (command, folder, subscription) = Default::default();
        Self { command, folder, limit: Duration::from_secs(60), subscription }
    }
}

/// The process of the command at work; 0 where there is none.
static AT_WORK: AtomicU32 = AtomicU32::new(0);

/// Ends the command at work, if there is one, and what it started: for a program that is about to end.
pub fn stop() {
    match AT_WORK.swap(0, Ordering::SeqCst) {
        0 => {}
        leader => signal("TERM", leader),
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What is wrong, as a fragment; `None` if nothing.
    pub problem: Option<String>,
    /// The last of what it printed, if that was kept.
    pub output: String,
}

/// The run of which a command is told.
pub struct Told<'a> {
    /// Its name.
    pub run: &'a str,
    /// The folder of its tables.
    pub published: &'a Path,
    /// Keeps what the command prints instead of passing it on to standard error.
    pub keep_output: bool,
}

impl Hook {
    /// Starts the command with `changes`, each as JSON, in an array on standard input, and waits for its end.
    /// Without a command or a change nothing happens.
    pub fn tell(&self, changes: &[Value], told: &Told<'_>) -> Option<Ended> {
        let command = self.command.as_deref().filter(|_| !changes.is_empty())?;
        let mut output = None;
        let problem = self.start(command, changes, told, &mut output).map_or_else(
            |error| Some(format!("could not be started: {error}")),
            |mut child| {
                AT_WORK.store(child.id(), Ordering::SeqCst);
                let problem = wait(&mut child, self.limit);
                AT_WORK.store(0, Ordering::SeqCst);
                problem
            },
        );
        let output = output.and_then(|mut file| last_of(&mut file).ok()).unwrap_or_default();
        Some(Ended { problem, output })
    }

    fn start(
        &self,
        command: &str,
        changes: &[Value],
        told: &Told<'_>,
        output: &mut Option<File>,
    ) -> std::io::Result<Child> {
        // A file and not a pipe: nobody has to read it for the run to go on.
        let mut input = nameless(told.published)?;
        input.write_all(&serde_json::to_vec_pretty(changes)?)?;
        input.write_all(b"\n")?;
        input.rewind()?;
        let (out, err) = if told.keep_output {
            let kept = nameless(told.published)?;
            let streams = (Stdio::from(kept.try_clone()?), Stdio::from(kept.try_clone()?));
            *output = Some(kept);
            streams
        } else {
            // Standard output is for data of the program's own.
            (Stdio::from(std::io::stderr()), Stdio::inherit())
        };
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).stdin(input).stdout(out).stderr(err);
        shell.env("CHARTLEDGER_RUN", told.run).env("CHARTLEDGER_PUBLISHED", told.published);
        if let Some(folder) = self.folder.as_deref().filter(|folder| !folder.as_os_str().is_empty()) {
            shell.current_dir(folder);
        }
        // A group of its own, so that what the command started ends with it.
        shell.process_group(0).spawn()
    }
}

/// A file that is there as long as it is open. Beside the runs, since a run's folder never changes.
fn nameless(published: &Path) -> std::io::Result<File> {
    let path = files::temporary_beside(published);
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    // What cannot be removed now is swept by the next run.
    let _ = std::fs::remove_file(&path);
    Ok(file)
}

/// The end of a file, as text.
fn last_of(file: &mut File) -> std::io::Result<String> {
    const KEPT: u64 = 4096;
    let length = file.metadata()?.len();
    file.seek(std::io::SeekFrom::Start(length.saturating_sub(KEPT)))?;
    let mut bytes = Vec::new();
    file.take(KEPT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Waits for a command to end, and ends it after `limit`; what is wrong with how it ended.
fn wait(child: &mut Child, limit: Duration) -> Option<String> {
    match ended_within(child, limit) {
        Ok(Some(status)) => problem(status),
        Ok(None) => {
            end(child);
            Some(format!("was ended after {} s, its time limit", limit.as_secs()))
        }
        Err(error) => Some(format!("is lost: {error}")),
    }
}

fn ended_within(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let Some(left) = limit.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
            return Ok(None);
        };
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn problem(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("ended with exit code {code}")),
        (None, signal) => Some(format!("was ended by signal {}", signal.unwrap_or_default())),
    }
}

/// Ends a command and what it started: politely, then not.
fn end(child: &mut Child) {
    for word in ["TERM", "KILL"] {
        signal(word, child.id());
        // The command may end at the first word while what it started does not.
        let _ = ended_within(child, Duration::from_secs(1));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Sends a signal to a command and what it started.
fn signal(word: &str, leader: u32) {
    // The shell knows how to reach a group, and starting the command has shown that there is one.
    let group = format!("kill -s {word} -- -{leader}");
    let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
}
