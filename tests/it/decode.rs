//! Bytes to records and rows: whatever the bytes, what the `csv` crate reads from them.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use chartledger::dates::Day;
use chartledger::exports::records::{Consumed, Fields, Place, Visit, for_each_record};
use chartledger::exports::{self, Decoded, Progress};
use polars::prelude::{
    Column, DataFrame, DataType, Int32Chunked, IntoColumn, ParquetReader, ParquetWriter, SerReader,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{Desk, HERE, id};

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A record with the line it begins in, and its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Record {
    cells: Vec<Vec<u8>>,
    line: u32,
    raw: Vec<u8>,
}

#[derive(Default)]
struct Records(Vec<Record>);

impl Visit for Records {
    fn record<F: Fields>(&mut self, fields: &F, Place { line, raw }: Place<'_>) {
        assert!(fields.text(fields.len()).is_none(), "a cell past the end");
        let cell = |index| fields.text(index).expect("a cell").into_owned();
        self.0.push(Record { cells: (0..fields.len()).map(cell).collect(), line, raw: raw.to_vec() });
    }
}

/// Where a file's blocks are cut, and how far each reads beyond its end.
#[derive(Clone, Copy, Debug)]
struct Cut {
    block: usize,
    overlap: usize,
}

/// Reads blocks as `exports/blocks.rs` does: each guesses that a record begins after its first
/// newline, a wrong guess is read again, and a record longer than the overlap fetches more bytes.
fn in_blocks(bytes: &[u8], first: usize, delimiter: u8, cut: Cut) -> Vec<Record> {
    let size = bytes.len();
    let read = |from: usize, until: usize| {
        let (mut records, mut begin, mut lines, mut end) = (Records::default(), from, 0, until + cut.overlap);
        loop {
            end = end.min(size);
            let before = records.0.len();
            let block = &bytes[begin..end];
            let consumed =
                for_each_record(block, until.saturating_sub(begin), delimiter, end == size, &mut records);
            records.0[before..].iter_mut().for_each(|record| record.line += lines);
            begin += consumed.bytes;
            lines += consumed.lines;
            if begin >= until || end == size {
                return (records.0, begin, lines);
            }
            end += cut.block;
        }
    };
    let (mut all, mut expected, mut line) = (Vec::new(), first, 1);
    for from in (0..size).step_by(cut.block) {
        let until = (from + cut.block).min(size);
        let guess = match from {
            0 => Some(first),
            _ => bytes[from - 1..].iter().position(|byte| *byte == b'\n').map(|newline| from + newline),
        };
        let guessed = guess.filter(|guess| *guess < until).map(|guess| (guess, read(guess, until)));
        let (records, end, lines) = match guessed {
            Some((start, read)) if start == expected => read,
            _ if expected < until => read(expected, until),
            _ => continue,
        };
        all.extend(records.into_iter().map(|record| Record { line: record.line + line, ..record }));
        (expected, line) = (end, line + lines);
    }
    all
}

/// The cells of every record as the `csv` crate reads them.
fn in_sequence(bytes: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let cells = |record: csv::ByteRecord| record.iter().map(<[u8]>::to_vec).collect();
    reader.byte_records().map(|record| cells(record.expect("bytes in memory"))).collect()
}

fn line_ends(bytes: &[u8]) -> usize {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n").matches('\n').count()
}

/// Bytes with everything in them that is hard about CSV.
fn hard_csv() -> impl Strategy<Value = Vec<u8>> {
    let token = select(vec![
        &b"a"[..],
        b"bc",
        b" ",
        b",",
        b",",
        b";",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b"\"",
        b"\"",
        b"\"\"",
        b"\"x,y\"",
        b"\"x\ny\"",
        b"\"say \"\"x\"\"\"",
        b"\"1\r\n2\"",
        b"5\" disc",
        b"\xFF",
        "é".as_bytes(),
        MARK,
    ]);
    (any::<bool>(), vec(token, 0..40)).prop_map(|(marked, tokens)| {
        let mut bytes = if marked { MARK.to_vec() } else { Vec::new() };
        bytes.extend(tokens.concat());
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_cut_anywhere_are_read_as_the_csv_crate_reads_them(
        bytes in hard_csv(),
        delimiter in select(vec![b',', b';']),
        cut in (1usize..60, 0usize..20).prop_map(|(block, overlap)| Cut { block, overlap }),
    ) {
        let first = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        let records = in_blocks(&bytes, first, delimiter, cut);
        let cells: Vec<_> = records.iter().map(|record| record.cells.clone()).collect();
        prop_assert_eq!(cells, in_sequence(&bytes, delimiter));

        // The records lie one behind the other, with nothing but line ends between them.
        let mut at = first;
        for record in &records {
            at += bytes[at..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            prop_assert!(bytes[at..].starts_with(&record.raw), "raw bytes {:?} at {}", record.raw, at);
            prop_assert_eq!(record.line as usize, 1 + line_ends(&bytes[..at]));
            at += record.raw.len();
        }
        prop_assert!(bytes[at..].iter().all(|byte| matches!(byte, b'\n' | b'\r')), "bytes left over");
    }

    #[test]
    fn nothing_changes_far_from_where_a_block_begins(
        bytes in hard_csv(),
        // Bytes are looked at 4 KiB at a time, and 64 of them at once.
        before in (1usize << 12) - 120..(1 << 12) + 20,
    ) {
        let mut records = Records::default();
        let all = [&vec![b'x'; before][..], b"\n", &bytes].concat();
        for_each_record(&all, usize::MAX, b',', true, &mut records);
        let cells: Vec<_> = records.0.into_iter().map(|record| record.cells).collect();
        prop_assert_eq!(cells, in_sequence(&all, b','));
    }

    #[test]
    fn one_block_is_consumed_to_its_end(bytes in hard_csv()) {
        let first = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        let mut records = Records::default();
        let consumed = for_each_record(&bytes[first..], usize::MAX, b',', true, &mut records);
        let lines = line_ends(&bytes) as u32;
        prop_assert_eq!(consumed, Consumed { bytes: bytes.len() - first, lines });
    }
}

#[test]
fn a_record_that_the_block_cuts_off_is_left_to_the_next() {
    let mut records = Records::default();
    let consumed = for_each_record(b"a,b\nc,\"d\ne", usize::MAX, b',', false, &mut records);
    assert_eq!(consumed, Consumed { bytes: 4, lines: 1 });
    assert_eq!(records.0.len(), 1);
}

#[test]
fn a_record_that_begins_before_the_limit_is_read_to_its_end() {
    let mut records = Records::default();
    let consumed = for_each_record(b"a\nbcd\ne\n", 3, b',', true, &mut records);
    assert_eq!(consumed, Consumed { bytes: 6, lines: 2 });
    assert_eq!(records.0.len(), 2);
}

const BLOCK: usize = 1 << 18;
const HEADER: &str = "title,rank,date,artist,url,region,chart,trend,streams\n";

#[test]
fn a_line_end_cut_in_two_counts_once() {
    // Packed exports are read 8 MiB at a time, and here the first read ends between `\r` and `\n`.
    let tail = ",1,2024-01-01,IU,x,Global,top200,,";
    let title = "x".repeat((8 << 20) - HEADER.len() - tail.len() - "7\r".len());
    let text = format!("{HEADER}{title}{tail}7\r\nb{tail}many\r\n");
    let desk = Desk::new();
    fs::write(desk.path("charts.csv.zst"), zstd::encode_all(text.as_bytes(), 1).expect("memory"))
        .expect("a file");
    let found = exports::discover(&[desk.path("charts.csv.zst")]).expect("one export");
    let decoded = exports::decode(found, &[], &Progress::default());
    let content = decoded.exports[0].content.as_ref().expect("a dialect fits");
    let lines: Vec<u32> = content.set_aside.iter().map(|row| row.line).collect();
    assert_eq!((content.rows_read, lines), (2, vec![3]));
}

/// A merged export of more than 16 MiB with a trap at every edge of a block: a quoted cell over the
/// edge, full of lines that look like rows.
fn large_export() -> Vec<u8> {
    let mut bytes = HEADER.as_bytes().to_vec();
    let mut edge = BLOCK;
    let mut row = 0;
    while bytes.len() < 68 * BLOCK + 5000 {
        row += 1;
        let day = Day(19_358).plus(row / 200);
        let tail = |end: &str| {
            let (rank, track, streams) = (row % 200 + 1, id(&format!("{}", row % 997)), 1_000_000 - row);
            let url = format!("https://open.spotify.com/track/{track}");
            format!(",{rank},{day},\"Jung Kook, Latto\",{url},Global,top200,SAME_POSITION,{streams}{end}")
        };
        let title = match row {
            // Longer than what a block reads past its end, and longer than a block.
            9_000 => format!("\"{}\"", "long\n".repeat(30_000)),
            30_000 => format!("\"{}\"", "longer, and \"\"quoted\"\"\r\n".repeat(60_000)),
            _ if edge.saturating_sub(bytes.len()) < 1500 => {
                let row_alike = format!("fake{}", tail("\n").replace('"', "\"\""));
                edge += BLOCK;
                format!("\"{}\"", row_alike.repeat(24))
            }
            _ if row % 1000 == 1 => "5\" disc".to_owned(),
            _ => format!("Song {}", row % 997),
        };
        while edge < bytes.len() + title.len() {
            edge += BLOCK;
        }
        bytes.extend(title.as_bytes());
        bytes.extend(tail(if row % 3 == 0 { "\r\n" } else { "\n" }).as_bytes());
    }
    while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        bytes.pop();
    }
    bytes
}

/// Line, region, day, rank, URI, title, artists, streams.
type Observation = (u32, String, String, u16, String, String, String, i64);

fn expected_rows(bytes: &[u8]) -> Vec<Observation> {
    let mut line = 2;
    let records = in_sequence(bytes, b',').into_iter().skip(1).map(|record| {
        let cells: Vec<String> =
            record.into_iter().map(|cell| String::from_utf8(cell).expect("UTF-8")).collect();
        let [title, rank, date, artists, url, region, _, _, streams] = &cells[..] else {
            panic!("{cells:?}")
        };
        let this = line;
        line += 1 + line_ends(title.as_bytes()) as u32;
        let uri = format!("spotify:track:{}", url.rsplit('/').next().expect("an identifier"));
        let (rank, streams) = (rank.parse().expect("a rank"), streams.parse().expect("streams"));
        let (title, artists) = (title.trim().to_owned(), artists.clone());
        (this, region.to_lowercase(), date.clone(), rank, uri, title, artists, streams)
    });
    records.collect()
}

fn decoded_rows(decoded: &Decoded) -> Vec<Observation> {
    let mut rows: Vec<Observation> = Vec::new();
    for piece in &decoded.pieces {
        let (listings, all) = (&decoded.dictionaries[piece.dictionary as usize], &piece.rows);
        assert_eq!(all.places().count(), all.len());
        rows.extend(all.places().enumerate().map(|(row, (scope, day, line))| {
            let listing = &listings[all.listing[row] as usize];
            let (chart, region) = decoded.scopes[usize::from(scope)].clone();
            assert_eq!(chart, "spotify:daily");
            let (title, artists) = (listing.title.clone(), listing.artists.clone());
            let (day, rank) = (day.to_string(), all.rank[row]);
            (line, region, day, rank, listing.uri.clone(), title, artists, all.streams[row])
        }));
    }
    rows.sort();
    rows
}

#[test]
fn a_large_export_is_read_in_blocks_as_in_sequence() {
    let bytes = large_export();
    let gzipped = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let expected = expected_rows(&bytes);
    assert!(bytes.len() > 64 * BLOCK && expected.len() > 100_000);
    let edges = (BLOCK..bytes.len()).step_by(BLOCK);
    // A quote in the middle of a bare cell opens none.
    let opens_or_closes = |[before, byte]: &[u8; 2]| *byte == b'"' && *before != b'5';
    let quotes = |edge: &usize| bytes[..*edge].array_windows().filter(|two| opens_or_closes(two)).count();
    let in_quotes = edges.filter(|edge| quotes(edge) % 2 == 1);
    assert!(in_quotes.count() >= 40, "most edges lie in a quoted cell");

    let zstandard = zstd::encode_all(&bytes[..], 1).expect("memory");
    for (name, file) in [("charts.csv", bytes), ("charts.csv.gz", gzipped), ("charts.csv.zst", zstandard)] {
        let desk = Desk::new();
        fs::write(desk.path(name), &file).expect("a file");
        // It has no line end at its end, and an export of just now would wait for one.
        desk.date(name, 0);
        let found = exports::discover(&[desk.path(name)]).expect("one export");
        let decoded = exports::decode(found, &[], &Progress::default());
        let [export] = &decoded.exports[..] else { panic!("one export") };
        assert_eq!(export.hash, Some(blake3::hash(&file)), "{name}");
        let content = export.content.as_ref().expect("a dialect fits");
        assert_eq!((content.rows_read, content.set_aside.len()), (expected.len() as u64, 0), "{name}");
        let rows = decoded_rows(&decoded);
        let differs = rows.iter().zip(&expected).find(|(row, expected)| row != expected);
        assert!(differs.is_none(), "{name}: {differs:?}");
        assert_eq!(rows.len(), expected.len(), "{name}");
    }
}

/// A frame in the shape of a merged daily export, and its rows as they must be decoded.
fn typed_export(height: u32, title: impl Fn(u32) -> Option<String>) -> (DataFrame, Vec<Observation>) {
    let track = |row: u32| id(&format!("{}", row * 7 % 997));
    let rows = 0..height;
    let days = rows.clone().map(|row| 19_358 + (row / 60_000) as i32).collect();
    let region = |row: u32| if row % 60_000 < 25_000 { "Global" } else { "South Korea" };
    let text = |name: &str, cell: &dyn Fn(u32) -> Option<String>| {
        Column::new(name.into(), rows.clone().map(cell).collect::<Vec<_>>())
    };
    let columns = vec![
        text("title", &title),
        Column::new("rank".into(), rows.clone().map(|row| row % 60_000 + 1).collect::<Vec<_>>()),
        Int32Chunked::from_vec("date".into(), days).into_date().into_column(),
        text("artist", &|row| Some(format!("Artist {}", row % 31))),
        text("url", &|row| Some(format!("https://open.spotify.com/track/{}", track(row)))),
        text("region", &|row| Some(region(row).to_owned())),
        text("chart", &|_| Some("top200".to_owned())),
        text("trend", &|_| None),
        Column::new("streams".into(), rows.clone().map(|row| i64::from(height - row)).collect::<Vec<_>>()),
    ];
    let expected = rows.clone().map(|row| {
        let region = if region(row) == "Global" { "global" } else { "kr" };
        let day = Day(19_358 + (row / 60_000) as u16).to_string();
        let uri = format!("spotify:track:{}", track(row));
        let (title, artists) = (title(row).unwrap_or_default(), format!("Artist {}", row % 31));
        let rank = (row % 60_000 + 1) as u16;
        (row + 1, region.to_owned(), day, rank, uri, title, artists, i64::from(height - row))
    });
    let expected = expected.collect();
    (DataFrame::new(height as usize, columns).expect("a frame"), expected)
}

fn decoded_parquet(bytes: &[u8]) -> Vec<Observation> {
    let desk = Desk::new();
    fs::write(desk.path("charts.parquet"), bytes).expect("a file");
    let found = exports::discover(&[desk.path("charts.parquet")]).expect("one export");
    let decoded = exports::decode(found, &[], &Progress::default());
    let content = decoded.exports[0].content.as_ref().expect("a dialect fits");
    assert_eq!(content.set_aside, []);
    decoded_rows(&decoded)
}

#[test]
fn a_parquet_export_is_read_however_its_rows_are_grouped_and_its_text_is_kept() {
    let few = |row: u32| Some(format!("Song {}", row * 7 % 997));
    // Titles that change, of which some are missing, and so many that no writer numbers them.
    let changing =
        |row: u32| (!row.is_multiple_of(5)).then(|| format!("Song {}, take {}", row * 7 % 997, row % 3));
    let unlike = |row: u32| Some(format!("Song of row {row}"));
    for (height, group, page) in
        [(300_000, None, None), (3_000, Some(1_000), None), (50, Some(1), None), (9_000, None, Some(64))]
    {
        for (frame, expected) in
            [typed_export(height, few), typed_export(height, changing), typed_export(height, unlike)]
        {
            let mut bytes = Vec::new();
            ParquetWriter::new(&mut bytes)
                .with_row_group_size(group)
                .with_data_page_size(page)
                .finish(&mut frame.clone())
                .expect("memory");
            let rows = decoded_parquet(&bytes);
            let differs = rows.iter().zip(&expected).find(|(row, expected)| row != expected);
            assert!(differs.is_none(), "{height} {group:?} {page:?}: {differs:?}");
            assert_eq!(rows.len(), expected.len(), "{height} {group:?} {page:?}");
        }
    }
}

/// Arrow's writer numbers the words of a column until they are too many, and spells out the rest. It
/// says of some columns that they are dictionaries, and leaves some cells empty.
#[test]
fn text_whose_numbers_run_out_half_way_is_read() {
    let file = Path::new(HERE).join("tests/corpus/exports/parquet-words-run-out/charts.parquet");
    let bytes = fs::read(file).expect("a file of pyarrow");
    let frame = ParquetReader::new(Cursor::new(&bytes)).finish().expect("a Parquet file");
    let text = |name: &str| {
        let column = frame.column(name).expect(name).cast(&DataType::String).expect("text");
        let cells = column.str().expect("text").iter();
        cells.map(|cell| cell.unwrap_or_default().to_owned()).collect::<Vec<String>>()
    };
    let [titles, ranks, days, artists, urls, regions, streams] =
        ["title", "rank", "date", "artist", "url", "region", "streams"].map(text);
    assert!(titles.iter().any(String::is_empty) && frame.height() == 300);
    let expected: Vec<Observation> = (0..frame.height())
        .map(|row| {
            let uri = urls[row].replace("https://open.spotify.com/track/", "spotify:track:");
            let region = if regions[row] == "Global" { "global" } else { "kr" };
            let (rank, streams) =
                (ranks[row].parse().expect("a rank"), streams[row].parse().expect("streams"));
            let (title, artists) = (titles[row].clone(), artists[row].clone());
            (row as u32 + 1, region.to_owned(), days[row].clone(), rank, uri, title, artists, streams)
        })
        .collect();
    assert_eq!(decoded_parquet(&bytes), expected);
}
