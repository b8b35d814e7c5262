//! One tally in one scope: a running sum for each entity, and the thresholds it crosses.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::bounds::{Spread, estimated};
use super::by_listing::Part;
use super::calendar::Calendar;
use super::course::Course;
use super::in_month::{ByDate, InMonth, MonthSums, OnDate};
use super::month::Date;
use super::{CreditSource, Folded, Milestone, Point, Setup, StartBasis, TallySpec, Total, Window};
use crate::catalog::{EntityKind, Role};
use crate::dates::Day;

/// Where something is counted.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Index of the scope.
    pub scope: u32,
    /// The scope's dates.
    pub calendar: &'a Calendar,
    /// Whether the scope is a counter.
    pub counter: bool,
}

/// An entity of a scope.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    /// Its short code in the scope.
    pub short: u32,
    /// Its code.
    pub code: u32,
    /// On how many tracks it can have had streams below the chart.
    pub spread: &'a Spread,
}

/// One tally in one scope.
pub struct Count<'a> {
    index: u32,
    spec: &'a TallySpec,
    members: Option<&'a [bool]>,
    traced: Option<&'a [bool]>,
    /// What rows have put here.
    pub state: CountState,
}

/// All of a count that the next date needs.
#[derive(Default, Serialize, Deserialize)]
pub struct CountState {
    sums: Vec<Sum>,
    /// For each pair of artist and song the window in which it was last counted.
    counted: Vec<Window>,
    /// Dates on which thresholds could have been reached that are not reached yet.
    possible: FxHashMap<u32, Vec<Day>>,
}

/// The running sum of an entity in a window.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Sum {
    streams: i64,
    /// What a counter had before the entity's first date.
    opening: i64,
    /// The cut-offs of the dates on which its tracks were listed, once for each: what absences
    /// could add is the cut-offs of all dates less these.
    listed: i64,
    peak: i64,
    on_last: i64,
    dates: u32,
    songs: u32,
    /// Places in the calendar of the first date of the count, and of the last one with streams.
    start: u32,
    last: u32,
    window: Window,
    start_on: Day,
    first_on: Day,
    last_on: Day,
    peak_on: Day,
    /// Thresholds reached, and reached if every absence is filled.
    reached: u16,
    possible: u16,
    start_basis: StartBasis,
    credits: CreditSource,
}

impl<'a> Count<'a> {
    /// A tally that has seen nothing yet.
    pub fn new(index: usize, setup: &'a Setup<'_>) -> Self {
        Self {
            index: index as u32,
            spec: &setup.tallies[index],
            members: setup.members(index),
            traced: setup.traced(index),
            state: CountState::default(),
        }
    }

    /// Asks for the sums of entities that are about to be moved on. They lie far apart, and asked for
    /// together they come from memory at once, not each when its turn comes.
    pub fn fetch(&self, parts: &[Part]) {
        let sums = parts.iter().filter_map(|part| self.state.sums.get(part.short as usize));
        // First and last of what is looked at: a sum may lie in two lines of the cache.
        std::hint::black_box(sums.fold(0, |all, sum| all ^ sum.streams ^ i64::from(sum.reached)));
    }

    /// Moves the clock of an entity on by its dates of a month. `None` if a sum leaves the range.
    pub fn month(
        &mut self,
        who: Who<'_>,
        month: &mut InMonth<'_>,
        place: Place<'_>,
        setup: &Setup<'_>,
        folded: &mut Folded,
    ) -> Option<()> {
        let is_in = |members: &[bool]| members.get(who.code as usize) == Some(&true);
        if !self.members.is_none_or(is_in) {
            return Some(());
        }
        let (first, last) = (month.first, month.last);
        let short = who.short as usize;
        if short >= self.state.sums.len() {
            self.state.sums.resize(short + 1, Sum::NONE);
        }
        let traced = self.traced.is_some_and(is_in);
        // A month lies in one turn of every clock.
        let window = first.window(self.spec.clock);
        self.turn(who, window, first.due.day, place, setup, folded);
        if !traced
            && let Some(sums) = &month.sums
            && let Some(streams) = self.without_crossing(who, sums, last, place)
        {
            self.count_songs(short, month.by(), window, setup);
            let best = month.day(sums.peak_date);
            self.state.sums[short].add(sums, streams, best, last);
            return Some(());
        }
        let month = month.by_date()?;
        for (number, on) in month.dates.iter().enumerate() {
            self.count_songs(short, month.by(number), window, setup);
            self.add(who, (month, number, on), place, setup, folded)?;
            if traced {
                let sum = &self.state.sums[short];
                folded.points.push(Point {
                    tally: self.index,
                    scope: place.scope,
                    entity: who.code,
                    window,
                    start_on: sum.start_on,
                    opening: sum.opening,
                    day: on.date.due.day,
                    streams: sum.streams,
                });
            }
        }
        Some(())
    }

    /// The sum after a month; `None` if the entity may cross a threshold in it, with its streams or
    /// with what absences could add, or if the sum leaves the range.
    fn without_crossing(
        &self,
        who: Who<'_>,
        month: &MonthSums,
        last: &Date,
        place: Place<'_>,
    ) -> Option<i64> {
        let sum = &self.state.sums[who.short as usize];
        let streams = sum.streams.checked_add(month.streams)?;
        let threshold = |place: u16| self.spec.thresholds.get(place as usize).copied();
        if threshold(sum.reached).is_some_and(|open| open <= streams) {
            return None;
        }
        if let Some(open) = threshold(sum.possible).filter(|_| self.spec.is_bounded(place.counter)) {
            // On none of its dates can it have been more than with all of its streams, every absence
            // up to the last date filled, and only what was listed before taken off.
            let filled = who.spread.filled(place.calendar, sum.start as usize, last.at + 1);
            let most = i128::from(streams) + i128::from(filled) - i128::from(sum.listed);
            if i128::from(open) <= most {
                return None;
            }
        }
        Some(streams)
    }

    /// Forgets what an entity has.
    pub fn let_go(&mut self, short: u32, code: u32, setup: &Setup<'_>) {
        let CountState { sums, counted, possible } = &mut self.state;
        if let Some(sum) = sums.get_mut(short as usize) {
            *sum = Sum::NONE;
        }
        possible.remove(&short);
        if self.spec.entity == EntityKind::Work {
            for &track in setup.entities.tracks_of(EntityKind::Work, code) {
                let song = setup.entities.song_of_track.get(track as usize);
                if let Some(window) = song.and_then(|&song| counted.get_mut(song as usize)) {
                    *window = Window::NONE;
                }
            }
        }
    }

    /// How many windows are open.
    pub fn open(&self) -> usize {
        self.state.sums.iter().filter(|sum| sum.dates > 0).count()
    }

    /// Closes every window.
    pub fn finish(self, place: Place<'_>, codes: &[u32], spreads: &[Spread], folded: &mut Folded) {
        for (short, &code) in codes.iter().enumerate() {
            if self.state.sums.get(short).is_some_and(|sum| sum.dates > 0) {
                let spread = spreads.get(short).unwrap_or(Spread::ONE);
                folded.totals.push(self.total(Who { short: short as u32, code, spread }, place));
            }
        }
    }

    /// Opens the window that a day lies in, and closes the one before.
    fn turn(
        &mut self,
        who: Who<'_>,
        window: Window,
        day: Day,
        place: Place<'_>,
        setup: &Setup<'_>,
        folded: &mut Folded,
    ) {
        let sum = &self.state.sums[who.short as usize];
        if sum.dates > 0 && sum.window == window {
            return;
        }
        if sum.dates > 0 {
            folded.totals.push(self.total(who, place));
            self.state.possible.remove(&who.short);
        }
        let calendar = place.calendar;
        let kind = self.spec.entity;
        let released = setup.entities.of(kind).get(who.code as usize).and_then(|entity| entity.released);
        let (start_on, start_basis) = self.spec.clock.start(calendar, window, day, released);
        self.state.sums[who.short as usize] = Sum {
            songs: u32::from(matches!(kind, EntityKind::Track | EntityKind::Song)),
            start: calendar.index(start_on) as u32,
            window,
            start_on,
            start_basis,
            first_on: day,
            peak_on: day,
            ..Sum::NONE
        };
    }

    /// Counts the songs by which an artist or work has streams, unless they were counted in the window.
    fn count_songs(
        &mut self,
        short: usize,
        by: impl Iterator<Item = u32>,
        window: Window,
        setup: &Setup<'_>,
    ) {
        if !matches!(self.spec.entity, EntityKind::Artist | EntityKind::Work) {
            return;
        }
        // From one date to the next an entity mostly has the same songs.
        let mut before = None;
        for by in by {
            if before.replace(by) != Some(by) {
                self.count_song(short, by, window, setup);
            }
        }
    }

    /// Counts the song by which an artist or work has streams, unless it was counted in the window.
    fn count_song(&mut self, short: usize, by: u32, window: Window, setup: &Setup<'_>) {
        let (pair, role) = match self.spec.entity {
            EntityKind::Artist => {
                let credit = setup.entities.credit(by);
                (credit.pairs[self.spec.rule as usize], credit.role)
            }
            _ => {
                let song = setup.entities.song_of_track.get(by as usize);
                (song.copied().unwrap_or_default(), Role::default())
            }
        };
        let pair = pair as usize;
        if pair >= self.state.counted.len() {
            self.state.counted.resize(pair + 1, Window::NONE);
        }
        let sum = &mut self.state.sums[short];
        sum.credits = sum.credits.and(role);
        if self.state.counted[pair] != window {
            self.state.counted[pair] = window;
            sum.songs += 1;
        }
    }

    fn add(
        &mut self,
        who: Who<'_>,
        (month, number, on): (&ByDate<'_>, usize, &OnDate<'_>),
        place: Place<'_>,
        setup: &Setup<'_>,
        folded: &mut Folded,
    ) -> Option<()> {
        let Place { calendar, .. } = place;
        let (at, due) = (on.date.at, on.date.due);
        let day = due.day;
        let bounded = self.spec.is_bounded(place.counter);
        let thresholds = &self.spec.thresholds;
        let threshold = |place: u16| thresholds.get(place as usize).copied();
        let sum = &mut self.state.sums[who.short as usize];
        let start = sum.start as usize;
        let opens = sum.dates == 0;
        let added = month.added(number, self.spec.clock);
        let mut amount = added.amount;
        if added.opening > 0 && opens {
            // What the counter had before the data: its thresholds were passed nobody knows when.
            sum.streams = added.opening;
            sum.opening = added.opening;
            while threshold(sum.reached).is_some_and(|passed| passed <= added.opening) {
                sum.reached += 1;
            }
        } else {
            amount = amount.checked_add(added.opening)?;
        }
        let before = sum.streams;
        // What the dates since the last one could have added; of one right before there are none.
        if bounded && (opens || sum.last as usize + 1 < at) {
            let rest = before.saturating_sub(sum.listed);
            while let Some(open) = threshold(sum.possible) {
                if open > rest.saturating_add(who.spread.filled(calendar, start, at)) {
                    break;
                }
                let from = if opens { start } else { sum.last as usize + 1 };
                let need = open.saturating_sub(rest);
                let reached = who.spread.first_filled(calendar, start, from, at, need);
                let on = reached.and_then(|at| calendar.due.get(at)).map_or(day, |due| due.day);
                self.state.possible.entry(who.short).or_default().push(on);
                sum.possible += 1;
            }
        }
        let last_on = (!opens).then_some(sum.last_on);
        sum.streams = before.checked_add(amount)?;
        sum.listed = sum.listed.saturating_add(due.cutoff.saturating_mul(i64::from(on.sum.tracks)));
        if on.sum.streams > sum.peak || opens {
            (sum.peak, sum.peak_on) = (on.sum.streams, day);
        }
        sum.dates += 1;
        (sum.last, sum.last_on) = (at as u32, day);
        sum.on_last = amount;
        if bounded && threshold(sum.possible).is_some() {
            let absent = who.spread.filled(calendar, start, at + 1).saturating_sub(sum.listed);
            let most = sum.streams.saturating_add(absent);
            while threshold(sum.possible).is_some_and(|open| open <= most) {
                self.state.possible.entry(who.short).or_default().push(day);
                sum.possible += 1;
            }
        }
        while let Some(open) = threshold(sum.reached).filter(|&open| open <= sum.streams) {
            let (export, line) = month.most(number, self.spec.clock, opens, setup).unwrap_or_default();
            let possible = self.state.possible.get_mut(&who.short).filter(|days| !days.is_empty());
            let earliest = possible.map(|days| days.remove(0));
            let course = sum.course(self.spec, who, place);
            let (reached_from, earliest_on, certainty) = course.reached(at, day, last_on, earliest);
            folded.milestones.push(Milestone {
                tally: self.index,
                scope: place.scope,
                entity: who.code,
                window: sum.window,
                threshold: open,
                reached_on: day,
                reached_from,
                earliest_on,
                estimated_on: estimated(reached_from, day, open.saturating_sub(before), amount),
                certainty,
                start_on: sum.start_on,
                start_basis: sum.start_basis,
                before,
                on_date: amount,
                songs: sum.songs,
                credits: sum.credits,
                export,
                line,
            });
            sum.reached += 1;
        }
        Some(())
    }

    /// The total of an entity whose window closes.
    fn total(&self, who: Who<'_>, place: Place<'_>) -> Total {
        let sum = &self.state.sums[who.short as usize];
        let calendar = place.calendar;
        let course = sum.course(self.spec, who, place);
        Total {
            tally: self.index,
            scope: place.scope,
            entity: who.code,
            window: sum.window,
            streams: sum.streams,
            opening: sum.opening,
            at_most: course.at_most(sum.window, sum.last as usize, sum.streams, sum.listed),
            on_last_date: if calendar.last() == Some(sum.last_on) { sum.on_last } else { 0 },
            first_on: sum.first_on,
            last_on: sum.last_on,
            dates: sum.dates,
            songs: sum.songs,
            credits: sum.credits,
            peak: sum.peak,
            peak_on: sum.peak_on,
            next_threshold: self.spec.thresholds.get(sum.reached as usize).copied(),
            start_on: sum.start_on,
            start_basis: sum.start_basis,
        }
    }
}

impl Sum {
    /// Adds a month in which nothing is crossed, and after which the streams are `streams`.
    fn add(&mut self, month: &MonthSums, streams: i64, best: Day, last: &Date) {
        if month.peak > self.peak || self.dates == 0 {
            (self.peak, self.peak_on) = (month.peak, best);
        }
        self.streams = streams;
        self.listed = self.listed.saturating_add(month.listed);
        self.dates += month.dates;
        (self.last, self.last_on) = (last.at as u32, last.due.day);
        self.on_last = month.on_last;
    }

    fn course<'a>(&self, spec: &'a TallySpec, who: Who<'a>, place: Place<'a>) -> Course<'a> {
        let Place { calendar, counter, .. } = place;
        Course {
            spec,
            calendar,
            counter,
            spread: who.spread,
            start_on: self.start_on,
            first_on: self.first_on,
        }
    }

    const NONE: Self = Self {
        streams: 0,
        opening: 0,
        listed: 0,
        peak: 0,
        on_last: 0,
        dates: 0,
        songs: 0,
        start: 0,
        last: 0,
        window: Window::NONE,
        start_on: Day(0),
        first_on: Day(0),
        last_on: Day(0),
        peak_on: Day(0),
        reached: 0,
        possible: 0,
        start_basis: StartBasis::Calendar,
        credits: CreditSource::NONE,
    };
}
