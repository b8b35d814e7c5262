//! CSV bytes to records, exactly as the `csv` crate reads them and as fast as `simd-csv` can.
//!
//! `simd-csv` treats any quote as the start of a quoted region and only `\n` as the end of a
//! record. The `csv` crate, whose rules are the ones people rely on, takes a quote in the middle
//! of a bare field as a character and a lone `\r` as a line end. The two agree on every record in
//! which each field either holds no quote at all or is properly quoted from end to end, and no
//! `\r` stands outside quotes but in the final `\r\n`. So each record of the fast tokenizer is
//! checked for that, and from the first one that fails the rest of the block is read by
//! `csv-core`, the automaton inside the `csv` crate.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr2_iter};

/// The cells of one record.
pub trait Fields {
    /// How many cells there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The text of a cell without quoting; `None` past the end.
    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>>;
    /// A whole number, where the source has typed columns; text sources answer `None`.
    fn integer(&self, _index: usize) -> Option<i64> {
        None
    }
}

/// Takes the records of a block, one by one and in order.
pub trait Visit {
    /// One record; generic so that the cells are read without a call through a pointer.
    fn record<F: Fields>(&mut self, fields: &F, place: Place<'_>);
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Bytes up to the end of the last complete record that was shown; less than the limit only
    /// if the block cuts the next one off.
    pub bytes: usize,
    /// Line ends in those bytes, as an editor counts them.
    pub lines: u32,
}

/// Where a record lies in its block.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Line ends before the record, counted from the start of the block.
    pub line: u32,
    /// The record as it stands in the file, with its line end.
    pub raw: &'a [u8],
}

/// Shows `visitor` every record that starts before `limit`, in order.
///
/// A record that the block cuts off is left out, unless `last` says that the file ends here.
pub fn for_each_record(
    block: &[u8],
    limit: usize,
    delimiter: u8,
    last: bool,
    visitor: &mut impl Visit,
) -> Consumed {
    // A `\r` at the cut may be half of a line end: it waits for its other half.
    let block = if last { block } else { block.strip_suffix(b"\r").unwrap_or(block) };
    let mut reader = simd_csv::ZeroCopyReaderBuilder::with_capacity(1 << 16)
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(block);
    let mut at = Consumed { bytes: 0, lines: 0 };
    let mut marks = Marks { block, next: 0 };
    // `simd-csv` drops a byte order mark at the start of what it reads. One can stand at the start
    // of a block in the middle of a file (two exports joined by `cat`), where it is data.
    if block.starts_with(b"\xEF\xBB\xBF") {
        return careful_records(block, limit, delimiter, last, at, visitor);
    }
    while at.bytes < limit {
        // Reading from a slice cannot fail, and `flexible` lets every field count pass.
        let record = reader.read_byte_record().ok().flatten();
        let (start, line) = at.skip_line_ends(block);
        let Some(record) = record.filter(|_| start < limit) else {
            return Consumed { bytes: start, lines: line };
        };
        let body_end = (start + record.as_slice().len()).min(block.len());
        let line_end = match &block[body_end..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [] if last => 0,
            _ => return careful_records(block, limit, delimiter, last, at, visitor),
        };
        let raw = &block[start..body_end + line_end];
        let place = Place { line, raw };
        let inner_lines = if !marks.any_in(start, body_end) {
            visitor.record(&Bare(&record), place);
            0
        } else if let Some(doubled) = proper_quoting(record.as_slice(), delimiter) {
            visitor.record(&Quoted { record: &record, doubled }, place);
            line_ends(record.as_slice())
        } else {
            return careful_records(block, limit, delimiter, last, at, visitor);
        };
        at = Consumed { bytes: start + raw.len(), lines: line + inner_lines + u32::from(line_end > 0) };
    }
    at
}

/// The same by `csv-core`, from `at` on.
fn careful_records(
    block: &[u8],
    limit: usize,
    delimiter: u8,
    last: bool,
    mut at: Consumed,
    visitor: &mut impl Visit,
) -> Consumed {
    let mut core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    // A fresh automaton drops a byte order mark; only the start of the file may lose one, and
    // `Head` has taken it off. Reading a line end first makes this one no longer fresh.
    core.read_record(b"\n", &mut [0; 4], &mut [0; 4]);
    let mut cells = vec![0u8; 1 << 12];
    let mut ends = vec![0usize; 64];
    while at.bytes < limit {
        let (start, line) = at.skip_line_ends(block);
        if start >= limit || start == block.len() {
            return Consumed { bytes: start, lines: line };
        }
        let (mut position, mut written, mut fields) = (start, 0, 0);
        let complete = loop {
            let (result, read, wrote, ended) =
                core.read_record(&block[position..], &mut cells[written..], &mut ends[fields..]);
            position += read;
            written += wrote;
            fields += ended;
            match result {
                csv_core::ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
                csv_core::ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                csv_core::ReadRecordResult::Record => break true,
                csv_core::ReadRecordResult::End => break false,
                // An empty input tells the automaton that the file ends.
                csv_core::ReadRecordResult::InputEmpty if last => {}
                csv_core::ReadRecordResult::InputEmpty => break false,
            }
        };
        if !complete {
            break;
        }
        // The automaton takes the `\n` of a `\r\n` with the next record; it belongs to this one.
        if block[..position].ends_with(b"\r") && block[position..].starts_with(b"\n") {
            position += 1;
        }
        let raw = &block[start..position];
        visitor.record(&Unescaped { cells: &cells, ends: &ends[..fields] }, Place { line, raw });
        at = Consumed { bytes: position, lines: line + line_ends(raw) };
    }
    at
}

impl Consumed {
    /// Past the empty lines that follow: they are no records.
    fn skip_line_ends(self, block: &[u8]) -> (usize, u32) {
        let rest = &block[self.bytes..];
        if !matches!(rest.first(), Some(b'\n' | b'\r')) {
            return (self.bytes, self.lines);
        }
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        (self.bytes + skipped, self.lines + line_ends(&rest[..skipped]))
    }
}

/// Line ends as an editor counts them: `\n`, `\r\n` and a lone `\r`.
pub fn line_ends(bytes: &[u8]) -> u32 {
    let ends = memchr2_iter(b'\n', b'\r', bytes);
    let count = ends.filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n')).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Finds quotes and carriage returns, each once however many records lie between them.
struct Marks<'a> {
    block: &'a [u8],
    /// No mark lies before this place, from the last record on.
    next: usize,
}

impl Marks<'_> {
    /// Whether the record from `start` to `end` holds a mark. Records come in order.
    fn any_in(&mut self, start: usize, end: usize) -> bool {
        if self.next < start {
            let found = memchr2(b'"', b'\r', &self.block[start..]);
            self.next = found.map_or(self.block.len(), |at| start + at);
        }
        self.next < end
    }
}

/// Whether every cell is quoted from end to end or holds neither a quote nor a `\r`; and if so,
/// whether some quote in it is doubled.
fn proper_quoting(record: &[u8], delimiter: u8) -> Option<bool> {
    let mut doubled = false;
    let mut inside = false;
    let mut skip = usize::MAX;
    for at in memchr2_iter(b'"', b'\r', record) {
        if at == skip {
            continue;
        }
        match (record[at], inside) {
            (b'"', false) if at == 0 || record[at - 1] == delimiter => inside = true,
            (b'"', true) => match record.get(at + 1) {
                None => inside = false,
                Some(&next) if next == delimiter => inside = false,
                Some(b'"') => (doubled, skip) = (true, at + 1),
                Some(_) => return None,
            },
            (b'\r', true) => {}
            _ => return None,
        }
    }
    (!inside).then_some(doubled)
}

struct Bare<'a>(&'a simd_csv::ZeroCopyByteRecord<'a>);

impl Fields for Bare<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        self.0.get(index).map(Cow::Borrowed)
    }
}

struct Quoted<'a> {
    record: &'a simd_csv::ZeroCopyByteRecord<'a>,
    doubled: bool,
}

impl Fields for Quoted<'_> {
    fn len(&self) -> usize {
        self.record.len()
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let cell = self.record.get(index)?;
        let [b'"', inner @ .., b'"'] = cell else { return Some(Cow::Borrowed(cell)) };
        if !self.doubled || memchr(b'"', inner).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let mut text = Vec::with_capacity(inner.len());
        let mut rest = inner;
        while let Some(at) = memchr(b'"', rest) {
            text.extend_from_slice(&rest[..=at]);
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        text.extend_from_slice(rest);
        Some(Cow::Owned(text))
    }
}

struct Unescaped<'a> {
    cells: &'a [u8],
    ends: &'a [usize],
}

impl Fields for Unescaped<'_> {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(Cow::Borrowed(&self.cells[start..end]))
    }
}
