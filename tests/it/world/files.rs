//! A world as a folder of files, and as text that a failing case can be read from.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write as _};
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{
    Artist, Catalog, Cohort, Coverage, Dated, Dialect, Export, Line, Pace, Ranking, Record, Song, Style,
    Tally, Work, World,
};

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
        self.exports.iter().filter(|export| export.late == late).for_each(|export| export.put(dir));
    }

    fn pipeline(&self) -> String {
        let mut toml =
            "name = \"t\"\n[exports]\npaths = [\"exports\"]\n[catalog]\npath = \"catalog\"\n".to_owned();
        let Coverage { from, until, least } = &self.coverage;
        if from.is_some() || until.is_some() || least.is_some() {
            toml += "[coverage]\n";
            dates(&mut toml, "\n", from.as_ref(), until.as_ref());
            if let Some(least) = least {
                let _ = writeln!(toml, "min_coverage = 0.{least:02}");
            }
        }
        if let Some(tolerance) = self.tolerance {
            let _ = writeln!(toml, "[reconcile]\ntolerance = 0.{tolerance:03}");
        }
        self.tallies.iter().for_each(|tally| tally.write(&mut toml));
        self.rankings.iter().for_each(|ranking| ranking.write(&mut toml));
        self.records.iter().for_each(|record| record.write(&mut toml));
        self.paces.iter().for_each(|pace| pace.write(&mut toml));
        toml
    }
}

/// `from = … until = …`, each with something behind it.
fn dates(toml: &mut String, after: &str, from: Option<&String>, until: Option<&String>) {
    for (key, date) in [("from", from), ("until", until)] {
        if let Some(date) = date {
            let _ = write!(toml, "{key} = {date}{after}");
        }
    }
}

/// A key with a list, unless it is empty.
fn list(toml: &mut String, key: &str, values: &[String]) {
    if !values.is_empty() {
        let _ = writeln!(toml, "{key} = {values:?}");
    }
}

/// A list of values, those with dates as tables that name them `key`.
fn dated(key: &str, values: &[Dated]) -> String {
    let entry = |Dated { value, from, until }: &Dated| {
        if from.is_none() && until.is_none() {
            return format!("{value:?}");
        }
        let mut table = format!("{{ {key} = {value:?}, ");
        dates(&mut table, ", ", from.as_ref(), until.as_ref());
        table + "reason = \"made up\" }"
    };
    format!("[{}]", values.iter().map(entry).collect::<Vec<_>>().join(", "))
}

impl Tally {
    fn write(&self, toml: &mut String) {
        let Tally { name, entity, clock, credit, song_rule, cohort, charts, regions, thresholds } = self;
        let _ = writeln!(toml, "[[tally]]\nname = {name:?}\nentity = {entity:?}\nclock = {clock:?}");
        let _ = writeln!(toml, "thresholds = {thresholds:?}");
        if *entity == "artist" {
            let _ = writeln!(toml, "credit = {credit:?}");
        }
        if let Some(rule) = song_rule {
            let _ = writeln!(toml, "song_rule = {rule:?}");
        }
        if let Some(cohort) = cohort {
            let _ = writeln!(toml, "cohort = {cohort:?}");
        }
        list(toml, "charts", charts);
        list(toml, "regions", regions);
    }
}

impl Ranking {
    fn write(&self, toml: &mut String) {
        let Ranking { name, kind, tally, threshold, per, cohort, credit, topped, sensitivity } = self;
        let _ = writeln!(toml, "[[ranking]]\nname = {name:?}\nkind = {kind:?}\ntally = {tally:?}");
        if *kind != "reach" {
            let _ = writeln!(toml, "per = {per:?}");
        }
        if !matches!(*kind, "reach" | "most_streamed") {
            let _ = writeln!(toml, "threshold = {threshold}");
        }
        if *kind == "club" {
            let _ = writeln!(toml, "credit = {credit:?}");
        }
        if let Some(cohort) = cohort {
            let _ = writeln!(toml, "cohort = {cohort:?}");
        }
        if *topped {
            let _ = writeln!(toml, "topped = true");
        }
        if !sensitivity {
            let _ = writeln!(toml, "sensitivity = false");
        }
    }
}

impl Record {
    fn write(&self, toml: &mut String) {
        let Record { name, kind, entity, cohort, charts, regions, fastest } = self;
        let _ = writeln!(toml, "[[record]]\nname = {name:?}\nkind = {kind:?}");
        match fastest {
            Some((tally, threshold)) => {
                let _ = writeln!(toml, "tally = {tally:?}\nthreshold = {threshold}");
            }
            None => {
                let _ = writeln!(toml, "entity = {entity:?}");
            }
        }
        if let Some(cohort) = cohort {
            let _ = writeln!(toml, "cohort = {cohort:?}");
        }
        list(toml, "charts", charts);
        list(toml, "regions", regions);
    }
}

impl Pace {
    fn write(&self, toml: &mut String) {
        let Pace { name, tally, entities, threshold } = self;
        let _ = writeln!(toml, "[[pace]]\nname = {name:?}\ntally = {tally:?}");
        list(toml, "entities", entities);
        if let Some(threshold) = threshold {
            let _ = writeln!(toml, "threshold = {threshold}");
        }
    }
}

impl Catalog {
    /// The files of the catalog directory; one without entries is left out.
    fn files(&self) -> BTreeMap<&'static str, String> {
        let mut files: BTreeMap<&'static str, String> = BTreeMap::new();
        for Artist { id, name, aliases } in &self.artists {
            let toml = files.entry("artists.toml").or_default();
            let aliases = dated("name", aliases);
            let _ = writeln!(toml, "[[artist]]\nid = {id:?}\nname = {name:?}\naliases = {aliases}");
        }
        for Cohort { id, members } in &self.cohorts {
            let toml = files.entry("cohorts.toml").or_default();
            let _ = writeln!(toml, "[[cohort]]\nid = {id:?}\nmembers = {members:?}");
        }
        for Song { id, spelling, uris, released, lead, features } in &self.songs {
            let toml = files.entry("songs.toml").or_default();
            let _ = writeln!(toml, "[[song]]\nid = {id:?}\nuris = {}", dated("uri", uris));
            if let Some((title, artists)) = spelling {
                let _ = writeln!(toml, "title = {title:?}\nartists = {artists:?}");
            }
            if let Some(date) = released {
                let _ = writeln!(toml, "released = {date}");
            }
            list(toml, "lead", lead);
            list(toml, "features", features);
        }
        for Work { id, title, songs, uris } in &self.works {
            let toml = files.entry("works.toml").or_default();
            let _ = writeln!(toml, "[[work]]\nid = {id:?}\nsongs = {songs:?}");
            if let Some(title) = title {
                let _ = writeln!(toml, "title = {title:?}");
            }
            list(toml, "uris", uris);
        }
        files
    }
}

const MERGED: &str = "title,rank,date,artist,url,region,chart,trend,streams";
const MERGED_WEEKLY: &str = "chart_position,chart_date,song,performer,streams,spotify_uri,song_id,region,\
    time_on_chart,instance,consecutive_weeks,previous_week,peak_position,worst_position,chart_url";
const OFFICIAL: &str =
    "rank,uri,artist_names,track_name,source,peak_rank,previous_rank,days_on_chart,streams";
const OFFICIAL_WEEKLY: &str =
    "rank,uri,artist_names,track_name,source,peak_rank,previous_rank,weeks_on_chart,streams";

impl Export {
    /// Writes the file below `exports/`, dated.
    pub fn put(&self, dir: &Path) {
        let path = dir.join("exports").join(&self.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, self.bytes()).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + self.modified);
        File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }

    fn bytes(&self) -> Vec<u8> {
        let Style { bom, crlf, quoted, padded, no_final_newline } = self.style;
        let mut bytes = if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        let mut csv = csv::WriterBuilder::new()
            .quote_style(if quoted { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(&mut bytes);
        let header = match self.dialect {
            Dialect::Merged => MERGED,
            Dialect::MergedWeekly => MERGED_WEEKLY,
            Dialect::Official => OFFICIAL,
            Dialect::OfficialWeekly => OFFICIAL_WEEKLY,
            Dialect::Kworb => "",
        };
        if !header.is_empty() {
            csv.write_record(header.split(',')).unwrap();
        }
        for line in &self.lines {
            let pad = |cell: &str| if padded { format!(" {cell} ") } else { cell.to_owned() };
            let Line { region, date, rank, track, streams, peak, appearances, previous, total, .. } = line;
            let (title, artists, streams) = (&pad(&line.title), &pad(&line.artists), &pad(streams));
            let together = &self.together(line);
            let row: Vec<&str> = match self.dialect {
                Dialect::Merged => {
                    vec![title, rank, date, artists, track, region, "top200", "SAME_POSITION", streams]
                }
                Dialect::MergedWeekly => vec![
                    rank,
                    date,
                    title,
                    artists,
                    streams,
                    track,
                    "id",
                    region,
                    appearances,
                    "1",
                    "1",
                    previous,
                    peak,
                    "200",
                    "https://charts.spotify.com",
                ],
                Dialect::Official | Dialect::OfficialWeekly => {
                    vec![rank, track, artists, title, "label", peak, previous, appearances, streams]
                }
                Dialect::Kworb => vec![
                    date,
                    rank,
                    "=",
                    together,
                    appearances,
                    peak,
                    "(x1)",
                    streams,
                    "+1",
                    "7,777",
                    "-1",
                    total,
                ],
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

    /// Artists and title in one cell; some files have all artists but the first behind the title.
    fn together(&self, Line { title, artists, .. }: &Line) -> String {
        match artists.split_once(", ").filter(|_| self.style.padded) {
            Some((first, others)) => format!(" {first} - {title} (w/ {others})"),
            None => format!("{artists} - {title}"),
        }
    }
}

/// The world in the form of [`Export::of`], so that a failing case can be made a golden one.
impl Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let catalog: String = self.catalog.files().into_values().collect();
        writeln!(f, "\n{}{catalog}", self.pipeline())?;
        self.exports.iter().try_for_each(|export| export.describe(f))
    }
}

impl Export {
    /// The export as text that can be read.
    pub fn describe(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let Export { path, modified, late, dialect, style, lines } = self;
        let late = if *late { ", late" } else { "" };
        writeln!(f, "{path}: {dialect:?}, modified {modified}{late}, {style:?}")?;
        let mut number = dialect.header();
        for line in lines {
            let Line { region, date, rank, track, title, artists, streams, .. } = line;
            let Line { peak, appearances, previous, total, .. } = line;
            let escaped = title.escape_debug();
            number += 1;
            write!(f, "{number:>4}  {region}|{date}|{rank}|{track}|{escaped}|{artists}|{streams}")?;
            match dialect {
                Dialect::Merged => writeln!(f)?,
                Dialect::Kworb => writeln!(f, "|{peak}|{appearances}||{total}")?,
                _ => writeln!(f, "|{peak}|{appearances}|{previous}")?,
            }
            number += title.matches('\n').count() as i64;
        }
        Ok(())
    }
}
