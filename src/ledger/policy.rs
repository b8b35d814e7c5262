//! What to do where exports contradict each other.

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::State;
use super::register::ExportEntry;
use crate::error::{Error, Result};
use crate::exports::Decoded;

/// Which of two exports that contradict each other counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// The newer one.
    #[default]
    Latest,
    /// The older one; a file that has changed is not taken in again.
    Keep,
    /// Neither: the run stops.
    Fail,
}

/// What happens to an export that loses much of what it would replace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// It is left out where it does, and that is said.
    #[default]
    Withhold,
    /// It counts, now and later.
    Allow,
    /// The run stops.
    Stop,
}

/// How exports may correct others. It goes for the months that a run writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Which one counts.
    pub on_conflict: OnConflict,
    /// The part of the rows that an export may lose of what it replaces, from 0 to 1: a file that is
    /// corrected in its place of its own rows, another export of those of a chart, region and date.
    pub max_loss: f64,
    /// What happens if it loses more.
    pub on_loss: OnLoss,
}

impl Default for Policy {
    fn default() -> Self {
        Self { on_conflict: OnConflict::Latest, max_loss: 0.2, on_loss: OnLoss::Withhold }
    }
}

/// How the exports of a ledger stand to each other.
pub(super) struct Precedence {
    places: Vec<u32>,
    may_lose: Vec<bool>,
    /// The part of the rows that an export may lose; `None` if any.
    max_loss: Option<f64>,
    allow: bool,
}

impl Precedence {
    /// The place of an export, from the one that prevails (0) to the one that yields to all.
    pub fn place(&self, export: u32) -> u32 {
        self.places.get(export as usize).copied().unwrap_or(u32::MAX)
    }

    /// Whether a loss has been allowed to this export.
    pub fn may_lose(&self, export: u32) -> bool {
        self.may_lose.get(export as usize).copied().unwrap_or_default()
    }

    /// Whether losses are allowed to all exports from now on.
    pub fn allows_loss(&self) -> bool {
        self.allow
    }

    /// Whether so many rows may take the place of `before`.
    pub fn is_enough(&self, rows: usize, before: usize) -> bool {
        self.max_loss.is_none_or(|max_loss| rows as f64 >= before as f64 * (1.0 - max_loss))
    }
}

impl Policy {
    /// How exports stand to each other under this policy. What came first loses to nobody, so
    /// nothing can be lost with it.
    pub(super) fn precedence(&self, exports: &[ExportEntry]) -> Precedence {
        Precedence {
            places: self.places(exports),
            may_lose: exports.iter().map(|export| export.loss_allowed).collect(),
            max_loss: (self.on_conflict != OnConflict::Keep).then_some(self.max_loss),
            allow: self.on_loss == OnLoss::Allow,
        }
    }

    /// The same with the losses that a ledger has on record left out.
    pub(super) fn without_losses(&self, exports: &[ExportEntry]) -> Precedence {
        Precedence { max_loss: None, ..self.precedence(exports) }
    }

    /// For each export its place from the one that prevails (0) to the one that yields to all.
    fn places(&self, exports: &[ExportEntry]) -> Vec<u32> {
        let time = |export: &ExportEntry| time_in_name(&export.name).unwrap_or(export.modified);
        let mut order: Vec<(u64, &str, usize)> = exports
            .iter()
            .enumerate()
            .map(|(code, export)| (time(export), export.name.as_str(), code))
            .collect();
        order.sort_unstable();
        if self.on_conflict != OnConflict::Keep {
            order.reverse();
        }
        let mut places = vec![0; exports.len()];
        for (place, (.., export)) in order.into_iter().enumerate() {
            places[export] = place as u32;
        }
        places
    }

    /// Refuses files that may not take the place of what is in the ledger under their name: one from
    /// elsewhere, whose rows would push out rows that are still good, and a correction that this
    /// policy does not allow.
    ///
    /// # Errors
    /// [`Error::Input`] if a file has changed and [`OnConflict::Fail`] forbids it.
    pub fn refuse(&self, state: &State, decoded: &mut Decoded) -> Result<()> {
        let known: std::collections::HashMap<&str, &ExportEntry> =
            state.listed().map(|(_, entry)| (entry.name.as_str(), entry)).collect();
        let mut refused = vec![false; decoded.exports.len()];
        for (export, refused) in decoded.exports.iter_mut().zip(&mut refused) {
            let Some(entry) = known.get(export.found.name.as_str()) else { continue };
            let Ok(content) = &export.content else { continue };
            if export.hash.is_some_and(|hash| hash.to_hex().as_str() == entry.hash) {
                continue;
            }
            let rows = content.rows_read.saturating_sub(content.set_aside.len() as u64);
            let before = entry.rows.read.saturating_sub(entry.rows.quarantined);
            let problem = if *export.found.path != *entry.path {
                format!(
                    "the ledger has another export of this name, {}; name a folder above both with \
                     --exports, or use another --ledger",
                    entry.path
                )
            } else if self.on_conflict == OnConflict::Fail {
                return Err(Error::Input(format!(
                    "{} has changed since the ledger took it in, and on_conflict = \"fail\"; put the old file \
                     back, or take it out with `chartledger ledger forget` if the new one is right",
                    export.found.name
                )));
            } else if self.on_conflict == OnConflict::Keep {
                "it has changed since the ledger took it in, and on_conflict = \"keep\" keeps what was there"
                    .to_owned()
            } else if self.on_loss != OnLoss::Allow && (rows as f64) < before as f64 * (1.0 - self.max_loss) {
                format!(
                    "it has {rows} good rows now and had {before}: a correction that loses more than {:.0} % is \
                     refused; look at it, and run with --allow-loss if it is right",
                    self.max_loss * 100.0
                )
            } else {
                continue;
            };
            *refused = true;
            export.content = Err(problem);
        }
        decoded.pieces.retain(|piece| !refused[piece.export as usize]);
        Ok(())
    }
}

/// The moment of an export that its file name tells, such as `20240321T060000Z` or
/// `2024-03-21T06-00-00`, in nanoseconds since 1970. A bare date is that of the data.
fn time_in_name(name: &str) -> Option<u64> {
    const FORMATS: [(&str, usize); 5] = [
        ("%Y%m%dT%H%M%S", 15),
        ("%Y-%m-%dT%H-%M-%S", 19),
        ("%Y-%m-%dT%H:%M:%S", 19),
        ("%Y-%m-%d_%H-%M-%S", 19),
        ("%Y-%m-%dT%H%M%S", 17),
    ];
    let name = name.rsplit('/').next().unwrap_or(name);
    let digits = name.char_indices().filter(|(_, c)| c.is_ascii_digit());
    digits.rev().find_map(|(from, _)| {
        FORMATS.iter().find_map(|&(format, length)| {
            let time = NaiveDateTime::parse_from_str(name.get(from..from + length)?, format).ok()?;
            u64::try_from(time.and_utc().timestamp_nanos_opt()?).ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::time_in_name;

    #[test]
    fn a_name_tells_the_time_of_an_export() {
        let second = 1_711_000_800_000_000_000;
        for name in [
            "charts-20240321T060000Z.csv",
            "a/2024-03-21T06-00-00.csv.gz",
            "global_2024-03-20_2024-03-21_06-00-00.csv",
            "x2024-03-21T060000.csv",
        ] {
            assert_eq!(time_in_name(name), Some(second), "{name}");
        }
        for name in
            ["regional-global-daily-2024-03-20.csv", "20240321T060000/charts.csv", "", "정국-2024.csv"]
        {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }
}
