//! A figure from its rows: the columns of the published row, and what shows them.

use std::cmp::Reverse;

use super::bounds::{self, Placed, at_most, due_dates, estimated};
use super::published::{Figure, Value};
use super::rows::{Counted, counted};
use super::sums::{Date, Sums, by_track, credit, credit_source, songs, start};
use super::{Alone, Around, Bounds, Case, Convention, Coverage, Evidence, Proof, Row, Share, Sum};
use crate::catalog::EntityKind;
use crate::dates::Day;
use crate::ledger::Observation;

/// How many due dates before and after a date are shown.
const AROUND: usize = 7;

/// Derives a figure from the rows of its scope, sorted by date and rank. The error says why the rows
/// do not give it.
///
/// # Errors
/// A sentence without a subject: what the entity does not have.
pub fn prove(case: &Case<'_>, figure: Figure, rows: &[Observation]) -> Result<Proof, String> {
    is_counted(case)?;
    let counted = counted(case, rows);
    let sums = Sums::of(&counted);
    let Some(first) = sums.dates.first().map(|date| date.day) else {
        return Err("has no row that counts in the ledger".to_owned());
    };
    let place = match figure {
        Figure::Total => sums.dates.len() - 1,
        Figure::Milestone { threshold } => sums.reached(threshold).ok_or_else(|| missed(&sums, threshold))?,
    };
    let on = sums.dates[place].day;
    let (start_on, start_basis) = start(case, first);
    let calendar = &case.surveyed.calendars[case.scope];
    let until = match figure {
        Figure::Milestone { .. } => on,
        Figure::Total => {
            let last = calendar.due.last().map_or(on, |due| due.day);
            case.span.last.map_or(last, |end| end.min(last))
        }
    };
    let so_far: Vec<Counted> =
        sums.dates.iter().take(place + 1).flat_map(|date| date.rows).copied().collect();
    let scene = Scene { case, figure, sums: &sums, date: &sums.dates[place], so_far: &so_far };
    let alone = scene.alone(&counted);
    let convention = Convention {
        clock: case.spec.clock.word(),
        start_on,
        start_basis,
        days_elapsed: on.since(start_on),
        day_number: on.since(start_on) + 1,
        credit: credit(case).word(),
        credit_source: credit_source(case, &so_far),
        song_rule: case.spec.rule.word(),
        contributing_songs: match case.spec.entity {
            EntityKind::Track | EntityKind::Song => 1,
            EntityKind::Work | EntityKind::Artist => songs(&so_far),
        },
    };
    let mut derived = scene.identity(&convention);
    let bounds = match figure {
        Figure::Milestone { threshold } => {
            let placed = bounds::placed(case, &sums, start_on, place, threshold);
            derived.extend(scene.milestone(threshold, &placed, &convention, &alone));
            Bounds {
                certainty: Some(placed.certainty),
                earliest_on: placed.earliest,
                at_most: None,
                because: placed.because,
            }
        }
        Figure::Total => {
            let (most, because) = at_most(case, &sums, start_on, until);
            let most = most.map(whole);
            derived.extend(scene.total(most, &convention));
            Bounds { certainty: None, earliest_on: None, at_most: most, because }
        }
    };
    let evidence = scene.evidence();
    let export = case.exports.get(evidence.row.export as usize);
    let entity = case.entities.of(case.spec.entity).get(case.entity as usize);
    let scope = &case.surveyed.scopes[case.scope];
    let rows = scene.rows();
    let of_date = so_far.len() - scene.date.rows.len();
    Ok(Proof {
        figure,
        tally: case.spec.name.clone(),
        chart: scope.chart.clone(),
        region: scope.region.clone(),
        basis: scope.basis.word(),
        entity_kind: case.spec.entity.word(),
        entity_id: entity.map_or(String::new(), |entity| entity.id.clone()),
        entity: entity.map_or(String::new(), |entity| entity.name.clone()),
        artists: entity.map_or(String::new(), |entity| entity.artists.clone()),
        window: case.span.name.clone(),
        on,
        until,
        sum: Sum {
            opening: whole(sums.opening),
            before: whole(scene.date.before),
            on_date: whole(scene.date.adds),
            after: whole(scene.date.after()),
        },
        evidence: Evidence {
            export: scene.export(&evidence.row).to_owned(),
            path: export.map_or(String::new(), |export| export.path.clone()),
            unit: if scene.export(&evidence.row).ends_with(".parquet") { "row" } else { "line" },
            row: evidence.row.line,
        },
        rows_of_date: rows.get(of_date..).unwrap_or_default().to_vec(),
        tracks: scene.shares(),
        convention,
        bounds,
        coverage: scene.coverage(start_on, until),
        alone,
        dates: place + 1,
        derived,
        rows,
    })
}

/// Whether the tally counts the entity in the scope at all.
fn is_counted(case: &Case<'_>) -> Result<(), String> {
    let Case { spec, surveyed, entities, .. } = case;
    let scope = &surveyed.scopes[case.scope];
    let named =
        |names: &Option<Vec<String>>, name: &String| names.as_ref().is_none_or(|names| names.contains(name));
    if !named(&spec.charts, &scope.chart) || !named(&spec.regions, &scope.region) {
        return Err(format!("is not counted there: tally `{}` leaves this chart or region out", spec.name));
    }
    let members = spec.cohort.as_ref().map(|cohort| (cohort, entities.members(cohort, spec.entity)));
    match members {
        Some((cohort, members))
            if members.and_then(|members| members.get(case.entity as usize)) != Some(&true) =>
        {
            Err(format!("is not counted: it is not in the cohort `{cohort}` of tally `{}`", spec.name))
        }
        _ => Ok(()),
    }
}

fn missed(sums: &Sums<'_>, threshold: i64) -> String {
    match sums.opening >= i128::from(threshold) {
        true => {
            format!("had passed {threshold} before the first export: the counter opens at {}", sums.opening)
        }
        false => format!("does not reach {threshold}: the rows add up to {}", sums.highest()),
    }
}

/// A sum as a table can hold it.
fn whole(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

fn number(number: usize) -> Value {
    Value::Number(number as i64)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A figure and what it is derived from.
struct Scene<'a> {
    case: &'a Case<'a>,
    figure: Figure,
    sums: &'a Sums<'a>,
    /// The date of the milestone, or the last one of a total.
    date: &'a Date<'a>,
    /// The rows up to and with that date.
    so_far: &'a [Counted],
}

impl Scene<'_> {
    fn export(&self, row: &Observation) -> &str {
        self.case.exports.get(row.export as usize).map_or("", |export| &export.name)
    }

    fn uri(&self, track: u32) -> &str {
        let tracks = self.case.entities.of(EntityKind::Track);
        tracks.get(track as usize).map_or("", |track| &track.id)
    }

    /// The row that added most on the date; of equals the smaller rank, then the earlier export by
    /// name, then the earlier line.
    fn evidence(&self) -> &Counted {
        let order = |counted: &&Counted| {
            let row = &counted.row;
            (Reverse(self.sums.adds(counted)), row.rank, self.export(row), row.line)
        };
        self.date.rows.iter().min_by_key(order).unwrap_or(&self.date.rows[0])
    }

    fn rows(&self) -> Vec<Row> {
        let mut sum = 0;
        let row = |counted: &Counted| {
            let Counted { row, track, gain, opening, .. } = counted;
            sum += gain + opening;
            let listing = self.case.listings.get(row.listing as usize);
            Row {
                date: row.day,
                rank: row.rank,
                uri: self.uri(*track).to_owned(),
                title: listing.map_or(String::new(), |listing| listing.title.clone()),
                artists: listing.map_or(String::new(), |listing| listing.artists.clone()),
                streams: row.streams,
                counted: whole(gain + opening),
                sum: whole(sum),
                export: self.export(row).to_owned(),
                row: row.line,
            }
        };
        self.so_far.iter().map(row).collect()
    }

    fn shares(&self) -> Vec<Share> {
        let share = |(track, rows): (u32, Vec<Counted>)| {
            let last = rows.last()?;
            let listing = self.case.listings.get(last.row.listing as usize);
            Some(Share {
                uri: self.uri(track).to_owned(),
                title: listing.map_or(String::new(), |listing| listing.title.clone()),
                artists: listing.map_or(String::new(), |listing| listing.artists.clone()),
                streams: whole(rows.iter().map(|counted| counted.gain + counted.opening).sum()),
                first_on: rows.first()?.row.day,
                last_on: last.row.day,
                dates: rows.chunk_by(|a, b| a.row.day == b.row.day).count(),
            })
        };
        let mut shares: Vec<Share> = by_track(self.so_far).into_iter().filter_map(share).collect();
        shares.sort_by(|a, b| (Reverse(a.streams), &a.uri).cmp(&(Reverse(b.streams), &b.uri)));
        shares
    }

    /// How far each track of a song or work gets by itself; `all` are the rows of the whole window.
    fn alone(&self, all: &[Counted]) -> Vec<Alone> {
        let merges = matches!(self.case.spec.entity, EntityKind::Song | EntityKind::Work);
        if !merges || self.case.entities.tracks_of(self.case.spec.entity, self.case.entity).len() < 2 {
            return Vec::new();
        }
        let alone = |(track, rows): (u32, Vec<Counted>)| {
            let sums = Sums::of(&rows);
            let up_to = sums.dates.iter().rev().find(|date| date.day <= self.date.day);
            let reached_on = match self.figure {
                Figure::Total => None,
                Figure::Milestone { threshold } if sums.opening >= i128::from(threshold) => {
                    sums.dates.first().map(|date| date.day)
                }
                Figure::Milestone { threshold } => sums.reached(threshold).map(|place| sums.dates[place].day),
            };
            Alone {
                uri: self.uri(track).to_owned(),
                streams: whole(up_to.map_or(0, Date::after)),
                reached_on,
            }
        };
        let mut tracks: Vec<Alone> = by_track(all).into_iter().map(alone).collect();
        tracks.sort_by(|a, b| (Reverse(a.streams), &a.uri).cmp(&(Reverse(b.streams), &b.uri)));
        tracks
    }

    fn coverage(&self, since: Day, until: Day) -> Coverage {
        let calendar = &self.case.surveyed.calendars[self.case.scope];
        let at = calendar.due.iter().position(|due| due.day == self.date.day).unwrap_or_default();
        let shown = calendar.due.iter().skip(at.saturating_sub(AROUND)).take(AROUND.min(at) + 1 + AROUND);
        let around = shown.map(|due| Around { date: due.day, state: due.state.word(), cutoff: due.cutoff });
        let due = due_dates(self.case, since, until);
        let in_state = |state: &str| due.iter().filter(|date| date.state == state).count();
        let (missing, stale) = (in_state("missing"), in_state("stale"));
        Coverage { around: around.collect(), since, until, due: due.len(), missing, stale }
    }

    /// The columns that say what is counted.
    fn identity(&self, convention: &Convention) -> Vec<(&'static str, Value)> {
        let Case { spec, surveyed, entities, .. } = self.case;
        let scope = &surveyed.scopes[self.case.scope];
        let entity = entities.of(spec.entity).get(self.case.entity as usize);
        let named = |value: Option<&String>| value.map_or(Value::Empty, |value| text(value));
        vec![
            ("tally", text(&spec.name)),
            ("chart", text(&scope.chart)),
            ("region", text(&scope.region)),
            ("basis", text(scope.basis.word())),
            ("entity_kind", text(spec.entity.word())),
            ("entity_id", named(entity.map(|entity| &entity.id))),
            ("entity", named(entity.map(|entity| &entity.name))),
            ("artists", named(entity.map(|entity| &entity.artists))),
            ("credit", text(convention.credit)),
            ("song_rule", text(convention.song_rule)),
            ("clock", text(convention.clock)),
            ("window", text(&self.case.span.name)),
        ]
    }

    fn milestone(
        &self,
        threshold: i64,
        placed: &Placed,
        convention: &Convention,
        alone: &[Alone],
    ) -> Vec<(&'static str, Value)> {
        let Date { day, before, adds, .. } = *self.date;
        let or_empty = |day: Option<Day>| day.map_or(Value::Empty, Value::Day);
        let made_by_merge = match self.case.spec.entity {
            EntityKind::Track | EntityKind::Artist => Value::Empty,
            // By the date of the milestone no single track was there.
            EntityKind::Song | EntityKind::Work => Value::Flag(
                !alone.is_empty() && alone.iter().all(|track| track.reached_on.is_none_or(|on| on > day)),
            ),
        };
        let evidence = self.evidence();
        vec![
            ("threshold", Value::Number(threshold)),
            ("reached_on", Value::Day(day)),
            ("reached_from", Value::Day(placed.from)),
            ("earliest_on", or_empty(placed.earliest)),
            ("estimated_on", or_empty(estimated(placed.from, day, before, adds, threshold))),
            ("certainty", text(placed.certainty)),
            ("start_on", Value::Day(convention.start_on)),
            ("start_basis", text(convention.start_basis)),
            ("days_elapsed", Value::Number(convention.days_elapsed)),
            ("day_number", Value::Number(convention.day_number)),
            ("cumulative_before", Value::Number(whole(before))),
            ("streams_on_date", Value::Number(whole(adds))),
            ("cumulative", Value::Number(whole(before + adds))),
            ("contributing_songs", number(convention.contributing_songs)),
            ("credit_source", text(convention.credit_source)),
            ("made_by_merge", made_by_merge),
            ("evidence_export", text(self.export(&evidence.row))),
            ("evidence_row", Value::Number(i64::from(evidence.row.line))),
        ]
    }

    fn total(&self, at_most: Option<i64>, convention: &Convention) -> Vec<(&'static str, Value)> {
        let dates = &self.sums.dates;
        // The best date, and of equals the earlier.
        let best = dates.iter().min_by_key(|date| (Reverse(date.streams()), date.day)).unwrap_or(self.date);
        let highest = self.sums.highest();
        let next = self.case.spec.thresholds.iter().copied().filter(|&of| i128::from(of) > highest).min();
        let streams = whole(self.date.after());
        let or_empty = |number: Option<i64>| number.map_or(Value::Empty, Value::Number);
        vec![
            ("streams", Value::Number(streams)),
            ("at_most", or_empty(at_most)),
            ("first_on", Value::Day(dates[0].day)),
            ("last_on", Value::Day(self.date.day)),
            ("dates_observed", number(dates.len())),
            ("contributing_songs", number(convention.contributing_songs)),
            ("credit_source", text(convention.credit_source)),
            ("peak_streams", Value::Number(whole(best.streams()))),
            ("peak_on", Value::Day(best.day)),
            ("next_threshold", or_empty(next)),
            ("remaining", or_empty(next.map(|next| next.saturating_sub(streams)))),
            ("start_on", Value::Day(convention.start_on)),
            ("start_basis", text(convention.start_basis)),
        ]
    }
}
