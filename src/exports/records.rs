//! CSV bytes to records, exactly as the `csv` crate reads them.
//!
//! Nearly every record of a chart is plain: its cells hold no quote, or are quoted from end to end,
//! and its line ends in `\n` or `\r\n`. Such a record needs no automaton: all bytes that mean
//! something are found 64 at a time, and one look at each of them tells where cells end. From the
//! first record on that is anything else, such as one with a quote in the middle of a bare cell or a
//! lone `\r`, the rest of the block is read by `csv-core`, the automaton inside the `csv` crate.

use std::borrow::Cow;

use memchr::{memchr, memchr2_iter};

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
    let mut at = Consumed { bytes: 0, lines: 0 };
    let mut marks = Marks::new(block, delimiter);
    let mut ends: Vec<usize> = Vec::new();
    while at.bytes < limit {
        let (start, line) = at.skip_line_ends(block);
        if start >= limit || start == block.len() {
            return Consumed { bytes: start, lines: line };
        }
        ends.clear();
        let Some(Shape { body_end, end, quotes }) = marks.record(start, last, &mut ends) else {
            return careful_records(block, limit, delimiter, last, at, visitor);
        };
        let place = Place { line, raw: &block[start..end] };
        let cells = Cells { block, start, ends: &ends, end: body_end };
        let inner_lines = match quotes {
            Quotes::None => {
                visitor.record(&cells, place);
                0
            }
            Quotes::Around | Quotes::Doubled => {
                visitor.record(&Quoted { cells, doubled: quotes == Quotes::Doubled }, place);
                line_ends(&block[start..body_end])
            }
        };
        at = Consumed { bytes: end, lines: line + inner_lines + u32::from(end > body_end) };
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

/// How the cells of a record are quoted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Quotes {
    /// No cell is.
    None,
    /// Some are, from end to end.
    Around,
    /// And a quote in one of them is doubled.
    Doubled,
}

/// Where a plain record ends.
struct Shape {
    /// The end of its last cell.
    body_end: usize,
    /// The end of its line.
    end: usize,
    quotes: Quotes,
}

/// Goes through the bytes of a block that mean something: delimiters, quotes and line ends.
#[derive(Clone, Copy)]
struct Marks<'a> {
    block: &'a [u8],
    delimiter: u8,
    /// The 64 bytes at hand begin here,
    from: usize,
    /// and these of them are marks that have not been looked at.
    left: u64,
}

impl<'a> Marks<'a> {
    fn new(block: &'a [u8], delimiter: u8) -> Self {
        let marks = Self { block, delimiter, from: 0, left: 0 };
        Self { left: marks.find(), ..marks }
    }

    /// The marks among the 64 bytes at hand.
    fn find(&self) -> u64 {
        match self.block[self.from..].first_chunk::<64>() {
            Some(bytes) => marks_in(bytes, self.delimiter),
            None => {
                let rest = &self.block[self.from..];
                let mut bytes = [0; 64];
                bytes[..rest.len()].copy_from_slice(rest);
                marks_in(&bytes, self.delimiter) & ((1u64 << rest.len()) - 1)
            }
        }
    }

    /// The next mark: its place, and the byte.
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, u8)> {
        while self.left == 0 {
            if self.block.len() - self.from <= 64 {
                return None;
            }
            self.from += 64;
            self.left = self.find();
        }
        let mark = self.from + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        self.block.get(mark).map(|byte| (mark, *byte))
    }

    /// The shape of the record at `start`, and in `ends` where its cells but the last one end; `None`
    /// if it is not plain or if the block cuts it off.
    fn record(&mut self, start: usize, last: bool, ends: &mut Vec<usize>) -> Option<Shape> {
        // A copy of its own, so that all of it is in registers.
        let mut marks = *self;
        let mut quotes = Quotes::None;
        let mut cell = start;
        let shape = loop {
            let Some((mark, byte)) = marks.next() else {
                let end = self.block.len();
                break last.then_some(Shape { body_end: end, end, quotes });
            };
            if byte == marks.delimiter {
                ends.push(mark);
                cell = mark + 1;
            } else if mark < start {
                // An empty line before the record.
            } else if byte == b'\n' {
                break Some(Shape { body_end: mark, end: mark + 1, quotes });
            } else if byte == b'\r' {
                // Half of a line end, whose other half is the next mark.
                let whole = marks.next() == Some((mark + 1, b'\n'));
                break whole.then_some(Shape { body_end: mark, end: mark + 2, quotes });
            } else {
                match marks.quoted().filter(|_| mark == cell) {
                    None => break None,
                    Some(doubled) => quotes = quotes.max(doubled),
                }
            }
        };
        *self = marks;
        shape
    }

    /// Goes past the rest of a quoted cell, and says whether a quote in it is doubled; `None` if
    /// something else than the end of the cell follows it.
    #[inline(always)]
    fn quoted(&mut self) -> Option<Quotes> {
        let mut quotes = Quotes::Around;
        loop {
            let (mark, byte) = self.next()?;
            if byte != b'"' {
                continue;
            }
            match self.block.get(mark + 1) {
                Some(b'"') => {
                    quotes = Quotes::Doubled;
                    self.next();
                }
                Some(&next) if next == self.delimiter => return Some(quotes),
                None | Some(b'\n' | b'\r') => return Some(quotes),
                Some(_) => return None,
            }
        }
    }
}

/// A bit for each byte that is a delimiter, a quote or part of a line end. Written so that compilers
/// compare many bytes at once.
#[inline]
fn marks_in(bytes: &[u8; 64], delimiter: u8) -> u64 {
    // Shifts the lowest bits of eight bytes next to each other.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut found = [0u8; 64];
    for (found, &byte) in found.iter_mut().zip(bytes) {
        *found = u8::from(byte == delimiter)
            | u8::from(byte == b'"')
            | u8::from(byte == b'\n')
            | u8::from(byte == b'\r');
    }
    let mut marks = 0;
    for (place, eight) in found.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
        marks |= eight << (8 * place);
    }
    marks
}

/// The cells of a record, without a quote in any of them.
#[derive(Clone, Copy)]
struct Cells<'a> {
    block: &'a [u8],
    start: usize,
    /// Where the cells but the last one end.
    ends: &'a [usize],
    /// Where the last one ends.
    end: usize,
}

impl<'a> Cells<'a> {
    fn get(&self, index: usize) -> Option<&'a [u8]> {
        let from = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)? + 1,
            None => self.start,
        };
        self.block.get(from..self.ends.get(index).copied().unwrap_or(self.end))
    }
}

impl Fields for Cells<'_> {
    fn len(&self) -> usize {
        self.ends.len() + 1
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        self.get(index).map(Cow::Borrowed)
    }
}

/// The cells of a record of which some are quoted from end to end.
struct Quoted<'a> {
    cells: Cells<'a>,
    doubled: bool,
}

impl Fields for Quoted<'_> {
    fn len(&self) -> usize {
        self.cells.len()
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let cell = self.cells.get(index)?;
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
