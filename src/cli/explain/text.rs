//! A proof for people.

use std::io::{self, Write};

use chartledger::dates::Day;
use chartledger::proof::{Around, Bounds, Figure, Proof, Row, Share};
use comfy_table::{Cell, CellAlignment, Table};

use super::super::text::{plural, printable, table, thousands};

/// How many tracks are shown without `--rows`.
const TRACKS: usize = 15;

/// The columns of the rows.
pub const ROW_COLUMNS: [&str; 10] =
    ["date", "rank", "uri", "title", "artists", "streams", "counted", "sum", "export", "row"];

/// Writes a proof.
pub fn write(out: &mut impl Write, proof: &Proof, notes: &[String], rows: bool) -> io::Result<()> {
    let Proof { evidence, sum, convention, coverage, .. } = proof;
    writeln!(out, "{}\n", sentence(proof))?;

    line(out, "evidence", &format!("{}, {} {}", printable(&evidence.export), evidence.unit, evidence.row))?;
    line(out, "", &format!("read from {}", printable(&evidence.path)))?;
    let last = if proof.figure == Figure::Total { ", the last date" } else { "" };
    let of_date = format!("{} of {}{last}", plural(proof.rows_of_date.len() as i64, "row"), proof.on);
    line(out, "date", &of_date)?;
    writeln!(out, "{}\n", indented(&rows_of_date(proof)))?;

    let (before, on_date, after) = (thousands(sum.before), thousands(sum.on_date), thousands(sum.after));
    line(out, "sum", &format!("{before} before + {on_date} on {} = {after}", proof.on))?;
    if sum.opening != 0 {
        let opening =
            format!("{} of it stood on the counter before the first export", thousands(sum.opening));
        line(out, "", &opening)?;
    }
    let tracks = plural(proof.tracks.len() as i64, "track");
    line(out, "tracks", &format!("{tracks}, {}", plural(convention.contributing_songs as i64, "song")))?;
    let shown = if rows { proof.tracks.len() } else { TRACKS };
    writeln!(out, "{}", indented(&shares(proof, shown)))?;
    if proof.tracks.len() > shown {
        line(out, "", &format!("and {} more, --rows lists all", proof.tracks.len() - shown))?;
    }
    writeln!(out)?;

    let start = format!(
        "{}: counted from {}, {}",
        convention.clock,
        convention.start_on,
        basis_in_words(convention.start_basis)
    );
    line(out, "convention", &start)?;
    if let Figure::Milestone { .. } = proof.figure {
        let (elapsed, day) = (plural(convention.days_elapsed, "day"), thousands(convention.day_number));
        line(out, "", &format!("{elapsed} elapsed; day number {day}"))?;
    }
    let rule = convention.song_rule;
    match proof.entity_kind {
        "artist" => {
            let source = source_in_words(convention.credit_source);
            let credit = format!("credit {}, {source}; song rule {rule}", convention.credit);
            line(out, "", &credit)?;
        }
        _ => line(out, "", &format!("song rule {rule}"))?,
    }
    if proof.basis == "counter" {
        line(out, "", "a counter: what a date adds is the growth of its total since the sighting before")?;
    }
    line(out, "bounds", &bounds(proof.figure, &proof.bounds))?;
    line(out, "coverage", &states(&coverage.around))?;
    let end = match proof.figure {
        Figure::Milestone { .. } => coverage.until,
        Figure::Total => proof.until,
    };
    let (missing, stale) = (coverage.missing, coverage.stale);
    let due = plural(coverage.due as i64, "date");
    line(
        out,
        "",
        &format!("{missing} missing and {stale} stale of {due} due from {} to {end}", coverage.since),
    )?;
    merges(out, proof)?;
    let checked = format!(
        "{} of {} follow from {} of {}",
        plural(proof.derived.len() as i64, "column"),
        proof.figure.table(),
        plural(proof.rows.len() as i64, "row"),
        plural(proof.dates as i64, "date"),
    );
    line(out, "checked", &checked)?;
    for note in notes {
        line(out, "note", &printable(note))?;
    }
    if rows {
        writeln!(out, "\n{}", all_rows(&proof.rows))?;
    }
    Ok(())
}

/// A line with its keyword; one that goes on has none.
fn line(out: &mut impl Write, keyword: &str, text: &str) -> io::Result<()> {
    writeln!(out, "{keyword:<12}{text}")
}

fn sentence(proof: &Proof) -> String {
    let by = match proof.artists.as_str() {
        "" => String::new(),
        artists => format!(" by {}", printable(artists)),
    };
    let who = format!("{}{by} ({})", printable(&proof.entity), proof.entity_kind);
    let of = match proof.window.as_str() {
        "all" => String::new(),
        window => format!(" of {window}"),
    };
    let place = format!("{} {}", proof.chart, printable(&proof.region));
    match proof.figure {
        Figure::Milestone { threshold } => format!(
            "{who} reached {} streams{of} on {}, day {}, in {place}",
            thousands(threshold),
            proof.on,
            thousands(proof.convention.day_number),
        ),
        Figure::Total => {
            let streams = thousands(proof.sum.after);
            format!("{who} has {streams} streams{of} up to {}, in {place}", proof.until)
        }
    }
}

fn basis_in_words(basis: &str) -> &str {
    match basis {
        "first_export" => "the first export of the chart",
        "first_charted" => "the first date on the chart (first_charted)",
        "release" => "the catalog's release date",
        "conflict" => "the first date on the chart, as the catalog's release date is later (conflict)",
        _ => "by the calendar",
    }
}

fn source_in_words(source: &str) -> &str {
    match source {
        "catalog" => "as the catalog has it",
        "first_name" => "the first name of a cell leading, which is a convention (first_name)",
        "mixed" => "as the catalog has it, and elsewhere the first name of a cell leading (mixed)",
        _ => "as displayed",
    }
}

fn bounds(figure: Figure, bounds: &Bounds) -> String {
    let Bounds { certainty, earliest_on, at_most, because } = bounds;
    match (figure, at_most) {
        (Figure::Total, Some(most)) => format!("at most {}: {because}", thousands(*most)),
        (Figure::Total, None) => format!("at most unknown: {because}"),
        (Figure::Milestone { .. }, _) => {
            let open = earliest_on.filter(|_| *certainty != Some("certain"));
            let earliest = open.map_or(String::new(), |day| format!(", not before {day}"));
            format!("{}{earliest}: {because}", certainty.unwrap_or_default())
        }
    }
}

/// Dates with their state, dates in a row of one state together.
fn states(around: &[Around]) -> String {
    let group = |dates: &[Around]| {
        let span = |first: Day, last: Day| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        };
        Some(format!("{} {}", span(dates.first()?.date, dates.last()?.date), dates.first()?.state))
    };
    let groups = around.chunk_by(|a, b| a.state == b.state);
    groups.filter_map(group).collect::<Vec<_>>().join(", ")
}

fn merges(out: &mut impl Write, proof: &Proof) -> io::Result<()> {
    let Figure::Milestone { .. } = proof.figure else { return Ok(()) };
    if proof.alone.is_empty() {
        return Ok(());
    }
    let by_itself = proof
        .alone
        .iter()
        .filter(|track| track.reached_on.is_some_and(|on| on <= proof.on))
        .min_by_key(|track| track.reached_on);
    if let Some((track, on)) = by_itself.and_then(|track| Some((track, track.reached_on?))) {
        return line(out, "merges", &format!("{} got there by itself, on {on}", printable(&track.uri)));
    }
    line(out, "merges", "no single URI was there by then:")?;
    for track in &proof.alone {
        let later = track.reached_on.map_or(String::new(), |on| format!(", and got there on {on}"));
        line(out, "", &format!("{} under {}{later}", thousands(track.streams), printable(&track.uri)))?;
    }
    Ok(())
}

fn rows_of_date(proof: &Proof) -> Table {
    let mut shown = table(None);
    shown.set_header(header(
        &["rank", "title", "artists", "streams", "counted", "row"],
        &["rank", "streams", "counted", "row"],
    ));
    for row in &proof.rows_of_date {
        shown.add_row([
            right(row.rank.to_string()),
            left(&row.title),
            left(&row.artists),
            right(thousands(row.streams)),
            right(thousands(row.counted)),
            right(row.row.to_string()),
        ]);
    }
    shown
}

fn shares(proof: &Proof, shown: usize) -> Table {
    let mut shares = table(None);
    let numbers = ["streams", "percent", "dates"];
    shares.set_header(header(
        &["title", "uri", "streams", "percent", "first_on", "last_on", "dates"],
        &numbers,
    ));
    for Share { uri, title, streams, first_on, last_on, dates, .. } in proof.tracks.iter().take(shown) {
        shares.add_row([
            left(title),
            left(uri),
            right(thousands(*streams)),
            right(percent(*streams, proof.sum.after)),
            left(&first_on.to_string()),
            left(&last_on.to_string()),
            right(thousands(*dates as i64)),
        ]);
    }
    shares
}

fn percent(part: i64, whole: i64) -> String {
    match whole {
        0 => "-".to_owned(),
        whole => format!("{:.1}", part as f64 / whole as f64 * 100.0),
    }
}

fn all_rows(rows: &[Row]) -> Table {
    let mut all = table(None);
    all.set_header(header(&ROW_COLUMNS, &["rank", "streams", "counted", "sum", "row"]));
    for row in rows {
        all.add_row([
            left(&row.date.to_string()),
            right(row.rank.to_string()),
            left(&row.uri),
            left(&row.title),
            left(&row.artists),
            right(thousands(row.streams)),
            right(thousands(row.counted)),
            right(thousands(row.sum)),
            left(&row.export),
            right(row.row.to_string()),
        ]);
    }
    all
}

fn header(names: &[&str], numbers: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| if numbers.contains(name) { right(*name) } else { left(name) }).collect()
}

fn left(text: &str) -> Cell {
    Cell::new(printable(text))
}

fn right(text: impl ToString) -> Cell {
    Cell::new(text.to_string()).set_alignment(CellAlignment::Right)
}

/// A table below its keyword.
fn indented(table: &Table) -> String {
    table.lines().map(|line| format!("           {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}
