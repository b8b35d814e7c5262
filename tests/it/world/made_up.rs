//! The strategy that makes worlds up.
//!
//! A world is drawn as [`Scene`]s, one for each scope that is filmed: sheets with who was listed,
//! and what went wrong with them. [`shoot`] turns them into slices, [`exports`] into files.

use std::collections::{BTreeMap, BTreeSet};

use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{
    Artist, Catalog, Cohort, Coverage, Dated, Dialect, Export, Line, Pace, Ranking, Record, Song, Style,
    Tally, Work, World,
};
use crate::oracle::{Day, iso, parse_day};

// --------------------------------------------------------------------------------- the cast

/// Tracks under two spellings each. 0 and 1 are one song, 5 and 6 are joined by a spelling, 10 and
/// 11 only share a title; 4 and 8 need the catalog to see who is credited, 14 needs the date, too.
const CAST: [[(&str, &str); 2]; 15] = [
    [("Seven (feat. Latto)", "Jung Kook, Latto"), ("Seven", "Jungkook, Latto")],
    [("Seven (feat. Latto)", "Jung Kook, Latto"), ("Seven (feat. Latto)", "Latto, Jung Kook")],
    [("Standing Next to You", "Jung Kook"), ("Standing Next to You", "정국")],
    [("See You Again", "Tyler, The Creator, Kali Uchis"), ("See You Again", "Tyler, The Creator")],
    [("EARFQUAKE", "Tyler, The Creator"), ("EARFQUAKE", "Tyler, The Creator, Playboi Carti")],
    [("Like Crazy", "Jimin"), ("Like Crazy (English Version)", "Jimin")],
    [("Like Crazy (English Version)", "Jimin"), ("Like Crazy (English Version)", "JIMIN")],
    [("Haegeum", "Agust D"), ("Haegeum", "SUGA")],
    [("Double", "Jung Kook, Jungkook"), ("Double", "Jungkook, Tyler, Jung Kook")],
    [("Say \"yes\", 정국", "Earth, Wind & Fire, Jimin"), ("Say yes", "Jimin, Earth, Wind & Fire")],
    [("Same Title", "Latto"), ("Same Title", "Latto, Kali Uchis")],
    [("Same Title", "Kali Uchis"), ("Broken\nLine", "Kali Uchis")],
    [("Filler", "Nobody"), ("Filler", "Somebody, Nobody")],
    [("Tyler", "Tyler"), ("Tyler", "Tyler, Wind & Fire")],
    [("Burst", "Nova, Jimin"), ("Burst", "Nova")],
];

/// The id of a track of the cast. They do not sort as the cast does.
fn cast_id(track: usize) -> String {
    format!("{:0>22}", format!("{}x{track}", track * 5 % 14))
}

fn cast_uri(track: usize) -> String {
    format!("spotify:track:{}", cast_id(track))
}

const ARTISTS: [(&str, &str, &[&str]); 9] = [
    ("jung-kook", "Jung Kook", &["Jungkook", "정국"]),
    ("tyler", "Tyler, The Creator", &[]),
    ("other-tyler", "Tyler", &[]),
    ("ewf", "Earth, Wind & Fire", &["EWF"]),
    ("jimin", "Jimin", &["JIMIN", "지민"]),
    ("agust-d", "Agust D", &["SUGA"]),
    ("latto", "Latto", &[]),
    ("nova-one", "Nova One", &[]),
    ("nova-two", "Nova Two", &[]),
];

/// Songs of the catalog: id, tracks, and the spelling (the first of a track) that belongs, too. The
/// two crazy ones are one song where a chart joins tracks 5 and 6.
const SONGS: [(&str, &[usize], Option<usize>); 7] = [
    ("seven", &[0, 1], None),
    ("standing", &[2], Some(2)),
    ("crazy", &[6], None),
    ("haegeum", &[7], Some(7)),
    ("same", &[10, 11], None),
    ("again", &[4], Some(3)),
    ("a-crazy", &[], Some(5)),
];

/// What a counter calls the tracks of the first song.
const SEVENS: [&str; 2] =
    ["name:Jung Kook, Latto - Seven (feat. Latto)", "name:Latto, Jung Kook - Seven (feat. Latto)"];

/// Works of the catalog: id, title, songs, and a track.
const WORKS: [(&str, Option<&str>, &[&str], usize); 2] =
    [("w-like", Some("Like"), &["crazy", "standing"], 9), ("w-same", None, &["same", "seven"], 12)];

const REGIONS: [(&str, &str); 4] =
    [("Global", "global"), ("South Korea", "kr"), ("United States", "us"), ("Utopia", "utopia")];
const STARTS: [&str; 6] =
    ["2023-12-28", "2024-02-25", "2023-02-26", "2024-01-01", "2023-12-01", "2023-07-13"];
const CLOCKS: [&str; 5] = ["all_time", "release", "first_charted", "calendar_year", "calendar_month"];
const THRESHOLDS: [&[i64]; 4] = [&[1], &[300, 1000, 1001, 2500], &[100, 200, 300, 400], &[1200, 9_000_000]];

/// What a counter may have had before the first export.
const OPENINGS: [i64; 6] = [0, 950, 70, 2400, 0, 290];

// ------------------------------------------------------------------------------------ scenes

/// One date of a chart, as it should be.
#[derive(Clone, Debug)]
struct Sheet {
    gap: i64,
    /// Only a copy of the sheet before it.
    stale: bool,
    /// Equal streams share a rank, and the rank after the last holds nobody.
    ties: bool,
    hole: bool,
    /// What the export gets wrong of the past, and of the running total.
    quirk: usize,
    file: usize,
    /// Track, spelling and streams.
    entries: Vec<(usize, usize, i64)>,
}

fn sheets() -> impl Strategy<Value = Vec<Sheet>> {
    let spelling = prop_oneof![7 => Just(0_usize), 1 => Just(1)];
    let streams =
        prop_oneof![6 => 1..400_i64, 6 => (1..8_i64).prop_map(|n| n * 100), 1 => 900..3000_i64, 1 => Just(0)];
    let size = prop_oneof![5 => 1..7_usize, 3 => 9..13_usize];
    let entries = size.prop_flat_map(move |size| {
        let shuffled = Just((0..CAST.len()).collect::<Vec<_>>()).prop_shuffle();
        (shuffled, vec((spelling.clone(), streams.clone()), size), weighted(0.1))
    });
    let entries = entries.prop_map(|(tracks, details, twice)| {
        let mut entries: Vec<_> = tracks
            .into_iter()
            .zip(details)
            .map(|(track, (spelling, streams))| (track, spelling, streams))
            .collect();
        // Some charts list a track twice.
        if twice {
            let (track, spelling, streams) = entries[0];
            entries.push((track, spelling, streams / 2));
        }
        entries
    });
    let gap = prop_oneof![6 => Just(1_i64), 1 => 2..4_i64];
    let flags = (weighted(0.25), weighted(0.3), weighted(0.1), 0..16_usize);
    let sheet =
        (gap, flags, 0..2_usize, entries).prop_map(|(gap, (stale, ties, hole, quirk), file, entries)| {
            Sheet { gap, stale, ties, hole, quirk, file, entries }
        });
    vec(sheet, 1..9)
}

/// What is filmed of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Daily,
    Weekly,
    Counter,
    /// A daily chart, and the counter of the same days.
    Both,
    /// Nine days of a daily chart, and the weekly chart that goes with them.
    Paired,
}

#[derive(Clone, Debug)]
struct Scene {
    kind: Kind,
    region: usize,
    start: &'static str,
    /// One official file for each date instead of merged ones.
    official: bool,
    sheets: Vec<Sheet>,
}

fn scenes() -> impl Strategy<Value = Vec<Scene>> {
    let kind = prop_oneof![
        4 => Just(Kind::Daily), 3 => Just(Kind::Weekly), 3 => Just(Kind::Counter),
        2 => Just(Kind::Both), 2 => Just(Kind::Paired),
    ];
    // Most begin on the same day, so that regions can be compared.
    let start = prop_oneof![2 => Just(None), 1 => select(&STARTS[..]).prop_map(Some)];
    let scene = (kind, 0..REGIONS.len(), start, weighted(0.4), sheets());
    (select(&STARTS[..]), vec(scene, 1..4)).prop_map(|(home, scenes)| {
        let scenes = scenes.into_iter().map(|(kind, region, start, official, sheets)| {
            let start = start.unwrap_or(home);
            Scene { kind, region, start, official, sheets }
        });
        scenes.collect()
    })
}

/// A sheet with its place and date.
#[derive(Clone, Debug)]
struct Slice {
    dialect: Dialect,
    region: usize,
    date: Day,
    quirk: usize,
    file: usize,
    rows: Vec<Entry>,
}

/// Place in the cast, and where that is all that is known, the name.
type Track = (usize, Option<(&'static str, &'static str)>);

#[derive(Clone, Debug)]
struct Entry {
    rank: i64,
    track: usize,
    spelling: usize,
    streams: i64,
    total: Option<i64>,
}

impl Entry {
    /// The track as an export of this dialect knows it: a counter has nothing but its name.
    fn track_in(&self, dialect: Dialect) -> Track {
        let name = CAST[self.track][self.spelling];
        match dialect {
            Dialect::Kworb => {
                (CAST.iter().position(|names| names.contains(&name)).unwrap_or_default(), Some(name))
            }
            _ => (self.track, None),
        }
    }
}

/// Rows in the order of their streams, with ranks.
fn ranked(sheet: &Sheet, mut entries: Vec<(usize, usize, i64)>) -> Vec<Entry> {
    entries.sort_by_key(|(.., streams)| -streams);
    let mut rows: Vec<Entry> = Vec::new();
    for (i, (track, spelling, streams)) in entries.into_iter().enumerate() {
        let tied = rows.last().filter(|above| sheet.ties && above.streams == streams);
        let rank = tied.map_or(i as i64 + 1, |above| above.rank);
        rows.push(Entry {
            rank: rank + i64::from(sheet.hole && i > 1),
            track,
            spelling,
            streams,
            total: None,
        });
    }
    rows
}

/// The slices of a scene. A counter's totals go on while nobody looks.
fn shoot(scene: &Scene) -> Vec<Slice> {
    let Scene { kind, region, start, official, sheets } = scene;
    let (daily, weekly) = match official {
        true => (Dialect::Official, Dialect::OfficialWeekly),
        false => (Dialect::Merged, Dialect::MergedWeekly),
    };
    let region = *region;
    match kind {
        Kind::Daily => chart(daily, region, start, sheets),
        Kind::Weekly => chart(weekly, region, start, sheets),
        Kind::Counter => counted(&chart(Dialect::Kworb, region, start, sheets)),
        Kind::Both => {
            let charts = chart(daily, region, start, sheets);
            let mut public = charts.clone();
            for (i, slice) in public.iter_mut().enumerate() {
                // Public plays are a little more, or far more.
                slice.rows.iter_mut().for_each(|row| row.streams += row.streams / 200);
                slice.rows[0].streams += if i % 2 == 0 { 0 } else { 100 };
            }
            [charts, counted(&public)].concat()
        }
        Kind::Paired => {
            let mut days = sheets.iter().cycle().take(9).cloned().collect::<Vec<_>>();
            // The leaders of the first day are there all week, and few days are missing.
            let leaders: Vec<_> = days[0].entries.iter().take(2).copied().collect();
            for (i, day) in days.iter_mut().enumerate() {
                day.gap = if day.gap == 3 { 2 } else { 1 };
                day.stale &= i % 2 == 0;
                for leader in leaders.iter().filter(|_| i != 8) {
                    day.entries.retain(|entry| entry.0 != leader.0);
                    day.entries.push(*leader);
                }
            }
            let mut slices = chart(daily, region, start, &days);
            slices.extend(weeks(weekly, &slices));
            slices
        }
    }
}

fn chart(dialect: Dialect, region: usize, start: &str, sheets: &[Sheet]) -> Vec<Slice> {
    let mut date = parse_day(start).unwrap();
    let step = if dialect.weekly() { 7 } else { 1 };
    if dialect.weekly() {
        date -= date.rem_euclid(7);
    }
    let mut slices: Vec<Slice> = Vec::new();
    for sheet in sheets {
        date += step * sheet.gap;
        let copied = slices.last().filter(|_| sheet.stale).map(|before| before.rows.clone());
        let rows = copied.unwrap_or_else(|| ranked(sheet, sheet.entries.clone()));
        slices.push(Slice { dialect, region, date, quirk: sheet.quirk, file: sheet.file, rows });
    }
    slices
}

/// The same slices as pages of a counter, with running totals. It knows a track by its name alone.
fn counted(slices: &[Slice]) -> Vec<Slice> {
    let mut totals: BTreeMap<Track, (Day, i64)> = BTreeMap::new();
    let mut pages: Vec<Slice> = Vec::new();
    for slice in slices {
        let mut page = Slice { dialect: Dialect::Kworb, ..slice.clone() };
        let mut listed = BTreeSet::new();
        page.rows.retain(|row| listed.insert(row.track_in(Dialect::Kworb)));
        for (i, row) in page.rows.iter_mut().enumerate() {
            let track = row.track_in(Dialect::Kworb);
            let before = totals.get(&track).copied();
            let hidden = before.map_or(0, |(date, _)| 40 * (slice.date - date - 1));
            let before = before.map_or(OPENINGS[track.0 % OPENINGS.len()], |(_, total)| total);
            let correction = match (slice.quirk, i) {
                (7, 0) => -(before / 2),
                (8, 1) => 13,
                _ => 0,
            };
            let total = before + hidden + row.streams + correction;
            totals.insert(track, (slice.date, total));
            row.total = Some(total).filter(|_| (slice.quirk, i) != (9, 1));
        }
        // A stale page has the totals of yesterday, too.
        let same = |page: &Slice, other: &Slice| {
            let figures = |slice: &Slice| -> Vec<_> {
                slice.rows.iter().map(|row| (row.rank, row.track, row.streams)).collect()
            };
            figures(page) == figures(other)
        };
        if let Some(before) = pages.last().filter(|before| same(&page, before)) {
            for (row, old) in page.rows.iter_mut().zip(&before.rows) {
                row.total = old.total;
                let track = row.track_in(Dialect::Kworb);
                totals.extend(old.total.map(|total| (track, (slice.date, total))));
            }
        }
        pages.push(page);
    }
    pages
}

/// The weekly charts of some days: exact, a little off, and far off.
fn weeks(dialect: Dialect, days: &[Slice]) -> Vec<Slice> {
    let (first, last) = (days[0].date, days[days.len() - 1].date);
    let mut weeks = Vec::new();
    for date in (first..last + 7).filter(|date| date.rem_euclid(7) == 0) {
        let mut sums: BTreeMap<usize, (usize, i64)> = BTreeMap::new();
        for row in days.iter().filter(|day| (date - 6..=date).contains(&day.date)).flat_map(|day| &day.rows) {
            let sum = sums.entry(row.track).or_insert((row.spelling, 0));
            sum.1 += row.streams;
        }
        let entries = sums.into_iter().map(|(track, (spelling, sum))| {
            let off = [0, sum / 150, sum / 5][track % 3];
            (track, spelling, sum + off)
        });
        let sheet = &Sheet { ties: false, hole: false, ..sheet_of(&days[0]) };
        let rows = ranked(sheet, entries.collect());
        if !rows.is_empty() {
            weeks.push(Slice { dialect, date, rows, ..days[0].clone() });
        }
    }
    weeks
}

fn sheet_of(slice: &Slice) -> Sheet {
    let (gap, quirk, file) = (1, slice.quirk, slice.file);
    Sheet { gap, stale: false, ties: false, hole: false, quirk, file, entries: Vec::new() }
}

/// The slice once more, as a newer or an older export may have it.
fn revised(slice: &Slice, how: usize) -> Slice {
    let mut slice = slice.clone();
    let rows = &mut slice.rows;
    match how {
        0 => {}
        1 => rows.truncate(rows.len().div_ceil(2)),
        2 => drop(rows.drain(..rows.len() / 2)),
        3 => rows[0].streams += 7,
        4 => rows[0].track = (rows[0].track + 1) % CAST.len(),
        5 => rows.iter_mut().for_each(|row| row.spelling = 1),
        _ => {
            let listed: BTreeSet<usize> = rows.iter().map(|row| row.track).collect();
            let absent = (0..CAST.len()).find(|track| !listed.contains(track));
            let bottom = rows.iter().map(|row| row.rank).max().unwrap_or_default();
            let total = slice.dialect.eq(&Dialect::Kworb).then_some(700);
            rows.extend(absent.map(|track| Entry {
                rank: bottom + 1,
                track,
                spelling: 0,
                streams: 50,
                total,
            }));
        }
    }
    let mut listed = BTreeSet::new();
    slice.rows.retain(|row| slice.dialect != Dialect::Kworb || listed.insert(row.track_in(Dialect::Kworb)));
    slice
}

// ------------------------------------------------------------------------------------- files

/// What is peculiar to a file.
#[derive(Clone, Debug)]
struct Habits {
    modified: u64,
    late: bool,
    folder: &'static str,
    style: Style,
    /// Rows are in this order, unless it is 0.
    order: u64,
    /// English region names, the form of a URI, and weeks dated by their Friday.
    names: bool,
    uri: &'static str,
    fridays: bool,
    echoes: Vec<Index>,
    spoiled: Vec<(Index, usize)>,
}

fn habits() -> impl Strategy<Value = Habits> {
    let styles = (weighted(0.2), weighted(0.3), weighted(0.3), weighted(0.2), weighted(0.3));
    let style = styles.prop_map(|(bom, crlf, quoted, padded, no_final_newline)| Style {
        bom,
        crlf,
        quoted,
        padded,
        no_final_newline,
    });
    let place = (0..4_u64, any::<bool>(), select(vec!["", "old/", "young/"]));
    let order = prop_oneof![Just(0), any::<u64>()];
    let uri = select(vec!["https://open.spotify.com/track/", "spotify:track:", ""]);
    let forms = (order, any::<bool>(), uri, weighted(0.3));
    let extra = (vec(any::<Index>(), 0..3), vec((any::<Index>(), 0..9_usize), 0..3));
    (place, style, forms, extra).prop_map(
        |((modified, late, folder), style, (order, names, uri, fridays), (echoes, spoiled))| Habits {
            modified,
            late,
            folder,
            style,
            order,
            names,
            uri,
            fridays,
            echoes,
            spoiled,
        },
    )
}

/// A line no reader may use.
fn spoiled(line: &Line, how: usize, dialect: Dialect) -> Line {
    let mut line = line.clone();
    let dated = !matches!(dialect, Dialect::Official | Dialect::OfficialWeekly);
    match how {
        0 => line.rank = "0".into(),
        1 => line.rank = "65536".into(),
        2 => line.rank = "first".into(),
        3 => line.streams = "-5".into(),
        4 => line.streams = "9007199254740993".into(),
        6 if dated => line.date = "2023-02-29".into(),
        7 if dialect == Dialect::MergedWeekly => line.date = "2024-03-19".into(),
        8 if dated => line.date = "yesterday".into(),
        _ => line.streams = "12.5".into(),
    }
    line
}

/// What an export says of a row's past: peak, appearances, and the rank of the date before. Some
/// tracks were there before the first export.
fn report(slice: &Slice, row: &Entry, truth: &[Slice]) -> [i64; 3] {
    let track = row.track_in(slice.dialect);
    let chart = |slice: &Slice| (slice.dialect.chart(), slice.region);
    let rank_on = |other: &Slice| -> Option<i64> {
        let own = other.rows.iter().filter(|row| row.track_in(slice.dialect) == track);
        own.map(|row| row.rank).min()
    };
    let so_far = truth.iter().filter(|other| chart(other) == chart(slice) && other.date <= slice.date);
    let so_far: Vec<i64> = so_far.filter_map(rank_on).collect();
    let (mut peak, mut appearances) = (so_far.iter().copied().min().unwrap_or(row.rank), so_far.len() as i64);
    if track.0 % 4 == 2 {
        (peak, appearances) = (1, appearances + 5);
    }
    let step = if slice.dialect.weekly() { 7 } else { 1 };
    let mut before =
        truth.iter().filter(|other| chart(other) == chart(slice) && other.date == slice.date - step);
    let previous = before.find_map(rank_on).unwrap_or(-1);
    match slice.quirk {
        1 => [peak, appearances + 1, previous],
        2 => [peak + 1, appearances, previous],
        3 => [peak, appearances, previous + 2],
        // It says nothing.
        4 => [0, 0, 0],
        5 => [1, appearances, previous],
        _ => [peak, appearances, previous],
    }
}

fn export(path: &str, habits: &Habits, slices: &[&Slice], truth: &[Slice]) -> Export {
    let dialect = slices[0].dialect;
    let mut lines = Vec::new();
    for slice in slices {
        let (name, code) = REGIONS[slice.region];
        let named = habits.names && matches!(dialect, Dialect::Merged | Dialect::MergedWeekly);
        for row in &slice.rows {
            let (title, artists) = CAST[row.track][row.spelling];
            let [peak, appearances, previous] = report(slice, row, truth).map(|n| n.to_string());
            lines.push(Line {
                region: if named { name } else { code }.into(),
                date: iso(slice.date + i64::from(dialect == Dialect::MergedWeekly && habits.fridays)),
                rank: row.rank.to_string(),
                track: format!("{}{}", habits.uri, cast_id(row.track)),
                title: title.into(),
                artists: artists.into(),
                streams: if dialect == Dialect::Kworb {
                    thousands(row.streams)
                } else {
                    row.streams.to_string()
                },
                peak,
                appearances,
                previous,
                total: row.total.map_or(String::new(), thousands),
            });
        }
    }
    for index in &habits.echoes {
        lines.push(index.get(&lines).clone());
    }
    for (index, how) in &habits.spoiled {
        lines.push(spoiled(index.get(&lines), *how, dialect));
    }
    // The first row of a file without a header shows what the file is.
    let behind = usize::from(dialect == Dialect::Kworb);
    if habits.order != 0 {
        let mut keyed: Vec<(u64, Line)> = Vec::new();
        for (i, line) in lines.split_off(behind).into_iter().enumerate() {
            keyed.push((habits.order.wrapping_mul(2 * i as u64 + 1).rotate_left(17), line));
        }
        keyed.sort_by_key(|(key, _)| *key);
        lines.extend(keyed.into_iter().map(|(_, line)| line));
    }
    let Habits { modified, late, style, .. } = *habits;
    Export { path: path.into(), modified, late, dialect, style, lines }
}

/// `1,234`
fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// A name for a file of slices that tells the dialect what it has to.
fn path(folder: &str, number: usize, slice: &Slice) -> String {
    let (code, date) = (REGIONS[slice.region].1, iso(slice.date));
    match slice.dialect {
        Dialect::Official => format!("{folder}{number}/regional-{code}-daily-{date}.csv"),
        Dialect::OfficialWeekly => format!("{folder}{number}/regional-{code}-weekly-{date}.csv"),
        Dialect::Kworb => format!("{folder}{code}_daily_{number}.csv"),
        _ => format!("{folder}{number}.csv"),
    }
}

/// The slices of all scenes; the first scene of a scope has it.
fn filmed(scenes: &[Scene]) -> Vec<Slice> {
    let mut known = BTreeSet::new();
    let mut truth: Vec<Slice> = Vec::new();
    for scene in scenes {
        // A counter's files are named by a code of two letters.
        let mut scene = scene.clone();
        if matches!(scene.kind, Kind::Counter | Kind::Both) && scene.region == 3 {
            scene.region = 1;
        }
        let slices = shoot(&scene);
        let scopes: BTreeSet<_> = slices.iter().map(|slice| (slice.dialect.chart(), slice.region)).collect();
        if scopes.is_disjoint(&known) {
            known.extend(scopes);
            truth.extend(slices);
        }
    }
    truth
}

fn exports() -> impl Strategy<Value = Vec<Export>> {
    let revisions = vec((any::<Index>(), 0..7_usize, 2..5_usize), 0..5);
    (revisions, scenes(), vec(habits(), 10)).prop_map(|(revisions, scenes, habits)| {
        let truth = filmed(&scenes);
        let mut placed = truth.clone();
        for (index, how, file) in revisions {
            let mut slice = revised(index.get(&truth), how);
            slice.file = file;
            let there = |other: &Slice| {
                let place = |slice: &Slice| (slice.dialect, slice.region, slice.date, slice.file);
                place(other) == place(&slice)
            };
            // A page of a counter has a track once.
            if slice.dialect != Dialect::Kworb || !placed.iter().any(there) {
                placed.push(slice);
            }
        }
        placed.retain(|slice| !slice.rows.is_empty());
        // Official files have one date each, those of a counter one region.
        let mut files: Vec<Vec<&Slice>> = Vec::new();
        let together = |slice: &Slice, other: &Slice| {
            let same = (slice.dialect, slice.file) == (other.dialect, other.file);
            same && match slice.dialect {
                Dialect::Merged | Dialect::MergedWeekly => true,
                Dialect::Kworb => slice.region == other.region,
                _ => false,
            }
        };
        for slice in &placed {
            match files.iter_mut().find(|file| together(file[0], slice)) {
                Some(file) => file.push(slice),
                None => files.push(vec![slice]),
            }
        }
        let mut exports = Vec::new();
        for (number, slices) in files.iter().enumerate() {
            let habits = &habits[number % habits.len()];
            exports.push(export(&path(habits.folder, number, slices[0]), habits, slices, &truth));
        }
        exports.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        exports
    })
}

/// Exports with one date of one scope each, in the order of their dates.
fn dated_exports() -> impl Strategy<Value = Vec<Export>> {
    (scenes(), vec(habits(), 10)).prop_map(|(scenes, habits)| {
        let truth = filmed(&scenes);
        let mut slices: Vec<&Slice> = truth.iter().filter(|slice| !slice.rows.is_empty()).collect();
        slices.sort_by_key(|slice| slice.date);
        let exports = slices.iter().enumerate().map(|(number, slice)| {
            let habits = &habits[number % habits.len()];
            export(&path(habits.folder, number, slice), habits, &[*slice], &truth)
        });
        exports.collect()
    })
}

// ----------------------------------------------------------------------------------- catalog

/// A day near one on which a scene begins.
fn near() -> impl Strategy<Value = Day> {
    (select(&STARTS[..]), -3..6_i64).prop_map(|(start, offset)| parse_day(start).unwrap() + offset)
}

fn artists() -> impl Strategy<Value = Vec<Artist>> {
    (vec(any::<bool>(), ARTISTS.len()), near()).prop_map(|(known, change)| {
        let artists =
            ARTISTS.iter().zip(known).filter(|(_, known)| *known).map(|((id, name, aliases), _)| {
                let mut aliases: Vec<Dated> = aliases.iter().map(|alias| Dated::always(alias)).collect();
                let nova = Dated::always("Nova");
                match *id {
                    "nova-one" => aliases.push(Dated { until: Some(iso(change - 1)), ..nova }),
                    "nova-two" => aliases.push(Dated { from: Some(iso(change)), ..nova }),
                    _ => {}
                }
                Artist { id: (*id).into(), name: (*name).into(), aliases }
            });
        artists.collect()
    })
}

fn songs(artists: &[Artist]) -> impl Strategy<Value = Vec<Song>> + use<> {
    let roles = vec(0..9_usize, artists.len());
    let song = (any::<bool>(), option::of(near()), option::weighted(0.3, near()), weighted(0.4), roles);
    let ids: Vec<String> = artists.iter().map(|artist| artist.id.clone()).collect();
    vec(song, SONGS.len()).prop_map(move |drawn| {
        let mut songs = Vec::new();
        for ((id, tracks, spelling), (listed, released, change, credited, roles)) in SONGS.iter().zip(drawn) {
            if !listed {
                continue;
            }
            let mut uris: Vec<Dated> = tracks.iter().map(|track| Dated::always(&cast_uri(*track))).collect();
            if let (Some(change), [first, others @ ..]) = (change, &mut uris[..]) {
                first.until = Some(iso(change - 1));
                others.iter_mut().for_each(|uri| uri.from = Some(iso(change)));
            }
            if *id == "seven" {
                uris.extend(SEVENS.map(Dated::always));
            }
            // Two entries that may be one song would have to agree.
            let credited = credited && !id.ends_with("crazy");
            let named = |role: usize| -> Vec<String> {
                let named = ids.iter().zip(&roles).filter(|(_, drawn)| credited && **drawn == role);
                named.map(|(id, _)| id.clone()).collect()
            };
            let spelling = spelling.map(|track| CAST[track][0]);
            songs.push(Song {
                id: (*id).into(),
                spelling: spelling.map(|(title, artists)| (title.into(), artists.into())),
                uris,
                released: released.map(iso),
                lead: named(1),
                features: named(2),
            });
        }
        songs
    })
}

fn works(songs: &[Song]) -> impl Strategy<Value = Vec<Work>> + use<> {
    let known: Vec<String> = songs.iter().map(|song| song.id.clone()).collect();
    vec((weighted(0.7), any::<bool>()), WORKS.len()).prop_map(move |drawn| {
        let mut works = Vec::new();
        for ((id, title, songs, track), (listed, with_track)) in WORKS.iter().zip(drawn) {
            let songs: Vec<String> = songs
                .iter()
                .filter(|id| known.iter().any(|known| known == *id))
                .map(|id| (*id).into())
                .collect();
            if listed && !songs.is_empty() {
                let uris = if with_track { vec![cast_uri(*track)] } else { Vec::new() };
                works.push(Work { id: (*id).into(), title: title.map(str::to_owned), songs, uris });
            }
        }
        works
    })
}

fn catalog() -> impl Strategy<Value = Catalog> {
    let songs = artists().prop_flat_map(|artists| (songs(&artists), Just(artists)));
    let works = songs.prop_flat_map(|(songs, artists)| (works(&songs), Just(songs), Just(artists)));
    (works, vec(any::<bool>(), ARTISTS.len())).prop_map(|((works, songs, artists), members)| {
        let members = artists.iter().zip(members).filter(|(_, member)| *member);
        let members: Vec<String> = members.map(|(artist, _)| artist.id.clone()).collect();
        let cohort = Some(members).filter(|members| !members.is_empty());
        let cohorts = cohort.map(|members| Cohort { id: "cohort".into(), members });
        Catalog { artists, cohorts: cohorts.into_iter().collect(), songs, works }
    })
}

// ---------------------------------------------------------------------------------- pipeline

fn charts() -> impl Strategy<Value = Vec<String>> {
    let some = select(vec!["spotify:daily", "spotify:weekly", "kworb:daily"]);
    option::weighted(0.2, some).prop_map(|chart| chart.map(str::to_owned).into_iter().collect())
}

fn regions() -> impl Strategy<Value = Vec<String>> {
    let some = select(vec!["global", "kr", "utopia"]);
    option::weighted(0.2, some).prop_map(|region| region.map(str::to_owned).into_iter().collect())
}

fn tally() -> impl Strategy<Value = Tally> {
    let entity = select(vec!["track", "song", "song", "work", "artist", "artist"]);
    let credit = select(vec!["all", "lead", "solo", "feature"]);
    let rule = select(vec![None, None, Some("uri"), Some("song"), Some("work")]);
    let only = (weighted(0.4), charts(), regions());
    (entity, select(&CLOCKS[..]), credit, rule, select(&THRESHOLDS[..]), only).prop_map(
        |(entity, clock, credit, rule, thresholds, (cohort, charts, regions))| Tally {
            credit: if entity == "artist" { credit } else { "all" },
            song_rule: rule.filter(|_| entity == "artist" || entity == "song"),
            cohort: cohort.then(|| "cohort".into()),
            charts,
            regions,
            ..Tally::of(entity, clock, thresholds)
        },
    )
}

fn record() -> impl Strategy<Value = (Record, Index, Index)> {
    let kind = select(vec!["best_date", "debut", "days_at_one", "spell_at_one", "fastest"]);
    let entity = select(vec!["track", "song", "work", "artist"]);
    (kind, entity, weighted(0.3), charts(), regions(), any::<Index>(), any::<Index>()).prop_map(
        |(kind, entity, cohort, charts, regions, tally, threshold)| {
            let cohort = cohort.then(|| "cohort".into());
            (Record { cohort, charts, regions, ..Record::of(kind, entity) }, tally, threshold)
        },
    )
}

/// Whom a pace may follow, by id or name.
fn followed(kind: &str, drawn: &[Index]) -> Vec<String> {
    let of_tracks = || (0..CAST.len()).map(cast_uri);
    let pool: Vec<String> = match kind {
        "artist" => ["Jung Kook", "Latto", "name:Kali Uchis", "Jimin", "Nobody"].map(str::to_owned).into(),
        "track" => of_tracks().collect(),
        _ => of_tracks().chain(["seven", "crazy", "w-same", "w-like"].map(str::to_owned)).collect(),
    };
    let chosen: BTreeSet<String> = drawn.iter().map(|index| index.get(&pool).clone()).collect();
    chosen.into_iter().collect()
}

/// The parts of a pipeline that stand behind its tallies, not yet tied to them.
#[derive(Clone, Debug)]
struct Questions {
    rankings: Vec<(Ranking, Index, Index)>,
    records: Vec<(Record, Index, Index)>,
    paces: Vec<(Index, Option<Index>, Vec<Index>)>,
    coverage: Coverage,
    tolerance: Option<i64>,
}

fn questions() -> impl Strategy<Value = Questions> {
    let kind = select(vec!["fastest", "fastest", "first", "most_streamed", "most_streamed", "club", "reach"]);
    let credit = select(vec!["all", "lead", "solo", "feature"]);
    let flags = (weighted(0.3), any::<bool>(), weighted(0.9));
    let ranking = (kind, select(vec!["window", "entity"]), credit, flags).prop_map(
        |(kind, per, credit, (cohort, topped, sensitivity))| {
            let mut ranking = Ranking::of(kind, "", 0, per);
            ranking.sensitivity = sensitivity;
            ranking.topped = topped && kind == "reach";
            if kind == "club" {
                ranking.per = "window";
                ranking.cohort = cohort.then(|| "cohort".into());
                ranking.credit = credit;
            }
            ranking
        },
    );
    let rankings = vec((ranking, any::<Index>(), any::<Index>()), 0..5);
    let pace = (any::<Index>(), option::of(any::<Index>()), vec(any::<Index>(), 0..9));
    let coverage =
        (option::weighted(0.1, near()), option::weighted(0.1, near()), option::weighted(0.1, 1..60_i64))
            .prop_map(|(from, until, least)| {
                let until = until.filter(|until| from.is_none_or(|from| from <= *until));
                Coverage { from: from.map(iso), until: until.map(iso), least }
            });
    let tolerance = option::weighted(0.3, select(vec![0, 5, 250]));
    (rankings, vec(record(), 0..3), vec(pace, 0..2), coverage, tolerance).prop_map(
        |(rankings, records, paces, coverage, tolerance)| Questions {
            rankings,
            records,
            paces,
            coverage,
            tolerance,
        },
    )
}

impl Questions {
    fn of(self, mut tallies: Vec<Tally>, catalog: Catalog, exports: Vec<Export>) -> World {
        let no_cohort = catalog.cohorts.is_empty();
        for (i, tally) in tallies.iter_mut().enumerate() {
            tally.name = format!("t{i}");
            tally.cohort.take_if(|_| no_cohort);
        }
        let mut rankings = Vec::new();
        for (mut ranking, tally, threshold) in self.rankings {
            let tally = tally.get_mut(&mut tallies);
            if ranking.kind == "club" && tally.kind() == "artist" {
                continue;
            }
            if ranking.kind == "reach" {
                tally.regions.clear();
            }
            ranking.name = format!("r{}", rankings.len());
            ranking.tally = tally.name.clone();
            ranking.threshold = *threshold.get(&tally.thresholds);
            ranking.cohort.take_if(|_| no_cohort);
            rankings.push(ranking);
        }
        let mut records = Vec::new();
        for (mut record, tally, threshold) in self.records {
            record.name = format!("c{}", records.len());
            record.cohort.take_if(|_| no_cohort);
            if record.kind == "fastest" {
                let tally = tally.get(&tallies);
                record.fastest = Some((tally.name.clone(), *threshold.get(&tally.thresholds)));
            }
            records.push(record);
        }
        let mut paces = Vec::new();
        for (tally, threshold, drawn) in self.paces {
            let tally = tally.get(&tallies);
            let entities = followed(tally.kind(), &drawn);
            if !entities.is_empty() || tally.cohort.is_some() {
                let threshold = threshold.map(|threshold| *threshold.get(&tally.thresholds));
                let name = format!("p{}", paces.len());
                paces.push(Pace { name, tally: tally.name.clone(), entities, threshold });
            }
        }
        let Questions { coverage, tolerance, .. } = self;
        World { exports, catalog, tallies, rankings, records, paces, coverage, tolerance }
    }
}

/// Worlds; what shrinks fastest comes first.
pub fn worlds() -> impl Strategy<Value = World> {
    (questions(), vec(tally(), 1..5), catalog(), exports())
        .prop_map(|(questions, tallies, catalog, exports)| questions.of(tallies, catalog, exports))
}

/// Worlds whose exports have one date of one scope each, in the order of these dates.
pub fn histories() -> impl Strategy<Value = World> {
    (questions(), vec(tally(), 1..5), catalog(), dated_exports()).prop_map(
        |(mut questions, tallies, catalog, exports)| {
            questions.coverage = Coverage::default();
            questions.of(tallies, catalog, exports)
        },
    )
}
