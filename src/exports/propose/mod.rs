//! A guess at what the columns of an unknown file are: a `[[mapped]]` table to paste.
//!
//! The names of the columns go first, in several languages, then what their cells look like. Nothing
//! is decided by it: whoever pastes the table has read it, and [`super::decode`] says what it makes of
//! the file.

mod sample;
mod words;

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::cells;
use super::dialect::Mapped;
use super::discover::Found;
use super::open::file_name;
use sample::{DATE_FORMATS, Seen, records, sample};
use words::{APPEARANCES, ARTISTS, DATE, PEAK, PREVIOUS, RANK, REGION, STREAMS, TITLE, TRACK};

/// A `[[mapped]]` table for a file that no dialect fits.
///
/// # Errors
/// A sentence on what could not be found in it.
pub fn propose(found: &Found) -> Result<String, String> {
    let bytes = sample(found)?;
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err("it is UTF-16; save it as UTF-8".to_owned());
    }
    // Half of a UTF-16 file of Latin letters is zeros, mark or no mark.
    if bytes.iter().filter(|byte| **byte == 0).count() * 3 > bytes.len() {
        return Err("it is no text, or UTF-16; save it as UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).map_err(|at| {
        let line = 1 + bytes.iter().take(at.valid_up_to()).filter(|byte| **byte == b'\n').count();
        format!("line {line} is not UTF-8 (Windows-1252, Latin-1 or CP949, perhaps); save it as UTF-8")
    })?;
    let (delimiter, rows) = records(text)?;
    let (header, rows) = rows.split_first().ok_or("it is empty")?;
    let mut seen: Vec<Seen> = header
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let cells = rows.iter().map(|row| row.get(place).map_or("", |cell| cell.trim()));
            Seen::new(name, cells.collect())
        })
        .filter(|column| !column.name.is_empty())
        .collect();

    // Each part takes its column away, so that none is taken for two things.
    let mut take = |names: &[&str], fits: &dyn Fn(&Seen) -> bool, else_by: Option<&dyn Fn(&Seen) -> i64>| {
        let named =
            names.iter().find_map(|name| seen.iter().position(|column| column.key == *name && fits(column)));
        let by_shape = || {
            let score = else_by?;
            let fitting = seen.iter().enumerate().filter(|(_, column)| fits(column));
            fitting
                .max_by_key(|(place, column)| (score(column), std::cmp::Reverse(*place)))
                .map(|(place, _)| place)
        };
        named.or_else(by_shape).map(|place| seen.remove(place))
    };
    let any = |_: &Seen| 0;
    let date = take(DATE, &|column| column.dates().is_some(), Some(&any));
    let track = take(TRACK, &|column| column.is_track(), Some(&any));
    let peak = take(PEAK, &|column| column.is_numeric(), None);
    let previous = take(PREVIOUS, &|column| column.is_numeric(), None);
    let appearances = take(APPEARANCES, &|column| column.is_numeric(), None);
    let is_rank = |column: &Seen| {
        column.mostly(|cell| column.number(cell).is_some_and(|rank| (1..=65_535).contains(&rank)))
    };
    // Neighbours on a chart are one rank apart.
    let steps = |column: &Seen| {
        let numbers: Vec<Option<i64>> = column.filled().map(|cell| column.number(cell)).collect();
        let next = |pair: &&[Option<i64>]| matches!(pair, [Some(a), Some(b)] if b - a == 1);
        numbers.windows(2).filter(next).count() as i64
    };
    let is_rank_by_shape = |column: &Seen| is_rank(column) && steps(column) > 0;
    let rank = take(RANK, &is_rank, None).or_else(|| take(&[], &is_rank_by_shape, Some(&steps)));
    let streams = take(STREAMS, &|column| column.is_numeric(), Some(&|column| column.median()));
    let is_text = |column: &Seen| !column.is_numeric() && column.filled().next().is_some();
    let artists = take(ARTISTS, &|column| column.filled().next().is_some(), None);
    let title = take(TITLE, &|column| column.filled().next().is_some(), None);
    let is_region = |column: &Seen| is_text(column) && column.mostly(|cell| cell.chars().count() <= 40);
    let region = take(REGION, &is_region, None);
    let many = |column: &Seen| column.distinct() as i64;
    let title = title.or_else(|| take(&[], &is_text, Some(&many)));
    let artists = artists.or_else(|| take(&[], &is_text, Some(&many)));

    // A column that is called so and does not look so has something to tell.
    let called = |names: &[&str], what: &str| {
        let column = seen.iter().find(|column| names.contains(&column.key.as_str()))?;
        let cell = column.filled().next()?;
        Some(format!(" (`{}` is called so, but `{}` is not {what})", shown(column.name), shown(cell)))
    };
    let lacking: Vec<String> = [
        ("a rank", rank.is_none(), called(RANK, "a whole number from 1 to 65535")),
        ("a title", title.is_none(), None),
        ("artists", artists.is_none(), None),
        ("streams", streams.is_none(), called(STREAMS, "a whole number")),
    ]
    .into_iter()
    .filter(|(_, lacks, _)| *lacks)
    .map(|(what, _, called)| format!("{what}{}", called.unwrap_or_default()))
    .collect();
    let undated = || format!("dates{}", called(DATE, "a date in a form that is known").unwrap_or_default());
    let (Some(rank), Some(title), Some(artists), Some(streams)) = (rank, title, artists, streams) else {
        return Err(format!("none of its columns looks like {}", lacking.join(", or like ")));
    };
    let dates = date.as_ref().and_then(Seen::dates);
    let file = file_name(found);
    let day_of_file = day_in(&file);
    if dates.is_none() && day_of_file.is_none() {
        return Err(format!(
            "none of its columns looks like {}, and its name says none; in a [[mapped]] table, \
             `date = 2024-03-20` says it for one file",
            undated()
        ));
    }
    let stem = file.split('.').next().unwrap_or_default();
    let name = slug(stem);
    let of_spotify = track
        .as_ref()
        .is_some_and(|column| column.mostly(|cell| cells::track_uri(cell).starts_with("spotify:track:")));
    let source = if of_spotify { "spotify" } else { name.as_str() };
    let period =
        if is_weekly(dates.as_ref().map(|(_, dates)| dates.as_slice()), &file) { "weekly" } else { "daily" };

    let mut lines = vec!["[[mapped]]".to_owned()];
    let mut say = |key: &str, value: String, about: &str| {
        let line = format!("{key} = {value}");
        lines.push(if about.is_empty() { line } else { format!("{line:<34} # {about}") });
    };
    say("name", quoted(&name), "as the table `exports` calls it");
    say(
        "chart",
        quoted(&format!("{source}:{period}")),
        "source:daily or source:weekly; choose the source's name",
    );
    if region.is_none() {
        say("region", quoted("global"), "no column has it: global, or a code such as kr");
    }
    match (&dates, day_of_file) {
        (Some((format, _)), _) if *format == DATE_FORMATS[0] => {}
        (Some((format, dates)), _) => {
            let other = date.as_ref().and_then(|column| column.other_dates(format, dates));
            let other =
                other.map_or(String::new(), |other| format!("or {}: its dates fit both", quoted(other)));
            say("date_format", quoted(format), &other);
        }
        (None, Some(day)) => {
            say("date", day.to_string(), "no column has it: this is for one file");
            say("file_name", quoted(&file), "only files whose name contains this");
        }
        (None, None) => {}
    }
    if delimiter != b',' {
        say("delimiter", quoted(&char::from(delimiter).to_string()), "");
    }
    match streams.thousands() {
        None => {}
        Some(',') => say("thousands", "true".to_owned(), "numbers such as 1,204"),
        Some(other) => {
            say("thousands", quoted(&other.to_string()), &format!("numbers such as 1{other}204"));
        }
    }
    lines.push("\n[mapped.columns]".to_owned());
    let columns = [
        ("date", date.filter(|_| dates.is_some())),
        ("region", region),
        ("rank", Some(rank)),
        ("track", track),
        ("title", Some(title)),
        ("artists", Some(artists)),
        ("streams", Some(streams)),
        ("peak_rank", peak),
        ("previous_rank", previous),
        ("appearances", appearances),
    ];
    for (key, column) in columns {
        if let Some(column) = column {
            lines.push(format!("{key} = {}", quoted(column.name)));
        }
    }
    Ok(lines.join("\n") + "\n")
}

/// The table as a dialect, to try it.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn parse(table: &str) -> Result<Vec<Mapped>, String> {
    #[derive(serde::Deserialize)]
    struct Tables {
        mapped: Vec<Mapped>,
    }
    let tables: Tables = toml::from_str(table).map_err(|error| error.to_string())?;
    match tables.mapped.iter().find_map(Mapped::problem) {
        Some(problem) => Err(problem),
        None => Ok(tables.mapped),
    }
}

/// Whether dates are a week apart, or the file calls itself weekly.
fn is_weekly(dates: Option<&[NaiveDate]>, file: &str) -> bool {
    let days: BTreeSet<NaiveDate> = dates.unwrap_or_default().iter().copied().collect();
    let days: Vec<NaiveDate> = days.into_iter().collect();
    let apart = |pair: &[NaiveDate]| matches!(pair, [a, b] if (*b - *a).num_days() % 7 == 0);
    match days.len() {
        0 | 1 => file.to_lowercase().contains("week"),
        _ => days.windows(2).all(apart),
    }
}

/// The date in a file's name.
fn day_in(file: &str) -> Option<NaiveDate> {
    let starts = file.char_indices().map(|(at, _)| at);
    let dates =
        starts.filter_map(|at| NaiveDate::parse_from_str(file.get(at..at + 10)?, DATE_FORMATS[0]).ok());
    dates.into_iter().next()
}

/// A file's name as that of a dialect.
fn slug(stem: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphabetic() { c.to_ascii_lowercase() } else { '-' };
    let words: String = stem.chars().map(kept).collect();
    let words: Vec<&str> = words.split('-').filter(|word| word.len() > 1).collect();
    if words.is_empty() { "mine".to_owned() } else { words.join("-") }
}

/// The beginning of a cell.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
