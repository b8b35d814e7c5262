//! Exports at object stores: listed in place, fetched in batches, decoded from a spool.
//!
//! An object is known by its address. Only while it is decoded does it stand in a file, and not more
//! of them than [`BATCH`] at a time (twice that, since the next ones come while these are decoded):
//! so what a run needs of the disk does not grow with the history.

use std::collections::{HashMap, VecDeque};
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::intake::modified;
use super::known::{Known, Writing};
use super::{Decoded, Decoding, ENDINGS, Found, LeftOut};
use crate::error::{Error, Result};
use crate::files;
use crate::store::{Address, Kind, Problem, Store};

/// Bytes of objects that are fetched together; one that is larger comes alone.
const BATCH: u64 = 256 << 20;
/// How many: each is a file for a moment.
const MOST: usize = 2000;
/// How the name of a folder of copies begins.
const SPOOL: &str = "chartledger-spool-";

/// Exports at object stores.
#[derive(Default)]
pub struct Objects {
    store: Store,
    /// What was listed, by its address.
    listed: HashMap<PathBuf, Writing>,
    roots: Vec<PathBuf>,
}

/// An object to fetch, in the words of [`Store`].
type Wanted = (Address, u64, Option<String>);

impl Objects {
    /// Whether any root is an address.
    pub fn are_none(&self) -> bool {
        self.roots.is_empty()
    }

    /// The exports below an address, or at it.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the store does not tell, or has nothing of that name.
    pub(super) fn under(&mut self, root: &Address, left_out: &mut Vec<LeftOut>) -> Result<Vec<Found>> {
        self.roots.push(root.to_path());
        let objects = self.store.list(root)?;
        let is_export = |name: &str| {
            let lower = name.to_lowercase();
            ENDINGS.iter().any(|ending| lower.ends_with(ending))
        };
        if objects.is_empty() && is_export(root.key()) {
            let problem = Problem { kind: Kind::Missing, message: "nothing is listed there".to_owned() };
            return Err(Error::unreadable(root, &problem));
        }
        let mut found = Vec::new();
        for object in objects {
            let below = object.key.strip_prefix(root.key()).map(|rest| rest.trim_start_matches('/'));
            // The root itself, named as a file is: taken whatever its ending.
            let own = root.key().rsplit('/').next().unwrap_or_default();
            let (name, named) = match below {
                Some("") | None => (own, true),
                Some(name) => (name, false),
            };
            if !named && (!is_export(name) || name.split('/').any(|part| part.starts_with(['.', '_']))) {
                continue;
            }
            if name.contains(char::is_control) {
                let problem = "its name holds control characters; rename it".to_owned();
                left_out.push(LeftOut { name: name.to_owned(), problem });
                continue;
            }
            let path = root.of_key(&object.key).to_path();
            let (size, modified) = (object.size, object.modified);
            self.listed.insert(path.clone(), Writing { size, modified, etag: object.etag });
            found.push(Found { path, name: name.to_owned(), size, modified });
        }
        Ok(found)
    }

    /// The object that an export is; `None` for a file.
    pub fn writing(&self, found: &Found) -> Option<&Writing> {
        self.listed.get(&found.path)
    }

    /// Notes what the decoded objects were, and forgets those that are not listed any more.
    pub fn remember(&self, known: &mut Known, decoded: &Decoded) {
        known.retain(|path| self.listed.contains_key(path) || !self.covers(path));
        for export in &decoded.exports {
            if let (Some(writing), Some(hash)) = (self.writing(&export.found), export.hash) {
                known.note(&export.found.path, writing, &hash.to_hex());
            }
        }
    }

    fn covers(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    /// Decodes exports, objects among them from copies in `spool`. Those that cannot be had are named.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Write`]; nothing is left in the spool then either.
    pub fn decode(
        &mut self,
        pending: Vec<Found>,
        decoding: &mut Decoding<'_>,
        spool: &Path,
        waited: &mut Duration,
    ) -> Result<Vec<LeftOut>> {
        if self.are_none() {
            decoding.add(pending);
            return Ok(Vec::new());
        }
        let mut batches: VecDeque<Batch> = batches(pending, |found| self.writing(found).is_some());
        let mut left_out = Vec::new();
        let mut next = batches.pop_front();
        let mut spool = Spool::new(spool);
        if let Some(batch) = &mut next {
            self.begin(batch, &mut spool)?;
        }
        while let Some(batch) = next {
            let begun = std::time::Instant::now();
            let here = self.arrived(&batch, &mut left_out)?;
            *waited += begun.elapsed();
            next = batches.pop_front();
            if let Some(batch) = &mut next {
                self.begin(batch, &mut spool)?;
            }
            let (stand_ins, originals): (Vec<Found>, Vec<Found>) = here.into_iter().unzip();
            for (export, original) in decoding.add(stand_ins).iter_mut().zip(originals) {
                export.found = original;
            }
            spool.clear(batch.number)?;
        }
        Ok(left_out)
    }

    /// Exports one by one, objects among them as copies in `folder` that go as the next ones come.
    pub fn copies(self, found: Vec<Found>, folder: &Path) -> Copies {
        let spool = Spool::new(folder);
        Copies {
            objects: self,
            left: found.into(),
            here: VecDeque::new(),
            spool,
            last: None,
            lost: Vec::new(),
        }
    }

    /// Has the objects of a batch fetched.
    fn begin(&mut self, batch: &mut Batch, spool: &mut Spool) -> Result<()> {
        for found in &batch.found {
            if let (Some(writing), Some(at)) = (self.writing(found), Address::of(&found.path)?) {
                batch.wanted.push((at, writing.size, writing.etag.clone()));
            }
        }
        if !batch.wanted.is_empty() {
            (batch.number, batch.folder) = spool.next()?;
            self.store.fetch(&batch.folder, &batch.wanted)?;
        }
        Ok(())
    }

    /// Waits for them: each export of the batch with the file in which it stands, which has its name.
    fn arrived(&mut self, batch: &Batch, left_out: &mut Vec<LeftOut>) -> Result<Vec<(Found, Found)>> {
        let mut outcomes = self.store.fetched(&batch.folder, &batch.wanted)?.into_iter().enumerate();
        let mut here = Vec::with_capacity(batch.found.len());
        for found in &batch.found {
            if self.writing(found).is_none() {
                here.push((found.clone(), found.clone()));
                continue;
            }
            match outcomes.next() {
                Some((place, None)) => {
                    let path = batch.folder.join(place.to_string());
                    here.push((stand_in(found, path)?, found.clone()));
                }
                Some((_, Some(problem))) => {
                    left_out.push(LeftOut { name: found.name.clone(), problem: lost(&problem, found) });
                }
                None => {}
            }
        }
        Ok(here)
    }
}

/// Exports to look at one by one.
pub struct Copies {
    objects: Objects,
    left: VecDeque<Found>,
    here: VecDeque<Found>,
    spool: Spool,
    last: Option<usize>,
    /// Objects that could not be had.
    pub lost: Vec<LeftOut>,
}

impl Copies {
    /// Objects fetched together.
    const FEW: usize = 16;

    /// The next one.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Write`].
    pub fn following(&mut self) -> Result<Option<Found>> {
        while self.here.is_empty() && !self.left.is_empty() {
            self.spool.clear(self.last.take())?;
            let few = self.left.drain(..self.left.len().min(Self::FEW)).collect();
            let mut batch = Batch { found: few, ..Batch::default() };
            self.objects.begin(&mut batch, &mut self.spool)?;
            let here = self.objects.arrived(&batch, &mut self.lost)?;
            self.here.extend(here.into_iter().map(|(stand_in, _)| stand_in));
            self.last = batch.number;
        }
        Ok(self.here.pop_front())
    }
}

/// Why an object that was listed is not there to be decoded.
fn lost(problem: &Problem, found: &Found) -> String {
    match problem.kind {
        Kind::Missing => "it was removed before it was read to its end; nothing of it is taken".to_owned(),
        Kind::Changed => "it changed while it was read; left for the next run".to_owned(),
        _ => match Address::of(&found.path) {
            Ok(Some(at)) => problem.sentence(&at),
            _ => problem.message.clone(),
        },
    }
}

/// The file in which an object stands. An object is whole once it is there, so the file must not look
/// as if it were still growing: it is dated to long ago.
fn stand_in(found: &Found, path: PathBuf) -> Result<Found> {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let dated = File::options().write(true).open(&path).and_then(|file| {
        file.set_modified(long_ago)?;
        file.metadata()
    });
    let meta = dated.map_err(Error::write(&path))?;
    Ok(Found { modified: modified(&meta), path, name: found.name.clone(), size: found.size })
}

/// Exports that are decoded together.
#[derive(Default)]
struct Batch {
    found: Vec<Found>,
    wanted: Vec<Wanted>,
    /// Where its objects stand, and under which number.
    folder: PathBuf,
    number: Option<usize>,
}

/// Exports in their order, in batches of a bounded size. Files need no room and end no batch.
fn batches(found: Vec<Found>, is_object: impl Fn(&Found) -> bool) -> VecDeque<Batch> {
    let mut batches: VecDeque<Batch> = VecDeque::new();
    let (mut bytes, mut count) = (0_u64, 0);
    for found in found {
        let (size, one) = if is_object(&found) { (found.size, 1) } else { (0, 0) };
        let full = one == 1 && (count == MOST || (bytes > 0 && bytes.saturating_add(size) > BATCH));
        match batches.back_mut().filter(|_| !full) {
            Some(batch) => {
                batch.found.push(found);
                (bytes, count) = (bytes.saturating_add(size), count + one);
            }
            None => {
                batches.push_back(Batch { found: vec![found], ..Batch::default() });
                (bytes, count) = (size, one);
            }
        }
    }
    batches
}

/// A folder for copies of objects, which goes with them.
struct Spool {
    root: PathBuf,
    count: usize,
}

impl Spool {
    /// One of this process below `folder`, which others may write to as well: nobody foresees its name.
    fn new(folder: &Path) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let mark = blake3::hash(format!("{} {now}", std::process::id()).as_bytes()).to_hex();
        let name = format!("{SPOOL}{}-{}", std::process::id(), mark.get(..16).unwrap_or_default());
        Self { root: folder.join(name), count: 0 }
    }

    fn next(&mut self) -> Result<(Option<usize>, PathBuf)> {
        if let (0, Some(above)) = (self.count, self.root.parent()) {
            files::create_directory(above)?;
            // Exports are nobody else's to read, wherever the folder is.
            DirBuilder::new().mode(0o700).create(&self.root).map_err(Error::write(&self.root))?;
        }
        self.count += 1;
        let folder = self.root.join(self.count.to_string());
        files::create_directory(&folder)?;
        Ok((Some(self.count), folder))
    }

    fn clear(&self, number: Option<usize>) -> Result<()> {
        let Some(number) = number else { return Ok(()) };
        let folder = self.root.join(number.to_string());
        std::fs::remove_dir_all(&folder).map_err(Error::write(&folder))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Removes the spools that killed processes left in a folder. The caller holds the lock.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(SPOOL) {
            // Best effort: a left-over does no harm.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, size: u64) -> Found {
        Found { path: PathBuf::from(name), name: name.to_owned(), size, modified: 0 }
    }

    #[test]
    fn batches_are_bounded_and_keep_the_order() {
        let sizes = [BATCH, 1, BATCH - 1, 2, 3 * BATCH, 0, 5];
        let all: Vec<Found> = (0..).zip(sizes).map(|(at, size)| found(&format!("{at}"), size)).collect();
        let names = |batches: &VecDeque<Batch>| -> Vec<Vec<String>> {
            let of = |batch: &Batch| batch.found.iter().map(|found| found.name.clone()).collect();
            batches.iter().map(of).collect()
        };
        let parted = batches(all.clone(), |_| true);
        assert_eq!(names(&parted), [vec!["0"], vec!["1", "2"], vec!["3"], vec!["4"], vec!["5", "6"]]);
        assert_eq!(names(&batches(all, |_| false)).len(), 1);
        let files = (0..5 * MOST).map(|at| found(&at.to_string(), BATCH)).collect();
        assert_eq!(batches(files, |_| false).len(), 1);
        let many = (0..2 * MOST + 1).map(|at| found(&at.to_string(), 0)).collect();
        assert_eq!(batches(many, |_| true).len(), 3);
    }
}
