//! What a pipeline wants after a run is published: which runs to keep, whom to tell.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::catalog::Catalog;
use crate::changes::{Kind, Subscription, cause, is_kind};
use crate::hook::Hook;

/// `[on_change]` of a pipeline file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnChange {
    command: Option<String>,
    timeout: Option<u32>,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    entities: Vec<String>,
    #[serde(default)]
    causes: Vec<String>,
    cohort: Option<String>,
    top: Option<i64>,
}

/// Checks and lowers `[on_change]`; `command` is the command line's, and starts where the program
/// did, while the pipeline's starts in the folder of its file.
pub fn hook(
    file: OnChange,
    command: Option<String>,
    base: &Path,
    known: &[&str],
    catalog: &Catalog,
) -> Result<Hook, String> {
    let OnChange { command: own, timeout, kinds, names, entities, causes, cohort, top } = file;
    let words = || Kind::ALL.iter().map(|kind| kind.word());
    if let Some(kind) = kinds.iter().find(|kind| !words().any(|word| is_kind(kind, word))) {
        let words: Vec<&str> = words().collect();
        return Err(format!(
            "[on_change] kinds: `{kind}` is no kind of change; there are {}",
            words.join(", ")
        ));
    }
    if let Some(cause) = causes.iter().find(|cause| !cause::WORDS.contains(&cause.as_str())) {
        return Err(format!(
            "[on_change] causes: `{cause}` is no cause; there are {}",
            cause::WORDS.join(", ")
        ));
    }
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!(
            "[on_change] names: no tally, ranking, record or claim is called `{name}`; there are {}",
            known.join(", ")
        ));
    }
    super::lower::known_cohort("[on_change]", cohort.as_ref(), catalog)?;
    if let Some(top) = top.filter(|top| *top < 1) {
        return Err(format!("[on_change] top = {top} is no rank"));
    }
    let limit = match timeout {
        Some(0) => return Err("[on_change] timeout = 0 leaves no time".to_owned()),
        Some(seconds) => Duration::from_secs(seconds.into()),
        None => Hook::default().limit,
    };
    let folder = (command.is_none()).then(|| base.to_owned());
    let subscription = Subscription { kinds, names, entities, causes, cohort, top };
    Ok(Hook { command: command.or(own), folder, limit, subscription })
}
