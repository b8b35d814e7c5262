//! The fold over one scope.

use rustc_hash::FxHashMap;

use super::calendar::{Calendar, Due};
use super::runs::{ChartRun, SongDate};
use super::survey::Scope;
use super::{Certainty, Clock, Folded, Milestone, StartBasis, TallySpec, Total, Window};
use crate::catalog::{Credit, Entities, EntityKind, SongRule};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::NO_STREAMS;
use crate::ledger::Observation;

/// One scope and everything that is counted in it.
pub struct ScopeFold<'a> {
    index: u32,
    scope: &'a Scope,
    calendar: &'a Calendar,
    entities: &'a Entities,
    /// Place of each export in the order of their names: decides which of two rows is the evidence.
    export_order: &'a [u32],
    /// The entities that this scope has met, by kind: few of all there are.
    met: [Met; 4],
    baskets: Vec<Basket<'a>>,
    runs: Vec<ChartRun>,
    song_dates: Vec<SongDate>,
    folded: Folded,
}

/// Short codes for the entities of one scope.
#[derive(Default)]
struct Met {
    short: Vec<u32>,
    codes: Vec<u32>,
}

impl Met {
    fn short(&mut self, code: u32) -> usize {
        let at = code as usize;
        if at >= self.short.len() {
            self.short.resize(at + 1, u32::MAX);
        }
        if self.short[at] == u32::MAX {
            self.short[at] = self.codes.len() as u32;
            self.codes.push(code);
        }
        self.short[at] as usize
    }
}

/// The tallies that add up the same rows for the same entities, so that a date's rows are added
/// once for all their clocks.
struct Basket<'a> {
    kind: EntityKind,
    credit: Credit,
    tallies: Vec<Tally<'a>>,
    /// The entities of the present date.
    touched: Vec<u32>,
    /// Artists and their songs of the present date.
    pairs: Vec<(u32, u32)>,
    /// The present date's sum of each entity.
    dates: Vec<DateSum>,
}

/// What an entity had on one date.
#[derive(Clone, Copy, Default)]
struct DateSum {
    streams: i64,
    rows: u32,
    best: i64,
    rank: u16,
    export: u32,
    line: u32,
}

struct Tally<'a> {
    index: u32,
    spec: &'a TallySpec,
    members: Option<&'a [bool]>,
    sums: Vec<Sum>,
    /// For each pair of artist and song the window in which it was last counted.
    counted: Vec<Window>,
    /// Dates on which thresholds could have been reached that are not reached yet.
    possible: FxHashMap<u32, Vec<Day>>,
}

/// The running sum of an entity in a window.
#[derive(Clone, Copy)]
struct Sum {
    streams: i64,
    /// What absences could add is the cut-offs of all dates so far plus this: minus those before
    /// the start and those of dates on which the entity was listed.
    slack: i64,
    peak: i64,
    on_last: i64,
    dates: u32,
    songs: u32,
    window: Window,
    start_on: Day,
    first_on: Day,
    last_on: Day,
    peak_on: Day,
    /// Thresholds reached, and reached if every absence is filled.
    reached: u16,
    possible: u16,
    start_basis: StartBasis,
}

impl<'a> ScopeFold<'a> {
    pub fn new(
        index: u32,
        scope: &'a Scope,
        calendar: &'a Calendar,
        tallies: &'a [TallySpec],
        entities: &'a Entities,
        export_order: &'a [u32],
    ) -> Self {
        let mut baskets: Vec<Basket<'a>> = Vec::new();
        for (index, spec) in tallies.iter().enumerate().filter(|(_, spec)| spec.counts_in(scope)) {
            let members = spec.cohort.as_deref().and_then(|cohort| entities.members(cohort, spec.entity));
            let tally = Tally {
                index: index as u32,
                spec,
                members,
                sums: Vec::new(),
                counted: Vec::new(),
                possible: FxHashMap::default(),
            };
            let credit = if spec.entity == EntityKind::Artist { spec.credit } else { Credit::All };
            match baskets.iter_mut().find(|basket| basket.kind == spec.entity && basket.credit == credit) {
                Some(basket) => basket.tallies.push(tally),
                None => baskets.push(Basket {
                    kind: spec.entity,
                    credit,
                    tallies: vec![tally],
                    touched: Vec::new(),
                    pairs: Vec::new(),
                    dates: Vec::new(),
                }),
            }
        }
        Self {
            index,
            scope,
            calendar,
            entities,
            export_order,
            met: Default::default(),
            baskets,
            runs: Vec::new(),
            song_dates: Vec::new(),
            folded: Folded::default(),
        }
    }

    /// Adds rows of this scope, sorted by date and rank.
    pub fn rows(&mut self, rows: &[Observation]) -> Result<()> {
        for rows in rows.chunk_by(|a, b| a.day == b.day) {
            let at = self.calendar.index(rows[0].day);
            let Some(&due) = self.calendar.due.get(at).filter(|due| due.state.is_live()) else { continue };
            self.runs_of_date(at, due.day, rows);
            for basket in &mut self.baskets {
                let met = &mut self.met[basket.kind as usize];
                basket
                    .collect(rows, self.entities, met, self.export_order)
                    .ok_or_else(|| overflow(self.scope, due.day))?;
                let date = Date { scope: self.index, calendar: self.calendar, at, due };
                basket
                    .apply(&date, &met.codes, self.entities, &mut self.folded)
                    .ok_or_else(|| overflow(self.scope, due.day))?;
            }
        }
        Ok(())
    }

    /// Closes every window.
    pub fn finish(self) -> Folded {
        let Self { mut folded, baskets, met, runs, calendar, index, .. } = self;
        for basket in baskets {
            let codes = &met[basket.kind as usize].codes;
            for tally in basket.tallies {
                for (sum, &entity) in tally.sums.iter().zip(codes).filter(|(sum, _)| sum.dates > 0) {
                    folded.totals.push(tally.total(index, entity, sum, calendar.last()));
                }
            }
        }
        folded.runs = runs.into_iter().map(|run| run.close(calendar)).collect();
        folded
    }

    fn runs_of_date(&mut self, at: usize, day: Day, rows: &[Observation]) {
        let songs = &mut self.met[EntityKind::Song as usize];
        let mut touched: Vec<u32> = Vec::with_capacity(rows.len());
        for row in rows {
            let song = self.entities.song_of[row.listing as usize];
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

fn overflow(scope: &Scope, day: Day) -> Error {
    Error::Audit(format!(
        "a sum of streams in {} {} leaves 64 bits on {day}; look for absurd figures in the exports",
        scope.chart, scope.region
    ))
}

/// A date of a scope.
struct Date<'a> {
    scope: u32,
    calendar: &'a Calendar,
    at: usize,
    due: Due,
}

impl Basket<'_> {
    /// Adds up a date's rows for each entity. `None` if a sum leaves the range.
    fn collect(
        &mut self,
        rows: &[Observation],
        entities: &Entities,
        met: &mut Met,
        export_order: &[u32],
    ) -> Option<()> {
        self.touched.clear();
        self.pairs.clear();
        for row in rows.iter().filter(|row| row.streams != NO_STREAMS) {
            let listing = row.listing as usize;
            match self.kind {
                EntityKind::Track => self.add(met.short(entities.track_of[listing]), row, export_order)?,
                EntityKind::Song => self.add(met.short(entities.song_of[listing]), row, export_order)?,
                EntityKind::Work => self.add(met.short(entities.work_of[listing]), row, export_order)?,
                EntityKind::Artist => {
                    let wanted = self.credit;
                    let credits = entities.artists_of(listing, row.day).iter();
                    for credit in credits.filter(|credit| wanted.counts(credit.role)) {
                        let short = met.short(credit.artist);
                        self.pairs.push((short as u32, credit.pairs[SongRule::Song as usize]));
                        self.add(short, row, export_order)?;
                    }
                }
            }
        }
        Some(())
    }

    fn add(&mut self, short: usize, row: &Observation, export_order: &[u32]) -> Option<()> {
        if short >= self.dates.len() {
            self.dates.resize(short + 1, DateSum::default());
        }
        let date = &mut self.dates[short];
        if date.rows == 0 {
            self.touched.push(short as u32);
        }
        // More streams, the better rank, the earlier export by name, the earlier line.
        let order = |export: u32| export_order.get(export as usize).copied().unwrap_or(export);
        let this = (std::cmp::Reverse(row.streams), row.rank, order(row.export), row.line);
        if date.rows == 0 || this < (std::cmp::Reverse(date.best), date.rank, order(date.export), date.line) {
            (date.best, date.rank, date.export, date.line) = (row.streams, row.rank, row.export, row.line);
        }
        date.rows += 1;
        date.streams = date.streams.checked_add(row.streams)?;
        Some(())
    }

    /// Moves every clock on by the date that was collected. `None` if a sum leaves the range.
    fn apply(
        &mut self,
        date: &Date<'_>,
        codes: &[u32],
        entities: &Entities,
        folded: &mut Folded,
    ) -> Option<()> {
        for tally in &mut self.tallies {
            let window = tally.spec.clock.window(date.due.day);
            if tally.sums.len() < codes.len() {
                tally.sums.resize(codes.len(), Sum::NONE);
            }
            let members = tally.members;
            let counts = |short: u32| {
                members.is_none_or(|members| {
                    codes.get(short as usize).is_some_and(|&code| members.get(code as usize) == Some(&true))
                })
            };
            for &short in self.touched.iter().filter(|short| counts(**short)) {
                tally.turn(short, codes[short as usize], window, date, entities, folded);
            }
            for &(short, pair) in self.pairs.iter().filter(|(short, _)| counts(*short)) {
                tally.count_song(short, pair, window);
            }
            for &short in self.touched.iter().filter(|short| counts(**short)) {
                let of_date = self.dates[short as usize];
                tally.add(short, codes[short as usize], of_date, date, folded)?;
            }
        }
        for &short in &self.touched {
            self.dates[short as usize] = DateSum::default();
        }
        Some(())
    }
}

impl Tally<'_> {
    /// Opens the window that the date lies in, and closes the one before.
    fn turn(
        &mut self,
        short: u32,
        entity: u32,
        window: Window,
        date: &Date<'_>,
        entities: &Entities,
        folded: &mut Folded,
    ) {
        let sum = &self.sums[short as usize];
        if sum.dates > 0 && sum.window == window {
            return;
        }
        if sum.dates > 0 {
            folded.totals.push(self.total(date.scope, entity, sum, date.calendar.last()));
            self.possible.remove(&short);
        }
        let day = date.due.day;
        let released = entities.of(self.spec.entity).get(entity as usize).and_then(|entity| entity.released);
        let (start_on, start_basis) = match self.spec.clock {
            Clock::AllTime => (date.calendar.due.first().map_or(day, |due| due.day), StartBasis::FirstExport),
            Clock::FirstCharted => (day, StartBasis::FirstCharted),
            Clock::Release => match released {
                Some(released) if released <= day => (released, StartBasis::Release),
                Some(_) => (day, StartBasis::Conflict),
                None => (day, StartBasis::FirstCharted),
            },
            Clock::CalendarYear | Clock::CalendarMonth => {
                (window.first().unwrap_or(day), StartBasis::Calendar)
            }
        };
        self.sums[short as usize] = Sum {
            slack: -date.calendar.filled(date.calendar.index(start_on)),
            songs: u32::from(self.spec.entity != EntityKind::Artist),
            window,
            start_on,
            start_basis,
            first_on: day,
            peak_on: day,
            ..Sum::NONE
        };
    }

    fn count_song(&mut self, short: u32, pair: u32, window: Window) {
        let pair = pair as usize;
        if pair >= self.counted.len() {
            self.counted.resize(pair + 1, Window::NONE);
        }
        if self.counted[pair] != window {
            self.counted[pair] = window;
            self.sums[short as usize].songs += 1;
        }
    }

    fn add(
        &mut self,
        short: u32,
        entity: u32,
        of_date: DateSum,
        date: &Date<'_>,
        folded: &mut Folded,
    ) -> Option<()> {
        let Date { calendar, at, due, .. } = *date;
        let day = due.day;
        let thresholds = &self.spec.thresholds;
        let threshold = |place: u16| thresholds.get(place as usize).copied();
        let sum = &mut self.sums[short as usize];
        let bounded = self.spec.entity != EntityKind::Artist;
        let before = sum.streams;
        if bounded {
            // What the dates since the last one could have added.
            let rest = before.saturating_add(sum.slack);
            while let Some(open) =
                threshold(sum.possible).filter(|&open| open <= rest.saturating_add(calendar.filled(at)))
            {
                let from = if sum.dates > 0 {
                    calendar.index(sum.last_on) + 1
                } else {
                    calendar.index(sum.start_on)
                };
                let reached = calendar.first_filled(from, at, open.saturating_sub(rest));
                let on = reached.and_then(|at| calendar.due.get(at)).map_or(day, |due| due.day);
                self.possible.entry(short).or_default().push(on);
                sum.possible += 1;
            }
        }
        sum.streams = before.checked_add(of_date.streams)?;
        sum.slack = sum.slack.saturating_sub(due.cutoff);
        if of_date.streams > sum.peak || sum.dates == 0 {
            (sum.peak, sum.peak_on) = (of_date.streams, day);
        }
        sum.dates += 1;
        sum.last_on = day;
        sum.on_last = of_date.streams;
        if bounded {
            let most = sum.streams.saturating_add(sum.slack).saturating_add(calendar.filled(at + 1));
            while threshold(sum.possible).is_some_and(|open| open <= most) {
                self.possible.entry(short).or_default().push(day);
                sum.possible += 1;
            }
        }
        while let Some(open) = threshold(sum.reached).filter(|&open| open <= sum.streams) {
            let possible = self.possible.get_mut(&short).filter(|days| !days.is_empty());
            let earliest = possible.map(|days| days.remove(0));
            let (earliest_on, certainty) = certainty(sum, calendar, at, earliest.filter(|_| bounded));
            folded.milestones.push(Milestone {
                tally: self.index,
                scope: date.scope,
                entity,
                window: sum.window,
                threshold: open,
                reached_on: day,
                earliest_on,
                certainty,
                start_on: sum.start_on,
                start_basis: sum.start_basis,
                before,
                on_date: of_date.streams,
                songs: sum.songs,
                export: of_date.export,
                line: of_date.line,
            });
            sum.reached += 1;
        }
        Some(())
    }

    fn total(&self, scope: u32, entity: u32, sum: &Sum, last: Option<Day>) -> Total {
        Total {
            tally: self.index,
            scope,
            entity,
            window: sum.window,
            streams: sum.streams,
            on_last_date: if last == Some(sum.last_on) { sum.on_last } else { 0 },
            first_on: sum.first_on,
            last_on: sum.last_on,
            dates: sum.dates,
            songs: sum.songs,
            peak: sum.peak,
            peak_on: sum.peak_on,
            next_threshold: self.spec.thresholds.get(sum.reached as usize).copied(),
        }
    }
}

/// How certain it is that a threshold was reached on the date `at` and not before.
fn certainty(sum: &Sum, calendar: &Calendar, at: usize, earliest: Option<Day>) -> (Option<Day>, Certainty) {
    let Some(earliest) = earliest else { return (None, Certainty::AtLatest) };
    let first_due = calendar.first_due(sum.start_on);
    let unknown = match calendar.due.first() {
        Some(first) if first_due < first.day => Some(first_due),
        _ => calendar.first_unknown(calendar.index(sum.start_on), at),
    };
    match unknown {
        Some(unknown) => (Some(earliest.min(unknown)), Certainty::AtLatest),
        None if calendar.due.get(at).is_some_and(|due| due.day == earliest) => {
            (Some(earliest), Certainty::Certain)
        }
        None => (Some(earliest), Certainty::Bounded),
    }
}

impl Sum {
    const NONE: Self = Self {
        streams: 0,
        slack: 0,
        peak: 0,
        on_last: 0,
        dates: 0,
        songs: 0,
        window: Window::NONE,
        start_on: Day(0),
        first_on: Day(0),
        last_on: Day(0),
        peak_on: Day(0),
        reached: 0,
        possible: 0,
        start_basis: StartBasis::Calendar,
    };
}
