//! A change as a sentence.

use std::fmt::{self, Display};

use super::{Change, Figure, Kind, Subject};
use crate::claims::words::streams as grouped;

impl Change<'_> {
    /// What happened, for people.
    pub fn says(&self) -> String {
        let Self { kind, subject, before, after, unit, .. } = self;
        let Subject { name, chart, region, window, threshold, .. } = subject;
        let who = who(subject);
        let of_window = fmt::from_fn(|into| match *window {
            "all" => Ok(()),
            window => write!(into, " of {window}"),
        });
        let goal = fmt::from_fn(|into| into.write_str(&grouped(*threshold)));
        let text = match (kind, before, after) {
            (Kind::MilestoneCrossed, _, Some(now)) => {
                format!("{who} reached {goal} streams{of_window} on {}", on(now))
            }
            (Kind::MilestoneRevoked, Some(was), _) => {
                format!("{who} has not reached {goal} streams{of_window}; it was said of {}", on(was))
            }
            (Kind::MilestoneMoved, Some(was), Some(now)) => {
                let of = format!("{who} reached {goal} streams{of_window} on {}", on(now));
                if was.on != now.on {
                    format!("{of}, not on {}", on(was))
                } else if was.state != now.state {
                    format!("{of}, now {}, was {}", state(now), state(was))
                } else {
                    format!("{of} with a sum of {}, not {}", value(now), value(was))
                }
            }
            (Kind::RankGained | Kind::RankLost, was, now) => match (was, now) {
                (Some(was), Some(now)) => {
                    format!("{who} is at rank {}{of_window}, was at {}", value(now), value(was))
                }
                (None, Some(now)) => format!("{who} is new at rank {}{of_window}", value(now)),
                (was, _) => format!("{who} is no longer ranked{of_window}, was at {}", opt(was)),
            },
            (Kind::RecordSet, _, Some(now)) => {
                format!("{who} set the record on {}: {} {unit}", on(now), value(now))
            }
            (Kind::RecordBroken, _, Some(now)) => {
                format!("{who} broke the record of {} on {}: {} {unit}", state(now), on(now), value(now))
            }
            (Kind::RecordEqualled, _, Some(now)) => {
                format!("{who} equalled the record of {} on {}: {} {unit}", state(now), on(now), value(now))
            }
            (Kind::TotalCorrected, Some(was), Some(now)) => {
                format!("{who} has {} streams{of_window}, not {}", value(now), value(was))
            }
            (Kind::TotalCorrected, Some(was), None) => {
                format!("{who} has no streams{of_window} any more, had {}", value(was))
            }
            (Kind::ClaimChanged, Some(was), Some(now)) => {
                return format!("the claim {name}: {}, was {}", state(now), state(was));
            }
            (Kind::RecordChanged, was, now) => match (was, now) {
                (Some(was), Some(now)) if was.value == now.value => {
                    format!("{who} took the record of {window} from {}, not from {}", state(now), state(was))
                }
                (Some(was), Some(now)) => {
                    format!("{who}'s record of {window} is {} {unit}, not {}", value(now), value(was))
                }
                (None, Some(now)) => format!("{who} had set the record on {window}: {} {unit}", value(now)),
                (was, _) => {
                    format!("{who} did not set the record on {window}; it was said with {}", opt(was))
                }
            },
            (kind, ..) => format!("{who}: {}", kind.word()),
        };
        text + &format!(" ({name}, {chart} {region})")
    }
}

/// Written straight into the sentence: there are hundreds of thousands of them in a night.
fn who(subject: &Subject<'_>) -> impl Display {
    let Subject { entity, artists, .. } = subject;
    fmt::from_fn(move |into| match artists.is_empty() {
        true => into.write_str(entity),
        false => write!(into, "{entity} by {artists}"),
    })
}

fn on(figure: &Figure<'_>) -> String {
    figure.on.map_or_else(|| "an unknown date".to_owned(), |day| day.to_string())
}

fn value(figure: &Figure<'_>) -> String {
    figure.value.map_or_else(|| "nothing".to_owned(), grouped)
}

fn opt(figure: &Option<Figure<'_>>) -> String {
    figure.as_ref().map_or_else(|| "nothing".to_owned(), value)
}

fn state<'a>(figure: &Figure<'a>) -> &'a str {
    figure.state.unwrap_or("nobody")
}
