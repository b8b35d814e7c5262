//! The program that speaks to object stores, seen from here: a process that is asked one thing at a
//! time and answers in lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Address;
use super::problem::{Kind, Problem};
use crate::error::{Error, Result};

/// The program's name, beside this one or in the search path.
const PROGRAM: &str = "chartledger-store";

/// Object stores, reached through a program that is started when it is first needed.
#[derive(Default)]
pub struct Store {
    engine: Option<Engine>,
}

struct Engine {
    program: Child,
    /// `None` once it is closed, which ends the program.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// An object as it was listed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub modified: u64,
    /// What the store calls this writing of it.
    pub etag: Option<String>,
}

/// Which writing of an object is meant, in the words of its store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    etag: Option<String>,
    version: Option<String>,
}

/// A small object, and which writing of it this is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pointer {
    /// Its text.
    pub text: String,
    /// For whoever wants to replace just this.
    #[serde(flatten)]
    pub version: Version,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ready { engine: String },
    Objects(Vec<Object>),
    Names(Vec<String>),
    Fetched { at: usize },
    Left { at: usize, problem: Problem },
    Text(Option<Pointer>),
    Done {},
    Failed(Problem),
}

/// Whether an answer is the last one to a request.
enum Said {
    Part(Answer),
    Last(Answer),
}

impl Engine {
    /// Starts the program: that beside this one, or wherever programs are found.
    fn start() -> Result<Self> {
        let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(PROGRAM)));
        let path = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(PROGRAM));
        let mut command = Command::new(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is for this process. The program sees its requests end, and ends.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut program = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::Usage(format!(
                "addresses such as s3://bucket/folder need the program {PROGRAM} beside this one; build it with \
                 `cargo build --release -p {PROGRAM}`"
            )),
            _ => Error::Usage(format!("cannot start {PROGRAM}: {error}")),
        })?;
        let (Some(requests), Some(answers)) = (program.stdin.take(), program.stdout.take()) else {
            return Err(Error::Usage(format!("cannot speak to {PROGRAM}")));
        };
        let mut engine = Self { program, requests: Some(requests), answers: BufReader::new(answers) };
        let own = env!("CARGO_PKG_VERSION");
        match engine.hear() {
            Ok(Answer::Ready { engine: version }) if version == own => Ok(engine),
            Ok(Answer::Ready { engine: version }) => Err(Error::Usage(format!(
                "{PROGRAM} is of version {version} and this program of {own}; build both anew"
            ))),
            Ok(_) => Err(Error::Usage(format!("{PROGRAM} does not answer as it should; build it anew"))),
            Err(problem) => Err(Error::Usage(problem.message)),
        }
    }

    fn send(&mut self, request: &Value) -> Result<(), Problem> {
        let lost = |error: std::io::Error| Problem::failed(format!("{PROGRAM} is gone: {error}"));
        let Some(requests) = &mut self.requests else { return Err(Problem::failed("it is closed")) };
        writeln!(requests, "{request}").and_then(|()| requests.flush()).map_err(lost)
    }

    fn hear(&mut self) -> Result<Answer, Problem> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        match read {
            Ok(0) => {
                let status = self.program.wait().map_or(String::new(), |status| format!(" with {status}"));
                Err(Problem::failed(format!("{PROGRAM} has ended{status}")))
            }
            Ok(_) => serde_json::from_str(&line)
                .map_err(|error| Problem::failed(format!("{PROGRAM} speaks another language: {error}"))),
            Err(error) => Err(Problem::failed(format!("{PROGRAM} is gone: {error}"))),
        }
    }

    fn next(&mut self) -> Result<Said, Problem> {
        Ok(match self.hear()? {
            Answer::Failed(problem) => return Err(problem),
            last @ (Answer::Done {} | Answer::Names(_) | Answer::Text(_)) => Said::Last(last),
            part => Said::Part(part),
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It ends when nobody asks any more; what it is still doing is of no use.
        self.requests = None;
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Store {
    fn engine(&mut self) -> Result<&mut Engine> {
        match &mut self.engine {
            Some(engine) => Ok(engine),
            none => Ok(none.insert(Engine::start()?)),
        }
    }

    /// Asks, hears all parts of the answer, and gives the last one.
    fn ask(&mut self, request: &Value, part: &mut dyn FnMut(Answer)) -> Result<Result<Answer, Problem>> {
        let engine = self.engine()?;
        let mut answer = || {
            engine.send(request)?;
            loop {
                match engine.next()? {
                    Said::Part(said) => part(said),
                    Said::Last(said) => return Ok(said),
                }
            }
        };
        Ok(answer())
    }

    /// The objects below an address, or the one object there.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Usage`] without the program.
    pub fn list(&mut self, at: &Address) -> Result<Vec<Object>> {
        let mut objects = Vec::new();
        let mut take = |part| {
            if let Answer::Objects(page) = part {
                objects.extend(page);
            }
        };
        let answer = self.ask(&json!({ "do": "list", "uri": at.as_str() }), &mut take)?;
        answer.map_err(|problem| Error::unreadable(at, &problem))?;
        Ok(objects)
    }

    /// The names of the folders right below an address.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Usage`] without the program.
    pub fn folders(&mut self, at: &Address) -> Result<Vec<String>> {
        let answer = self.ask(&json!({ "do": "folders", "uri": at.as_str() }), &mut |_| {})?;
        match answer.map_err(|problem| Error::unreadable(at, &problem))? {
            Answer::Names(names) => Ok(names),
            _ => Ok(Vec::new()),
        }
    }

    /// Begins to copy objects into files of `folder` that are called by their place in the list, as
    /// `0`, `1`. What becomes of them is heard by [`Store::fetched`], before anything else is asked.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Usage`] without the program.
    pub fn fetch(&mut self, folder: &Path, objects: &[(Address, u64, Option<String>)]) -> Result<()> {
        let Some((first, ..)) = objects.first() else { return Ok(()) };
        let wanted = |(at, size, etag): &(Address, u64, Option<String>)| json!({ "uri": at.as_str(), "size": size, "etag": etag });
        let objects_wanted: Vec<Value> = objects.iter().map(wanted).collect();
        // The program has a folder of its own to start in.
        let folder = std::path::absolute(folder).map_err(Error::write(folder))?;
        let request = json!({ "do": "fetch", "folder": folder.to_string_lossy(), "objects": objects_wanted });
        self.engine()?.send(&request).map_err(|problem| Error::unreadable(first, &problem))
    }

    /// Waits for what [`Store::fetch`] began: for each object, what kept it from coming, if anything.
    ///
    /// # Errors
    /// [`Error::Unreadable`]; [`Error::Write`] if the files could not be written.
    pub fn fetched(
        &mut self,
        folder: &Path,
        objects: &[(Address, u64, Option<String>)],
    ) -> Result<Vec<Option<Problem>>> {
        let mut outcome: Vec<Option<Problem>> = vec![None; objects.len()];
        let Some((first, ..)) = objects.first() else { return Ok(outcome) };
        let engine = self.engine()?;
        loop {
            match engine.next() {
                Ok(Said::Part(Answer::Left { at, problem })) => {
                    if let Some(place) = outcome.get_mut(at) {
                        *place = Some(problem);
                    }
                }
                Ok(Said::Part(Answer::Fetched { at })) => {
                    tracing::debug!(object = objects.get(at).map(|(at, ..)| at.as_str()), "fetched");
                }
                Ok(Said::Part(_)) => {}
                Ok(Said::Last(_)) => return Ok(outcome),
                Err(Problem { kind: Kind::File, message }) => {
                    return Err(Error::write(folder)(std::io::Error::other(message)));
                }
                Err(problem) => return Err(Error::unreadable(first, &problem)),
            }
        }
    }

    /// Reads a small object; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Usage`] without the program.
    pub fn read(&mut self, at: &Address) -> Result<Result<Option<Pointer>, Problem>> {
        let answer = self.ask(&json!({ "do": "read", "uri": at.as_str() }), &mut |_| {})?;
        Ok(answer.map(|answer| match answer {
            Answer::Text(text) => text,
            _ => None,
        }))
    }

    /// Copies files to objects; the first one only if there is no such object yet.
    ///
    /// # Errors
    /// [`Error::Usage`] without the program.
    pub fn upload(&mut self, files: &[(PathBuf, Address)]) -> Result<Result<(), Problem>> {
        let sent = |(place, (path, at)): (usize, &(PathBuf, Address))| json!({ "path": path.to_string_lossy(), "uri": at.as_str(), "claim": place == 0 });
        let files: Vec<Value> = files.iter().enumerate().map(sent).collect();
        Ok(self.ask(&json!({ "do": "upload", "files": files }), &mut |_| {})?.map(drop))
    }

    /// Writes a small object over just that writing of it which was read, or where there was none.
    ///
    /// # Errors
    /// [`Error::Usage`] without the program.
    pub fn swap(&mut self, at: &Address, text: &str, over: Option<&Version>) -> Result<Result<(), Problem>> {
        let request = json!({ "do": "swap", "uri": at.as_str(), "text": text, "over": over });
        Ok(self.ask(&request, &mut |_| {})?.map(drop))
    }

    /// Removes all objects below an address.
    ///
    /// # Errors
    /// [`Error::Usage`] without the program.
    pub fn remove(&mut self, below: &Address) -> Result<Result<(), Problem>> {
        Ok(self.ask(&json!({ "do": "remove", "uri": below.as_str() }), &mut |_| {})?.map(drop))
    }
}
