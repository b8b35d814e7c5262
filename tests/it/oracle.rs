//! The oracle: what the tables must say, worked out slowly from `docs/definitions.md` alone.
//!
//! It keeps no running state and shares no code with `src/`: every question is answered by going
//! through the rows once more. Start at [`tables`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::world::{Catalog, Export, Line, Ranking, Song, Tally, World};

/// One row of a published table: column name to value.
pub type Row = serde_json::Map<String, Value>;

/// The tables compared and their grain, those that others depend on first.
pub const TABLES: [(&str, &[&str]); 6] = [
    ("exports", &["export"]),
    ("coverage", &["chart", "region", "date"]),
    ("totals", &["tally", "chart", "region", "entity_id", "window"]),
    ("milestones", &["tally", "chart", "region", "entity_id", "window", "threshold"]),
    ("rankings", &["ranking", "chart", "region", "window", "threshold", "entity_id"]),
    ("chart_runs", &["chart", "region", "song_id"]),
];

/// The columns of `rankings`; the milestones and totals that are ranked have others.
const RANKED: &str = "ranking kind chart region basis entity_kind entity_id entity artists credit clock
    window threshold rank dense_rank value unit reached_on days_elapsed day_number contributing_songs
    previous_rank rank_change note";

/// Every row of every table that `world` must publish, each table in the order of its grain.
pub fn tables(world: &World) -> BTreeMap<&'static str, Vec<Row>> {
    let (book, exports) = Book::open(world);
    let mut tables: BTreeMap<&'static str, Vec<Row>> = TABLES.map(|(table, _)| (table, Vec::new())).into();
    tables.insert("exports", exports);
    for scope in book.scopes.keys() {
        let mut add = |table, rows| tables.get_mut(table).expect("one of them").extend::<Vec<Row>>(rows);
        add("coverage", book.coverage(scope));
        add("chart_runs", book.chart_runs(scope));
        for tally in &world.tallies {
            add("totals", book.totals(tally, scope, Day::MAX));
            add("milestones", book.milestones(tally, scope, Day::MAX));
            for ranking in world.rankings.iter().filter(|ranking| ranking.tally == tally.name) {
                add("rankings", book.rankings(ranking, tally, scope));
            }
        }
    }
    for (table, grain) in TABLES {
        tables.get_mut(table).expect("all six").sort_by_key(|row| key(row, grain));
    }
    tables
}

/// A row's grain as text that sorts.
pub fn key(row: &Row, grain: &[&str]) -> Vec<String> {
    let text = |column: &&str| match row.get(*column) {
        Some(Value::String(text)) => text.clone(),
        number => format!("{:>20}", number.unwrap_or(&Value::Null).to_string()),
    };
    grain.iter().map(text).collect()
}

// ---------------------------------------------------------------------------------------- days

/// Days since 1970-01-01, a Thursday.
pub type Day = i64;

pub fn parse_day(text: &str) -> Option<Day> {
    let [y, m, d] = text.split('-').map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>()?[..] else {
        return None;
    };
    let (shifted_year, shifted_month) = if m > 2 { (y, m - 3) } else { (y - 1, m + 9) };
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    let day = 365 * shifted_year + leap_days + (153 * shifted_month + 2) / 5 + d - 1 - 719_468;
    (iso(day) == text).then_some(day)
}

pub fn iso(day: Day) -> String {
    let days_in_year = |y: i64| 365 + i64::from(y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
    let (mut year, mut rest) = (1970, day);
    while rest < 0 {
        year -= 1;
        rest += days_in_year(year);
    }
    while rest >= days_in_year(year) {
        rest -= days_in_year(year);
        year += 1;
    }
    let february = days_in_year(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

// ------------------------------------------------------------------------ from export to ledger

/// Chart and region.
type Scope = (String, String);

/// One observation, and the line of the export it was read from.
#[derive(Clone)]
struct Seen {
    date: Day,
    rank: i64,
    track: String,
    title: String,
    artists: String,
    streams: i128,
    export: String,
    line: i64,
    /// Peak and number of appearances, as the export itself has them.
    reported: Option<(i64, i64)>,
}

impl Seen {
    fn figures(&self) -> (i64, &str, i128) {
        (self.rank, &self.track, self.streams)
    }

    fn same_row(&self, other: &Seen) -> bool {
        self.figures() == other.figures() && self.spelling() == other.spelling()
    }

    fn spelling(&self) -> (&str, &str) {
        (&self.artists, &self.title)
    }
}

/// A line as an observation, or nothing if it has to be quarantined.
fn read(export: &Export, line: &Line, number: i64) -> Option<(Scope, Seen)> {
    let chart = if export.weekly { "spotify:weekly" } else { "spotify:daily" };
    let region = match line.region.trim() {
        "South Korea" => "kr".to_owned(),
        "United States" => "us".to_owned(),
        other => other.to_lowercase(),
    };
    let mut date = parse_day(line.date.trim())?;
    if export.weekly {
        match date.rem_euclid(7) {
            0 => {}
            1 => date -= 1,
            _ => return None,
        }
    }
    let whole = |text: &str, from: i64, to: i64| -> Option<i64> {
        text.trim().parse().ok().filter(|number| (from..=to).contains(number))
    };
    let track = line.track.trim();
    let id = ["https://open.spotify.com/track/", "spotify:track:"]
        .iter()
        .find_map(|prefix| track.strip_prefix(prefix))
        .unwrap_or(track);
    let seen = Seen {
        date,
        rank: whole(&line.rank, 1, 65_535)?,
        track: format!("spotify:track:{id}"),
        title: line.title.trim().to_owned(),
        artists: line.artists.trim().to_owned(),
        streams: whole(&line.streams, 0, 1 << 53)?.into(),
        export: export.path.clone(),
        line: number,
        reported: line.peak.trim().parse().ok().zip(line.weeks.trim().parse().ok()).filter(|_| export.weekly),
    };
    Some(((chart.to_owned(), region), seen))
}

type Slices = BTreeMap<Day, Vec<Seen>>;

/// The rows in use, and the table `exports`.
fn ledger(exports: &[Export]) -> (BTreeMap<Scope, Slices>, Vec<Row>) {
    let mut taken: BTreeMap<Scope, Slices> = BTreeMap::new();
    let mut accounts = Vec::new();
    let mut newest_first: Vec<&Export> = exports.iter().collect();
    newest_first.sort_by_key(|export| Reverse((export.modified, &export.path)));
    for export in newest_first {
        let (mut used, mut duplicate, mut superseded, mut quarantined) = (0, 0, 0, 0);
        let mut slices: BTreeMap<(Scope, Day), Vec<Seen>> = BTreeMap::new();
        let mut number = 2;
        for line in &export.lines {
            if let Some((scope, seen)) = read(export, line, number) {
                let slice = slices.entry((scope, seen.date)).or_default();
                if slice.iter().any(|other| other.same_row(&seen)) {
                    duplicate += 1;
                } else {
                    slice.push(seen);
                }
            } else {
                quarantined += 1;
            }
            // A quoted title can hold a line break, and the next row is then a line further down.
            number += 1 + line.title.matches('\n').count() as i64;
        }
        for ((scope, date), slice) in slices {
            let held = taken.entry(scope).or_default().entry(date).or_default();
            let known = |seen: &Seen| held.iter().any(|other| other.figures() == seen.figures());
            let (again, rest): (Vec<_>, Vec<_>) = slice.into_iter().partition(known);
            duplicate += again.len();
            let contradicts =
                |seen: &Seen| held.iter().any(|other| other.rank == seen.rank || other.track == seen.track);
            if rest.iter().any(contradicts) {
                superseded += rest.len();
            } else {
                used += rest.len();
                held.extend(rest);
            }
        }
        accounts.push(row(json!({
            "export": export.path, "rows_read": export.lines.len(), "rows_used": used,
            "rows_duplicate": duplicate, "rows_superseded": superseded,
            "rows_quarantined": quarantined,
        })));
    }
    (taken, accounts)
}

// ----------------------------------------------------------------------------------- the ledger

struct Book<'a> {
    catalog: &'a Catalog,
    scopes: BTreeMap<Scope, Slices>,
    /// Track to song.
    song_of: BTreeMap<String, String>,
}

impl<'a> Book<'a> {
    fn open(world: &'a World) -> (Self, Vec<Row>) {
        let (scopes, accounts) = ledger(&world.exports);
        let mut book = Book { catalog: &world.catalog, scopes, song_of: BTreeMap::new() };
        book.song_of = book.songs();
        (book, accounts)
    }

    /// All rows in the ledger, those of stale slices too.
    fn rows(&self) -> impl Iterator<Item = &Seen> {
        self.scopes.values().flat_map(BTreeMap::values).flatten()
    }

    fn first_and_last(&self, scope: &Scope) -> (Day, Day) {
        let slices = &self.scopes[scope];
        (*slices.keys().next().expect("not empty"), *slices.keys().next_back().expect("not empty"))
    }

    fn is_stale(&self, scope: &Scope, date: Day) -> bool {
        let slices = &self.scopes[scope];
        let figures = |slice: &'_ [Seen]| -> BTreeSet<(i64, String, i128)> {
            slice.iter().map(|seen| (seen.rank, seen.track.clone(), seen.streams)).collect()
        };
        let Some((_, before)) = slices.range(..date).next_back() else { return false };
        let slice = &slices[&date];
        slice.len() >= 10 && slice.len() == before.len() && figures(slice) == figures(before)
    }

    /// The slices that count. A stale date is as good as a missing one, but for the names and songs
    /// that its rows go on to witness.
    fn live(&self, scope: &Scope) -> BTreeMap<Day, &Vec<Seen>> {
        let slices = self.scopes[scope].iter();
        slices.filter(|(date, _)| !self.is_stale(scope, **date)).map(|(d, s)| (*d, s)).collect()
    }

    // -------------------------------------------------------------------------------- entities

    /// What the catalog says of a song: the tracks of the ledger that it puts together.
    fn catalogued(&self, song: &Song) -> BTreeSet<String> {
        let listed = |seen: &Seen| {
            song.tracks.contains(&seen.track)
                || song
                    .spelling
                    .as_ref()
                    .is_some_and(|(title, artists)| seen.spelling() == (artists.as_str(), title.as_str()))
        };
        self.rows().filter(|seen| listed(seen)).map(|seen| seen.track.clone()).collect()
    }

    fn songs(&self) -> BTreeMap<String, String> {
        let mut spelled: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for seen in self.rows() {
            spelled.entry(seen.spelling()).or_default().insert(seen.track.clone());
        }
        let bonds = self.catalog.songs.iter().map(|song| self.catalogued(song));
        let mut groups: Vec<BTreeSet<String>> = Vec::new();
        for mut bond in spelled.into_values().chain(bonds) {
            for group in groups.extract_if(.., |group| !group.is_disjoint(&bond)).collect::<Vec<_>>() {
                bond.extend(group);
            }
            groups.push(bond);
        }
        let mut song_of = BTreeMap::new();
        for group in groups {
            let songs = self.catalog.songs.iter();
            let catalogued = songs.filter(|song| !self.catalogued(song).is_disjoint(&group));
            let first = self.rows().filter(|seen| group.contains(&seen.track));
            let first = first.min_by_key(|seen| (seen.date, &seen.track));
            let id = catalogued.map(|song| &song.id).min().or(first.map(|seen| &seen.track));
            for track in &group {
                song_of.insert(track.clone(), id.expect("a group has a row").clone());
            }
        }
        song_of
    }

    fn song(&self, seen: &Seen) -> &String {
        &self.song_of[&seen.track]
    }

    /// The artists of a cell in order, each once: id and display name.
    fn credited(&self, cell: &str) -> Vec<(String, String)> {
        let mut known: Vec<(&str, &str, &str)> = Vec::new();
        for artist in &self.catalog.artists {
            for name in std::iter::once(&artist.name).chain(&artist.aliases) {
                known.push((name, &artist.id, &artist.name));
            }
        }
        known.sort_by_key(|(name, ..)| Reverse(name.len()));
        let (mut artists, mut rest) = (Vec::new(), cell);
        while !rest.is_empty() {
            let ends = |after: &str| after.is_empty() || after.starts_with(", ");
            let hit = known.iter().find(|(name, ..)| rest.strip_prefix(name).is_some_and(ends));
            let (name, artist) = match hit {
                Some((name, id, display)) => (*name, ((*id).to_owned(), (*display).to_owned())),
                None => {
                    let name = rest.split(", ").next().expect("split gives one");
                    (name, (format!("name:{name}"), name.to_owned()))
                }
            };
            if !artists.contains(&artist) {
                artists.push(artist);
            }
            rest = rest[name.len()..].strip_prefix(", ").unwrap_or_default();
        }
        artists
    }

    /// The entities a row adds to under a tally.
    fn entities(&self, tally: &Tally, seen: &Seen) -> Vec<String> {
        let artists = || self.credited(&seen.artists).into_iter().map(|(id, _)| id);
        match (tally.entity, tally.credit) {
            ("track", _) => vec![seen.track.clone()],
            ("song", _) => vec![self.song(seen).clone()],
            (_, "all") => artists().collect(),
            (_, "lead") => artists().take(1).collect(),
            (_, "feature") => artists().skip(1).collect(),
            (_, "solo") if artists().count() == 1 => artists().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a cohort has the entity: the artist itself, or a track or song that credits a member
    /// in any cell of the ledger.
    fn in_cohort(&self, tally: &Tally, id: &str) -> bool {
        let Some(cohort) = &tally.cohort else { return true };
        let cohort = self.catalog.cohorts.iter().find(|c| c.id == *cohort).expect("known cohort");
        let member = |id: &str| cohort.members.iter().any(|member| member == id);
        if tally.entity == "artist" {
            return member(id);
        }
        let mut own = self.rows().filter(|seen| self.entities(tally, seen).contains(&id.to_owned()));
        own.any(|seen| self.credited(&seen.artists).iter().any(|(artist, _)| member(artist)))
    }

    /// The names an entity is shown under: `entity` and `artists`.
    fn names(&self, kind: &str, id: &str) -> (String, String) {
        if kind == "artist" {
            let mut credited = self.rows().flat_map(|seen| self.credited(&seen.artists));
            return (credited.find(|(other, _)| other == id).expect("seen").1, String::new());
        }
        let own = self.rows().filter(|seen| match kind {
            "track" => seen.track == id,
            _ => self.song(seen) == id,
        });
        let latest = own.min_by_key(|seen| (Reverse(seen.date), seen.spelling())).expect("seen");
        (latest.title.clone(), latest.artists.clone())
    }

    // ----------------------------------------------------------------------- clocks and windows

    /// The catalog's release date of an entity; an artist's is that of the first song to credit it.
    fn released(&self, tally: &Tally, id: &str) -> Option<Day> {
        let dated = self.catalog.songs.iter().filter_map(|song| {
            let day = parse_day(song.released.as_ref()?).expect("a release date");
            Some((day, self.song_of.get(self.catalogued(song).first()?)?))
        });
        let concerns = |song: &String| {
            self.rows().filter(|seen| self.song(seen) == song).any(|seen| match tally.entity {
                "track" => seen.track == id,
                "song" => song == id,
                _ => self.credited(&seen.artists).iter().any(|(artist, _)| artist == id),
            })
        };
        dated.filter(|(_, song)| concerns(song)).map(|(day, _)| day).min()
    }

    /// `start_on` and `start_basis`; `sighted` is when the entity first charted in the scope.
    fn start(
        &self,
        tally: &Tally,
        scope: &Scope,
        id: &str,
        window: &str,
        sighted: Day,
    ) -> (Day, &'static str) {
        let calendar = |text: String| (parse_day(&text).expect("a window"), "calendar");
        match tally.clock {
            "all_time" => (self.first_and_last(scope).0, "first_export"),
            "first_charted" => (sighted, "first_charted"),
            "release" => match self.released(tally, id) {
                None => (sighted, "first_charted"),
                Some(day) if day > sighted => (sighted, "conflict"),
                Some(day) => (day, "release"),
            },
            "calendar_year" => calendar(format!("{window}-01-01")),
            _ => calendar(format!("{window}-01")),
        }
    }

    /// The rows that a tally adds up in a scope up to a date, by entity.
    fn added(&self, tally: &Tally, scope: &Scope, until: Day) -> BTreeMap<String, Vec<&Seen>> {
        let mut added: BTreeMap<String, Vec<&Seen>> = BTreeMap::new();
        let has = |only: &[String], name: &String| only.is_empty() || only.contains(name);
        if !has(&tally.charts, &scope.0) || !has(&tally.regions, &scope.1) {
            return added;
        }
        for seen in self.live(scope).into_values().flatten().filter(|seen| seen.date <= until) {
            for id in self.entities(tally, seen) {
                added.entry(id).or_default().push(seen);
            }
        }
        added.retain(|id, _| self.in_cohort(tally, id));
        added
    }

    fn identity(&self, tally: &Tally, scope: &Scope, id: &str, window: &str) -> Row {
        let (entity, artists) = self.names(tally.entity, id);
        row(json!({
            "tally": tally.name, "chart": scope.0, "region": scope.1, "basis": "chart",
            "entity_kind": tally.entity, "entity_id": id, "entity": entity, "artists": artists,
            "credit": if tally.entity == "artist" { tally.credit } else { "all" },
            "clock": tally.clock, "window": window,
        }))
    }

    // ----------------------------------------------------------------------------- the tables

    fn milestones(&self, tally: &Tally, scope: &Scope, until: Day) -> Vec<Row> {
        let mut milestones = Vec::new();
        for (id, all) in self.added(tally, scope, until) {
            let sighted = all.iter().map(|seen| seen.date).min().expect("a row");
            for (window, rows) in windows(tally, &all) {
                let (start, basis) = self.start(tally, scope, &id, &window, sighted);
                let by_date = by_date(&rows);
                for &threshold in &tally.thresholds {
                    let sum = |to: Day| by_date.range(..=to).map(|(_, streams)| streams).sum::<i128>();
                    let Some(&reached) = by_date.keys().find(|&&d| sum(d) >= i128::from(threshold)) else {
                        continue;
                    };
                    let (earliest, certainty) =
                        self.certainty(tally, scope, &by_date, (start, reached), threshold.into());
                    let evidence = rows
                        .iter()
                        .filter(|seen| seen.date == reached)
                        .min_by_key(|seen| (Reverse(seen.streams), seen.rank, &seen.export, seen.line));
                    let evidence = evidence.expect("a row of that date");
                    let songs = rows.iter().filter(|seen| seen.date <= reached);
                    let period = if scope.0.ends_with(":weekly") { 6 } else { 0 };
                    let mut milestone = self.identity(tally, scope, &id, &window);
                    milestone.extend(row(json!({
                        "threshold": threshold, "reached_on": iso(reached),
                        "reached_from": iso(reached - period), "earliest_on": earliest.map(iso),
                        "certainty": certainty, "start_on": iso(start), "start_basis": basis,
                        "days_elapsed": reached - start, "day_number": reached - start + 1,
                        "cumulative_before": int(sum(reached - 1)),
                        "streams_on_date": int(by_date[&reached]), "cumulative": int(sum(reached)),
                        "contributing_songs": songs.map(|s| self.song(s)).collect::<BTreeSet<_>>().len(),
                        "evidence_export": evidence.export, "evidence_row": evidence.line,
                    })));
                    milestones.push(milestone);
                }
            }
        }
        milestones
    }

    /// `earliest_on` and `certainty`: an absence is at most the last listed row's streams, and of a
    /// date without an export nothing is known.
    fn certainty(
        &self,
        tally: &Tally,
        scope: &Scope,
        streams: &BTreeMap<Day, i128>,
        (start, reached): (Day, Day),
        threshold: i128,
    ) -> (Option<Day>, &'static str) {
        if tally.entity == "artist" {
            return (None, "at_latest");
        }
        let live = self.live(scope);
        let (mut sum, mut earliest, mut unknown) = (0, None, false);
        for date in chart_dates(scope, start, reached) {
            match live.get(&date) {
                Some(slice) => {
                    let last = slice.iter().max_by_key(|seen| (seen.rank, Reverse(seen.streams)));
                    let cut_off = last.expect("a row").streams;
                    sum += streams.get(&date).copied().unwrap_or(cut_off);
                }
                None => unknown = true,
            }
            if earliest.is_none() && (unknown || sum >= threshold) {
                earliest = Some(date);
            }
        }
        match (earliest == Some(reached), unknown) {
            (true, _) => (earliest, "certain"),
            (false, false) => (earliest, "bounded"),
            (false, true) => (earliest, "at_latest"),
        }
    }

    fn totals(&self, tally: &Tally, scope: &Scope, until: Day) -> Vec<Row> {
        let mut totals = Vec::new();
        for (id, all) in self.added(tally, scope, until) {
            for (window, rows) in windows(tally, &all) {
                let by_date = by_date(&rows);
                let streams = by_date.values().sum::<i128>();
                let next = tally.thresholds.iter().filter(|t| i128::from(**t) > streams).min();
                let songs = rows.iter().map(|seen| self.song(seen)).collect::<BTreeSet<_>>();
                let (peak_on, peak) = first_peak(&by_date);
                let mut total = self.identity(tally, scope, &id, &window);
                total.extend(row(json!({
                    "streams": int(streams), "dates_observed": by_date.len(),
                    "first_on": by_date.keys().next().map(|day| iso(*day)),
                    "last_on": by_date.keys().next_back().map(|day| iso(*day)),
                    "contributing_songs": songs.len(),
                    "peak_streams": int(peak), "peak_on": iso(peak_on),
                    "next_threshold": next, "remaining": next.map(|t| t - int(streams)),
                })));
                totals.push(total);
            }
        }
        totals
    }

    /// Who is ranked, with `value`, `rank` and `dense_rank`, as of a date.
    fn standings(&self, ranking: &Ranking, tally: &Tally, scope: &Scope, until: Day) -> Vec<Row> {
        let mut field = match ranking.kind {
            "most_streamed" => self.totals(tally, scope, until),
            _ => self.milestones(tally, scope, until),
        };
        if ranking.kind != "most_streamed" {
            field.retain(|milestone| milestone["threshold"] == json!(ranking.threshold));
        }
        for entry in &mut field {
            let value = match ranking.kind {
                "fastest" => entry["days_elapsed"].clone(),
                "first" => json!(text(entry, "reached_on").replace('-', "").parse::<i64>().unwrap()),
                _ => entry["streams"].clone(),
            };
            entry.insert("value".into(), value);
        }
        let cost = |entry: &Row| {
            let value = entry["value"].as_i64().expect("a number");
            if ranking.kind == "most_streamed" { -value } else { value }
        };
        if ranking.per == "entity" {
            let everyone = field.clone();
            field.retain(|entry| {
                let own = everyone.iter().filter(|e| e["entity_id"] == entry["entity_id"]);
                let best = own.min_by_key(|e| (cost(e), text(e, "window").to_owned()));
                best.expect("itself")["window"] == entry["window"]
            });
        }
        let rivals = field.clone();
        for entry in &mut field {
            let better = rivals.iter().filter(|rival| {
                let together = ranking.per == "entity" || rival["window"] == entry["window"];
                together && cost(rival) < cost(entry)
            });
            let better: Vec<i64> = better.map(cost).collect();
            entry.insert("rank".into(), json!(better.len() + 1));
            let dense = better.iter().collect::<BTreeSet<_>>().len() + 1;
            entry.insert("dense_rank".into(), json!(dense));
        }
        field
    }

    fn rankings(&self, ranking: &Ranking, tally: &Tally, scope: &Scope) -> Vec<Row> {
        let (_, last) = self.first_and_last(scope);
        let before = self.standings(ranking, tally, scope, last - 1);
        let mut field = self.standings(ranking, tally, scope, last);
        for entry in &mut field {
            let previous = before.iter().find(|other| {
                let same_window = ranking.per == "entity" || other["window"] == entry["window"];
                same_window && other["entity_id"] == entry["entity_id"]
            });
            let previous = previous.and_then(|other| other["rank"].as_i64());
            let rank = entry["rank"].as_i64().expect("a rank");
            let optional = |column: &str| entry.get(column).cloned().unwrap_or_default();
            let (threshold, unit) = match ranking.kind {
                "fastest" => (ranking.threshold, "days"),
                "first" => (ranking.threshold, "date"),
                _ => (0, "streams"),
            };
            let more = row(json!({
                "ranking": ranking.name, "kind": ranking.kind, "threshold": threshold, "unit": unit,
                "reached_on": optional("reached_on"), "days_elapsed": optional("days_elapsed"),
                "day_number": optional("day_number"), "previous_rank": previous,
                "rank_change": previous.map(|previous| previous - rank),
                "note": if previous.is_none() { json!("new") } else { Value::Null },
            }));
            entry.extend(more);
            entry.retain(|column, _| RANKED.split_whitespace().any(|ranked| ranked == column));
        }
        field
    }

    fn chart_runs(&self, scope: &Scope) -> Vec<Row> {
        let live = self.live(scope);
        let rows = || live.values().copied().flatten();
        let mut runs = Vec::new();
        for song in rows().map(|seen| self.song(seen)).collect::<BTreeSet<_>>() {
            let own: Vec<&Seen> = rows().filter(|seen| self.song(seen) == song).collect();
            let by_date = by_date(&own);
            let mut ranks: BTreeMap<Day, i64> = BTreeMap::new();
            for seen in &own {
                let rank = ranks.entry(seen.date).or_insert(seen.rank);
                *rank = seen.rank.min(*rank);
            }
            let peak = *ranks.values().min().expect("a row");
            let at_peak = || ranks.iter().filter(|(_, rank)| **rank == peak);
            // From one date that counts to the next: what is missing between them breaks nothing.
            let (mut streak, mut longest) = (0, 0);
            for date in live.keys() {
                streak = if ranks.contains_key(date) { streak + 1 } else { 0 };
                longest = longest.max(streak);
            }
            let last_on = *ranks.keys().next_back().expect("a row");
            let last = || own.iter().filter(|seen| seen.date == last_on);
            let reported_peak = last().filter_map(|seen| Some(seen.reported?.0)).min();
            let reported_appearances =
                last().filter_map(|seen| Some(seen.reported?.1)).filter(|&weeks| weeks > 0).max();
            let reported = reported_peak.zip(reported_appearances);
            let (peak_streams_on, peak_streams) = first_peak(&by_date);
            let (entity, artists) = self.names("song", song);
            runs.push(row(json!({
                "chart": scope.0, "region": scope.1, "song_id": song, "entity": entity,
                "artists": artists, "first_on": ranks.keys().next().map(|day| iso(*day)),
                "last_on": iso(last_on), "appearances": ranks.len(), "peak_rank": peak,
                "peak_on": at_peak().next().map(|(day, _)| iso(*day)),
                "times_at_peak": at_peak().count(),
                "top10": ranks.values().filter(|rank| **rank <= 10).count(),
                "longest_streak": longest, "current_streak": streak,
                "streams": int(by_date.values().sum()), "peak_streams": int(peak_streams),
                "peak_streams_on": iso(peak_streams_on), "reported_peak": reported_peak,
                "reported_appearances": reported_appearances,
                "agrees": reported.map(|reported| reported == (peak, ranks.len() as i64)),
            })));
        }
        runs
    }

    fn coverage(&self, scope: &Scope) -> Vec<Row> {
        let slices = &self.scopes[scope];
        let sizes: Vec<usize> = self.live(scope).values().map(|slice| slice.len()).collect();
        let usual =
            sizes.iter().max_by_key(|size| (sizes.iter().filter(|other| other == size).count(), **size));
        let usual = *usual.expect("the first slice is never stale");
        let state = |date: Day| {
            let Some(slice) = slices.get(&date) else { return "missing" };
            let ranks: BTreeSet<i64> = slice.iter().map(|seen| seen.rank).collect();
            if self.is_stale(scope, date) {
                "stale"
            } else if ranks.last() != Some(&(ranks.len() as i64)) {
                "rank_gap"
            } else if slice.len() < usual {
                "short"
            } else {
                "observed"
            }
        };
        let (first, last) = self.first_and_last(scope);
        let dates = chart_dates(scope, first, last);
        let coverage = dates.map(|date| {
            row(json!({
                "chart": scope.0, "region": scope.1, "date": iso(date), "state": state(date),
            }))
        });
        coverage.collect()
    }
}

// ------------------------------------------------------------------------------------- helpers

/// The dates on which a chart of this scope is due.
fn chart_dates(scope: &Scope, from: Day, to: Day) -> impl Iterator<Item = Day> {
    let weekly = scope.0.ends_with(":weekly");
    (from..=to).filter(move |date| !weekly || date.rem_euclid(7) == 0)
}

fn windows<'s>(tally: &Tally, rows: &[&'s Seen]) -> BTreeMap<String, Vec<&'s Seen>> {
    let mut windows: BTreeMap<String, Vec<&Seen>> = BTreeMap::new();
    for seen in rows {
        let date = iso(seen.date);
        let window = match tally.clock {
            "calendar_year" => &date[..4],
            "calendar_month" => &date[..7],
            _ => "all",
        };
        windows.entry(window.to_owned()).or_default().push(seen);
    }
    windows
}

fn by_date(rows: &[&Seen]) -> BTreeMap<Day, i128> {
    let mut by_date = BTreeMap::new();
    for seen in rows {
        *by_date.entry(seen.date).or_default() += seen.streams;
    }
    by_date
}

fn first_peak(by_date: &BTreeMap<Day, i128>) -> (Day, i128) {
    let peak = by_date.iter().min_by_key(|(day, streams)| (Reverse(**streams), **day));
    peak.map(|(day, streams)| (*day, *streams)).expect("a row")
}

fn row(object: Value) -> Row {
    match object {
        Value::Object(row) => row,
        other => unreachable!("{other} is no object"),
    }
}

fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    row[column].as_str().expect("text")
}

fn int(sum: i128) -> i64 {
    i64::try_from(sum).expect("a sum within Int64")
}

// ------------------------------------------------------------------------------ worked by hand

/// A table's rows as text, the cells of some columns joined by blanks.
pub fn cells(world: &World, table: &str, columns: &str) -> Vec<String> {
    let cell = |row: &Row, column: &str| match &row[column] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = |row: &Row| columns.split(' ').map(|column| cell(row, column)).collect::<Vec<_>>().join(" ");
    tables(world)[table].iter().map(line).collect()
}

mod tests {
    use super::*;
    use crate::world::{Artist, uri};

    fn world(tallies: &[Tally], exports: &[&str]) -> World {
        let files = exports.iter().enumerate();
        let exports = files.map(|(age, text)| Export::of(&format!("{age}.csv"), age as u64, text)).collect();
        World { exports, tallies: tallies.to_vec(), ..World::default() }
    }

    #[test]
    fn days() {
        let day = |text| parse_day(text).unwrap();
        assert_eq!(day("1970-01-01"), 0);
        assert_eq!(day("2024-03-01") - day("2024-02-28"), 2);
        assert_eq!(day("2023-10-30") - day("2023-07-14"), 108);
        assert_eq!(day("2024-03-20") - day("2024-01-01") + 1, 80);
        assert_eq!(day("2024-03-21").rem_euclid(7), 0, "a Thursday");
        assert_eq!(parse_day("2023-02-29"), None);
        assert!((-1000..40_000).all(|n| parse_day(&iso(n)) == Some(n)));
    }

    #[test]
    fn newest_export_first() {
        let old = "global|2024-01-01|1|a|A|X|9
                   global|2024-01-01|2|b|B|X|5
                   global|2024-01-02|1|a|A|X|9
                   global|2024-01-02|2|b|B|X|5
                   global|2024-01-02|0|b|B|X|5";
        // The first date is corrected, the second only has its head.
        let new = "Global|2024-01-01|1|a|A|X|8
                   Global|2024-01-02|1|a|A|X|9
                   Global|2024-01-02|1|a|A|X|9";
        let world = world(&[Tally::of("track", "all_time", &[10])], &[old, new]);
        let rows = "export rows_read rows_used rows_duplicate rows_superseded rows_quarantined";
        assert_eq!(cells(&world, "exports", rows), ["0.csv 5 1 1 2 1", "1.csv 3 2 1 0 0"]);
        let totals = cells(&world, "totals", "entity streams dates_observed next_threshold remaining");
        assert_eq!(totals, ["A 17 2 null null", "B 5 1 10 5"]);
        let evidence = "entity reached_on cumulative_before cumulative evidence_export evidence_row";
        assert_eq!(cells(&world, "milestones", evidence), ["A 2024-01-02 8 17 1.csv 3"]);
    }

    #[test]
    fn tracks_become_songs() {
        // b and c share a spelling, a and b another.
        let rows = "kr|2024-01-02|1|b|Two|X|3
                    kr|2024-01-02|2|c|Two|X|2
                    kr|2024-01-03|4|b|One|X|4
                    kr|2024-01-03|6|a|One|X|4
                    us|2024-01-01|1|c|Two|X|1";
        let mut world = world(&[Tally::of("song", "first_charted", &[5, 10])], &[rows]);
        let songs = "region entity_id entity threshold reached_on days_elapsed streams_on_date";
        let expected = ["5 2024-01-02 0 5", "10 2024-01-03 1 8"];
        let named = |id: &str| expected.map(|rest| format!("kr {id} One {rest}"));
        assert_eq!(cells(&world, "milestones", songs), named("spotify:track:c"));
        let song =
            Song { id: "s".into(), spelling: None, tracks: vec!["spotify:track:a".into()], released: None };
        world.catalog.songs = vec![song];
        assert_eq!(cells(&world, "milestones", songs), named("s"));
        let runs = "region appearances peak_rank peak_on longest_streak current_streak agrees";
        assert_eq!(
            cells(&world, "chart_runs", runs),
            ["kr 2 1 2024-01-02 2 2 null", "us 1 1 2024-01-01 1 1 null"]
        );
    }

    #[test]
    fn cells_become_artists() {
        let artist = |id: &str, name: &str, alias: &str| Artist {
            id: id.into(),
            name: name.into(),
            aliases: vec![alias.into()],
        };
        let artists = vec![artist("jk", "Jung Kook", "정국"), artist("ttc", "Tyler, The Creator", "Tyler")];
        let catalog = Catalog { artists, ..Catalog::default() };
        let book = Book { catalog: &catalog, scopes: BTreeMap::new(), song_of: BTreeMap::new() };
        let ids = |cell| book.credited(cell).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids("정국, Tyler, The Creator, Jung Kook"), ["jk", "ttc"]);
        assert_eq!(ids("Tyler, The Creators, Tyler"), ["ttc", "name:The Creators"]);
        assert_eq!(ids("Tylers"), ["name:Tylers"]);
    }

    #[test]
    fn how_certain_a_date_is() {
        // Day 2 is missing; b is absent on day 3, when 6 is the last listed row.
        let rows = "kr|2024-01-01|1|a|A|X|9
                    kr|2024-01-01|2|b|B|X|4
                    kr|2024-01-03|1|a|A|X|8
                    kr|2024-01-03|2|c|C|X|6
                    kr|2024-01-04|1|c|C|X|9
                    kr|2024-01-04|2|b|B|X|6";
        let thresholds = [4, 10];
        let tallies = [Tally::of("track", "all_time", &thresholds), Tally::of("artist", "all_time", &[4])];
        let rows_of = |text: &str| world(&tallies, &[text]);
        let columns = "entity threshold reached_on earliest_on certainty";
        let expected = [
            "X 4 2024-01-01 null at_latest",
            "A 4 2024-01-01 2024-01-01 certain",
            "A 10 2024-01-03 2024-01-02 at_latest",
            "B 4 2024-01-01 2024-01-01 certain",
            "B 10 2024-01-04 2024-01-02 at_latest",
            "C 4 2024-01-03 2024-01-01 at_latest",
            "C 10 2024-01-04 2024-01-02 at_latest",
        ];
        assert_eq!(cells(&rows_of(rows), "milestones", columns), expected);
        // Without the gap (a weekly chart has no other days) day 3 could have done it.
        let weekly = rows.replace("01-04", "01-18").replace("01-03", "01-11").replace("01-01", "01-04");
        let weekly: String = weekly.lines().map(|line| format!("{line}|1|1\n")).collect();
        let expected = [
            "X 4 2024-01-04 null at_latest",
            "A 4 2024-01-04 2024-01-04 certain",
            "A 10 2024-01-11 2024-01-11 certain",
            "B 4 2024-01-04 2024-01-04 certain",
            "B 10 2024-01-18 2024-01-11 bounded",
            "C 4 2024-01-11 2024-01-04 bounded",
            "C 10 2024-01-18 2024-01-11 bounded",
        ];
        assert_eq!(cells(&rows_of(&weekly), "milestones", columns), expected);
    }

    #[test]
    fn ranks_and_what_they_were() {
        let rows = "kr|2023-12-31|1|a|A|X|5
                    kr|2024-01-01|1|b|B|X|5
                    kr|2024-01-01|2|c|C|X|5
                    kr|2024-01-02|1|a|A|X|9
                    kr|2024-01-02|2|d|D|X|1";
        let mut world = world(&[Tally::of("track", "calendar_year", &[5])], &[rows]);
        world.rankings = vec![
            Ranking::of("fastest", "track-calendar_year", 5, "entity"),
            Ranking::of("most_streamed", "track-calendar_year", 0, "window"),
        ];
        let columns = "ranking window entity rank dense_rank value previous_rank rank_change note";
        // A reached 5 on day 364 of 2023, too; only the better one counts, and yesterday that was it.
        // A reached 5 on day 364 of 2023, too; only the better one counts, and yesterday that was it.
        let expected = [
            "fastest-entity 2024 A 3 2 1 3 0 null",
            "fastest-entity 2024 B 1 1 0 1 0 null",
            "fastest-entity 2024 C 1 1 0 1 0 null",
            "most_streamed-window 2023 A 1 1 5 1 0 null",
            "most_streamed-window 2024 A 1 1 9 null null new",
            "most_streamed-window 2024 B 2 2 5 1 -1 null",
            "most_streamed-window 2024 C 2 2 5 1 -1 null",
            "most_streamed-window 2024 D 4 3 1 null null new",
        ];
        assert_eq!(cells(&world, "rankings", columns), expected);
    }

    #[test]
    fn stale_copies_and_other_holes() {
        let ten = |day: &str, streams: i64| -> String {
            (1..=10).map(|n| format!("kr|{day}|{n}|{}|T{n}|X|{streams}\n", uri(&format!("t{n}")))).collect()
        };
        let old = [ten("2024-02-28", 70), ten("2024-02-29", 70), ten("2024-03-02", 80)].concat();
        let new = "kr|2024-03-03|1|t1|T1|X|9
                   kr|2024-03-04|2|t1|T1|X|9";
        let world = world(&[], &[&old, new]);
        let states = ["observed", "stale", "missing", "observed", "short", "rank_gap"];
        assert_eq!(cells(&world, "coverage", "state"), states);
        assert_eq!(cells(&world, "exports", "export rows_used"), ["0.csv 30", "1.csv 2"]);
        // Neither the stale date nor the missing one breaks the streak of T1, which two tracks share.
        let runs = "entity appearances longest_streak current_streak streams peak_on times_at_peak";
        let run = "T1 4 4 4 168 2024-02-28 3";
        assert!(cells(&world, "chart_runs", runs).contains(&run.to_owned()));
    }
}
