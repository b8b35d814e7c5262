//! How a run went, in the text format of Prometheus, for the textfile collector of its node
//! exporter.
//!
//! A run that failed writes the file too: without it an alarm on a failure could not be told from
//! a machine that is off. What only a finished run knows is then missing from it.

use std::fmt::{Display, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::dates::Day;
use crate::error::{Error, Result};
use crate::files;
use crate::freshness;
use crate::publish::ScopeDates;
use crate::run::Report;

/// A run that has ended.
pub struct Ended<'a> {
    /// The pipeline's name.
    pub pipeline: &'a str,
    /// The run's name, if it came as far as to have one.
    pub run: Option<&'a str>,
    /// The exit code of the process.
    pub exit_code: u8,
    /// When it ended, in seconds since 1970.
    pub at: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The most memory that it held, in bytes.
    pub peak_memory: Option<u64>,
    /// What it did, if it finished.
    pub report: Option<&'a Report>,
    /// The scopes of the published tables.
    pub scopes: &'a [ScopeDates],
    /// The date that freshness is counted to.
    pub today: Day,
    /// When a run last succeeded before this one.
    pub last_success: Option<f64>,
}

const LAST_SUCCESS: &str = "chartledger_last_success_timestamp_seconds";

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64())
}

/// When a run of the pipeline last succeeded, by the file that the run before wrote.
pub fn last_success(text: &str, pipeline: &str) -> Option<f64> {
    let series = format!("{LAST_SUCCESS}{{pipeline=\"{}\"}} ", escaped(pipeline));
    text.lines().find_map(|line| line.strip_prefix(&series)?.trim().parse().ok())
}

/// Refuses a place that is there and is no file: a device would be replaced, a pipe waited for.
///
/// # Errors
/// [`crate::error::Error::Write`].
pub fn check(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Err(Error::write(path)(std::io::Error::other(
            "it is a folder, pipe or device, and metrics are written to a file of their own",
        ))),
        _ => Ok(()),
    }
}

/// Writes the metrics of a run, in one step.
///
/// # Errors
/// [`crate::error::Error::Write`].
pub fn write(path: &Path, ended: &Ended<'_>) -> Result<()> {
    files::replace(path, render(ended).as_bytes())
}

/// The file's text.
pub fn render(ended: &Ended<'_>) -> String {
    let mut page = Page { pipeline: ended.pipeline, text: String::new() };
    let success = ended.exit_code == 0;
    page.one("last_run_success", "Whether the last run ended with exit code 0.", u8::from(success));
    page.one("last_run_exit_code", "The exit code of the last run.", ended.exit_code);
    page.one("last_run_timestamp_seconds", "When the last run ended.", ended.at);
    let last = if success { Some(ended.at) } else { ended.last_success };
    if let Some(last) = last {
        page.one("last_success_timestamp_seconds", "When a run last ended with exit code 0.", last);
    }
    page.one("last_run_duration_seconds", "How long the last run took.", ended.seconds);
    if let Some(peak) = ended.peak_memory {
        page.one("last_run_peak_memory_bytes", "The most memory that the last run held.", peak);
    }
    let info = [("run", ended.run.unwrap_or_default()), ("version", env!("CARGO_PKG_VERSION"))];
    page.head("last_run_info", "The name of the last run and the version of the program; always 1.");
    page.sample("last_run_info", &info, 1);
    if let Some(report) = ended.report {
        page.report(report);
    }
    if !ended.scopes.is_empty() {
        page.head("scope_freshness_days", "Days from the newest date of a scope to today (UTC).");
        for scope in ended.scopes {
            let labels = [("chart", scope.chart.as_str()), ("region", &scope.region)];
            page.sample("scope_freshness_days", &labels, freshness::age(scope, ended.today));
        }
    }
    page.text
}

struct Page<'a> {
    pipeline: &'a str,
    text: String,
}

impl Page<'_> {
    fn head(&mut self, name: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# HELP chartledger_{name} {help}\n# TYPE chartledger_{name} gauge\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "chartledger_{name}{{pipeline=\"{}\"", escaped(self.pipeline));
        for (label, text) in labels {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn one(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help);
        self.sample(name, &[], value);
    }

    fn report(&mut self, report: &Report) {
        let rows = report.rows;
        self.one("last_run_exports_found", "Exports found by the last run.", report.found);
        self.one("last_run_exports_new", "Exports taken in by the last run.", report.update.new_exports);
        self.one("last_run_exports_refused", "Files left out by the last run.", report.refused.len());
        self.one("last_run_rows_read", "Rows decoded by the last run.", report.rows_decoded);
        self.one("last_run_read_bytes", "Bytes of exports read by the last run.", report.bytes_read);
        self.one("last_run_months_written", "Months written by the last run.", report.update.months.len());
        let counted = report.published.as_ref().map_or(0, |published| published.months);
        self.one("last_run_months_counted", "Months counted again by the last run.", counted);
        self.head("ledger_rows", "Rows of all exports in the ledger, by what became of them.");
        let fates = [
            ("used", rows.used),
            ("duplicate", rows.duplicate),
            ("superseded", rows.superseded),
            ("quarantined", rows.quarantined),
        ];
        for (fate, count) in fates {
            self.sample("ledger_rows", &[("fate", fate)], count);
        }
        self.head("last_run_stage_duration_seconds", "How long each stage of the last run took.");
        for spent in &report.timings.0 {
            let stage = [("stage", spent.stage)];
            self.sample("last_run_stage_duration_seconds", &stage, spent.time.as_secs_f64());
        }
    }
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
