//! Exports as the cluster reads them: rows stay there, and what their distinct cells mean is decided
//! here, by the code that reads whole rows. Numbers are the one thing that the cluster reads itself.
//!
//! There is no quarantine and no newest export on a cluster: a row that cannot be read, and exports
//! that contradict each other, are refused by name. A ledger settles both.

use std::collections::{BTreeMap, HashMap};

use super::cluster::{Cluster, Pace, Relation, Values, address};
use super::input::Input;
use super::sql::quoted;
use crate::error::{Error, Result};
use crate::exports::apart::{self, MOST_STREAMS, Meanings, Shape};
use crate::exports::dialect::{ChartIn, DayIn, Layout, RegionIn};
use crate::exports::{Discovered, Found, Listing, discover_all};
use crate::pipeline::Plan;

/// How many files are opened one by one where the server does not tell which one a row is from.
const MOST_READERS: usize = 500;

/// Files of one shape.
struct Group {
    shape: Shape,
    files: Vec<(Found, Layout)>,
}

/// A whole number in a cell, as [`crate::exports::cells::whole_number`] reads it; NULL for anything
/// else.
fn whole_number(cell: &str, thousands: Option<u8>) -> String {
    let cell = match thousands {
        // The blanks that spreadsheets put between thousands.
        Some(b' ') => format!("translate({cell}, '\u{A0}\u{2009}\u{202F}', '   ')"),
        _ => cell.to_owned(),
    };
    let separator = thousands.map(char::from).map(|separator| match separator {
        '\'' => "[\\']".to_owned(),
        separator => format!("[{separator}]"),
    });
    let decimals = if thousands == Some(b'.') { "[,]" } else { "[.]" };
    let digits = separator.as_deref().map_or("[0-9]".to_owned(), |class| format!("(?:[0-9]|{class})"));
    let bare = format!("regexp_replace(trim({cell}), '^[+]', '')");
    let bare = format!("regexp_replace({bare}, '^(-?{digits}+){decimals}0*$', '$1')");
    let plain = format!("CASE WHEN {bare} RLIKE '^-?[0-9]{{1,18}}$' THEN CAST({bare} AS BIGINT)");
    match separator {
        None => format!("{plain} END"),
        Some(class) => format!(
            "{plain} WHEN {bare} RLIKE '^-?[0-9]{{1,3}}({class}[0-9]{{3}}){{1,5}}$' \
             THEN CAST(regexp_replace({bare}, '{class}', '') AS BIGINT) END"
        ),
    }
}

/// Opens the pipeline's exports.
///
/// # Errors
/// [`Error::Input`] for what the cluster cannot take, and those of the cluster.
pub fn exports(cluster: &mut Cluster, plan: &Plan, pace: &mut dyn FnMut(Pace)) -> Result<Input> {
    let Discovered { found, left_out, .. } = discover_all(&plan.roots, &plan.intake)?;
    if let Some(first) = left_out.first() {
        return Err(Error::Input(format!(
            "{}: {}; the cluster takes all files or none",
            first.name, first.problem
        )));
    }
    if found.is_empty() {
        let roots: Vec<String> = plan.roots.iter().map(|root| root.display().to_string()).collect();
        return Err(Error::Input(format!("no export under {}", roots.join(", "))));
    }
    let what = format!("{} exports", found.len());
    let groups = groups(plan, found)?;
    // Not every server that speaks the protocol does.
    let tells_files = cluster.view("cl_probe", "SELECT input_file_name() AS file").is_ok();
    let mut meanings = Meanings::default();
    let mut parts = Vec::new();
    let mut named: Vec<Vec<Option<u32>>> = Vec::new();
    for (place, group) in groups.iter().enumerate() {
        open(cluster, place, group, tells_files)?;
        send_heads(cluster, place, group, &mut meanings, pace)?;
        named.push(collect_tracks(cluster, place, group, &mut meanings, pace)?);
    }
    let (scopes, raw) = meanings.into_names();
    // Cells that differ in blanks alone are one listing.
    let (mut listings, mut codes): (Vec<Listing>, HashMap<Listing, u32>) = Default::default();
    let of_raw: Vec<u32> = raw
        .into_iter()
        .map(|listing| {
            *codes.entry(listing).or_insert_with_key(|listing| {
                listings.push(listing.clone());
                listings.len() as u32 - 1
            })
        })
        .collect();
    for (place, (group, named)) in groups.iter().zip(&named).enumerate() {
        let rows = named.iter().enumerate().filter_map(|(row, raw)| {
            let listing = *of_raw.get((*raw)? as usize)?;
            Some([row as i64, i64::from(listing)])
        });
        cluster.send(&format!("cl_named_{place}"), &Relation::of_numbers(["number", "listing"], rows))?;
        parts.push(read(place, group, plan));
    }
    cluster.view("cl_read", &parts.join(" UNION ALL "))?;
    refuse_unreadable(cluster, pace)?;
    let tracks = super::relations::tracks(&listings);
    cluster.send("cl_tracks", &tracks)?;
    // What an export says twice counts once; so does what two exports say.
    cluster.view(
        "cl_rows_of_files",
        "SELECT scope, day, `rank`, listing, streams, MIN(total) AS total, MIN(path) AS path FROM cl_read \
         GROUP BY scope, day, `rank`, listing, streams",
    )?;
    let scopes: BTreeMap<i64, (String, String)> =
        scopes.into_iter().enumerate().map(|(code, names)| (code as i64, names)).collect();
    refuse_contradictions(cluster, &scopes, pace)?;
    cluster.view("cl_rows", "SELECT scope, day, `rank`, listing, streams, total FROM cl_rows_of_files")?;
    Ok(Input { what, listings, scopes, ..Input::default() })
}

/// The files by their shape: one reader for each.
fn groups(plan: &Plan, found: Vec<Found>) -> Result<Vec<Group>> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for found in found {
        let refuse = |problem: &str| Err(Error::Input(format!("{}: {problem}", found.name)));
        let shape = match apart::shape(&found, &plan.mapped) {
            Ok(shape) => shape,
            Err(problem) => return refuse(&problem),
        };
        if shape.is_zstandard {
            return refuse(
                "a cluster does not read CSV packed with zstd; pack it with gzip, or make it Parquet",
            );
        }
        if shape.lines_above.is_some_and(|lines| lines > 1) {
            return refuse(
                "it has lines above its header, which a cluster does not skip; take them out, or use the ledger",
            );
        }
        let layout = shape.layout.clone();
        let mut alike = layout.clone();
        // What a file's name says differs from file to file.
        alike.first_row = (0, 0);
        if let RegionIn::Fixed(region) = &mut alike.region {
            region.clear();
        }
        if let ChartIn::Fixed(chart) = &mut alike.chart {
            chart.clear();
        }
        if let DayIn::Fixed(day) = &mut alike.day {
            *day = crate::dates::Day(0);
        }
        let by_name = shape.lines_above.is_none().then_some(&shape.columns);
        let key = format!("{alike:?} {:?} {by_name:?}", shape.lines_above);
        groups.entry(key).or_insert_with(|| Group { shape, files: Vec::new() }).files.push((found, layout));
    }
    Ok(groups.into_values().collect())
}

/// Makes the view `cl_raw_N`: the cells that matter as text, `path` and `file`.
fn open(cluster: &mut Cluster, place: usize, group: &Group, tells_files: bool) -> Result<()> {
    let Group { shape, files } = group;
    let paths: Vec<String> = files.iter().map(|(found, _)| address(&found.path)).collect();
    let layout = &shape.layout;
    let name = |column: usize| match shape.lines_above {
        Some(_) => format!("c{column}"),
        None => {
            format!("`{}`", shape.columns.get(column).map_or(String::new(), |name| name.replace('`', "``")))
        }
    };
    let open = |cluster: &mut Cluster, view: &str, paths: &[String]| match shape.lines_above {
        Some(lines) => {
            let columns: Vec<String> = (0..layout.fields).map(|column| format!("c{column} STRING")).collect();
            let options = [
                ("header", (lines > 0).to_string()),
                ("sep", char::from(layout.delimiter).to_string()),
                ("quote", "\"".to_owned()),
                ("escape", "\"".to_owned()),
                ("mode", "FAILFAST".to_owned()),
                ("encoding", "UTF-8".to_owned()),
            ];
            cluster.open(view, "csv", Some(&columns.join(", ")), &options, paths)
        }
        None => cluster.open(view, "parquet", None, &[], paths),
    };
    let mut columns = layout.columns();
    columns.sort_unstable();
    columns.dedup();
    let cells =
        columns.iter().map(|&column| format!("COALESCE(CAST({} AS STRING), '') AS c{column}", name(column)));
    let cells = cells.collect::<Vec<String>>().join(", ");
    let raw = format!("cl_raw_{place}");
    let source = format!("cl_files_{place}");
    if tells_files {
        open(cluster, &source, &paths)?;
        let path = "input_file_name()";
        let sql =
            format!("SELECT {cells}, {path} AS path, substring_index({path}, '/', -1) AS file FROM {source}");
        return cluster.view(&raw, &sql);
    }
    if files.len() > MOST_READERS {
        return Err(Error::Input(format!(
            "this server does not tell which file a row is from, and {} files are too many to open one by one",
            files.len()
        )));
    }
    let mut parts = Vec::with_capacity(files.len());
    for (number, ((found, _), path)) in files.iter().zip(&paths).enumerate() {
        let view = format!("{source}_{number}");
        open(cluster, &view, std::slice::from_ref(path))?;
        let file = found.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        parts.push(format!(
            "SELECT {cells}, {} AS path, {} AS file FROM {view}",
            quoted(path),
            quoted(&file)
        ));
    }
    cluster.view(&raw, &parts.join(" UNION ALL "))
}

/// The columns of a head on the cluster: chart, region and date cells, and the file where its name
/// says some of it.
fn head_words(layout: &Layout) -> [String; 4] {
    let columns = apart::head_columns(layout);
    let [chart, region, date] =
        columns.map(|column| column.map_or("''".to_owned(), |column| format!("c{column}")));
    let by_file = columns.iter().any(Option::is_none);
    [chart, region, date, if by_file { "file" } else { "''" }.to_owned()]
}

/// Sends which scope and day the heads of rows stand for.
fn send_heads(
    cluster: &mut Cluster,
    place: usize,
    group: &Group,
    meanings: &mut Meanings,
    pace: &mut dyn FnMut(Pace),
) -> Result<()> {
    let [chart, region, date, file] = head_words(&group.shape.layout);
    let sql =
        format!("SELECT DISTINCT {chart} AS a, {region} AS b, {date} AS c, {file} AS d FROM cl_raw_{place}");
    let answer = cluster.collect("reading charts and dates", &sql, pace)?;
    let by_name: HashMap<String, &Layout> = group
        .files
        .iter()
        .flat_map(|(found, layout)| {
            let name =
                found.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            [(escaped(&name), layout), (name, layout)]
        })
        .collect();
    let mut texts: [Vec<Option<String>>; 4] = Default::default();
    let mut numbers: [Vec<Option<i64>>; 3] = Default::default();
    for row in 0..answer.height() {
        let cell = |column: usize| answer.text(column, row).unwrap_or_default();
        let layout = match file.as_str() {
            "file" => by_name.get(cell(3)).copied().unwrap_or(&group.shape.layout),
            _ => &group.shape.layout,
        };
        // A head that means nothing is not sent, and its rows are found to be unreadable.
        let Some((scope, has_streams, day)) = meanings.head(layout, [cell(0), cell(1), cell(2)]) else {
            continue;
        };
        for (column, text) in texts.iter_mut().enumerate() {
            text.push(Some(cell(column).to_owned()));
        }
        for (column, number) in
            numbers.iter_mut().zip([i64::from(scope), i64::from(day.0), i64::from(has_streams)])
        {
            column.push(Some(number));
        }
    }
    let [a, b, c, d] = texts.map(Values::Text);
    let [scope, day, has_streams] = numbers.map(Values::Long);
    let columns = vec![
        ("a", a),
        ("b", b),
        ("c", c),
        ("d", d),
        ("scope", scope),
        ("day", day),
        ("has_streams", has_streams),
    ];
    cluster.send(&format!("cl_heads_{place}"), &Relation { columns })
}

/// A file's name as a URL has it.
fn escaped(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z'
        | b'a'..=b'z'
        | b'0'..=b'9'
        | b'-'
        | b'_'
        | b'.'
        | b'~'
        | b'+'
        | b'@'
        | b','
        | b'='
        | b'('
        | b')' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// The distinct cells that name tracks: makes `cl_cells_N`, numbered by their order here, and gives
/// the listing of each.
fn collect_tracks(
    cluster: &mut Cluster,
    place: usize,
    group: &Group,
    meanings: &mut Meanings,
    pace: &mut dyn FnMut(Pace),
) -> Result<Vec<Option<u32>>> {
    let layout = &group.shape.layout;
    let words = apart::track_columns(layout)
        .map(|column| column.map_or("''".to_owned(), |column| format!("c{column}")));
    let [a, b, c, d] = &words;
    let sql = format!("SELECT DISTINCT {a} AS a, {b} AS b, {c} AS c, {d} AS d FROM cl_raw_{place}");
    let answer = cluster.collect("reading the names of tracks", &sql, pace)?;
    let mut texts: [Vec<Option<String>>; 4] = Default::default();
    let mut named = Vec::with_capacity(answer.height());
    for row in 0..answer.height() {
        let cells: [&str; 4] = std::array::from_fn(|column| answer.text(column, row).unwrap_or_default());
        // Text that was not UTF-8 has lost what it was.
        let legible = cells.iter().all(|cell| !cell.contains('\u{FFFD}'));
        named.push(legible.then(|| meanings.listing(layout, cells)).flatten());
        for (text, cell) in texts.iter_mut().zip(cells) {
            text.push(Some(cell.to_owned()));
        }
    }
    let numbers = (0..answer.height() as i64).map(Some).collect();
    let [a, b, c, d] = texts.map(Values::Text);
    let columns = vec![("a", a), ("b", b), ("c", c), ("d", d), ("number", Values::Long(numbers))];
    cluster.send(&format!("cl_cells_{place}"), &Relation { columns })?;
    Ok(named)
}

/// The rows of a group as numbers.
fn read(place: usize, group: &Group, plan: &Plan) -> String {
    let layout = &group.shape.layout;
    let [chart, region, date, file] = head_words(layout);
    let [a, b, c, d] = apart::track_columns(layout)
        .map(|column| column.map_or("''".to_owned(), |column| format!("c{column}")));
    let total = match layout.total {
        Some(column) => {
            let total = whole_number(&format!("r.c{column}"), layout.thousands);
            format!("CASE WHEN {total} >= 0 THEN {total} END")
        }
        None => "CAST(NULL AS BIGINT)".to_owned(),
    };
    let of_row = |word: &str| if word.starts_with('\'') { word.to_owned() } else { format!("r.{word}") };
    let [chart, region, date, file, a, b, c, d] =
        [chart, region, date, file, a, b, c, d].map(|word| of_row(&word));
    format!(
        "SELECT h.scope AS scope, h.day AS day, {} AS `rank`, n.listing AS listing, \
         CASE WHEN h.has_streams = 1 THEN {} END AS streams, {total} AS total, r.path AS path, \
         h.has_streams AS has_streams FROM cl_raw_{place} r \
         LEFT JOIN cl_heads_{place} h ON {chart} = h.a AND {region} = h.b AND {date} = h.c AND {file} = h.d \
         LEFT JOIN cl_cells_{place} t ON {a} = t.a AND {b} = t.b AND {c} = t.c AND {d} = t.d \
         LEFT JOIN cl_named_{place} n ON t.number = n.number{}",
        whole_number(&format!("r.c{}", layout.rank), None),
        whole_number(&format!("r.c{}", layout.streams), layout.thousands),
        plan.as_of.map_or(String::new(), |day| format!(" WHERE h.day IS NULL OR h.day <= {}", day.0)),
    )
}

/// Refuses rows that cannot be read: a cluster has no quarantine.
fn refuse_unreadable(cluster: &mut Cluster, pace: &mut dyn FnMut(Pace)) -> Result<()> {
    let sql = format!(
        "SELECT COUNT(*) AS `rows`, MIN(path) AS path FROM cl_read WHERE scope IS NULL OR day IS NULL \
         OR listing IS NULL OR `rank` IS NULL OR `rank` < 1 OR `rank` > 65535 \
         OR (has_streams = 1 AND (streams IS NULL OR streams < 0 OR streams > {MOST_STREAMS}))"
    );
    let answer = cluster.collect("reading rows", &sql, pace)?;
    match answer.number(0, 0) {
        Some(0) => Ok(()),
        rows => Err(Error::Input(format!(
            "{} rows cannot be read, the first of them in {}; a cluster has no quarantine: correct them, or take \
             the exports into a ledger with `chartledger run` and count that with --input ledger",
            rows.unwrap_or_default(),
            answer.text(1, 0).unwrap_or_default(),
        ))),
    }
}

/// Refuses exports that contradict each other: a rank that two of them give to different tracks, or
/// a track that two of them list otherwise.
fn refuse_contradictions(
    cluster: &mut Cluster,
    scopes: &BTreeMap<i64, (String, String)>,
    pace: &mut dyn FnMut(Pace),
) -> Result<()> {
    let twice = |by: &str| {
        format!(
            "SELECT r.scope AS scope, r.day AS day, MIN(r.path) AS a, MAX(r.path) AS b FROM cl_rows_of_files r \
             JOIN cl_tracks t ON r.listing = t.listing GROUP BY r.scope, r.day, {by} HAVING MIN(r.path) <> MAX(r.path)"
        )
    };
    let sql = format!(
        "SELECT scope, day, a, b FROM ({} UNION ALL {}) x ORDER BY scope, day, a, b LIMIT 1",
        twice("r.`rank`"),
        twice("t.track")
    );
    let answer = cluster.collect("comparing exports", &sql, pace)?;
    if answer.height() == 0 {
        return Ok(());
    }
    let (chart, region) =
        answer.number(0, 0).and_then(|scope| scopes.get(&scope).cloned()).unwrap_or_default();
    let day = answer.number(1, 0).and_then(|day| u16::try_from(day).ok()).map(crate::dates::Day);
    Err(Error::Input(format!(
        "{} and {} contradict each other on {chart} {region}, {}; which of them counts is settled in a ledger: take \
         them in with `chartledger run` and count that with --input ledger",
        answer.text(2, 0).unwrap_or_default(),
        answer.text(3, 0).unwrap_or_default(),
        day.map_or(String::new(), |day| day.to_string()),
    )))
}
