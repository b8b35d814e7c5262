//! The fold's last step where the rows were added up elsewhere.
//!
//! A cluster keeps the running sum of every entity and sends only the dates on which something
//! happens: a threshold is crossed, or could have been, or a window ends. What follows from such a
//! date (bounds, certainty, start of the count) is decided here, by the rules of `Count`.

use rustc_hash::FxHashMap;

use super::bounds::{Spread, estimated};
use super::calendar::Calendar;
use super::course::Course;
use super::{Basis, CreditSource, Milestone, Scope, Setup, StartBasis, Surveyed, TallySpec, Total, Window};
use crate::catalog::EntityKind;
use crate::dates::Day;
use crate::error::{Error, Result};

impl Window {
    /// Its number, which sorts as windows do.
    pub fn code(self) -> u16 {
        self.0
    }

    /// The window of a number that [`Window::code`] gave.
    pub fn of_code(code: u16) -> Self {
        Self(code)
    }
}

impl CreditSource {
    /// From whether the catalog decided a credit, and whether the place in a cell did.
    pub fn from_parts(catalog: bool, first_name: bool) -> Self {
        Self(u8::from(catalog) * Self::CATALOG + u8::from(first_name) * Self::FIRST_NAME)
    }
}

impl TallySpec {
    /// The scopes in which the tally counts, by their index.
    pub fn scopes_in(&self, surveyed: &Surveyed) -> Vec<usize> {
        let counts = |(_, scope): &(usize, &Scope)| self.counts_in(scope);
        surveyed.scopes.iter().enumerate().filter(counts).map(|(index, _)| index).collect()
    }
}

/// A date of an entity in a window on which something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Index of the scope.
    pub scope: u32,
    /// Code of the entity.
    pub entity: u32,
    /// Which turn of the clock.
    pub window: Window,
    /// The date.
    pub day: Day,
    /// The entity's date before this one, in the window.
    pub last_on: Option<Day>,
    /// Its first date in the window.
    pub first_on: Day,
    /// What a counter had before that.
    pub opening: i64,
    /// The sum before the date.
    pub before: i64,
    /// What the date adds.
    pub amount: i64,
    /// The cut-offs of the dates on which its tracks were listed, before this one and with it.
    pub listed: (i64, i64),
    /// Dates with streams so far.
    pub dates: u32,
    /// Songs with streams so far.
    pub songs: u32,
    /// What the credits so far rest on.
    pub credits: CreditSource,
    /// Streams of the window's best date, and that date.
    pub peak: (i64, Day),
    /// Whether the window has no later date.
    pub last: bool,
}

/// What a scope and a tally say of all events of one entity and window.
struct Line<'a> {
    tally: u32,
    spec: &'a TallySpec,
    calendar: &'a Calendar,
    counter: bool,
    spread: Spread,
    start_on: Day,
    start_basis: StartBasis,
    start: usize,
}

/// The milestones and totals of a tally, from its events in whatever order.
///
/// # Errors
/// [`Error::Audit`] for an event that cannot be: of a scope or an entity that nobody knows.
pub fn replay(
    setup: &Setup<'_>,
    tally: usize,
    mut events: Vec<Event>,
) -> Result<(Vec<Milestone>, Vec<Total>)> {
    let broken = |what: &str| Error::Audit(format!("the cluster answered with {what}"));
    let spec = setup.tallies.get(tally).ok_or_else(|| broken("an unknown tally"))?;
    let of = |event: &Event| (event.scope, event.entity, event.window);
    events.sort_unstable_by_key(|event| (of(event), event.day));
    let (mut milestones, mut totals) = (Vec::new(), Vec::new());
    let mut spreads: FxHashMap<(u32, u32), Spread> = FxHashMap::default();
    for events in events.chunk_by(|a, b| of(a) == of(b)) {
        let [first, ..] = events else { continue };
        let scope = setup.surveyed.scopes.get(first.scope as usize);
        let scope = scope.ok_or_else(|| broken("an unknown scope"))?;
        let entity = setup.entities.of(spec.entity).get(first.entity as usize);
        let entity = entity.ok_or_else(|| broken("an unknown entity"))?;
        let spread = match spec.entity {
            EntityKind::Artist => Spread::ONE.clone(),
            kind => spreads
                .entry((first.scope, first.entity))
                .or_insert_with(|| setup.spread(kind, first.entity, first.scope as usize))
                .clone(),
        };
        let calendar = &setup.surveyed.calendars[first.scope as usize];
        let (start_on, start_basis) =
            spec.clock.start(calendar, first.window, first.first_on, entity.released);
        let line = Line {
            tally: tally as u32,
            spec,
            calendar,
            counter: scope.basis == Basis::Counter,
            spread,
            start_on,
            start_basis,
            start: calendar.index(start_on),
        };
        line.walk(events, &mut milestones, &mut totals);
    }
    Ok((milestones, totals))
}

impl Line<'_> {
    fn walk(&self, events: &[Event], milestones: &mut Vec<Milestone>, totals: &mut Vec<Total>) {
        let Self { spec, calendar, start, .. } = *self;
        let bounded = spec.is_bounded(self.counter);
        let opening = events.first().map_or(0, |event| event.opening);
        let mut reached = spec.thresholds.partition_point(|&passed| passed <= opening && opening > 0);
        let mut possible: Vec<Day> = Vec::new();
        for event in events {
            let at = calendar.index(event.day);
            let streams = event.before.saturating_add(event.amount);
            if bounded {
                let rest = event.before.saturating_sub(event.listed.0);
                let most = rest.saturating_add(self.spread.filled(calendar, start, at));
                while let Some(&open) = spec.thresholds.get(possible.len()).filter(|open| **open <= most) {
                    let from = event.last_on.map_or(start, |last| calendar.index(last) + 1);
                    let need = open.saturating_sub(rest);
                    let place = self.spread.first_filled(calendar, start, from, at, need);
                    let day = place.and_then(|at| calendar.due.get(at)).map_or(event.day, |due| due.day);
                    possible.push(day);
                }
                let absent = self.spread.filled(calendar, start, at + 1).saturating_sub(event.listed.1);
                let most = streams.saturating_add(absent);
                while spec.thresholds.get(possible.len()).is_some_and(|open| *open <= most) {
                    possible.push(event.day);
                }
            }
            while let Some(&open) = spec.thresholds.get(reached).filter(|open| **open <= streams) {
                let earliest = possible.get(reached).copied();
                milestones.push(self.milestone(event, at, open, earliest));
                reached += 1;
            }
            if event.last {
                totals.push(self.total(event, reached));
            }
        }
    }

    fn milestone(&self, event: &Event, at: usize, threshold: i64, earliest: Option<Day>) -> Milestone {
        let day = event.day;
        let course = self.course(event);
        let (reached_from, earliest_on, certainty) = course.reached(at, day, event.last_on, earliest);
        Milestone {
            tally: self.tally,
            scope: event.scope,
            entity: event.entity,
            window: event.window,
            threshold,
            reached_on: day,
            reached_from,
            earliest_on,
            estimated_on: estimated(reached_from, day, threshold.saturating_sub(event.before), event.amount),
            certainty,
            start_on: self.start_on,
            start_basis: self.start_basis,
            before: event.before,
            on_date: event.amount,
            songs: event.songs,
            credits: event.credits,
            export: 0,
            line: 0,
        }
    }

    fn course(&self, event: &Event) -> Course<'_> {
        let Self { spec, calendar, counter, ref spread, start_on, .. } = *self;
        Course { spec, calendar, counter, spread, start_on, first_on: event.first_on }
    }

    fn total(&self, event: &Event, reached: usize) -> Total {
        let calendar = self.calendar;
        let streams = event.before.saturating_add(event.amount);
        let last = calendar.index(event.day);
        Total {
            tally: self.tally,
            scope: event.scope,
            entity: event.entity,
            window: event.window,
            streams,
            opening: event.opening,
            at_most: self.course(event).at_most(event.window, last, streams, event.listed.1),
            on_last_date: if calendar.last() == Some(event.day) { event.amount } else { 0 },
            first_on: event.first_on,
            last_on: event.day,
            dates: event.dates,
            songs: event.songs,
            credits: event.credits,
            peak: event.peak.0,
            peak_on: event.peak.1,
            next_threshold: self.spec.thresholds.get(reached).copied(),
            start_on: self.start_on,
            start_basis: self.start_basis,
        }
    }
}

/// What a cluster must know of absences to tell the dates on which a threshold could have been
/// reached: for each entity the exceptions from one track at any time.
#[derive(Debug, Default)]
pub struct Absences {
    /// Place of the source, entity, tracks without dates, all tracks; where these are not one.
    pub tracks: Vec<(usize, u32, i64, i64)>,
    /// Scope, entity, place in the calendar, and what tracks with dates could have added below the
    /// chart before it and before the next.
    pub dated: Vec<(usize, u32, usize, i64, i64)>,
}

/// The absences of the entities of a kind in these scopes.
pub fn absences(setup: &Setup<'_>, kind: EntityKind, scopes: &[usize]) -> Absences {
    let mut absences = Absences::default();
    if kind == EntityKind::Artist {
        return absences;
    }
    let surveyed = setup.surveyed;
    let source_of = |scope: usize| {
        let source = surveyed.scopes.get(scope).map_or("", Scope::source);
        surveyed.sources.iter().position(|known| known == source).unwrap_or_default()
    };
    let mut known_sources = Vec::new();
    for &scope in scopes {
        let source = source_of(scope);
        let new = !known_sources.contains(&source);
        if new {
            known_sources.push(source);
        }
        let Some(calendar) = surveyed.calendars.get(scope) else { continue };
        for code in 0..setup.entities.of(kind).len() as u32 {
            // A track of its own, without dates: as nearly all are.
            let tracks = setup.entities.tracks_of(kind, code);
            let plain = |track: &u32| {
                !setup.entities.has_dated_tracks() || setup.entities.track_dates(*track) == (None, None)
            };
            if tracks.len() == 1 && tracks.iter().all(plain) {
                continue;
            }
            if !new && tracks.iter().all(plain) {
                continue;
            }
            let spread = setup.spread(kind, code, scope);
            let (always, all) = (i64::from(spread.always), spread.tracks() as i64);
            if new && (always, all) != (1, 1) {
                absences.tracks.push((source, code, always, all));
            }
            if spread.dated.is_empty() {
                continue;
            }
            let filled = |at: usize| {
                let each = spread.places(calendar);
                let each = each.map(|(first, end)| calendar.filled(at.clamp(first, end.max(first))));
                each.fold(0, i64::saturating_add)
            };
            let places = 0..=calendar.due.len();
            absences.dated.extend(places.map(|at| (scope, code, at, filled(at), filled(at + 1))));
        }
    }
    absences
}
