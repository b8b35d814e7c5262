//! The fold over one scope.

use super::basket::{Basket, Met};
use super::bounds::Spread;
use super::calendar::Calendar;
use super::count::{Count, Date};
use super::counter::{Counters, Gain};
use super::records::Record;
use super::reports::{self, Check, Finding, Findings, Reports, Row};
use super::runs::{ChartRun, SongDate};
use super::survey::{Basis, Scope};
use super::{Folded, RecordKind, Setup};
use crate::catalog::{Credit, EntityKind};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::NO_STREAMS;
use crate::ledger::Observation;

/// One scope and everything that is counted in it.
pub struct ScopeFold<'a> {
    pub(super) index: u32,
    pub(super) scope: &'a Scope,
    calendar: &'a Calendar,
    pub(super) setup: &'a Setup<'a>,
    /// The entities that this scope has met, by kind: few of all there are.
    pub(super) met: [Met; 4],
    /// Below the chart, how many tracks of each of them there may be.
    pub(super) spreads: [Vec<Spread>; 4],
    pub(super) groups: Vec<Group<'a>>,
    pub(super) counters: Counters,
    gains: Vec<Gain>,
    pub(super) reports: Reports,
    pub(super) runs: Vec<ChartRun>,
    song_dates: Vec<SongDate>,
    pub(super) findings: Findings,
    pub(super) folded: Folded,
}

/// The tallies and records that add up the same rows for the same entities, so that a date's rows
/// are added once for all of them.
pub(super) struct Group<'a> {
    kind: EntityKind,
    credit: Credit,
    basket: Basket,
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
            groups,
            counters: Counters::default(),
            gains: Vec::new(),
            reports: Reports::default(),
            runs: Vec::new(),
            song_dates: Vec::new(),
            findings: Findings::default(),
            folded: Folded::default(),
        }
    }

    /// Adds rows of this scope, sorted by date and rank.
    pub fn rows(&mut self, rows: &[Observation]) -> Result<()> {
        let counter = self.scope.basis == Basis::Counter;
        for rows in rows.chunk_by(|a, b| a.day == b.day) {
            let at = self.calendar.index(rows[0].day);
            let Some(&due) = self.calendar.due.get(at).filter(|due| due.state.is_live()) else { continue };
            self.check(at, rows).ok_or_else(|| overflow(self.scope, due.day))?;
            self.runs_of_date(at, due.day, rows);
            let Self { setup, calendar, scope, index, met, spreads, groups, gains, folded, .. } = self;
            let gains = counter.then_some(gains.as_slice());
            let date = Date { scope: *index, calendar, at, due, counter };
            for group in groups {
                let kind = group.kind;
                let met = &mut met[kind as usize];
                let spreads = &mut spreads[kind as usize];
                let collected = group.basket.collect((kind, group.credit), rows, gains, setup, met);
                collected.ok_or_else(|| overflow(scope, due.day))?;
                if kind != EntityKind::Artist {
                    for &code in met.codes.iter().skip(spreads.len()) {
                        spreads.push(setup.spread(kind, code, *index as usize));
                    }
                }
                for count in &mut group.counts {
                    let counted = count.date(&group.basket, &date, &met.codes, spreads, setup, folded);
                    counted.ok_or_else(|| overflow(scope, due.day))?;
                }
                for record in &mut group.records {
                    record.date(&group.basket, &met.codes, calendar, at, *index);
                }
            }
        }
        Ok(())
    }

    /// Closes every window.
    pub fn finish(self) -> Folded {
        let Self { mut folded, groups, met, spreads, runs, calendar, index, scope, setup, .. } = self;
        let mut findings = self.findings;
        let counter = scope.basis == Basis::Counter;
        let date = Date { scope: index, calendar, at: calendar.due.len(), due: super::Due::NONE, counter };
        for group in groups {
            let (codes, spreads) = (&met[group.kind as usize].codes, &spreads[group.kind as usize]);
            for count in group.counts {
                count.finish(&date, codes, spreads, &mut folded);
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
    fn check(&mut self, at: usize, rows: &[Observation]) -> Option<()> {
        let Self { calendar, setup, met, counters, gains, reports, findings, .. } = self;
        let counter = self.scope.basis == Basis::Counter;
        gains.clear();
        let Some(&due) = calendar.due.get(at) else { return Some(()) };
        let [tracks, songs, ..] = met;
        let mut reporting: Vec<Row<'_>> = Vec::new();
        for row in rows {
            let listing = row.listing as usize;
            let is_dated = setup.is_dated(listing);
            if !counter && !self.scope.has_reports && !is_dated {
                continue;
            }
            let (track, song) = (setup.entities.track_of[listing], setup.entities.song_of[listing]);
            let short = (tracks.short(track), songs.short(song));
            let of = Row { scope: self.index, track, short, row };
            if counter {
                let (gain, before) = counters.row(short.0, row, at, due)?;
                gains.push(gain);
                reports::counter(of, before, at, findings);
            }
            if is_dated {
                reports::dated(of, setup.entities.track_dates(track), findings);
            }
            if self.scope.has_reports {
                reporting.push(of);
            }
        }
        reports.date(&reporting, at, calendar, findings);
        Some(())
    }

    fn runs_of_date(&mut self, at: usize, day: Day, rows: &[Observation]) {
        let songs = &mut self.met[EntityKind::Song as usize];
        let mut touched: Vec<u32> = Vec::with_capacity(rows.len());
        for row in rows {
            let song = self.setup.entities.song_of[row.listing as usize];
            let short = songs.short(song);
            if short >= self.song_dates.len() {
                self.song_dates.resize(short + 1, SongDate::default());
            }
            let date = &mut self.song_dates[short];
            if date.rank == 0 {
                touched.push(short as u32);
                date.streams = NO_STREAMS;
            }
            date.add(row.rank, row.reported);
            if row.streams != NO_STREAMS {
                date.streams = date.streams.max(0).saturating_add(row.streams);
            }
        }
        let live = self.calendar.live_before(at);
        for short in touched {
            let short = short as usize;
            while self.runs.len() <= short {
                self.runs.push(ChartRun::new(self.index, songs.codes[self.runs.len()], day));
            }
            self.runs[short].date(day, live, std::mem::take(&mut self.song_dates[short]));
        }
    }
}

fn group<'g, 'a>(groups: &'g mut Vec<Group<'a>>, kind: EntityKind, credit: Credit) -> &'g mut Group<'a> {
    let place = groups.iter().position(|group| group.kind == kind && group.credit == credit);
    let place = place.unwrap_or_else(|| {
        let (counts, records) = (Vec::new(), Vec::new());
        groups.push(Group { kind, credit, basket: Basket::default(), counts, records });
        groups.len() - 1
    });
    &mut groups[place]
}

fn overflow(scope: &Scope, day: Day) -> Error {
    Error::Audit(format!(
        "a sum of streams in {} {} leaves 64 bits on {day}; look for absurd figures in the exports",
        scope.chart, scope.region
    ))
}
