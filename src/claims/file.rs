//! Claims files: TOML to checked claims.

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::{About, Amount, Claim, Convention, Counted, Kind, Statement};
use crate::catalog::{Catalog, Credit, EntityKind, SongRule};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::pipeline::{Per, RankingKind, RankingSpec};
use crate::tally::{Clock, TallySpec, Window};

/// Each claim asks for a threshold or two, and a tally counts its thresholds in 16 bits.
const MOST_CLAIMS: usize = 10_000;

/// A file of claims.
#[derive(Clone, Debug, Default)]
pub struct ClaimsFile {
    /// In the order of the file.
    pub claims: Vec<Claim>,
    /// BLAKE3 of the file, in hexadecimal; empty without one.
    pub hash: String,
}

/// What claims can refer to.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The cohorts.
    pub catalog: &'a Catalog,
    /// The pipeline's tallies; the first one names the chart of claims that name none.
    pub tallies: &'a [TallySpec],
    /// The pipeline's rankings.
    pub rankings: &'a [RankingSpec],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    claim: Vec<Raw>,
}

/// A claim as it stands in the file. Which keys a kind has is checked behind the parser, which can
/// then name the line of a key that nothing has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: Spanned<String>,
    says: String,
    source: Option<String>,
    #[serde(default)]
    about: About,
    kind: Kind,
    chart: Option<String>,
    region: Option<String>,
    entity: String,
    entity_kind: Option<EntityKind>,
    cohort: Option<String>,
    threshold: Option<i64>,
    window: Option<String>,
    year: Option<i64>,
    clock: Option<Clock>,
    counted: Option<Counted>,
    song_rule: Option<SongRule>,
    credit: Option<Credit>,
    days: Option<i64>,
    on: Option<Datetime>,
    day: Option<i64>,
    songs: Option<i64>,
    at_least: Option<i64>,
    streams: Option<i64>,
    ranking: Option<String>,
    rank: Option<i64>,
}

impl Kind {
    /// The keys that a kind has besides `id`, `says`, `source`, `about`, `kind`, `chart`, `region` and
    /// `entity`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::DaysTo => &["threshold", "days", "entity_kind", "clock", "counted", "song_rule", "credit"],
            Self::ReachedOn => &["threshold", "on", "entity_kind", "window", "clock", "song_rule", "credit"],
            Self::DayOfYear => &["threshold", "year", "day", "entity_kind", "counted", "song_rule", "credit"],
            Self::FirstTo => &["cohort", "threshold", "entity_kind", "year", "on", "song_rule", "credit"],
            Self::MostStreamed => &["cohort", "entity_kind", "window", "song_rule", "credit"],
            Self::ContributingSongs => &["threshold", "songs", "year", "song_rule", "credit"],
            Self::Total => {
                &["at_least", "streams", "on", "entity_kind", "window", "clock", "song_rule", "credit"]
            }
            Self::Rank => &["ranking", "rank", "window"],
        }
    }

    /// What a claim of this kind is of, if it does not say.
    fn entity(self) -> EntityKind {
        match self {
            Self::DayOfYear | Self::FirstTo | Self::ContributingSongs => EntityKind::Artist,
            _ => EntityKind::Song,
        }
    }

    fn needs<T>(self, key: &str, value: Option<T>) -> Result<T, String> {
        value.ok_or_else(|| format!("kind = \"{}\" needs `{key}`", self.word()))
    }
}

impl ClaimsFile {
    /// Reads a claims file.
    ///
    /// # Errors
    /// [`Error::Config`] with the file, and the line and the id of a claim that does not say what
    /// its kind needs.
    pub fn load(path: &Path, known: Known<'_>) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::config(path, format!("cannot read the claims file: {error}; see data/claims for one"))
        })?;
        let file: File = toml::from_str(&text).map_err(|error| Error::config(path, error))?;
        if file.claim.len() > MOST_CLAIMS {
            let problem =
                format!("{} claims are too many; split the file at {MOST_CLAIMS}", file.claim.len());
            return Err(Error::config(path, problem));
        }
        let mut ids = HashSet::new();
        let mut claims = Vec::with_capacity(file.claim.len());
        for raw in file.claim {
            let line = 1 + text[..raw.id.span().start].matches('\n').count();
            let id = raw.id.get_ref().clone();
            let problem = |problem| Error::config(path, format!("line {line}, claim `{id}`: {problem}"));
            if id.is_empty() {
                return Err(problem("give it an id, by which the table names it".to_owned()));
            }
            if !ids.insert(id.clone()) {
                return Err(problem("another claim has the same id".to_owned()));
            }
            claims.push(raw.lower(known).map_err(problem)?);
        }
        Ok(Self { claims, hash: blake3::hash(text.as_bytes()).to_hex().to_string() })
    }
}

impl Raw {
    /// The keys that not every kind has, and whether they are given.
    fn given(&self) -> [(&'static str, bool); 17] {
        [
            ("entity_kind", self.entity_kind.is_some()),
            ("cohort", self.cohort.is_some()),
            ("threshold", self.threshold.is_some()),
            ("window", self.window.is_some()),
            ("year", self.year.is_some()),
            ("clock", self.clock.is_some()),
            ("counted", self.counted.is_some()),
            ("song_rule", self.song_rule.is_some()),
            ("credit", self.credit.is_some()),
            ("days", self.days.is_some()),
            ("on", self.on.is_some()),
            ("day", self.day.is_some()),
            ("songs", self.songs.is_some()),
            ("at_least", self.at_least.is_some()),
            ("streams", self.streams.is_some()),
            ("ranking", self.ranking.is_some()),
            ("rank", self.rank.is_some()),
        ]
    }

    fn check_keys(&self) -> Result<(), String> {
        let keys = self.kind.keys();
        match self.given().into_iter().find(|(key, given)| *given && !keys.contains(key)) {
            Some((foreign, _)) => {
                let kind = self.kind.word();
                Err(format!("kind = \"{kind}\" has no `{foreign}`; it has {}", keys.join(", ")))
            }
            None => Ok(()),
        }
    }

    fn lower(self, known: Known<'_>) -> Result<Claim, String> {
        self.check_keys()?;
        let numbers = [
            ("threshold", self.threshold, 1..=i64::MAX - 1),
            ("at_least", self.at_least, 1..=i64::MAX - 1),
            ("streams", self.streams, 1..=i64::MAX - 1),
            ("days", self.days, 0..=i64::from(u16::MAX)),
            ("day", self.day, 1..=366),
            ("songs", self.songs, 1..=i64::from(u32::MAX)),
            ("rank", self.rank, 1..=i64::from(u32::MAX)),
        ];
        for (key, value, range) in numbers {
            if let Some(value) = value.filter(|value| !range.contains(value)) {
                let (least, most) = (range.start(), range.end());
                return Err(format!("{key} = {value} is not between {least} and {most}"));
            }
        }
        if let Some(cohort) = self.cohort.as_ref().filter(|cohort| !known.catalog.has_cohort(cohort)) {
            let all = known.catalog.cohort_ids().join(", ");
            return Err(format!("the catalog has no cohort `{cohort}`; it has: {all}"));
        }
        match self.kind {
            Kind::Rank => self.lower_rank(known),
            _ => self.lower_other(known),
        }
    }

    fn lower_other(self, known: Known<'_>) -> Result<Claim, String> {
        let entity_kind = self.entity_kind.unwrap_or(self.kind.entity());
        let is_artist = entity_kind == EntityKind::Artist;
        if self.credit.is_some() && !is_artist {
            return Err(format!("only artists have a credit, and this is of a {}", entity_kind.word()));
        }
        if self.song_rule.is_some() && is_artist && self.kind != Kind::ContributingSongs {
            return Err("song_rule is for songs, and this is of an artist".to_owned());
        }
        let rule = match (entity_kind, self.song_rule) {
            (EntityKind::Track, None | Some(SongRule::Uri)) => SongRule::Uri,
            (EntityKind::Work, None | Some(SongRule::Work)) => SongRule::Work,
            (EntityKind::Track | EntityKind::Work, Some(rule)) => {
                let (kind, rule) = (entity_kind.word(), rule.word());
                return Err(format!("a {kind} is not counted by song_rule = \"{rule}\"; say so of a song"));
            }
            (EntityKind::Song | EntityKind::Artist, rule) => rule.unwrap_or_default(),
        };
        let (clock, window) = self.clock_and_window()?;
        let on = self.on()?;
        if let Some(on) = on
            && clock.window(on) != window
        {
            return Err(format!("on = {on} does not lie in {window}"));
        }
        let counted = self.counted.unwrap_or(match self.kind {
            Kind::DayOfYear => Counted::Inclusive,
            _ => Counted::Elapsed,
        });
        let kind = self.kind;
        let threshold = || kind.needs("threshold", self.threshold);
        let statement = match kind {
            Kind::DaysTo => {
                Statement::DaysTo { threshold: threshold()?, days: kind.needs("days", self.days)? }
            }
            Kind::ReachedOn => Statement::ReachedOn { threshold: threshold()?, on: kind.needs("on", on)? },
            Kind::DayOfYear => {
                kind.needs("year", self.year)?;
                Statement::DayOfYear { threshold: threshold()?, day: kind.needs("day", self.day)? }
            }
            Kind::FirstTo => {
                kind.needs("cohort", self.cohort.as_ref())?;
                Statement::FirstTo { threshold: threshold()?, on }
            }
            Kind::MostStreamed => Statement::MostStreamed,
            Kind::ContributingSongs => {
                let songs = kind.needs("songs", self.songs)?;
                Statement::ContributingSongs { threshold: threshold()?, songs }
            }
            Kind::Total | Kind::Rank => {
                let amount = match (self.at_least, self.streams) {
                    (Some(least), None) => Amount::AtLeast(least),
                    (None, Some(streams)) => Amount::Exactly(streams),
                    _ => return Err("kind = \"total\" needs one of `at_least` and `streams`".to_owned()),
                };
                Statement::Total { amount, on }
            }
        };
        let credit = self.credit.unwrap_or_default();
        let convention = Convention { clock, counted, rule, credit };
        let first_chart = known.tallies.first().and_then(|tally| tally.charts.as_ref()?.first());
        Ok(Claim {
            chart_is_named: self.chart.is_some(),
            chart: self.chart.or(first_chart.cloned()).unwrap_or_else(|| "spotify:daily".to_owned()),
            region: self.region.map_or_else(|| "global".to_owned(), |region| region.to_lowercase()),
            id: self.id.into_inner(),
            says: self.says,
            source: self.source,
            about: self.about,
            kind: self.kind,
            entity: self.entity,
            entity_kind,
            cohort: self.cohort,
            window,
            convention,
            statement,
        })
    }

    /// A rank is counted as its ranking is.
    fn lower_rank(self, known: Known<'_>) -> Result<Claim, String> {
        let name = self.kind.needs("ranking", self.ranking.as_deref())?;
        let rank = self.kind.needs("rank", self.rank)?;
        let ranking = known.rankings.iter().find(|ranking| ranking.name == name).ok_or_else(|| {
            let all: Vec<&str> = known.rankings.iter().map(|ranking| ranking.name.as_str()).collect();
            format!("the pipeline has no ranking `{name}`; it has: {}", all.join(", "))
        })?;
        if matches!(ranking.kind, RankingKind::Club | RankingKind::Reach) {
            let kind = ranking.kind.word();
            return Err(format!(
                "ranking `{name}` is a {kind}; claims are of fastest, first and most_streamed"
            ));
        }
        let tally = &known.tallies[ranking.tally];
        let window = match (ranking.per, self.window.as_deref()) {
            (Per::Entity, None) => Window::ALL,
            (Per::Entity, Some(_)) => {
                return Err(format!("ranking `{name}` ranks best windows together and has no `window`"));
            }
            (Per::Window, window) => {
                let (of, window) = parse_window(window.unwrap_or("all"))?;
                let follows = |clock| matches!(clock, Clock::CalendarYear | Clock::CalendarMonth);
                let fits = of.map_or(!follows(tally.clock), |of| of == tally.clock);
                if !fits {
                    let clock = tally.clock.word();
                    return Err(format!(
                        "ranking `{name}` ranks each window of {clock} by itself; name one in `window`"
                    ));
                }
                window
            }
        };
        let one_of = |key: &str, names: &Option<Vec<String>>, named: Option<String>, usual: &str| match names
        {
            None => Ok(named.unwrap_or_else(|| usual.to_owned())),
            Some(names) => match named.or_else(|| names.first().cloned()) {
                Some(named) if names.contains(&named) => Ok(named),
                Some(named) => {
                    let all = names.join(", ");
                    Err(format!("ranking `{name}` is not of {key} = \"{named}\"; it is of {all}"))
                }
                None => Err(format!("ranking `{name}` is of no {key}")),
            },
        };
        let convention = Convention {
            clock: tally.clock,
            counted: Counted::Elapsed,
            rule: tally.rule,
            credit: tally.credit,
        };
        let has_global =
            tally.regions.as_ref().is_none_or(|regions| regions.iter().any(|name| name == "global"));
        Ok(Claim {
            // Counters are no other basis of a ranking that does not count them.
            chart_is_named: true,
            chart: one_of("chart", &tally.charts, self.chart.clone(), "spotify:daily")?,
            region: one_of(
                "region",
                &tally.regions,
                self.region.clone().or(has_global.then(|| "global".to_owned())),
                "global",
            )?,
            entity_kind: tally.entity,
            cohort: tally.cohort.clone(),
            window,
            convention,
            statement: Statement::Rank { ranking: ranking.clone(), rank },
            id: self.id.into_inner(),
            says: self.says,
            source: self.source,
            about: self.about,
            kind: self.kind,
            entity: self.entity,
        })
    }

    fn on(&self) -> Result<Option<Day>, String> {
        let Some(on) = self.on else { return Ok(None) };
        let day = Day::parse(on.to_string().as_bytes()).filter(|_| on.time.is_none());
        day.map(Some).ok_or_else(|| format!("on = {on} must be a date such as 2024-03-20"))
    }

    /// A claim names a turn of the calendar, or a clock that does not follow it. By default the
    /// count begins with the release, so that streams before the first export are not forgotten.
    fn clock_and_window(&self) -> Result<(Clock, Window), String> {
        let year = self.year.map(|year| format!("{year:04}"));
        let words = self.window.as_deref().or(year.as_deref()).unwrap_or("all");
        match (parse_window(words)?, self.clock) {
            ((Some(clock), window), named) if named.is_none_or(|named| named == clock) => Ok((clock, window)),
            ((Some(_), window), Some(named)) => {
                Err(format!("the clock {} has no window {window}", named.word()))
            }
            ((None, _), Some(clock @ (Clock::CalendarYear | Clock::CalendarMonth))) => {
                Err(format!("the clock {} needs a window such as 2024 or 2024-03", clock.word()))
            }
            ((_, window), named) => Ok((named.unwrap_or(Clock::Release), window)),
        }
    }
}

/// A window, and the clock of the calendar that has it.
fn parse_window(text: &str) -> Result<(Option<Clock>, Window), String> {
    let window =
        Window::parse(text).ok_or_else(|| format!("`{text}` is no window such as all, 2024 or 2024-03"))?;
    let clock = match text.len() {
        4 => Some(Clock::CalendarYear),
        7 => Some(Clock::CalendarMonth),
        _ => None,
    };
    Ok((clock, window))
}
