//! The program that speaks to the cluster, seen from here: a process that is asked one thing at a
//! time and answers in lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The program's name, beside this one or in the search path.
const PROGRAM: &str = "chartledger-spark";
/// Rows in one request; Spark Connect takes 128 MB a message.
const CHUNK: usize = 200_000;

/// A connection.
pub struct Cluster {
    program: Child,
    /// `None` once it is closed, which ends the program.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    remote: String,
    /// The server's version.
    pub server: String,
}

/// How far the cluster is with a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Pace {
    /// Tasks done.
    pub done: i64,
    /// Tasks known so far.
    pub tasks: i64,
    /// Bytes read.
    pub bytes: i64,
}

/// Rows that are sent along.
#[derive(Clone, Debug)]
pub struct Relation {
    /// By name.
    pub columns: Vec<(&'static str, Values)>,
}

/// A column of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Whole numbers.
    Long(Vec<Option<i64>>),
    /// Texts.
    Text(Vec<Option<String>>),
}

impl Relation {
    /// Columns of numbers, row by row.
    pub fn of_numbers<const N: usize>(
        names: [&'static str; N],
        rows: impl Iterator<Item = [i64; N]>,
    ) -> Self {
        let mut columns: [Vec<Option<i64>>; N] = std::array::from_fn(|_| Vec::new());
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(Some(value));
            }
        }
        let columns = names.into_iter().zip(columns.map(Values::Long)).collect();
        Self { columns }
    }

    fn height(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| match values {
            Values::Long(values) => values.len(),
            Values::Text(values) => values.len(),
        })
    }

    /// The rows in parts that fit into a message, at least one.
    fn parts(&self) -> impl Iterator<Item = Value> + '_ {
        let height = self.height();
        (0..height.div_ceil(CHUNK).max(1)).map(move |part| {
            let range = part * CHUNK..((part + 1) * CHUNK).min(height);
            let column = |(name, values): &(&'static str, Values)| {
                let values = match values {
                    Values::Long(values) => {
                        Values::Long(values.get(range.clone()).unwrap_or_default().to_vec())
                    }
                    Values::Text(values) => {
                        Values::Text(values.get(range.clone()).unwrap_or_default().to_vec())
                    }
                };
                json!({ "name": name, "values": values })
            };
            self.columns.iter().map(column).collect()
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Connected { server: String, engine: String },
    Rows(Vec<Vec<Value>>),
    Progress(Pace),
    Done {},
    Failed { kind: Kind, message: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Address,
    Unreachable,
    Refused,
    Lost,
    Missing,
    Overflow,
    Cast,
    Cancelled,
    Failed,
}

/// The program that speaks to clusters: beside this one, or wherever programs are found.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(PROGRAM))
}

impl Cluster {
    /// Starts the program and has it connect.
    ///
    /// # Errors
    /// [`Error::Usage`] if the program is not there or the address makes no sense,
    /// [`Error::Input`] if nobody answers at it.
    pub fn connect(remote: &str) -> Result<Self> {
        let mut command = Command::new(program());
        command.arg(remote).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is for this process. The program sees its requests end, and cancels the job.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut program = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Usage(format!(
                "--engine spark needs the program {PROGRAM} beside this one; build it with \
                 `cargo build --release -p {PROGRAM}` (protoc is needed: Debian's protobuf-compiler and \
                 libprotobuf-dev)"
            )),
            _ => Error::Usage(format!("cannot start {PROGRAM}: {error}")),
        })?;
        let (Some(requests), Some(answers)) = (program.stdin.take(), program.stdout.take()) else {
            return Err(Error::Usage(format!("cannot speak to {PROGRAM}")));
        };
        let mut cluster = Self {
            program,
            requests: Some(requests),
            answers: BufReader::new(answers),
            // What stands behind the address may be a token, and is nobody's business.
            remote: remote.split("/;").next().unwrap_or_default().to_owned(),
            server: String::new(),
        };
        match cluster.hear()? {
            Answer::Connected { server, engine } if engine == env!("CARGO_PKG_VERSION") => {
                cluster.server = server
            }
            Answer::Connected { engine, .. } => {
                return Err(Error::Usage(format!(
                    "{PROGRAM} is of version {engine} and this program of {}; build both anew",
                    env!("CARGO_PKG_VERSION")
                )));
            }
            Answer::Failed { kind, message } => return Err(cluster.error("connecting", kind, &message)),
            _ => return Err(cluster.error("connecting", Kind::Failed, "an answer out of turn")),
        }
        Ok(cluster)
    }

    /// Makes a view of files of one shape.
    ///
    /// # Errors
    /// [`Error::Input`].
    pub fn open(
        &mut self,
        view: &str,
        format: &str,
        schema: Option<&str>,
        options: &[(&str, String)],
        paths: &[String],
    ) -> Result<()> {
        let options: serde_json::Map<String, Value> =
            options.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let request = json!({
            "do": "open", "view": view, "format": format, "schema": schema, "options": options, "paths": paths,
        });
        let what = format!("opening {}", paths.first().map_or(view, String::as_str));
        self.order(&what, &request)
    }

    /// Makes a view of rows that are sent along.
    ///
    /// # Errors
    /// [`Error::Input`].
    pub fn send(&mut self, view: &str, relation: &Relation) -> Result<()> {
        let what = format!("sending {view}");
        let mut parts = Vec::new();
        let several = relation.height() > CHUNK;
        for (place, columns) in relation.parts().enumerate() {
            let part = if several { format!("{view}_{place}") } else { view.to_owned() };
            self.order(&what, &json!({ "do": "send", "view": part, "columns": columns }))?;
            parts.push(format!("SELECT * FROM {part}"));
        }
        if several {
            self.view(view, &parts.join(" UNION ALL "))?;
        }
        Ok(())
    }

    /// Makes a view of a query.
    ///
    /// # Errors
    /// [`Error::Input`].
    pub fn view(&mut self, view: &str, sql: &str) -> Result<()> {
        let request = json!({ "do": "view", "view": view, "sql": sql });
        self.order(&format!("preparing {view}"), &request)
    }

    /// Asks the cluster to keep the rows of a view once it has read them; it may decline.
    ///
    /// # Errors
    /// [`Error::Input`] if it was lost.
    pub fn keep(&mut self, view: &str) -> Result<()> {
        self.order("preparing rows", &json!({ "do": "keep", "view": view }))
    }

    /// Asks for something that answers with no rows and takes no time.
    fn order(&mut self, what: &str, request: &Value) -> Result<()> {
        self.ask(what, request, &mut |_| {}, &mut |_| Ok(()))
    }

    /// The rows of a query, whose columns are all numbers or texts.
    ///
    /// # Errors
    /// [`Error::Input`], [`Error::Audit`].
    pub fn collect(&mut self, what: &str, sql: &str, pace: &mut dyn FnMut(Pace)) -> Result<Columns> {
        let mut all = Columns::default();
        self.each(what, sql, pace, &mut |columns| {
            all.extend(columns);
            Ok(())
        })?;
        Ok(all)
    }

    /// The same some rows at a time, so that all of them need not fit into memory.
    ///
    /// # Errors
    /// Those of [`Self::collect`] and of `rows`.
    pub fn each(
        &mut self,
        what: &str,
        sql: &str,
        pace: &mut dyn FnMut(Pace),
        rows: &mut dyn FnMut(Columns) -> Result<()>,
    ) -> Result<()> {
        self.ask(what, &json!({ "do": "collect", "sql": sql }), pace, rows)
    }

    /// Has the cluster write the rows of a query, sorted, as one Parquet file in a new folder.
    ///
    /// # Errors
    /// [`Error::Input`], [`Error::Audit`].
    pub fn write(
        &mut self,
        what: &str,
        (sql, sorted_by): (&str, &[&str]),
        path: &Path,
        pace: &mut dyn FnMut(Pace),
    ) -> Result<()> {
        let request = json!({ "do": "write", "sql": sql, "sorted_by": sorted_by, "path": address(path) });
        self.ask(what, &request, pace, &mut |_| Ok(()))
    }

    fn ask(
        &mut self,
        what: &str,
        request: &Value,
        pace: &mut dyn FnMut(Pace),
        rows: &mut dyn FnMut(Columns) -> Result<()>,
    ) -> Result<()> {
        let lost = |this: &Self, error: std::io::Error| this.error(what, Kind::Lost, &error.to_string());
        let mut line = request.to_string();
        line.push('\n');
        let sent = match &mut self.requests {
            Some(requests) => requests.write_all(line.as_bytes()).and_then(|()| requests.flush()),
            None => Ok(()),
        };
        drop(line);
        // If the program is gone, its last words say why.
        loop {
            match self.hear()? {
                Answer::Rows(columns) => rows(Columns(columns))?,
                Answer::Progress(progress) => pace(progress),
                Answer::Done {} => break,
                Answer::Failed { kind, message } => return Err(self.error(what, kind, &message)),
                Answer::Connected { .. } => {}
            }
        }
        sent.map_err(|error| lost(self, error))
    }

    fn hear(&mut self) -> Result<Answer> {
        let mut line = String::new();
        let heard = self.answers.read_line(&mut line);
        let gone = |problem: &str| Error::Input(format!("{PROGRAM} ended without an answer{problem}"));
        match heard {
            Ok(0) => Err(gone("")),
            Ok(_) => serde_json::from_str(&line).map_err(|error| gone(&format!(": {error}"))),
            Err(error) => Err(gone(&format!(": {error}"))),
        }
    }

    /// A sentence on what went wrong, with a way out.
    fn error(&self, what: &str, kind: Kind, message: &str) -> Error {
        let remote = &self.remote;
        match kind {
            Kind::Address => {
                Error::Usage(format!("--remote {remote}: {message}; it should look like sc://HOST:PORT"))
            }
            Kind::Unreachable => Error::Input(format!(
                "no Spark Connect server answers at {message}; start one, or name another with --remote"
            )),
            Kind::Refused => Error::Input(format!(
                "the server at {remote} does not let us in: {message}; give a token with \
                 `sc://HOST:PORT/;use_ssl=true;token=…` or in SPARK_CONNECT_AUTHENTICATE_TOKEN"
            )),
            Kind::Lost => Error::Input(format!(
                "the cluster was lost while {what}: {message}; nothing was published, run again once it is back"
            )),
            Kind::Missing => Error::Input(format!(
                "while {what}: {message}; the path must be one that every machine of the cluster sees"
            )),
            Kind::Overflow => Error::Audit(format!(
                "a sum leaves 64 bits while {what}; look for absurd figures in the exports ({message})"
            )),
            Kind::Cast => Error::Input(format!("while {what}: {message}")),
            Kind::Cancelled => Error::Input(format!(
                "the job was cancelled on the cluster while {what}; nothing was published"
            )),
            Kind::Failed => Error::Input(format!("the cluster failed while {what}: {message}")),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of the requests ends the program, which gives the session back.
        self.requests = None;
        let _ = self.program.wait();
    }
}

/// The columns of an answer.
#[derive(Clone, Debug, Default)]
pub struct Columns(Vec<Vec<Value>>);

impl Columns {
    fn extend(&mut self, rows: Self) {
        match self.0.is_empty() {
            true => self.0 = rows.0,
            false => self.0.iter_mut().zip(rows.0).for_each(|(column, rows)| column.extend(rows)),
        }
    }

    /// How many rows.
    pub fn height(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// A number; `None` where it is null.
    pub fn number(&self, column: usize, row: usize) -> Option<i64> {
        self.0.get(column)?.get(row)?.as_i64()
    }

    /// A text; `None` where it is null.
    pub fn text(&self, column: usize, row: usize) -> Option<&str> {
        self.0.get(column)?.get(row)?.as_str()
    }
}

/// A path as every server takes it: absolute, with a scheme.
pub fn address(path: &Path) -> String {
    match path.to_str() {
        Some(text) if text.contains("://") => text.to_owned(),
        _ => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            format!("file://{}", path.display())
        }
    }
}
