//! What is said between chartledger and this program: JSON, one message a line.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What chartledger asks for. Requests are answered in order, one at a time.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Lists the objects below a prefix; or the object itself, if there is one of that name only.
    List { uri: String },
    /// Lists the names of the folders right below a prefix.
    Folders { uri: String },
    /// Copies objects into files of a folder, which are named by their place in the list.
    Fetch { folder: String, objects: Vec<Wanted> },
    /// Copies files to objects, those that must be new before all others.
    Upload { files: Vec<Sent> },
    /// Reads a small object.
    Read { uri: String },
    /// Writes a small object if nobody has written it since: `over` is what was read, nothing if there
    /// was none.
    Swap { uri: String, text: String, over: Option<Version> },
    /// Removes all objects below a prefix.
    Remove { uri: String },
}

/// An object to fetch, as it was listed.
#[derive(Deserialize)]
pub struct Wanted {
    pub uri: String,
    pub size: u64,
    pub etag: Option<String>,
}

/// A file to send.
#[derive(Deserialize)]
pub struct Sent {
    pub path: String,
    pub uri: String,
    /// Whether the object must be new.
    #[serde(default)]
    pub claim: bool,
}

/// Which writing of an object is meant, in the words of its store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    pub etag: Option<String>,
    pub version: Option<String>,
}

/// An object as it is listed.
#[derive(Serialize)]
pub struct Listed {
    pub key: String,
    pub size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub modified: u64,
    pub etag: Option<String>,
}

/// What this program says.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// This program is there.
    Ready { engine: &'static str },
    /// Some objects of a listing; more may follow.
    Objects(Vec<Listed>),
    /// All names of a listing of folders.
    Names(Vec<String>),
    /// The object at this place of the list is a file now.
    Fetched { at: usize },
    /// It could not be had, which does not stop the others.
    Left { at: usize, problem: Problem },
    /// A small object; nothing if there is none.
    Text(Option<Small>),
    /// The request is done.
    Done {},
    /// The request failed.
    Failed(Problem),
}

/// A small object.
#[derive(Serialize)]
pub struct Small {
    pub text: String,
    #[serde(flatten)]
    pub version: Version,
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
