//! The commits: none missing, none changed, each readable.

use super::{Faults, Part, plural};
use crate::ledger::{Logged, WAY_OUT};

/// Checks the commits, and says what was checked.
pub fn check(commits: &[Logged], faults: &mut Faults) -> String {
    let mut due = 0;
    for commit in commits {
        if commit.version > due {
            let missing = match commit.version - due {
                1 => format!("version {due} is missing"),
                more => format!("versions {due} to {} are missing, {more} of them", commit.version - 1),
            };
            let place = commit.path.with_file_name(format!("{due:020}.json"));
            let problem = format!("{missing}, and version {} is there", commit.version);
            faults.add(Part::Log, place.display(), problem, WAY_OUT);
        }
        due = commit.version + 1;
        match &commit.named {
            Err(problem) => {
                faults.add(Part::Log, commit.path.display(), format!("it cannot be read: {problem}"), WAY_OUT)
            }
            Ok(named) if !named.sealed => {
                faults.add(
                    Part::Log,
                    commit.path.display(),
                    "its text has changed since it was written",
                    WAY_OUT,
                );
            }
            Ok(_) => {}
        }
    }
    match (commits.first(), commits.last()) {
        (Some(first), Some(last)) => {
            format!(
                "{}, versions {} to {}",
                plural(commits.len() as u64, "commit"),
                first.version,
                last.version
            )
        }
        _ => "no commit".to_owned(),
    }
}
