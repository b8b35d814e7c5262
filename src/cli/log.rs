//! The log on standard error: a line for each event, as text or as JSON, with the run's name in
//! every line of a run, whatever thread it comes from.

use std::fmt;
use std::io;

use chartledger::underway;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::progress;
use super::text::{json_escaped, printable};

/// Starts the log: what is `usual` for the format, less if `quiet`, more for each `verbose`.
pub fn start(json: bool, quiet: bool, verbose: u8) {
    // The summary of a command says in its own words what the log says at info.
    let usual = if json { 1 } else { 0 };
    let level = match (quiet, usual + verbose) {
        (true, _) | (_, 0) => LevelFilter::WARN,
        (_, 1) => LevelFilter::INFO,
        (_, 2) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt().with_writer(|| Aside).with_max_level(level);
    log.event_format(Lines { json }).init();
}

/// Standard error, above the progress bar.
struct Aside;

impl io::Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Standard error may be closed. That is no reason to end a run, and to whom could it be told?
        let _ = progress::aside(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Lines {
    json: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let (level, run) = (event.metadata().level(), underway::run());
        let Fields(mut fields) = fields;
        if self.json {
            let time = chartledger::dates::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            fields.insert("timestamp".to_owned(), time.into());
            fields.insert("level".to_owned(), level.to_string().into());
            if let Some(run) = run {
                fields.insert("run".to_owned(), run.into());
            }
            return writeln!(out, "{}", json_escaped(&Value::Object(fields).to_string()));
        }
        write!(out, "{level:>5} ")?;
        if let Some(Value::String(message)) = fields.remove("message") {
            write!(out, "{}", printable(&message))?;
        }
        for (name, value) in &fields {
            write!(out, " {name}={}", json_escaped(&value.to_string()))?;
        }
        match run.filter(|_| !fields.contains_key("run")) {
            Some(run) => writeln!(out, " run={run}"),
            None => writeln!(out),
        }
    }
}

/// The fields of an event as JSON.
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
