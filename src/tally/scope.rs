//! The fold over one scope.

use super::again::Again;
use super::bounds::Spread;
use super::by_listing::{ByListing, Part, Take};
use super::calendar::Calendar;
use super::count::{Count, Place, Who};
use super::counter::{Counters, Gain};
use super::in_month::{DateSum, InMonth};
use super::month::{Date, Met, MonthOf};
use super::records::Record;
use super::reports::{self, Check, Finding, Findings, Reports, Row};
use super::runs::{ChartRun, SongDate};
use super::survey::{Basis, Scope};
use super::{Folded, RecordKind, Setup};
use crate::catalog::{Credit, EntityKind};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::ledger::Observation;

/// One scope and everything that is counted in it.
pub struct ScopeFold<'a> {
    pub(super) index: u32,
    pub(super) scope: &'a Scope,
    pub(super) calendar: &'a Calendar,
    pub(super) setup: &'a Setup<'a>,
    /// The entities that this scope has met, by kind: few of all there are.
    pub(super) met: [Met; 4],
    /// Below the chart, how many tracks of each of them there may be.
    pub(super) spreads: [Vec<Spread>; 4],
    /// Those of them that are to be counted from the beginning once more.
    pub(super) again: Again,
    pub(super) groups: Vec<Group<'a>>,
    pub(super) counters: Counters,
    gains: Vec<Gain>,
    pub(super) reports: Reports,
    pub(super) runs: Vec<ChartRun>,
    pub(super) findings: Findings,
    pub(super) folded: Folded,
}

/// Where the first row of an entity stands on a date, and what the entity, by short code, had on it.
type Competitor = ((u32, u32), (u32, DateSum));

/// The tallies and records that add up the same rows for the same entities, so that the rows are
/// put in order once for all of them.
pub(super) struct Group<'a> {
    pub(super) kind: EntityKind,
    pub(super) credit: Credit,
    pub(super) counts: Vec<Count<'a>>,
    pub(super) records: Vec<Record<'a>>,
}

impl<'a> ScopeFold<'a> {
    pub fn new(index: usize, setup: &'a Setup<'a>) -> Self {
        let surveyed = setup.surveyed;
        let (scope, calendar) = (&surveyed.scopes[index], &surveyed.calendars[index]);
        let mut groups: Vec<Group<'a>> = Vec::new();
        for (index, spec) in setup.tallies.iter().enumerate().filter(|(_, spec)| spec.counts_in(scope)) {
            let credit = if spec.entity == EntityKind::Artist { spec.credit } else { Credit::All };
            group(&mut groups, spec.entity, credit).counts.push(Count::new(index, setup));
        }
        for (index, spec) in setup.records.iter().enumerate() {
            if spec.kind != RecordKind::Fastest && scope.is_among(&spec.charts, &spec.regions) {
                let record = Record::new(index, spec.kind, setup);
                group(&mut groups, spec.entity, Credit::All).records.push(record);
            }
        }
        Self {
            index: index as u32,
            scope,
            calendar,
            setup,
            met: Default::default(),
            spreads: Default::default(),
            again: Again::default(),
            groups,
            counters: Counters::default(),
            gains: Vec::new(),
            reports: Reports::default(),
            runs: Vec::new(),
            findings: Findings::default(),
            folded: Folded::default(),
        }
    }

    /// Adds the rows of a month of this scope, sorted by date and rank.
    pub fn rows(&mut self, rows: &[Observation], listings: &mut ByListing) -> Result<()> {
        let counter = self.scope.basis == Basis::Counter;
        let dates = self.dates(rows);
        self.gains.clear();
        self.gains.resize(if counter { rows.len() } else { 0 }, Gain::default());
        for date in &dates {
            self.check(date, rows).ok_or_else(|| overflow(self.scope, date.due.day))?;
        }
        let gains = std::mem::take(&mut self.gains);
        let gains_of = counter.then_some(gains.as_slice());
        let month = MonthOf { dates: &dates, rows, gains: gains_of, has_reports: self.scope.has_reports };
        listings.collect(month, self.setup);
        let mut parts = Vec::new();
        self.runs_of_month(month, listings, &mut parts);
        let Self { setup, calendar, scope, index, met, spreads, groups, folded, .. } = self;
        let place = Place { scope: *index, calendar, counter };
        for Group { kind, credit, counts, records } in groups {
            let met = &mut met[*kind as usize];
            let spreads = &mut spreads[*kind as usize];
            listings.parts((*kind, *credit), Take::WithStreams, setup, met, &mut parts);
            if *kind != EntityKind::Artist {
                for &code in met.codes.iter().skip(spreads.len()) {
                    spreads.push(setup.spread(*kind, code, *index as usize));
                }
            }
            counts.iter().for_each(|count| count.fetch(&parts));
            let recorded = if records.is_empty() { 0 } else { dates.len() };
            let mut of_records: Vec<Vec<Competitor>> = vec![Vec::new(); recorded];
            for (who, mut in_month) in with_streams(*kind, (&parts, &*listings), month, (met, spreads)) {
                for count in counts.iter_mut() {
                    let counted = count.month(who, &mut in_month, place, setup, folded);
                    counted.ok_or_else(|| overflow(scope, month.last()))?;
                }
                if of_records.is_empty() {
                    continue;
                }
                let by_date = in_month.by_date().ok_or_else(|| overflow(scope, month.last()))?;
                for (place, on) in by_date.dates.iter().enumerate() {
                    if let Some(of_date) = of_records.get_mut(on.number) {
                        of_date.push((by_date.first_row(place), (who.short, on.sum)));
                    }
                }
            }
            for (date, mut on_date) in dates.iter().zip(of_records) {
                on_date.sort_unstable_by_key(|(place, ..)| *place);
                let on_date: Vec<(u32, DateSum)> = on_date.into_iter().map(|(_, had)| had).collect();
                for record in records.iter_mut() {
                    record.date(&on_date, &met.codes, calendar, date.at, *index);
                }
            }
        }
        self.gains = gains;
        Ok(())
    }

    /// The live dates of a month, and where their rows are.
    pub(super) fn dates(&self, rows: &[Observation]) -> Vec<Date> {
        let mut dates = Vec::with_capacity(31);
        let mut from = 0;
        for same in rows.chunk_by(|a, b| a.day == b.day) {
            let at = self.calendar.index(same[0].day);
            let until = from + same.len();
            if let Some(&due) = self.calendar.due.get(at).filter(|due| due.state.is_live()) {
                dates.push(Date::new(at, due, (from, until)));
            }
            from = until;
        }
        dates
    }

    /// Closes every window.
    pub fn finish(self) -> Folded {
        let Self { mut folded, groups, met, spreads, runs, calendar, index, scope, setup, .. } = self;
        let mut findings = self.findings;
        let counter = scope.basis == Basis::Counter;
        let place = Place { scope: index, calendar, counter };
        let open = groups.iter().map(|group| group.counts.iter().map(Count::open).sum::<usize>());
        folded.totals.reserve_exact(open.sum());
        for group in groups {
            let (codes, spreads) = (&met[group.kind as usize].codes, &spreads[group.kind as usize]);
            for count in group.counts {
                count.finish(place, codes, spreads, &mut folded);
            }
            for record in group.records {
                record.finish(&mut folded);
            }
        }
        let songs = setup.entities.of(EntityKind::Song);
        for run in &runs {
            if let Some(released) = songs.get(run.song as usize).and_then(|song| song.released) {
                let number = |day: Day| day.number();
                let finding = Finding {
                    check: Check::ReleaseDate,
                    scope: index,
                    day: run.first_on,
                    kind: EntityKind::Song,
                    entity: run.song,
                    reported: number(released),
                    computed: number(run.first_on),
                };
                findings.compare(finding, released <= run.first_on);
            }
        }
        folded.runs = runs.into_iter().map(|run| run.close(calendar)).collect();
        folded.scores = vec![(index, findings.scores)];
        folded.findings = findings.differences;
        folded
    }

    /// Reads a date's counters, and holds what its rows report against what was seen before.
    fn check(&mut self, date: &Date, rows: &[Observation]) -> Option<()> {
        let Self { calendar, setup, met, counters, gains, reports, findings, .. } = self;
        let counter = self.scope.basis == Basis::Counter;
        if !counter && !self.scope.has_reports && !setup.dates_tracks() {
            return Some(());
        }
        let [tracks, songs, ..] = met;
        let mut reporting: Vec<Row<'_>> = Vec::new();
        for (at, row) in rows.iter().enumerate().take(date.rows.1).skip(date.rows.0) {
            let listing = row.listing as usize;
            let is_dated = setup.is_dated(listing);
            if !counter && !self.scope.has_reports && !is_dated {
                continue;
            }
            let (track, song) = (setup.entities.track_of[listing], setup.entities.song_of[listing]);
            let short = (tracks.short(track), songs.short(song));
            let of = Row { scope: self.index, track, short, row };
            if counter {
                let (gain, before) = counters.row(short.0, row, date.at, date.due)?;
                gains[at] = gain;
                reports::counter(of, before, date.at, findings);
            }
            if is_dated {
                reports::dated(of, setup.entities.track_dates(track), findings);
            }
            if self.scope.has_reports {
                reporting.push(of);
            }
        }
        reports.date(&reporting, date.at, calendar, findings);
        Some(())
    }

    /// Moves the chart runs on by a month.
    fn runs_of_month(&mut self, month: MonthOf<'_>, listings: &ByListing, parts: &mut Vec<Part>) {
        let Self { setup, calendar, index, met, runs, .. } = self;
        let met = &mut met[EntityKind::Song as usize];
        listings.parts((EntityKind::Song, Credit::All), Take::All, setup, met, parts);
        let new = met.codes.iter().skip(runs.len());
        runs.extend(new.map(|&song| ChartRun::new(*index, song)));
        for parts in parts.chunk_by(|a, b| a.short == b.short) {
            let Some(run) = runs.get_mut(parts[0].short as usize) else { continue };
            let entries = listings.entries(parts, Take::All);
            for entries in entries.chunk_by(|a, b| a.date == b.date) {
                let mut on = SongDate::default();
                for entry in entries {
                    on.add(entry, month.reported(entry.row));
                }
                let date = &month.dates[usize::from(entries[0].date)];
                run.date(date.due.day, calendar.live_before(date.at), on);
            }
        }
    }
}

fn group<'g, 'a>(groups: &'g mut Vec<Group<'a>>, kind: EntityKind, credit: Credit) -> &'g mut Group<'a> {
    let place = groups.iter().position(|group| group.kind == kind && group.credit == credit);
    let place = place.unwrap_or_else(|| {
        let (counts, records) = (Vec::new(), Vec::new());
        groups.push(Group { kind, credit, counts, records });
        groups.len() - 1
    });
    &mut groups[place]
}

/// The entities of a kind that have streams in a month, and what they had.
pub(super) fn with_streams<'m>(
    kind: EntityKind,
    (parts, listings): (&'m [Part], &'m ByListing),
    month: MonthOf<'m>,
    (met, spreads): (&'m Met, &'m [Spread]),
) -> impl Iterator<Item = (Who<'m>, InMonth<'m>)> {
    parts.chunk_by(|a, b| a.short == b.short).filter_map(move |parts| {
        let short = parts[0].short;
        let code = *met.codes.get(short as usize)?;
        let spread = spreads.get(short as usize).unwrap_or(Spread::ONE);
        Some((Who { short, code, spread }, InMonth::new(kind, parts, listings, month)?))
    })
}

pub(super) fn overflow(scope: &Scope, day: Day) -> Error {
    Error::Audit(format!(
        "a sum of streams in {} {} leaves 64 bits by {day}; look for absurd figures in the exports",
        scope.chart, scope.region
    ))
}
