//! Small worlds: a handful of exports with a catalog and a pipeline, written as a user would have
//! them.
//!
//! | file | has |
//! |---|---|
//! | `mod.rs` | what a world is made of |
//! | `files.rs` | a world as a folder of files |
//! | `made_up.rs` | the strategy that makes worlds up |

mod files;
mod made_up;

pub use made_up::{histories, worlds};

#[derive(Clone, Default)]
pub struct World {
    pub exports: Vec<Export>,
    pub catalog: Catalog,
    pub tallies: Vec<Tally>,
    pub rankings: Vec<Ranking>,
    pub records: Vec<Record>,
    pub paces: Vec<Pace>,
    pub coverage: Coverage,
    /// In thousandths.
    pub tolerance: Option<i64>,
}

/// A file.
#[derive(Clone, Debug, Default)]
pub struct Export {
    pub path: String,
    /// File time, in seconds after some moment. Equal times are told apart by the path.
    pub modified: u64,
    /// Comes in after a first run has been made without it.
    pub late: bool,
    pub dialect: Dialect,
    pub style: Style,
    pub lines: Vec<Line>,
}

/// The shape of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// `spotify:daily` in the shape of the Kaggle merge.
    #[default]
    Merged,
    /// `spotify:weekly`, many dates and regions in a file.
    MergedWeekly,
    /// `spotify:daily` as Spotify gives it: date and region stand in the file name.
    Official,
    OfficialWeekly,
    /// `kworb:daily`: a counter. No header, and the region stands in the file name.
    Kworb,
}

impl Dialect {
    pub fn chart(self) -> &'static str {
        match self {
            Self::Merged | Self::Official => "spotify:daily",
            Self::MergedWeekly | Self::OfficialWeekly => "spotify:weekly",
            Self::Kworb => "kworb:daily",
        }
    }

    pub fn weekly(self) -> bool {
        self.chart().ends_with(":weekly")
    }

    /// Whether it says which rank a track had on the date before.
    pub fn tells_previous(self) -> bool {
        matches!(self, Self::MergedWeekly | Self::Official | Self::OfficialWeekly)
    }

    /// Lines before the first row.
    pub fn header(self) -> i64 {
        i64::from(self != Self::Kworb)
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    pub bom: bool,
    pub crlf: bool,
    pub quoted: bool,
    pub padded: bool,
    pub no_final_newline: bool,
}

/// A row as it stands in the file, legible or not. What a dialect has no column for is not written.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub region: String,
    pub date: String,
    pub rank: String,
    pub track: String,
    pub title: String,
    pub artists: String,
    pub streams: String,
    /// Best rank and number of dates so far, and the rank on the date before, as the export has them.
    pub peak: String,
    pub appearances: String,
    pub previous: String,
    /// The running total of a counter.
    pub total: String,
}

#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub artists: Vec<Artist>,
    pub cohorts: Vec<Cohort>,
    pub songs: Vec<Song>,
    pub works: Vec<Work>,
}

/// A name or a URI that holds from one day to another, both included.
#[derive(Clone, Debug, Default)]
pub struct Dated {
    pub value: String,
    pub from: Option<String>,
    pub until: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Artist {
    pub id: String,
    pub name: String,
    pub aliases: Vec<Dated>,
}

#[derive(Clone, Debug)]
pub struct Cohort {
    pub id: String,
    pub members: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Song {
    pub id: String,
    /// Title and artist cell.
    pub spelling: Option<(String, String)>,
    pub uris: Vec<Dated>,
    pub released: Option<String>,
    /// Artists by their ids.
    pub lead: Vec<String>,
    pub features: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Work {
    pub id: String,
    pub title: Option<String>,
    /// Songs of the catalog by their ids.
    pub songs: Vec<String>,
    pub uris: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Tally {
    pub name: String,
    pub entity: &'static str,
    pub clock: &'static str,
    pub credit: &'static str,
    /// Only songs and artists have one.
    pub song_rule: Option<&'static str>,
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
    /// Of a `club`: who may be in it, and which credits count.
    pub cohort: Option<String>,
    pub credit: &'static str,
    /// Of a `reach`: only rank 1 counts.
    pub topped: bool,
    pub sensitivity: bool,
}

#[derive(Clone, Debug)]
pub struct Record {
    pub name: String,
    pub kind: &'static str,
    /// Of all kinds but `fastest`.
    pub entity: &'static str,
    pub cohort: Option<String>,
    pub charts: Vec<String>,
    pub regions: Vec<String>,
    /// Of `fastest`: tally and threshold.
    pub fastest: Option<(String, i64)>,
}

#[derive(Clone, Debug)]
pub struct Pace {
    pub name: String,
    pub tally: String,
    /// Ids or names; without any, the tally's cohort.
    pub entities: Vec<String>,
    pub threshold: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pub from: Option<String>,
    pub until: Option<String>,
    /// In hundredths.
    pub least: Option<i64>,
}

// ---------------------------------------------------------------------------------- by hand

impl Export {
    /// An export from lines of `region|date|rank|track|title|artists|streams`, and where there are
    /// more, `|peak|appearances|previous|total`.
    pub fn of(path: &str, modified: u64, dialect: Dialect, text: &str) -> Self {
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
                appearances: cell(),
                previous: cell(),
                total: cell(),
            }
        });
        Export { path: path.into(), modified, dialect, lines: lines.collect(), ..Export::default() }
    }
}

impl Dated {
    pub fn always(value: &str) -> Self {
        Dated { value: value.into(), from: None, until: None }
    }
}

impl Tally {
    pub fn of(entity: &'static str, clock: &'static str, thresholds: &[i64]) -> Self {
        let (name, thresholds) = (format!("{entity}-{clock}"), thresholds.to_vec());
        let (charts, regions) = (Vec::new(), Vec::new());
        let (credit, song_rule, cohort) = ("all", None, None);
        Tally { name, entity, clock, credit, song_rule, cohort, charts, regions, thresholds }
    }

    /// What its rows in the tables are: track, song, work or artist.
    pub fn kind(&self) -> &'static str {
        match (self.entity, self.song_rule) {
            ("song", Some("uri")) => "track",
            ("song", Some("work")) => "work",
            (entity, _) => entity,
        }
    }

    /// The song rule that the tables name.
    pub fn rule(&self) -> &'static str {
        match self.kind() {
            "track" => "uri",
            "work" => "work",
            _ => self.song_rule.unwrap_or("song"),
        }
    }
}

impl Ranking {
    pub fn of(kind: &'static str, tally: &str, threshold: i64, per: &'static str) -> Self {
        let (name, tally) = (format!("{kind}-{per}"), tally.into());
        let (cohort, credit, topped, sensitivity) = (None, "all", false, true);
        Ranking { name, kind, tally, threshold, per, cohort, credit, topped, sensitivity }
    }
}

impl Record {
    pub fn of(kind: &'static str, entity: &'static str) -> Self {
        let (charts, regions) = (Vec::new(), Vec::new());
        Record { name: kind.into(), kind, entity, cohort: None, charts, regions, fastest: None }
    }
}

/// The URI of a made-up track: 22 characters of base62.
pub fn uri(name: &str) -> String {
    format!("spotify:track:{name:0>22}")
}
