//! What is said between chartledger and this program: JSON, one message a line.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::Problem;

/// What chartledger asks for. Requests are answered in order, one at a time.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Makes a view of files, all of one shape.
    Open {
        view: String,
        format: String,
        schema: Option<String>,
        #[serde(default)]
        options: HashMap<String, String>,
        paths: Vec<String>,
    },
    /// Makes a view of rows that come with the request, column by column.
    Send { view: String, columns: Vec<Sent> },
    /// Makes a view of a query.
    View { view: String, sql: String },
    /// Keeps the rows of a view in memory or on the disks of the cluster, once they have been read.
    Keep { view: String },
    /// Answers with the rows of a query.
    Collect { sql: String },
    /// Has the cluster write the rows of a query, sorted, as one Parquet file in a new folder.
    Write { sql: String, sorted_by: Vec<String>, path: String },
}

/// A column of rows that are sent along.
#[derive(Deserialize)]
pub struct Sent {
    pub name: String,
    pub values: Values,
}

/// Its values.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    Long(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
}

/// What this program says.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The server is there.
    Connected { server: String, engine: &'static str },
    /// Some rows of a query, column by column; more may follow.
    Rows(Vec<Vec<Value>>),
    /// How far the cluster is: tasks done, tasks known so far, bytes read.
    Progress { done: i64, tasks: i64, bytes: i64 },
    /// The request is done.
    Done {},
    /// The request failed.
    Failed(Problem),
}

/// The requests that come in.
pub fn requests(from: impl BufRead) -> impl Iterator<Item = io::Result<Request>> {
    from.lines().map(|line| Ok(serde_json::from_str(&line?)?))
}

/// Says it. Where nobody listens any more, the end of the requests ends this program too.
pub fn say(answer: &Answer) {
    let mut out = io::stdout().lock();
    let said = serde_json::to_writer(&mut out, answer).map_err(io::Error::from);
    let _ = said.and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}
