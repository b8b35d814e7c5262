//! Which files are exports.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::intake::{Intake, modified};
use super::objects::Objects;
use crate::error::{Error, Result};
use crate::store::Address;

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

/// Something under a root that looks like an export and is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path relative to the root, for people.
    pub name: String,
    /// Why.
    pub problem: String,
}

/// What there is under the roots.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// The exports, sorted by name.
    pub found: Vec<Found>,
    /// What looks like one and cannot be taken.
    pub left_out: Vec<LeftOut>,
    /// The roots in which there is no export.
    pub empty: Vec<PathBuf>,
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
    Ok(discover_all(roots, &Intake::default())?.found)
}

/// The same, with what is left out.
///
/// # Errors
/// As [`discover`].
pub fn discover_all(roots: &[PathBuf], intake: &Intake) -> Result<Discovered> {
    discover_with(roots, intake, &mut Objects::default())
}

/// The same, with roots that may be addresses of objects.
///
/// # Errors
/// As [`discover`]; [`Error::Unreadable`] for objects, [`Error::Usage`] for an address that is none.
pub fn discover_with(roots: &[PathBuf], intake: &Intake, objects: &mut Objects) -> Result<Discovered> {
    let within: Vec<PathBuf> = roots.iter().filter_map(|root| root.canonicalize().ok()).collect();
    let mut all = Vec::new();
    let (mut left_out, mut empty) = (Vec::new(), Vec::new());
    for root in roots {
        let found = match Address::of(root)? {
            Some(address) => objects.under(&address, &mut left_out)?,
            None => match under(root, &within, intake, &mut left_out) {
                Err(Error::Input(_)) if intake.may_be_empty && !root.exists() => Vec::new(),
                found => found?,
            },
        };
        if found.is_empty() {
            empty.push(root.clone());
        }
        let label = root
            .canonicalize()
            .ok()
            .or_else(|| Address::is(root).then(|| root.clone()))
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
            .unwrap_or_default();
        all.extend(found.into_iter().map(|found| (label.clone(), found)));
    }
    all.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name).then_with(|| a.path.cmp(&b.path)));
    // A file goes by its own name, whatever links lead to it.
    let own: HashSet<PathBuf> =
        all.iter().filter(|(_, found)| !is_linked(found)).map(|(_, found)| found.path.clone()).collect();
    all.retain(|(_, found)| !is_linked(found) || !own.contains(&found.path));
    let mut paths = HashSet::new();
    all.retain(|(_, found)| paths.insert(found.path.clone()));
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
    left_out.sort_by(|a, b| a.name.cmp(&b.name));
    left_out.dedup();
    Ok(Discovered { found, left_out, empty })
}

/// Whether a file was found by a link, so that its path ends otherwise than its name.
fn is_linked(found: &Found) -> bool {
    !found.path.ends_with(&found.name)
}

fn under(
    root: &Path,
    within: &[PathBuf],
    intake: &Intake,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Found>> {
    let missing = |source| {
        Error::Input(format!(
            "cannot read the exports at {}: {source}; is its disk mounted? If so, name another path with \
             --exports",
            root.display()
        ))
    };
    let meta = std::fs::metadata(root).map_err(missing)?;
    let mut leave = |path: &Path, problem: String| {
        let relative = path.strip_prefix(root).ok().filter(|relative| !relative.as_os_str().is_empty());
        let name = relative.unwrap_or(path).to_string_lossy().into_owned();
        left_out.push(LeftOut { name, problem });
    };
    if !meta.is_dir() {
        let name = root.file_name().unwrap_or(root.as_os_str());
        return Ok(match file(root, Path::new(name), &meta) {
            Ok(found) => vec![found],
            Err(problem) => {
                leave(root, problem);
                Vec::new()
            }
        });
    }
    let mut found: Vec<Found> = Vec::new();
    let mut folders: Vec<PathBuf> = Vec::new();
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(['.', '_']);
    let mut walk = WalkDir::new(root)
        .follow_links(true)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name()));
    while let Some(entry) = walk.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let link = error.path().filter(|path| path.is_symlink());
                match link.map(|path| (path, lost_link(&error, path))) {
                    Some((path, _)) if path.file_name().is_some_and(hidden) => continue,
                    Some((path, Some(problem))) => leave(path, problem),
                    _ => return Err(unlisted(error, root)),
                }
                continue;
            }
        };
        let is_folder = entry.file_type().is_dir();
        let lower = entry.file_name().to_string_lossy().to_lowercase();
        let ends = ENDINGS.iter().any(|ending| lower.ends_with(ending));
        if !is_folder && !ends {
            continue;
        }
        if entry.depth() > 0 && entry.path_is_symlink() && !intake.links_out {
            let target = entry.path().canonicalize().unwrap_or_else(|_| entry.path().to_owned());
            if !within.iter().any(|root| target.starts_with(root)) {
                let target = target.display();
                leave(
                    entry.path(),
                    format!(
                        "a link out of the exports, to {target}; links_out = true under [exports] allows it"
                    ),
                );
                if is_folder {
                    walk.skip_current_dir();
                }
                continue;
            }
        }
        if is_folder {
            folders.extend((entry.depth() > 0 && ends).then(|| entry.into_path()));
            continue;
        }
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let meta = entry
            .metadata()
            .map_err(|error| Error::Read { path: entry.path().to_owned(), source: error.into() });
        let meta = match meta {
            Ok(meta) => meta,
            // Gone between the listing and the look at it.
            Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        match file(entry.path(), relative, &meta) {
            Ok(file) => found.push(file),
            Err(problem) => leave(entry.path(), problem),
        }
    }
    for folder in folders {
        let relative = folder.strip_prefix(root).unwrap_or(&folder);
        if !found.iter().any(|found| Path::new(&found.name).starts_with(relative)) {
            leave(&folder, "it is a folder, not a file".to_owned());
        }
    }
    Ok(found)
}

/// What is wrong with a symbolic link that leads nowhere or in a circle.
fn lost_link(error: &walkdir::Error, link: &Path) -> Option<String> {
    if error.loop_ancestor().is_some() {
        return Some("symbolic links that lead in a circle".to_owned());
    }
    let error = error.io_error()?;
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return Some("symbolic links that lead in a circle".to_owned());
    }
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            let target = std::fs::read_link(link).unwrap_or_default();
            Some(format!("a link to {}, which does not exist", target.display()))
        }
        _ => None,
    }
}

fn unlisted(error: walkdir::Error, root: &Path) -> Error {
    let path = error.path().unwrap_or(root).to_owned();
    let other = || std::io::Error::other("it cannot be listed");
    Error::Read { path, source: error.into_io_error().unwrap_or_else(other) }
}

/// A regular file with a name that can be published; or why it is none.
fn file(path: &Path, relative: &Path, meta: &std::fs::Metadata) -> Result<Found, String> {
    if !meta.is_file() {
        return Err("a pipe, socket or device, not a file".to_owned());
    }
    let name = relative.to_str().ok_or("its name is not UTF-8; rename it")?;
    if name.contains(char::is_control) {
        return Err("its name holds control characters; rename it".to_owned());
    }
    let name = name.replace(std::path::MAIN_SEPARATOR, "/");
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    Ok(Found { path, name, size: meta.len(), modified: modified(meta) })
}
