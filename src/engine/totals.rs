//! The table `totals` where it is too large to come here: the cluster writes it, as one sorted Parquet
//! file, and it is audited here by the contract like any other.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use polars::prelude::{DataFrame, DataType, ParquetReader, SerReader};

use super::cluster::{Cluster, Pace, Relation, Values};
use super::relations::Absent;
use super::sql::{self, Around, quoted};
use super::survey::Surveying;
use crate::catalog::{Entities, EntityKind};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::files;
use crate::frame::{Column, Frame};
use crate::publish::PublishedTable;
use crate::tables::{self, Contract, Kind, Table, totals::CONTRACT};
use crate::tally::{Basis, Calendar, Clock, TallySpec, Window, first_unknown};

/// Where the cluster writes, beside the runs; nobody reads from there.
const FOLDER: &str = ".from-cluster";
/// Rows that are audited at a time.
const SLICE: usize = 1 << 20;

/// A table that the cluster has written.
pub struct Written {
    /// The folder that it was given, taken away in the end.
    folder: PathBuf,
    /// Its one file.
    file: PathBuf,
    /// What `run.json` says of it.
    pub table: PublishedTable,
}

impl Drop for Written {
    fn drop(&mut self) {
        // Empty by then, unless the run has failed.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Written {
    /// Moves the table into the folder of a run that is about to be published.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn move_into(&self, run: &Path) -> Result<()> {
        let target = run.join(format!("{}.parquet", self.table.name));
        File::open(&self.file).and_then(|file| file.sync_all()).map_err(Error::write(&self.file))?;
        std::fs::rename(&self.file, &target).map_err(Error::write(&target))
    }
}

/// A tally as it is counted in the scopes of one basis.
pub struct Part<'a> {
    /// The tally.
    pub spec: &'a TallySpec,
    /// What the scopes are.
    pub basis: Basis,
    /// What its statement is given, with absences on either basis.
    pub around: Around<'a>,
}

/// Sends the words of the table: scopes, windows, names.
///
/// # Errors
/// Those of [`Cluster::send`].
pub fn send_words(
    cluster: &mut Cluster,
    surveying: &Surveying,
    entities: &Entities,
    kinds: &[EntityKind],
) -> Result<()> {
    let surveyed = &surveying.surveyed;
    let long = |values: Vec<i64>| Values::Long(values.into_iter().map(Some).collect());
    let text =
        |values: Vec<&str>| Values::Text(values.into_iter().map(|text| Some(text.to_owned())).collect());
    let columns = vec![
        ("scope", long(surveying.numbers.clone())),
        ("chart", text(surveyed.scopes.iter().map(|scope| scope.chart.as_str()).collect())),
        ("region", text(surveyed.scopes.iter().map(|scope| scope.region.as_str()).collect())),
        ("basis", text(surveyed.scopes.iter().map(|scope| scope.basis.word()).collect())),
    ];
    cluster.send("cl_scope_words", &Relation { columns })?;
    let mut numbers: Vec<[i64; 9]> = Vec::new();
    let mut words = Vec::new();
    for (calendar, &scope) in surveyed.calendars.iter().zip(&surveying.numbers) {
        for window in windows(calendar) {
            numbers.push(window_row(calendar, scope, window));
            words.push(Some(window.to_string()));
        }
    }
    let names = [
        "scope",
        "win",
        "start_on",
        "known",
        "last_unknown",
        "end_place",
        "end_filled",
        "early",
        "first_due",
    ];
    let mut relation = Relation::of_numbers(names, numbers.into_iter());
    relation.columns.push(("word", Values::Text(words)));
    cluster.send("cl_window_words", &relation)?;
    for kind in kinds {
        let all = entities.of(*kind);
        let columns = vec![
            ("entity", long((0..all.len() as i64).collect())),
            ("id", text(all.iter().map(|entity| entity.id.as_str()).collect())),
            ("name", text(all.iter().map(|entity| entity.name.as_str()).collect())),
            ("artists", text(all.iter().map(|entity| entity.artists.as_str()).collect())),
        ];
        cluster.send(&format!("cl_names_of_{}", kind.word()), &Relation { columns })?;
        let dated = all.iter().enumerate();
        let dated = dated.filter_map(|(code, entity)| Some([code as i64, i64::from(entity.released?.0)]));
        let dated = Relation::of_numbers(["entity", "released"], dated);
        cluster.send(&format!("cl_release_of_{}", kind.word()), &dated)?;
    }
    Ok(())
}

/// The windows of all clocks that lie in a calendar.
fn windows(calendar: &Calendar) -> Vec<Window> {
    let clocks = [Clock::CalendarYear, Clock::CalendarMonth];
    let turns = calendar.due.iter().flat_map(|due| clocks.map(|clock| clock.window(due.day)));
    let mut windows: Vec<Window> = turns.chain([Window::ALL]).collect();
    windows.sort_unstable();
    windows.dedup();
    windows
}

/// What the totals of a window rest on in a scope: when it begins, whether all of its dates are known,
/// the last of which nothing is, its end, and from when on a start lies before the first export.
fn window_row(calendar: &Calendar, scope: i64, window: Window) -> [i64; 9] {
    let first = calendar.due.first().map_or(Day(0), |due| due.day);
    let start_on = window.first().unwrap_or(first);
    let end = window.end().map_or(calendar.due.len(), |end| calendar.index(end));
    let known = end > 0 && first_unknown(calendar, start_on, end - 1).is_none();
    let mut before_end = calendar.due.iter().take(end);
    let last_unknown = before_end.rposition(|due| !due.state.is_live()).map_or(-1, |place| place as i64);
    [
        scope,
        i64::from(window.code()),
        i64::from(start_on.0),
        i64::from(known),
        last_unknown,
        end as i64,
        calendar.filled(end),
        i64::from(first.0) - i64::from(calendar.step.max(1)),
        i64::from(calendar.first_due(start_on).0),
    ]
}

/// The statement for the totals of a tally in the scopes of one basis.
pub fn statement(part: &Part<'_>) -> String {
    let Part { spec, basis, around } = part;
    let kind = spec.entity;
    // Only a chart has bounds on the way; what its absences could add in the end is asked for here.
    let bounded = around.absent.filter(|_| kind != EntityKind::Artist);
    let courses = match basis {
        Basis::Chart => sql::courses(spec, around),
        Basis::Counter => {
            sql::courses(spec, &Around { scopes: around.scopes.clone(), absent: None, ..*around })
        }
    };
    let (start_on, start_basis) = match spec.clock {
        Clock::AllTime => ("w.start_on", "'first_export'"),
        Clock::CalendarYear | Clock::CalendarMonth => ("w.start_on", "'calendar'"),
        Clock::FirstCharted => ("c.first_on", "'first_charted'"),
        Clock::Release => (
            "CASE WHEN r.released <= c.first_on THEN r.released ELSE c.first_on END",
            "CASE WHEN r.released IS NULL THEN 'first_charted' WHEN r.released <= c.first_on THEN 'release' \
             ELSE 'conflict' END",
        ),
    };
    let (at_most, joined) = match (bounded, basis) {
        (None, _) => ("CAST(NULL AS BIGINT)".to_owned(), String::new()),
        (Some(absent), Basis::Chart) => at_most_on_chart(spec.clock, absent),
        (Some(absent), Basis::Counter) => at_most_of_counter(spec.clock, absent),
    };
    let next = spec.thresholds.iter().map(|threshold| {
        format!(
            "WHEN GREATEST(c.opened, COALESCE(c.highest, c.opened), c.sum_so_far) < {threshold} \
             THEN CAST({threshold} AS BIGINT) "
        )
    });
    let next = match spec.thresholds.is_empty() {
        true => "CAST(NULL AS BIGINT)".to_owned(),
        false => format!("CASE {}END", next.collect::<String>()),
    };
    let credit = match kind {
        EntityKind::Artist => spec.credit,
        _ => crate::catalog::Credit::All,
    };
    let rests_on = match credit {
        crate::catalog::Credit::All => "'displayed'",
        _ => {
            "CASE WHEN c.catalog_so_far = 1 AND c.place_so_far = 1 THEN 'mixed' WHEN c.catalog_so_far = 1 THEN \
             'catalog' WHEN c.place_so_far = 1 THEN 'first_name' ELSE 'displayed' END"
        }
    };
    let date = |of: &str| format!("DATE_ADD(DATE'1970-01-01', CAST({of} AS INT))");
    let value = |column: &str| match column {
        "tally" => quoted(&spec.name),
        "chart" | "region" | "basis" => format!("n.{column}"),
        "entity_kind" => quoted(kind.word()),
        "entity_id" => "e.id".to_owned(),
        "entity" => "e.name".to_owned(),
        "artists" => "e.artists".to_owned(),
        "credit" => quoted(credit.word()),
        "song_rule" => quoted(spec.rule.word()),
        "clock" => quoted(spec.clock.word()),
        "window" => "w.word".to_owned(),
        "streams" => "c.sum_so_far".to_owned(),
        "at_most" => at_most.clone(),
        "first_on" => date("c.first_on"),
        "last_on" => date("c.day"),
        "dates_observed" => "CAST(c.number AS BIGINT)".to_owned(),
        "contributing_songs" => "GREATEST(c.songs_so_far, CAST(1 AS BIGINT))".to_owned(),
        "credit_source" => rests_on.to_owned(),
        "peak_streams" => "c.peak".to_owned(),
        "peak_on" => date("c.peak_on"),
        "next_threshold" => next.clone(),
        "remaining" => format!("{next} - c.sum_so_far"),
        "start_on" => date(start_on),
        "start_basis" => start_basis.to_owned(),
        _ => "NULL".to_owned(),
    };
    let columns = CONTRACT.columns.iter().map(|field| format!("{} AS `{}`", value(field.name), field.name));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let word = kind.word();
    format!(
        "SELECT {columns} FROM ({courses}) c JOIN cl_scope_words n ON c.scope = n.scope \
         JOIN cl_window_words w ON c.scope = w.scope AND c.win = w.win \
         JOIN cl_names_of_{word} e ON c.entity = e.entity \
         LEFT JOIN cl_release_of_{word} r ON c.entity = r.entity{joined} WHERE c.next_on IS NULL"
    )
}

/// The sum with all absences filled up to the window's end; NULL if a date is not known.
fn at_most_on_chart(clock: Clock, absent: &Absent) -> (String, String) {
    let known = match clock {
        Clock::AllTime | Clock::CalendarYear | Clock::CalendarMonth => "w.known = 1",
        Clock::FirstCharted => "c.start_place > w.last_unknown",
        Clock::Release => {
            "c.start_place > w.last_unknown AND NOT COALESCE(r.released <= c.first_on AND r.released <= w.early, FALSE)"
        }
    };
    let (own, joined) = match &absent.dated {
        None => ("0", String::new()),
        Some(view) => (
            "COALESCE(k.filled - c.start_dated, 0)",
            format!(
                " LEFT JOIN {view} k ON c.scope = k.scope AND c.entity = k.entity AND k.place = w.end_place"
            ),
        ),
    };
    let filled = format!("c.may * (w.end_filled - c.start_filled) + {own} - c.listed");
    let at_most = format!("CASE WHEN {known} THEN c.sum_so_far + GREATEST({filled}, CAST(0 AS BIGINT)) END");
    (at_most, joined)
}

/// The same of a counter, which goes on unread after its last sighting; NULL for one that begins in
/// the middle of its window, or is one of several.
fn at_most_of_counter(clock: Clock, absent: &Absent) -> (String, String) {
    let begins = match clock {
        Clock::CalendarYear | Clock::CalendarMonth => " AND w.first_due >= c.first_on",
        Clock::AllTime | Clock::FirstCharted | Clock::Release => "",
    };
    let mut joined = format!(" LEFT JOIN {} t ON c.source = t.source AND c.entity = t.entity", absent.tracks);
    let own = match &absent.dated {
        None => "0",
        Some(view) => {
            joined += &format!(
                " LEFT JOIN {view} k ON c.scope = k.scope AND c.entity = k.entity AND k.place = w.end_place \
                 LEFT JOIN {view} l ON c.scope = l.scope AND c.entity = l.entity AND l.place = c.place + 1"
            );
            "COALESCE(k.filled - l.filled, 0)"
        }
    };
    let at_most = format!(
        "CASE WHEN COALESCE(t.counted, 1) = 1 AND w.last_unknown <= c.place{begins} THEN c.sum_so_far + \
         COALESCE(t.tracks, 1) * (w.end_filled - c.filled - c.cutoff) + {own} END"
    );
    (at_most, joined)
}

/// Has the cluster write the table of these parts, and audits what it wrote.
///
/// # Errors
/// [`Error::Input`] if this machine does not see what the cluster wrote, [`Error::Audit`], and those of
/// the cluster.
pub fn write(
    cluster: &mut Cluster,
    (out, run): (&Path, &str),
    parts: &[Part<'_>],
    due: u64,
    pace: &mut dyn FnMut(Pace),
) -> Result<Written> {
    let above = out.join(FOLDER);
    // What a run that was killed has left behind.
    let _ = std::fs::remove_dir_all(&above);
    files::create_directory(&above)?;
    let folder = above.join(run);
    let sql: Vec<String> = parts.iter().map(statement).collect();
    let rows = usize::try_from(due).unwrap_or(usize::MAX);
    // The folder is taken away again, whatever becomes of it.
    let mut written = Written {
        folder: above,
        file: PathBuf::new(),
        table: PublishedTable { name: CONTRACT.name, rows, bytes: 0, hash: String::new() },
    };
    cluster.write("writing totals", (&sql.join(" UNION ALL "), CONTRACT.grain), &folder, pace)?;
    let found = files::below(&folder, "")?;
    let found: Vec<(String, u64)> =
        found.into_iter().filter(|(path, _)| path.ends_with(".parquet")).collect();
    let [(path, bytes)] = found.as_slice() else {
        let problem = match found.len() {
            0 => {
                "this machine sees no file there: --out must be on storage that both see under the same path"
                    .to_owned()
            }
            files => format!("these are {files} files, where a sorted table in one was asked for"),
        };
        return Err(Error::Input(format!(
            "the cluster has written totals to {}, and {problem}; raise --collect-up-to to have totals come here",
            folder.display()
        )));
    };
    (written.file, written.table.bytes) = (folder.join(path), usize::try_from(*bytes).unwrap_or(usize::MAX));
    let mut hash = blake3::Hasher::new();
    let mut file = File::open(&written.file).map_err(Error::read(&written.file))?;
    io::copy(&mut file, &mut hash).map_err(Error::read(&written.file))?;
    written.table.hash = hash.finalize().to_hex().to_string();
    audit(&written.file, &CONTRACT, rows)?;
    Ok(written)
}

/// Checks a file against its contract, some rows at a time; each slice begins with the last row of
/// the one before, so that order and keys are held against each other throughout.
fn audit(path: &Path, contract: &'static Contract, due: usize) -> Result<()> {
    let open = || File::open(path).map_err(Error::read(path));
    let damaged = |error| Error::damaged(path, error);
    let rows = ParquetReader::new(open()?).num_rows().map_err(damaged)?;
    if rows != due {
        return Err(Error::Audit(format!(
            "table {}: the cluster has counted {due} rows and written {rows}",
            contract.name
        )));
    }
    let mut from = 0;
    while from < rows {
        let first = from.saturating_sub(1);
        let slice = ParquetReader::new(open()?).with_slice(Some((first, SLICE + 1))).finish();
        let frame = frame(contract, &slice.map_err(damaged)?)?;
        tables::audit(&Table { contract, frame })?;
        from = first + SLICE + 1;
    }
    Ok(())
}

/// Rows that were read, as we have them.
fn frame(contract: &'static Contract, read: &DataFrame) -> Result<Frame> {
    let missing = |name: &str| Error::Audit(format!("table {}: {name} is not of its type", contract.name));
    let mut columns = Vec::with_capacity(contract.columns.len());
    for field in contract.columns {
        let column = read.column(field.name)?;
        if *column.dtype() != field.kind.dtype() {
            return Err(missing(field.name));
        }
        columns.push(match field.kind {
            Kind::String => Column::optional_text(field.name, column.str()?.iter()),
            Kind::Int64 => Column::optional_numbers(field.name, column.i64()?.iter()),
            Kind::Boolean => Column::optional_flags(field.name, column.bool()?.iter()),
            Kind::Date => {
                let days = column.cast(&DataType::Int32)?;
                let day = |day: Option<i32>| day.map(|day| u16::try_from(day).map(Day));
                let days: Vec<Option<Day>> = days
                    .i32()?
                    .iter()
                    .map(|value| day(value).transpose())
                    .collect::<Result<_, _>>()
                    .map_err(|_| missing(field.name))?;
                Column::optional_dates(field.name, days.into_iter())
            }
        });
    }
    Frame::new(read.height(), columns)
}
