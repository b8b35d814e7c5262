//! Which files are exports.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use crate::error::{Error, Result};

/// A file that may be an export.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is, without links and relative parts.
    pub path: PathBuf,
    /// Its path relative to the root it was found under, with `/` between folders: the name by
    /// which it is published.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified: u64,
}

/// What the name of an export ends with.
pub const ENDINGS: [&str; 4] = [".csv", ".csv.gz", ".csv.zst", ".parquet"];

/// The exports under `roots`, sorted by name. A root that is a file is taken whatever its ending;
/// in a folder only files with an export's ending count, and hidden ones do not.
///
/// Where two roots hold the same relative path, the root's own name is put before it.
///
/// # Errors
/// [`Error::Input`] for a root that does not exist or two files that cannot be told apart by
/// name; [`Error::Read`] for a folder that cannot be listed.
pub fn discover(roots: &[PathBuf]) -> Result<Vec<Found>> {
    let mut all = Vec::new();
    for root in roots {
        let found = under(root)?;
        let label = root
            .canonicalize()
            .ok()
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .unwrap_or_default();
        all.extend(found.into_iter().map(|found| (label.clone(), found)));
    }
    all.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    all.dedup_by(|(_, a), (_, b)| a.path == b.path);
    let same = |a: &(String, Found), b: &(String, Found)| a.1.name == b.1.name;
    let names: Vec<String> = all
        .chunk_by(same)
        .flat_map(|group| {
            group.iter().map(|(label, found)| match group.len() {
                1 => found.name.clone(),
                _ => format!("{label}/{}", found.name),
            })
        })
        .collect();
    let mut found: Vec<Found> = all.into_iter().map(|(_, found)| found).collect();
    for (found, name) in found.iter_mut().zip(names) {
        found.name = name;
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some([a, b]) = found.array_windows().find(|[a, b]| a.name == b.name) {
        return Err(Error::Input(format!(
            "{} and {} would both be called {}; name their common folder as the root",
            a.path.display(),
            b.path.display(),
            a.name
        )));
    }
    Ok(found)
}

fn under(root: &Path) -> Result<Vec<Found>> {
    let missing = |source| {
        Error::Input(format!(
            "cannot read the exports at {}: {source}; name another path with --exports",
            root.display()
        ))
    };
    let meta = std::fs::metadata(root).map_err(missing)?;
    if !meta.is_dir() {
        let name = root.file_name().unwrap_or(root.as_os_str()).to_string_lossy().into_owned();
        return Ok(file(root, name, &meta).into_iter().collect());
    }
    let mut found = Vec::new();
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(['.', '_']);
    let walk = WalkDir::new(root)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()));
    for entry in walk {
        let entry = entry.map_err(|error| unlisted(error, root))?;
        let lower = entry.file_name().to_string_lossy().to_lowercase();
        if entry.file_type().is_dir() || !ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
            continue;
        }
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let name = relative.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let meta = entry
            .metadata()
            .map_err(|error| Error::Read { path: entry.path().to_owned(), source: error.into() })?;
        found.extend(file(entry.path(), name, &meta));
    }
    Ok(found)
}

fn unlisted(error: walkdir::Error, root: &Path) -> Error {
    let path = error.path().unwrap_or(root).to_owned();
    let looped = || std::io::Error::other("symbolic links that lead in a circle");
    Error::Read { path, source: error.into_io_error().unwrap_or_else(looped) }
}

/// A regular file; pipes and devices have no end and are left alone.
fn file(path: &Path, name: String, meta: &std::fs::Metadata) -> Option<Found> {
    let modified = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    meta.is_file().then_some(Found { path, name, size: meta.len(), modified })
}
