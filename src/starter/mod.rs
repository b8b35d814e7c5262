//! A place to start from: a pipeline with comments, an empty catalog, a folder for exports.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files;

/// The pipeline file that a folder may have for itself; commands look for it where they start.
pub const PIPELINE: &str = "chartledger.toml";

/// Each file with its text; `NAME` in it is that of the pipeline.
const FILES: [(&str, &str); 6] = [
    (PIPELINE, include_str!("chartledger.toml")),
    ("catalog/artists.toml", include_str!("artists.toml")),
    ("catalog/cohorts.toml", include_str!("cohorts.toml")),
    ("catalog/songs.toml", include_str!("songs.toml")),
    ("catalog/works.toml", include_str!("works.toml")),
    ("exports/README.md", include_str!("exports.md")),
];

/// Writes the files to `directory`, which need not exist, and says which.
///
/// # Errors
/// [`Error::Usage`] if one of them is there already; then nothing is written. [`Error::Write`].
pub fn init(directory: &Path) -> Result<Vec<PathBuf>> {
    let paths = FILES.map(|(name, _)| directory.join(name));
    if let Some(there) = paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        let there = there.display();
        return Err(Error::Usage(format!(
            "{there} is there already, and nothing is overwritten; name another folder, or move it away"
        )));
    }
    for folder in ["catalog", "exports"] {
        files::create_directory(&directory.join(folder))?;
    }
    let name = name_of(directory);
    for (path, (_, text)) in paths.iter().zip(FILES) {
        let mut file = File::create_new(path).map_err(Error::write(path))?;
        file.write_all(text.replace("NAME", &name).as_bytes()).map_err(Error::write(path))?;
    }
    Ok(paths.into())
}

/// The name of a pipeline in a folder: that of the folder, if it is a plain one.
fn name_of(directory: &Path) -> String {
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(plain) { name } else { "charts".to_owned() }
}
