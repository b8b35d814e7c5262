//! CSV bytes to records, exactly as the `csv` crate reads them.
//!
//! Nearly every record of a chart is plain: its cells hold no quote, or are quoted from end to end,
//! and its line ends in `\n` or `\r\n`. Such records need no automaton. Delimiters, quotes and line
//! ends are found 64 bytes at a time; which of them stand inside of quotes follows from how many
//! quotes came before; and where the others stand is all that is kept. From the first record on that
//! is anything else, such as one with a quote in the middle of a bare cell or a lone `\r`, the rest of
//! the block is read by `csv-core`, the automaton inside the `csv` crate.

use std::borrow::Cow;

use memchr::{memchr, memchr2_iter};
use wide::u8x16;

use crate::dates::Day;

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
    /// A cell as a key: two that are the same are of the same text. Nearer to the bytes of a file than
    /// the text is: a cell that begins with a quote is quoted from end to end.
    fn key(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let text = self.text(index)?;
        if text.first() != Some(&b'"') {
            return Some(text);
        }
        let mut quoted = vec![b'"'];
        for &byte in &*text {
            quoted.push(byte);
            if byte == b'"' {
                quoted.push(b'"');
            }
        }
        quoted.push(b'"');
        Some(Cow::Owned(quoted))
    }
    /// The number of a cell's text among the distinct ones of its column, where the source has such.
    fn number(&self, _index: usize) -> Option<u32> {
        None
    }
    /// A whole number, where the source has typed columns; text sources answer `None`.
    fn integer(&self, _index: usize) -> Option<i64> {
        None
    }
    /// A day, where the source has typed columns; text sources answer `None`.
    fn day(&self, _index: usize) -> Option<Day> {
        None
    }
}

/// Takes the records of a block, one by one and in order.
pub trait Visit {
    /// One record; generic so that the cells are read without a call through a pointer.
    fn record<F: Fields>(&mut self, fields: &F, place: Place<'_>);

    /// At most [`TOGETHER`] of them, for a visitor that can do better than with one after the other.
    fn records<F: Fields>(&mut self, records: &[(F, Place<'_>)]) {
        records.iter().for_each(|(fields, place)| self.record(fields, *place));
    }
}

/// How many records are shown at once.
pub const TOGETHER: usize = 32;

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
    let Ok(size) = u32::try_from(block.len()) else {
        return careful_records(block, limit, delimiter, last, at, visitor);
    };
    let mut index = Index::new(block, delimiter);
    while at.bytes < limit {
        index.look_on(last);
        let mut together = Vec::with_capacity(TOGETHER);
        let mut first = 1;
        for &end in &index.record_ends {
            let start = at.bytes;
            if start >= limit {
                break;
            }
            let Some(bounds) = index.bounds.get(first - 1..=end) else { break };
            first = end + 1;
            let line_end = bounds.last().map_or(size, |end| *end);
            let half = block[..line_end as usize].ends_with(b"\r");
            let (body_end, next) =
                (line_end - u32::from(half), line_end.saturating_add(1).min(size) as usize);
            let mut lines = u32::from(next > body_end as usize);
            // An empty line is no record.
            if body_end as usize > start {
                let place = Place { line: at.lines, raw: &block[start..next] };
                together
                    .push((Cells { block, bounds, end: body_end, has_doubled: index.has_doubled }, place));
                if together.len() == TOGETHER {
                    visitor.records(&together);
                    together.clear();
                }
                if index.has_inner_lines {
                    lines += line_ends(&block[start..body_end as usize]);
                }
            }
            at = Consumed { bytes: next, lines: at.lines + lines };
        }
        visitor.records(&together);
        if at.bytes >= limit {
            break;
        }
        if index.is_careful {
            return careful_records(block, limit, delimiter, last, at, visitor);
        }
        if index.looked_at == block.len() {
            break;
        }
        index.keep_from(first);
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

/// Where the record before the first one of a block ends: one byte before it.
const BEFORE_ALL: u32 = u32::MAX;
/// Bytes that are looked at before the records in them are shown: what is found stays in the
/// processor's nearest cache.
const WINDOW: usize = 1 << 12;

/// Where the cells and records of a block end.
struct Index<'a> {
    block: &'a [u8],
    delimiter: u8,
    /// How far the block has been looked at.
    looked_at: usize,
    /// Behind the end of the record before, where cells end; memory for more of them stands behind.
    bounds: Vec<u32>,
    /// How many of them there are.
    found: usize,
    /// Which of them end records too.
    record_ends: Vec<usize>,
    before: Before,
    /// Whether a quote in a cell is doubled,
    has_doubled: bool,
    /// or a line ends in one.
    has_inner_lines: bool,
    /// Whether the record at hand is not plain.
    is_careful: bool,
}

/// What the byte before those at hand is.
#[derive(Clone, Copy)]
struct Before {
    /// All bits if it stands inside of quotes.
    inside: u64,
    /// The lowest bit if a quote may follow it: one that opens a cell, or that doubles it,
    opens: u64,
    /// if it is a quote that ends a cell,
    closes: u64,
    /// and if it is a `\r`.
    returns: u64,
}

/// A bit for each of 64 bytes that means something.
struct Signs {
    delimiters: u64,
    quotes: u64,
    newlines: u64,
    returns: u64,
}

impl Signs {
    fn of(bytes: &[u8; 64], delimiter: u8) -> Self {
        let same = |byte: u8| {
            let byte = u8x16::splat(byte);
            let mut bits = 0;
            for (place, sixteen) in bytes.as_chunks::<16>().0.iter().enumerate() {
                bits |= u64::from(u8x16::new(*sixteen).simd_eq(byte).to_bitmask()) << (16 * place);
            }
            bits
        };
        Self { delimiters: same(delimiter), quotes: same(b'"'), newlines: same(b'\n'), returns: same(b'\r') }
    }
}

impl<'a> Index<'a> {
    fn new(block: &'a [u8], delimiter: u8) -> Self {
        Self {
            block,
            delimiter,
            looked_at: 0,
            bounds: vec![BEFORE_ALL],
            found: 1,
            record_ends: Vec::new(),
            before: Before { inside: 0, opens: 1, closes: 0, returns: 0 },
            has_doubled: false,
            has_inner_lines: false,
            is_careful: false,
        }
    }

    /// Forgets the records before the bound at `first`, where one begins that has not ended yet.
    fn keep_from(&mut self, first: usize) {
        // A record of very many cells stays where it is.
        if first > 1 {
            self.bounds.copy_within(first - 1..self.found, 0);
            self.found -= first - 1;
        }
        self.record_ends.clear();
    }

    /// Looks at the next bytes, to the end of the block if that is near.
    fn look_on(&mut self, last: bool) {
        let rest = &self.block[self.looked_at..];
        let (chunks, end) = rest.as_chunks::<64>();
        self.make_room();
        for chunk in chunks.iter().take(WINDOW / 64) {
            self.look_at(Signs::of(chunk, self.delimiter), 64);
            if self.is_careful {
                return;
            }
        }
        if chunks.len() > WINDOW / 64 {
            return;
        }
        if !end.is_empty() {
            let mut bytes = [0; 64];
            bytes[..end.len()].copy_from_slice(end);
            let Signs { delimiters, quotes, newlines, returns } = Signs::of(&bytes, self.delimiter);
            let there = (1u64 << end.len()) - 1;
            let signs = Signs {
                delimiters: delimiters & there,
                quotes: quotes & there,
                newlines: newlines & there,
                returns: returns & there,
            };
            self.look_at(signs, end.len());
        }
        if last && !self.is_careful {
            // A cell that is not closed, and half of a line end.
            self.is_careful = self.before.inside != 0 || self.before.returns != 0;
            if !self.is_careful && self.block.last().is_some_and(|&byte| byte != b'\n') {
                self.record_ends.push(self.found);
                self.bounds[self.found] = self.block.len() as u32;
                self.found += 1;
            }
        }
    }

    /// Room for as many ends of cells as a window can have.
    fn make_room(&mut self) {
        let wanted = self.found + WINDOW + 2 * 64;
        if self.bounds.len() < wanted {
            self.bounds.resize(wanted.next_multiple_of(2 * WINDOW), 0);
        }
    }

    /// Takes the signs of the next `size` bytes, 1 to 64.
    #[inline(always)]
    fn look_at(&mut self, signs: Signs, size: usize) {
        let Signs { delimiters, quotes, newlines, returns } = signs;
        let before = self.before;
        let last = size - 1;
        // Most have nothing to do with quotes.
        if quotes | returns | before.inside | before.closes | before.returns == 0 {
            let ends = delimiters | newlines;
            self.before.opens = ends >> last & 1;
            return self.put(ends, newlines, size);
        }
        let after = |bits: u64, before: u64| bits << 1 | before;
        // From each quote that opens up to the one that closes.
        let inside = parities(quotes) ^ before.inside;
        let (opening, closing) = (quotes & inside, quotes & !inside);
        let mut ends = (delimiters | newlines) & !inside;
        let returning = returns & !inside;
        let closed = after(closing, before.closes);
        let odd = opening & !after(ends | closing, before.opens)
            | closed & !(delimiters | newlines | returns | quotes)
            | after(returning, before.returns) & !newlines;
        let odd = odd & u64::MAX >> (63 - last);
        if odd != 0 {
            self.is_careful = true;
            ends &= (odd & odd.wrapping_neg()) - 1;
        }
        self.has_doubled |= opening & closed != 0;
        self.has_inner_lines |= (newlines | returns) & inside != 0;
        self.before = Before {
            inside: (inside >> last & 1).wrapping_neg(),
            opens: (ends | closing) >> last & 1,
            closes: closing >> last & 1,
            returns: returning >> last & 1,
        };
        self.put(ends, newlines, size);
    }

    /// Notes where cells end in the next `size` bytes.
    #[inline(always)]
    fn put(&mut self, ends: u64, newlines: u64, size: usize) {
        let from = self.looked_at as u32;
        let mut lines = ends & newlines;
        while lines != 0 {
            let before = ends & (lines & lines.wrapping_neg()).wrapping_sub(1);
            self.record_ends.push(self.found + before.count_ones() as usize);
            lines &= lines - 1;
        }
        let Some(room) = self.bounds.get_mut(self.found..).and_then(<[u32]>::first_chunk_mut::<64>) else {
            return;
        };
        let (mut count, mut left) = (0, ends);
        while left != 0 {
            room[count & 63] = from + left.trailing_zeros();
            left &= left - 1;
            count += 1;
        }
        self.found += count;
        self.looked_at += size;
    }
}

/// For each bit, whether an odd number of bits is set up to it.
fn parities(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

/// The cells of a plain record.
#[derive(Clone, Copy)]
struct Cells<'a> {
    block: &'a [u8],
    /// The byte before the record, and where each of its cells ends,
    bounds: &'a [u32],
    /// but for the last one, which may end before its line does.
    end: u32,
    /// Whether a quote in a cell may be doubled.
    has_doubled: bool,
}

impl<'a> Cells<'a> {
    /// Where a cell lies.
    #[inline(always)]
    fn place(&self, index: usize) -> Option<(usize, usize)> {
        let &[before, end] = self.bounds.get(index..)?.first_chunk()?;
        Some((before.wrapping_add(1) as usize, end.min(self.end) as usize))
    }

    #[inline(always)]
    fn get(&self, index: usize) -> Option<&'a [u8]> {
        let (start, end) = self.place(index)?;
        self.block.get(start..end)
    }
}

impl Fields for Cells<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    #[inline]
    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let cell = self.get(index)?;
        let [b'"', inner @ .., b'"'] = cell else { return Some(Cow::Borrowed(cell)) };
        if !self.has_doubled || memchr(b'"', inner).is_none() {
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

    #[inline(always)]
    fn key(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        self.get(index).map(Cow::Borrowed)
    }

    #[inline(always)]
    fn integer(&self, index: usize) -> Option<i64> {
        let (start, end) = self.place(index)?;
        let eight = self.block.get(end.checked_sub(8)?..end)?.first_chunk()?;
        digits(u64::from_le_bytes(*eight), end - start)
    }
}

/// The number that the last `count` of eight characters are, the last one in the highest byte;
/// `None` if they are not one to eight digits.
///
/// Pairs of digits become numbers, then fours, then eight: as in Daniel Lemire's "Quickly parsing
/// eight digits", <https://lemire.me/blog/2018/10/03/quickly-parsing-eight-digits/>.
#[inline(always)]
fn digits(eight: u64, count: usize) -> Option<i64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    if !(1..=8).contains(&count) {
        return None;
    }
    let others = 64 - 8 * count;
    // What stands before the cell is taken for zeros.
    let values = (eight ^ ZEROS) >> others << others;
    if (values | values.wrapping_add(0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0 != 0 {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    Some(all as i64)
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
