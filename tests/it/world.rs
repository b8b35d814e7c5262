//! Small worlds: a handful of exports with a catalog and a pipeline, written as a user would have
//! them, and a strategy that makes them up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug, Write as _};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::bool::weighted;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::oracle::{Day, iso, parse_day};

#[derive(Clone, Default)]
pub struct World {
    pub exports: Vec<Export>,
    pub catalog: Catalog,
    pub tallies: Vec<Tally>,
    pub rankings: Vec<Ranking>,
}

/// A file: `spotify:daily` in the shape of the Kaggle merge, or `spotify:weekly`.
#[derive(Clone, Debug, Default)]
pub struct Export {
    pub path: String,
    /// File time, in seconds after some moment. Equal times are told apart by the path.
    pub modified: u64,
    /// Comes in after a first run has been made without it.
    pub late: bool,
    pub weekly: bool,
    pub style: Style,
    pub lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    pub bom: bool,
    pub crlf: bool,
    pub quoted: bool,
    pub padded: bool,
    pub no_final_newline: bool,
}

/// A row as it stands in the file, legible or not.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub region: String,
    pub date: String,
    pub rank: String,
    pub track: String,
    pub title: String,
    pub artists: String,
    pub streams: String,
    /// Peak and weeks so far, as the weekly export has them.
    pub peak: String,
    pub weeks: String,
}

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub artists: Vec<Artist>,
    pub cohorts: Vec<Cohort>,
    pub songs: Vec<Song>,
}

#[derive(Clone, Debug)]
pub struct Artist {
    pub id: String,
    pub name: String,
    pub aliases: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Cohort {
    pub id: String,
    pub members: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Song {
    pub id: String,
    /// Title and artist cell.
    pub spelling: Option<(String, String)>,
    pub tracks: Vec<String>,
    pub released: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Tally {
    pub name: String,
    pub entity: &'static str,
    pub clock: &'static str,
    pub credit: &'static str,
    pub cohort: Option<String>,
    pub charts: Vec<String>,
    pub regions: Vec<String>,
    pub thresholds: Vec<i64>,
}

#[derive(Clone, Debug)]
pub struct Ranking {
    pub name: String,
    pub kind: &'static str,
    pub tally: String,
    pub threshold: i64,
    pub per: &'static str,
}

// ---------------------------------------------------------------------------------- by hand

impl Export {
    /// An export from lines of `region|date|rank|track|title|artists|streams` and, on a weekly
    /// chart, `|peak|weeks`.
    pub fn of(path: &str, modified: u64, text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            let mut cells = line.split('|').map(str::to_owned);
            let mut cell = || cells.next().unwrap_or_default();
            Line {
                region: cell(),
                date: cell(),
                rank: cell(),
                track: cell(),
                title: cell(),
                artists: cell(),
                streams: cell(),
                peak: cell(),
                weeks: cell(),
            }
        });
        let lines: Vec<Line> = lines.collect();
        let weekly = lines.iter().any(|line| !line.peak.is_empty());
        Export { path: path.into(), modified, weekly, lines, ..Export::default() }
    }
}

impl Tally {
    pub fn of(entity: &'static str, clock: &'static str, thresholds: &[i64]) -> Self {
        let (name, thresholds) = (format!("{entity}-{clock}"), thresholds.to_vec());
        let (charts, regions) = (Vec::new(), Vec::new());
        Tally { name, entity, clock, credit: "all", cohort: None, charts, regions, thresholds }
    }
}

impl Ranking {
    pub fn of(kind: &'static str, tally: &str, threshold: i64, per: &'static str) -> Self {
        Ranking { name: format!("{kind}-{per}"), kind, tally: tally.into(), threshold, per }
    }
}

/// The URI of a made-up track: 22 characters of base62.
pub fn uri(name: &str) -> String {
    format!("spotify:track:{name:0>22}")
}

// ---------------------------------------------------------------------------------- as files

impl World {
    /// Lays out `t.toml` and `catalog/` in a directory; the exports come with [`World::deliver`].
    pub fn write(&self, dir: &Path) {
        fs::create_dir_all(dir.join("catalog")).unwrap();
        fs::write(dir.join("t.toml"), self.pipeline()).unwrap();
        for (name, text) in self.catalog.files() {
            fs::write(dir.join("catalog").join(name), text).unwrap();
        }
    }

    /// Writes the early or the late exports below `exports/`.
    pub fn deliver(&self, dir: &Path, late: bool) {
        for export in self.exports.iter().filter(|export| export.late == late) {
            let path = dir.join("exports").join(&export.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, export.bytes()).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + export.modified);
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        }
    }

    fn pipeline(&self) -> String {
        let mut toml =
            "name = \"t\"\n[exports]\npaths = [\"exports\"]\n[catalog]\npath = \"catalog\"\n".to_owned();
        for Tally { name, entity, clock, credit, cohort, charts, regions, thresholds } in &self.tallies {
            let _ = writeln!(toml, "[[tally]]\nname = {name:?}\nentity = {entity:?}\nclock = {clock:?}");
            let _ = writeln!(toml, "thresholds = {thresholds:?}");
            if *entity == "artist" {
                let _ = writeln!(toml, "credit = {credit:?}");
            }
            if let Some(cohort) = cohort {
                let _ = writeln!(toml, "cohort = {cohort:?}");
            }
            for (key, only) in [("charts", charts), ("regions", regions)] {
                if !only.is_empty() {
                    let _ = writeln!(toml, "{key} = {only:?}");
                }
            }
        }
        for Ranking { name, kind, tally, threshold, per } in &self.rankings {
            let _ = writeln!(toml, "[[ranking]]\nname = {name:?}\nkind = {kind:?}");
            let _ = writeln!(toml, "tally = {tally:?}\nper = {per:?}");
            if *kind != "most_streamed" {
                let _ = writeln!(toml, "threshold = {threshold}");
            }
        }
        toml
    }
}

impl Catalog {
    /// The files of the catalog directory; one without entries is left out.
    fn files(&self) -> BTreeMap<&'static str, String> {
        let mut files: BTreeMap<&'static str, String> = BTreeMap::new();
        for Artist { id, name, aliases } in &self.artists {
            let toml = files.entry("artists.toml").or_default();
            let _ = writeln!(toml, "[[artist]]\nid = {id:?}\nname = {name:?}\naliases = {aliases:?}");
        }
        for Cohort { id, members } in &self.cohorts {
            let toml = files.entry("cohorts.toml").or_default();
            let _ = writeln!(toml, "[[cohort]]\nid = {id:?}\nmembers = {members:?}");
        }
        for Song { id, spelling, tracks, released } in &self.songs {
            let toml = files.entry("songs.toml").or_default();
            let _ = writeln!(toml, "[[song]]\nid = {id:?}\nuris = {tracks:?}");
            if let Some((title, artists)) = spelling {
                let _ = writeln!(toml, "title = {title:?}\nartists = {artists:?}");
            }
            if let Some(date) = released {
                let _ = writeln!(toml, "released = {date}");
            }
        }
        files
    }
}

const DAILY: &str = "title,rank,date,artist,url,region,chart,trend,streams";
const WEEKLY: &str = "chart_position,chart_date,song,performer,streams,spotify_uri,song_id,region,\
    time_on_chart,instance,consecutive_weeks,previous_week,peak_position,worst_position,chart_url";

impl Export {
    fn bytes(&self) -> Vec<u8> {
        let Style { bom, crlf, quoted, padded, no_final_newline } = self.style;
        let mut bytes = if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        let mut csv = csv::WriterBuilder::new()
            .quote_style(if quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(&mut bytes);
        csv.write_record(if self.weekly { WEEKLY } else { DAILY }.split(',')).unwrap();
        for line in &self.lines {
            let pad = |cell: &str| if padded { format!(" {cell} ") } else { cell.to_owned() };
            let Line { region, date, rank, track, title, artists, streams, peak, weeks } = line;
            let (title, artists, streams) = (pad(title), pad(artists), pad(streams));
            let row: Vec<&str> = if self.weekly {
                vec![
                    rank,
                    date,
                    &title,
                    &artists,
                    &streams,
                    track,
                    "id",
                    region,
                    weeks,
                    "1",
                    "1",
                    "",
                    peak,
                    "200",
                    "https://charts.spotify.com",
                ]
            } else {
                vec![&title, rank, date, &artists, track, region, "top200", "SAME_POSITION", &streams]
            };
            csv.write_record(row).unwrap();
        }
        csv.flush().unwrap();
        drop(csv);
        if no_final_newline {
            bytes.truncate(bytes.len() - if crlf { 2 } else { 1 });
        }
        bytes
    }
}

/// The world in the form of [`Export::of`], so that a failing case can be made a golden one.
impl Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let catalog: String = self.catalog.files().into_values().collect();
        writeln!(f, "\n{}{catalog}", self.pipeline())?;
        for Export { path, modified, late, weekly, style, lines } in &self.exports {
            let (chart, late) = (if *weekly { "weekly" } else { "daily" }, if *late { ", late" } else { "" });
            writeln!(f, "{path}: {chart}, modified {modified}{late}, {style:?}")?;
            for (i, line) in lines.iter().enumerate() {
                let Line { region, date, rank, track, title, artists, streams, peak, weeks } = line;
                let title = title.escape_debug();
                write!(f, "{:>4}  {region}|{date}|{rank}|{track}|{title}|{artists}|{streams}", i + 2)?;
                writeln!(f, "{}", if *weekly { format!("|{peak}|{weeks}") } else { String::new() })?;
            }
        }
        Ok(())
    }
}

// ------------------------------------------------------------------------------- made up

/// Tracks under two spellings each. 0 and 1 are one song, 5 and 6 are joined by a spelling, 10 and
/// 11 only share a title; 4 and 8 need the catalog to see who is credited.
const CAST: [[(&str, &str); 2]; 14] = [
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
];

/// The id of a track of the cast. They do not sort as the cast does.
fn cast_id(track: usize) -> String {
    format!("{:0>22}", format!("{}x{track}", track * 5 % 14))
}

const ARTISTS: [(&str, &str, &[&str]); 6] = [
    ("jung-kook", "Jung Kook", &["Jungkook", "정국"]),
    ("tyler", "Tyler, The Creator", &[]),
    ("other-tyler", "Tyler", &[]),
    ("ewf", "Earth, Wind & Fire", &["EWF"]),
    ("jimin", "Jimin", &["JIMIN", "지민"]),
    ("agust-d", "Agust D", &["SUGA"]),
];

/// Songs of the catalog: id, tracks, and the spelling (the first of a track) that belongs, too.
const SONGS: [(&str, &[usize], Option<usize>); 6] = [
    ("seven", &[0, 1], None),
    ("standing", &[2], Some(2)),
    ("crazy", &[6], None),
    ("haegeum", &[7], Some(7)),
    ("same", &[10, 11], None),
    ("again", &[4], Some(3)),
];

const REGIONS: [(&str, &str); 4] =
    [("Global", "global"), ("South Korea", "kr"), ("United States", "us"), ("Utopia", "utopia")];
const STARTS: [&str; 6] =
    ["2023-12-28", "2024-02-25", "2023-02-26", "2024-01-01", "2023-12-01", "2023-07-13"];
const CLOCKS: [&str; 5] = ["all_time", "release", "first_charted", "calendar_year", "calendar_month"];
const THRESHOLDS: [&[i64]; 4] = [&[1], &[300, 1000, 1001, 2500], &[100, 200, 300, 400], &[1200, 9_000_000]];

/// One date of a chart, as it should be.
#[derive(Clone, Debug)]
struct Sheet {
    gap: i64,
    /// Only a copy of the sheet before it.
    stale: bool,
    /// Equal streams share a rank, and the rank after the last holds nobody.
    ties: bool,
    hole: bool,
    /// The export gets peaks and weeks wrong.
    misreported: bool,
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
        entries.sort_by_key(|(.., streams)| -streams);
        entries
    });
    let gap = prop_oneof![6 => Just(1_i64), 1 => 2..4_i64];
    let flags = (weighted(0.25), weighted(0.3), weighted(0.1), weighted(0.2));
    let sheet = (gap, flags, 0..2_usize, entries).prop_map(
        |(gap, (stale, ties, hole, misreported), file, entries)| Sheet {
            gap,
            stale,
            ties,
            hole,
            misreported,
            file,
            entries,
        },
    );
    vec(sheet, 1..9)
}

/// A sheet with its place and date: rank, track, spelling and streams.
#[derive(Clone)]
struct Slice {
    weekly: bool,
    region: usize,
    date: Day,
    misreported: bool,
    rows: Vec<(i64, usize, usize, i64)>,
}

fn slices(weekly: bool, region: usize, start: &str, sheets: &[Sheet]) -> Vec<(usize, Slice)> {
    let mut date = parse_day(start).unwrap();
    let step = if weekly { 7 } else { 1 };
    if weekly {
        date -= date.rem_euclid(7);
    }
    let mut slices: Vec<(usize, Slice)> = Vec::new();
    for sheet in sheets {
        date += step * sheet.gap;
        let mut rows: Vec<(i64, usize, usize, i64)> = Vec::new();
        for (i, &(track, spelling, streams)) in sheet.entries.iter().enumerate() {
            let tied = rows.last().filter(|above| sheet.ties && above.3 == streams);
            let rank = tied.map_or(i as i64 + 1, |above| above.0);
            rows.push((rank + i64::from(sheet.hole && i > 1), track, spelling, streams));
        }
        if let Some((_, before)) = slices.last().filter(|_| sheet.stale) {
            rows.clone_from(&before.rows);
        }
        let misreported = sheet.misreported;
        slices.push((sheet.file, Slice { weekly, region, date, misreported, rows }));
    }
    slices
}

/// The slice once more, as a newer or an older export may have it.
fn revised(slice: &Slice, how: usize) -> Slice {
    let mut slice = slice.clone();
    let rows = &mut slice.rows;
    match how {
        0 => {}
        1 => rows.truncate(rows.len().div_ceil(2)),
        2 => drop(rows.drain(..rows.len() / 2)),
        3 => rows[0].3 += 7,
        4 => rows[0].1 = (rows[0].1 + 1) % CAST.len(),
        5 => rows.iter_mut().for_each(|row| row.2 = 1),
        _ => {
            let listed: BTreeSet<usize> = rows.iter().map(|row| row.1).collect();
            let absent = (0..CAST.len()).find(|track| !listed.contains(track));
            let bottom = rows.iter().map(|row| row.0).max().unwrap_or_default();
            rows.extend(absent.map(|track| (bottom + 1, track, 0, 50)));
        }
    }
    slice
}

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
fn spoiled(line: &Line, how: usize, weekly: bool) -> Line {
    let mut line = line.clone();
    match how {
        0 => line.rank = "0".into(),
        1 => line.rank = "65536".into(),
        2 => line.rank = "first".into(),
        3 => line.streams = "-5".into(),
        4 => line.streams = "9007199254740993".into(),
        5 => line.streams = "12.5".into(),
        6 => line.date = "2023-02-29".into(),
        7 if weekly => line.date = "2024-03-19".into(),
        _ => line.date = "yesterday".into(),
    }
    line
}

fn export(path: &str, habits: &Habits, weekly: bool, slices: &[&Slice], truth: &[Slice]) -> Export {
    let mut lines = Vec::new();
    for slice in slices {
        let (name, code) = REGIONS[slice.region];
        for &(rank, track, spelling, streams) in &slice.rows {
            let (title, artists) = CAST[track][spelling];
            let so_far = truth.iter().filter(|other| {
                (other.weekly, other.region) == (weekly, slice.region) && other.date <= slice.date
            });
            let so_far: Vec<i64> = so_far
                .filter_map(|other| other.rows.iter().filter(|row| row.1 == track).map(|row| row.0).min())
                .collect();
            let weeks = so_far.len() as i64 + i64::from(slice.misreported);
            lines.push(Line {
                region: if habits.names { name } else { code }.into(),
                date: iso(slice.date + i64::from(weekly && habits.fridays)),
                rank: rank.to_string(),
                track: format!("{}{}", habits.uri, cast_id(track)),
                title: title.into(),
                artists: artists.into(),
                streams: streams.to_string(),
                peak: so_far.iter().min().unwrap_or(&rank).to_string(),
                weeks: weeks.to_string(),
            });
        }
    }
    for index in &habits.echoes {
        lines.push(index.get(&lines).clone());
    }
    for (index, how) in &habits.spoiled {
        lines.push(spoiled(index.get(&lines), *how, weekly));
    }
    if habits.order != 0 {
        let mut keyed: Vec<(u64, Line)> = Vec::new();
        for (i, line) in lines.into_iter().enumerate() {
            keyed.push((habits.order.wrapping_mul(2 * i as u64 + 1).rotate_left(17), line));
        }
        keyed.sort_by_key(|(key, _)| *key);
        lines = keyed.into_iter().map(|(_, line)| line).collect();
    }
    let Habits { modified, late, style, .. } = *habits;
    Export { path: format!("{}{path}", habits.folder), modified, late, weekly, style, lines }
}

fn exports() -> impl Strategy<Value = Vec<Export>> {
    let scope = (weighted(0.35), 0..REGIONS.len(), select(&STARTS[..]), sheets());
    let revisions = vec((any::<Index>(), 0..7_usize, 2..5_usize), 0..5);
    (revisions, vec(scope, 1..4), vec(habits(), 10)).prop_map(|(revisions, scopes, habits)| {
        let mut known = BTreeSet::new();
        let mut placed: Vec<(usize, Slice)> = Vec::new();
        for (weekly, region, start, sheets) in scopes {
            if known.insert((weekly, region)) {
                placed.extend(slices(weekly, region, start, &sheets));
            }
        }
        let truth: Vec<Slice> = placed.iter().map(|(_, slice)| slice.clone()).collect();
        for (index, how, file) in revisions {
            placed.push((file, revised(index.get(&truth), how)));
        }
        let mut exports = Vec::new();
        for (i, habits) in habits.iter().enumerate() {
            let (weekly, file) = (i % 2 == 1, i / 2);
            let own = placed.iter().filter(|(f, slice)| (*f, slice.weekly) == (file, weekly));
            let own: Vec<&Slice> =
                own.map(|(_, slice)| slice).filter(|slice| !slice.rows.is_empty()).collect();
            if !own.is_empty() {
                exports.push(export(&format!("{file}{i}.csv"), habits, weekly, &own, &truth));
            }
        }
        exports.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        exports
    })
}

fn catalog() -> impl Strategy<Value = Catalog> {
    let song = (any::<bool>(), option::of((select(&STARTS[..]), -3..5_i64)));
    let members = vec(any::<bool>(), ARTISTS.len());
    (vec(any::<bool>(), ARTISTS.len()), members, vec(song, SONGS.len())).prop_map(
        |(known, members, songs)| {
            let known = |i: usize| known[i];
            let artists = (0..ARTISTS.len()).filter(|&i| known(i)).map(|i| {
                let (id, name, aliases) = ARTISTS[i];
                let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
                Artist { id: id.into(), name: name.into(), aliases }
            });
            let members =
                (0..ARTISTS.len()).filter(|&i| known(i) && members[i]).map(|i| ARTISTS[i].0.to_owned());
            let members: Vec<String> = members.collect();
            let cohort = Some(members).filter(|members| !members.is_empty());
            let songs = SONGS.iter().zip(songs).filter(|(_, (listed, _))| *listed).map(
                |((id, tracks, spelling), (_, date))| {
                    let spelling = spelling.map(|track| CAST[track][0]);
                    Song {
                        id: (*id).into(),
                        spelling: spelling.map(|(title, artists)| (title.into(), artists.into())),
                        tracks: tracks
                            .iter()
                            .map(|&track| format!("spotify:track:{}", cast_id(track)))
                            .collect(),
                        released: date.map(|(start, offset)| iso(parse_day(start).unwrap() + offset)),
                    }
                },
            );
            Catalog {
                artists: artists.collect(),
                cohorts: cohort.map(|members| Cohort { id: "cohort".into(), members }).into_iter().collect(),
                songs: songs.collect(),
            }
        },
    )
}

fn tally() -> impl Strategy<Value = Tally> {
    let entity = select(vec!["track", "song", "artist"]);
    let credit = select(vec!["all", "lead", "solo", "feature"]);
    let charts = option::weighted(0.2, select(vec!["spotify:daily", "spotify:weekly"]));
    let regions = option::weighted(0.2, select(vec!["global", "kr", "utopia"]));
    let only = (weighted(0.4), charts, regions);
    (entity, select(&CLOCKS[..]), credit, select(&THRESHOLDS[..]), only).prop_map(
        |(entity, clock, credit, thresholds, (cohort, charts, regions))| Tally {
            credit: if entity == "artist" { credit } else { "all" },
            cohort: cohort.then(|| "cohort".into()),
            charts: charts.map(str::to_owned).into_iter().collect(),
            regions: regions.map(str::to_owned).into_iter().collect(),
            ..Tally::of(entity, clock, thresholds)
        },
    )
}

/// Worlds; what shrinks fastest comes first.
pub fn worlds() -> impl Strategy<Value = World> {
    let kind = select(vec!["fastest", "first", "most_streamed"]);
    let ranking = (kind, any::<Index>(), any::<Index>(), select(vec!["window", "entity"]));
    (vec(ranking, 0..5), vec(tally(), 1..5), catalog(), exports()).prop_map(
        |(rankings, mut tallies, catalog, exports)| {
            for (i, tally) in tallies.iter_mut().enumerate() {
                tally.name = format!("t{i}");
                tally.cohort.take_if(|_| catalog.cohorts.is_empty());
            }
            let rankings = rankings.into_iter().enumerate().map(|(i, (kind, tally, threshold, per))| {
                let tally = tally.get(&tallies);
                let ranking = Ranking::of(kind, &tally.name, *threshold.get(&tally.thresholds), per);
                Ranking { name: format!("r{i}"), ..ranking }
            });
            World { rankings: rankings.collect(), exports, catalog, tallies }
        },
    )
}
