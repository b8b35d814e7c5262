//! Runs published at an object store.
//!
//! ```text
//! s3://bucket/tables/<pipeline>/latest                       {"run": "...", "path": ".runs/...", ...}
//! s3://bucket/tables/<pipeline>/.runs/<run>/<table>.parquet
//! s3://bucket/tables/<pipeline>/.runs/<run>/run.json
//! ```
//!
//! A run is made and audited in a folder here, as always, and its files are copied to where nobody
//! looks for them yet. Then `latest` is written over just that writing of it which was read when the
//! run began: of two runs that began with the same one, the store lets only the first do so. The folder
//! is a copy of the place, so that everything that reads runs reads it as it reads any other.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};

use super::runs::{self, Retention};
use super::{LATEST, MANIFEST, Manifest, REPORT, RUNS, folder, latest_run, switch};
use crate::dates;
use crate::error::{Error, Result};
use crate::files;
use crate::store::{Address, Kind, Pointer, Problem, Store, Version};

/// A place at an object store, as of when its pointer was last read.
pub struct Place {
    at: Address,
    store: Store,
    /// Whether a run is to be published there: what cannot be read then is a failure to write.
    writes: bool,
    latest: Option<(Latest, Version)>,
}

/// What the pointer says: one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Latest {
    run: String,
    /// Where it is, below the folder of the pointer.
    path: String,
    /// BLAKE3 of its `run.json`, which has those of the tables.
    manifest: String,
    published: String,
    program: String,
}

impl Place {
    /// A place that runs are published to.
    pub fn to_write(at: &Address) -> Self {
        Self { at: at.clone(), store: Store::default(), writes: true, latest: None }
    }

    /// A place that runs are read from.
    pub fn to_read(at: &Address) -> Self {
        Self { writes: false, ..Self::to_write(at) }
    }

    fn look(&mut self) -> Result<()> {
        let pointer = self.pointer();
        let read = self.store.read(&pointer)?.map_err(|problem| match self.writes {
            true => Error::unwritable(&pointer, &problem),
            false => Error::unreadable(&pointer, &problem),
        })?;
        self.latest = read.map(|read| self.parse(read)).transpose()?;
        Ok(())
    }

    /// Takes the right to change the copy in `out`, and waits for it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn hold(out: &Path) -> Result<File> {
        files::create_directory(out)?;
        let path = out.join(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let held = file.and_then(|file| file.lock().map(|()| file));
        held.map_err(Error::write(&path))
    }

    fn parse(&self, read: Pointer) -> Result<(Latest, Version)> {
        let wrong = |problem: String| {
            let way_out = "remove the object if nothing else stands there, or publish elsewhere with --out";
            Error::damaged(
                &self.pointer().to_path(),
                format!("it is no pointer to a run: {problem}; {way_out}"),
            )
        };
        let latest: Latest = serde_json::from_str(&read.text).map_err(|error| wrong(error.to_string()))?;
        // Its words become names of files here.
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && !name.contains(['/', '\\'])
                && !name.contains(char::is_control)
        };
        match is_name(&latest.run) && latest.path == format!("{RUNS}/{}", latest.run) {
            true => Ok((latest, read.version)),
            false => Err(wrong(format!("{:?} is no run", latest.run))),
        }
    }

    /// Where the pointer is.
    pub fn pointer(&self) -> Address {
        self.at.join(LATEST)
    }

    /// The run that it points at.
    pub fn latest(&self) -> Option<&str> {
        self.latest.as_ref().map(|(latest, _)| latest.run.as_str())
    }

    fn run(&self, run: &str) -> Address {
        self.at.join(RUNS).join(run)
    }

    /// Reads the pointer, and makes the run that it names the latest of the copy in `out`, fetching what
    /// is not there.
    ///
    /// # Errors
    /// [`Error::Unreadable`] or, to publish, [`Error::Unwritable`]; [`Error::Damaged`], [`Error::Write`].
    pub fn copy_latest(&mut self, out: &Path) -> Result<()> {
        let _held = Self::hold(out)?;
        self.look()?;
        self.make_latest(out)
    }

    fn make_latest(&mut self, out: &Path) -> Result<()> {
        let named = self.latest.as_ref().map(|(latest, _)| (latest.run.clone(), latest.manifest.clone()));
        let here = latest_run(out);
        if let Some(orphan) = here.as_ref().filter(|here| named.as_ref().is_none_or(|(run, _)| run != *here))
        {
            // Either an older run, or one that was never published: then nobody may take it for such.
            let link = out.join(LATEST);
            std::fs::remove_file(&link).map_err(Error::write(&link))?;
            if !self.is_there(orphan)? {
                let path = folder(out, orphan);
                std::fs::remove_dir_all(&path).map_err(Error::write(&path))?;
            }
        }
        let Some((run, manifest)) = named else { return Ok(()) };
        let is_whole = std::fs::read(folder(out, &run).join(MANIFEST))
            .is_ok_and(|bytes| blake3::hash(&bytes).to_hex().as_str() == manifest);
        if !is_whole {
            self.copy(out, &run, Some(&manifest))?;
        }
        if here.as_deref() != Some(run.as_str()) || !is_whole {
            switch(out, &Path::new(RUNS).join(&run))?;
        }
        Ok(())
    }

    /// Copies every run of the place that is not in `out` yet, and the latest as [`Place::copy_latest`].
    ///
    /// # Errors
    /// As [`Place::copy_latest`].
    pub fn copy_all(&mut self, out: &Path) -> Result<()> {
        let _held = Self::hold(out)?;
        self.look()?;
        let there: BTreeSet<String> = self.runs()?.into_iter().collect();
        let here: BTreeSet<String> = runs::runs(out)?.into_iter().collect();
        for run in there.difference(&here) {
            // The rest of a run whose writer was killed, or one that is being written.
            if let Err(Error::Damaged { problem, .. }) = self.copy(out, run, None).or_else(missing_is_damage)
            {
                tracing::warn!(run, "left out, it is not whole: {problem}");
            }
        }
        for run in here.difference(&there) {
            let path = folder(out, run);
            std::fs::remove_dir_all(&path).map_err(Error::write(&path))?;
        }
        self.make_latest(out)
    }

    /// The runs that have objects here, the oldest first: also those that nobody came to point at.
    ///
    /// # Errors
    /// [`Error::Unreadable`].
    pub fn runs(&mut self) -> Result<Vec<String>> {
        let mut runs = self.store.folders(&self.at.join(RUNS))?;
        runs.retain(|run| runs::time_of(run).is_some());
        runs.sort();
        Ok(runs)
    }

    fn is_there(&mut self, run: &str) -> Result<bool> {
        Ok(self.runs()?.iter().any(|there| there == run))
    }

    /// Copies a run into `out`: its manifest, and then what that names, each against its hash.
    fn copy(&mut self, out: &Path, run: &str, hash: Option<&str>) -> Result<()> {
        let at = self.run(run);
        let target = folder(out, run);
        let staging = files::temporary_beside(&target);
        files::create_directory(&staging)?;
        let copied = self.copy_into(&staging, &at, hash).and_then(|()| {
            if target.exists() {
                std::fs::remove_dir_all(&target).map_err(Error::write(&target))?;
            }
            std::fs::rename(&staging, &target).map_err(Error::write(&target))
        });
        if copied.is_err() {
            // Swept by the next run if this fails.
            let _ = std::fs::remove_dir_all(&staging);
        }
        copied
    }

    fn copy_into(&mut self, staging: &Path, at: &Address, hash: Option<&str>) -> Result<()> {
        self.fetch(staging, at, &[(MANIFEST.to_owned(), hash.map(str::to_owned))])?;
        let damaged = |problem: String| Error::damaged(&at.join(MANIFEST).to_path(), problem);
        let path = staging.join(MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(Error::read(&path))?;
        let manifest = Manifest::parse(&text).map_err(damaged)?;
        let tables = manifest.tables.into_iter();
        let mut wanted: Vec<(String, Option<String>)> =
            tables.map(|(name, hash)| (format!("{name}.parquet"), Some(hash))).collect();
        wanted.extend(manifest.report.map(|hash| (REPORT.to_owned(), Some(hash))));
        if let Some((name, _)) = wanted.iter().find(|(name, _)| name.contains(['/', '\\'])) {
            return Err(damaged(format!("a table cannot be called {name}")));
        }
        self.fetch(staging, at, &wanted)
    }

    /// Fetches objects of a run under their names; one whose hash is not that which is said is damaged.
    fn fetch(&mut self, into: &Path, at: &Address, names: &[(String, Option<String>)]) -> Result<()> {
        let listed = self.store.list(at)?;
        let size = |address: &Address| {
            listed.iter().find(|object| object.key == address.key()).map(|object| object.size)
        };
        let mut wanted = Vec::with_capacity(names.len());
        for (name, _) in names {
            let address = at.join(name);
            let size = size(&address).ok_or_else(|| Error::damaged(&address.to_path(), "it is missing"))?;
            wanted.push((address, size, None));
        }
        let arriving = into.join(".arriving");
        files::create_directory(&arriving)?;
        self.store.fetch(&arriving, &wanted)?;
        for (place, problem) in self.store.fetched(&arriving, &wanted)?.into_iter().enumerate() {
            let (Some((name, hash)), Some((address, ..))) = (names.get(place), wanted.get(place)) else {
                continue;
            };
            if let Some(problem) = problem {
                return Err(Error::unreadable(address, &problem));
            }
            let path = arriving.join(place.to_string());
            let found = hash_of(&path)?;
            if hash.as_ref().is_some_and(|hash| *hash != found) {
                return Err(Error::damaged(&address.to_path(), "it is not what was published"));
            }
            // What a copy says must hold after a crash, too.
            File::open(&path).and_then(|file| file.sync_all()).map_err(Error::write(&path))?;
            let target = into.join(name);
            std::fs::rename(&path, &target).map_err(Error::write(&target))?;
        }
        std::fs::remove_dir_all(&arriving).map_err(Error::write(&arriving))
    }

    /// Whether the objects of the latest run are those that were published, or which one is not, and why.
    /// Nothing is kept of them.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Write`].
    pub fn check(&mut self, out: &Path) -> Result<Option<(PathBuf, String)>> {
        let Some((latest, _)) = self.latest.clone() else { return Ok(None) };
        let staging = files::temporary_beside(&folder(out, &latest.run));
        files::create_directory(&staging)?;
        let checked = self.copy_into(&staging, &self.run(&latest.run), Some(&latest.manifest));
        let _ = std::fs::remove_dir_all(&staging);
        match checked {
            Ok(()) => Ok(None),
            Err(Error::Damaged { path, problem }) => Ok(Some((path, problem))),
            Err(error) => Err(error),
        }
    }

    /// Copies the files of a run that is about to be published, the manifest first: it must be new, so
    /// two runs of the same second never mix.
    ///
    /// # Errors
    /// [`Error::Unwritable`], [`Error::Overtaken`], [`Error::Read`].
    pub fn upload(&mut self, folder: &Path, run: &str) -> Result<()> {
        let at = self.run(run);
        let mut files: Vec<(PathBuf, Address)> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(Error::read(folder))? {
            let path = entry.map_err(Error::read(folder))?.path();
            let path = std::path::absolute(&path).map_err(Error::read(folder))?;
            if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                let address = at.join(name);
                files.push((path, address));
            }
        }
        files.sort_by_key(|(_, address)| (address.as_str() != at.join(MANIFEST).as_str(), address.clone()));
        match self.store.upload(&files)? {
            Ok(()) => Ok(()),
            Err(Problem { kind: Kind::Changed, .. }) => Err(self.overtaken(Some(run.to_owned()))),
            Err(problem) => Err(Error::unwritable(&at, &problem)),
        }
    }

    /// Makes an uploaded run the latest, unless another one has become it since the pointer was read.
    ///
    /// # Errors
    /// [`Error::Unwritable`], [`Error::Overtaken`].
    pub fn point(&mut self, run: &str, manifest: &str) -> Result<()> {
        let latest = Latest {
            run: run.to_owned(),
            path: format!("{RUNS}/{run}"),
            manifest: blake3::hash(manifest.as_bytes()).to_hex().to_string(),
            published: dates::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            program: crate::PROGRAM.to_owned(),
        };
        let text = serde_json::to_string(&latest).map_err(|error| Error::Audit(error.to_string()))?;
        let pointer = self.pointer();
        let over = self.latest.as_ref().map(|(_, version)| version);
        match self.store.swap(&pointer, &format!("{text}\n"), over)? {
            Ok(()) => Ok(()),
            Err(Problem { kind: Kind::Changed, .. }) => {
                let other = self.store.read(&pointer).ok().and_then(Result::ok).flatten();
                let other = other.and_then(|read| self.parse(read).ok()).map(|(latest, _)| latest.run);
                Err(self.overtaken(other))
            }
            Err(problem) => Err(Error::unwritable(&pointer, &problem)),
        }
    }

    fn overtaken(&self, other: Option<String>) -> Error {
        let by = other.map_or(String::new(), |run| format!(" ({run})"));
        Error::Overtaken { at: self.pointer().to_string(), by }
    }

    /// Removes the runs that a retention lets go, never the one that the pointer names now; their names.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Unwritable`].
    pub fn retire(&mut self, retention: Retention) -> Result<Vec<String>> {
        let pointer = self.pointer();
        let read = self.store.read(&pointer)?.map_err(|problem| Error::unreadable(&pointer, &problem))?;
        // Without knowing which run is read, none can go.
        let Some((latest, _)) = read.map(|read| self.parse(read)).transpose()? else { return Ok(Vec::new()) };
        let runs = self.runs()?;
        let mut removed = Vec::new();
        for run in retention.expired(&runs, Some(&latest.run), dates::now()) {
            // One that is newer is being written.
            if *run < latest.run {
                let at = self.run(run);
                self.store.remove(&at)?.map_err(|problem| Error::unwritable(&at, &problem))?;
                removed.push(run.clone());
            }
        }
        Ok(removed)
    }
}

fn hash_of(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(Error::read(path))?;
    hasher.update_reader(file).map_err(Error::read(path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Objects that are gone before they were fetched are another way not to be whole.
fn missing_is_damage(error: Error) -> Result<()> {
    Err(match error {
        Error::Unreadable { at, problem } if problem.starts_with("there is no such object") => {
            Error::damaged(Path::new(&at), problem)
        }
        error => error,
    })
}
