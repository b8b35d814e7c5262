//! What travels to the cluster with a job: who is who, which dates count, and where streams below the
//! chart can have been. All of it comes from the same code that the single machine counts with.

use std::collections::{BTreeSet, HashMap};

use super::cluster::{Cluster, Relation};
use super::sql;
use super::survey::Surveying;
use crate::catalog::{Entities, EntityKind};
use crate::dates::Day;
use crate::error::Result;
use crate::exports::Listing;
use crate::tally::{Clock, Scope, Setup, TallySpec, absences};

/// The views that say what absences could add to the sums of a kind of entities.
pub struct Absent {
    /// `source`, `entity`, `tracks` that the catalog does not date, `counted`: where these are not one.
    pub tracks: String,
    /// `scope`, `entity`, `place`, `filled`, `filled_next`: of tracks that the catalog dates.
    pub dated: Option<String>,
    /// `scope`, `entity`, `released`, `place`, `filled`: of entities that the catalog dates.
    pub released: String,
}

/// For each listing its track, before anything else is known of it.
pub fn tracks(listings: &[Listing]) -> Relation {
    let mut codes: HashMap<&str, i64> = HashMap::new();
    let rows = listings.iter().enumerate().map(|(listing, names)| {
        let next = codes.len() as i64;
        [listing as i64, *codes.entry(&names.uri).or_insert(next)]
    });
    Relation::of_numbers(["listing", "track"], rows)
}

/// Sends the dates whose rows count, and the windows that they lie in.
///
/// # Errors
/// Those of [`Cluster::send`].
pub fn send_dates(cluster: &mut Cluster, surveying: &Surveying) -> Result<()> {
    let surveyed = &surveying.surveyed;
    let source_of = |scope: &Scope| {
        surveyed.sources.iter().position(|known| known == scope.source()).unwrap_or_default() as i64
    };
    let scopes = || surveyed.scopes.iter().zip(&surveyed.calendars).zip(&surveying.numbers);
    let dates = scopes().flat_map(|((scope, calendar), &number)| {
        let due = calendar.due.iter().enumerate().filter(|(_, due)| due.state.is_live());
        due.map(move |(place, due)| {
            let day = due.day;
            [
                number,
                i64::from(day.0),
                place as i64,
                due.cutoff,
                calendar.filled(place),
                source_of(scope),
                i64::from(Clock::CalendarYear.window(day).code()),
                i64::from(Clock::CalendarMonth.window(day).code()),
                i64::from(day.year_start().0),
                i64::from(day.month().first().0),
            ]
        })
    });
    let names =
        ["scope", "day", "place", "cutoff", "filled", "source", "year", "month", "year_from", "month_from"];
    cluster.send("cl_dates", &Relation::of_numbers(names, dates))?;
    let mut windows: BTreeSet<[i64; 4]> = BTreeSet::new();
    for ((_, calendar), &number) in scopes() {
        for due in &calendar.due {
            for clock in [Clock::CalendarYear, Clock::CalendarMonth] {
                let window = clock.window(due.day);
                let place = window.first().map_or(0, |first| calendar.index(first));
                windows.insert([number, i64::from(window.code()), place as i64, calendar.filled(place)]);
            }
        }
    }
    let windows = Relation::of_numbers(["scope", "win", "place", "filled"], windows.into_iter());
    cluster.send("cl_windows", &windows)
}

/// Sends which listing is of which track, song and work, and whom it credits.
///
/// # Errors
/// Those of [`Cluster::send`].
pub fn send_identity(
    cluster: &mut Cluster,
    surveying: &Surveying,
    entities: &Entities,
    with_credits: bool,
) -> Result<()> {
    let seen = || {
        let sightings = surveying.surveyed.sightings.iter().enumerate();
        sightings.filter_map(|(listing, seen)| Some((listing, (*seen)?)))
    };
    let code = |of: &[u32], listing: usize| of.get(listing).copied().map_or(-1, i64::from);
    let who = seen().map(|(listing, _)| {
        [
            listing as i64,
            code(&entities.track_of, listing),
            code(&entities.song_of, listing),
            code(&entities.work_of, listing),
        ]
    });
    cluster.send("cl_who", &Relation::of_numbers(["listing", "track", "song", "work"], who))?;
    if !with_credits {
        return Ok(());
    }
    let mut rows: Vec<[i64; 11]> = Vec::new();
    for (listing, (first, last)) in seen() {
        for (from, until) in eras(entities, listing, first, last) {
            for credit in entities.artists_of(listing, from) {
                let [uri, song, work] = credit.pairs.map(i64::from);
                let [lead, solo, by_catalog, by_place] = sql::role_columns(credit.role);
                rows.push([
                    listing as i64,
                    i64::from(credit.artist),
                    i64::from(from.0),
                    i64::from(until.0),
                    uri,
                    song,
                    work,
                    lead,
                    solo,
                    by_catalog,
                    by_place,
                ]);
            }
        }
    }
    let names = [
        "listing",
        "artist",
        "from_day",
        "until_day",
        "pair_uri",
        "pair_song",
        "pair_work",
        "lead",
        "solo",
        "by_catalog",
        "by_place",
    ];
    cluster.send("cl_credits", &Relation::of_numbers(names, rows.into_iter()))
}

/// The days from `first` to `last`, cut where the cell of a listing begins to credit others.
fn eras(entities: &Entities, listing: usize, first: Day, last: Day) -> Vec<(Day, Day)> {
    let ever = entities.credited_ever(listing).len();
    // All eras together are what it credits ever, so that two of one length are one.
    if [first, last].iter().all(|day| entities.artists_of(listing, *day).len() == ever) {
        return vec![(first, last)];
    }
    let mut eras: Vec<(Day, Day)> = Vec::new();
    for day in (0..=last.since(first)).map(|days| first.plus(days)) {
        let credits = entities.artists_of(listing, day);
        match eras.last_mut() {
            Some((from, until)) if entities.artists_of(listing, *from) == credits => *until = day,
            _ => eras.push((day, day)),
        }
    }
    eras
}

/// Sends the entities that each tally counts; the names of the views, `None` where all count.
///
/// # Errors
/// Those of [`Cluster::send`].
pub fn send_members(cluster: &mut Cluster, setup: &Setup<'_>) -> Result<Vec<Option<String>>> {
    let mut views = Vec::with_capacity(setup.tallies.len());
    for tally in 0..setup.tallies.len() {
        let Some(members) = setup.members(tally) else {
            views.push(None);
            continue;
        };
        let view = format!("cl_members_{tally}");
        let codes = members.iter().enumerate().filter(|(_, member)| **member).map(|(code, _)| [code as i64]);
        cluster.send(&view, &Relation::of_numbers(["entity"], codes))?;
        views.push(Some(view));
    }
    Ok(views)
}

/// Sends what absences could add to the entities of a kind.
///
/// # Errors
/// Those of [`Cluster::send`].
pub fn send_absences(
    cluster: &mut Cluster,
    surveying: &Surveying,
    setup: &Setup<'_>,
    kind: EntityKind,
) -> Result<Absent> {
    let surveyed = &surveying.surveyed;
    let scopes = surveyed.scopes.iter().enumerate();
    let scopes: Vec<usize> = scopes.filter(|(_, scope)| scope.has_streams).map(|(at, _)| at).collect();
    let absences = absences(setup, kind, &scopes);
    let number = |scope: usize| surveying.numbers.get(scope).copied().unwrap_or(-1);
    let word = kind.word();
    let tracks = format!("cl_tracks_of_{word}");
    let rows = absences.tracks.iter();
    let rows = rows.map(|&(source, code, tracks, all)| [source as i64, i64::from(code), tracks, all]);
    cluster.send(&tracks, &Relation::of_numbers(["source", "entity", "tracks", "counted"], rows))?;
    let dated = match absences.dated.is_empty() {
        true => None,
        false => {
            let view = format!("cl_dated_{word}");
            let rows = absences.dated.iter().map(|&(scope, code, place, filled, next)| {
                [number(scope), i64::from(code), place as i64, filled, next]
            });
            let names = ["scope", "entity", "place", "filled", "filled_next"];
            cluster.send(&view, &Relation::of_numbers(names, rows))?;
            Some(view)
        }
    };
    let released = format!("cl_released_{word}");
    let dates = setup.entities.of(kind).iter().enumerate();
    let dates: Vec<(usize, Day)> =
        dates.filter_map(|(code, entity)| Some((code, entity.released?))).collect();
    let rows = scopes.iter().flat_map(|&scope| {
        let calendar = &surveyed.calendars[scope];
        dates.iter().map(move |&(code, day)| {
            let place = calendar.index(day);
            [number(scope), code as i64, i64::from(day.0), place as i64, calendar.filled(place)]
        })
    });
    let names = ["scope", "entity", "released", "place", "filled"];
    cluster.send(&released, &Relation::of_numbers(names, rows))?;
    Ok(Absent { tracks, dated, released })
}

/// Which kinds of entities tallies count.
pub fn kinds(tallies: &[TallySpec]) -> Vec<EntityKind> {
    EntityKind::ALL.into_iter().filter(|kind| tallies.iter().any(|spec| spec.entity == *kind)).collect()
}
