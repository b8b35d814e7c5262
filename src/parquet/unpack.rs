//! Columns of whole numbers out of a Parquet file, into memory that is used again.
//!
//! polars makes arrays of them, each copied twice into fresh memory: that takes several times as
//! long as unpacking.

use std::io::Cursor;

use polars::prelude::{PolarsError, PolarsResult, polars_bail, polars_err};
use polars_parquet::parquet::compression::DecompressionContext;
use polars_parquet::parquet::encoding::{bitpacked, uleb128, zigzag_leb128};
use polars_parquet::parquet::error::ParquetResult;
use polars_parquet::parquet::page::{DataPage, Page, split_buffer};
use polars_parquet::parquet::read::{PageReader, decompress, get_page_iterator};
use polars_parquet::read::{ColumnChunkMetadata, RowGroupMetadata, read_metadata};
use polars_parquet::write::Encoding;

use super::Whole;

/// What reading needs besides where it reads into.
pub struct Memory {
    page: Vec<u8>,
    context: DecompressionContext,
}

impl Default for Memory {
    fn default() -> Self {
        Self { page: Vec::new(), context: DecompressionContext::Unset }
    }
}

/// Some rows of a file, column by column.
pub struct Group<'a> {
    /// How many rows the whole file has.
    pub of: usize,
    group: &'a RowGroupMetadata,
    pages: &'a dyn Fn(&ColumnChunkMetadata) -> ParquetResult<PageReader>,
    memory: &'a mut Memory,
}

/// Goes through the rows of a file, group by group.
///
/// # Errors
/// For bytes that are no Parquet file, and those of `work`.
pub fn each_group(
    bytes: Vec<u8>,
    memory: &mut Memory,
    mut work: impl FnMut(&mut Group<'_>) -> PolarsResult<()>,
) -> PolarsResult<()> {
    let metadata = read_metadata(&mut Cursor::new(bytes.as_slice()))?;
    let file = Cursor::new(bytes.into());
    let pages =
        |column: &ColumnChunkMetadata| get_page_iterator(column, file.clone(), Vec::new(), usize::MAX);
    for group in &metadata.row_groups {
        work(&mut Group { of: metadata.num_rows, group, pages: &pages, memory })?;
    }
    Ok(())
}

impl Group<'_> {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.group.num_rows()
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.column(name).is_some()
    }

    fn column(&self, name: &str) -> Option<&ColumnChunkMetadata> {
        let is_named = |column: &&ColumnChunkMetadata| {
            column.descriptor().path_in_schema.first().is_some_and(|first| first.as_str() == name)
        };
        self.group.parquet_columns().iter().find(is_named)
    }

    /// The values of a column in place of what is in `into`; `none` where there is none.
    ///
    /// # Errors
    /// If there is no such column, or it is not packed as we pack.
    pub fn read<T: Whole>(&mut self, name: &str, none: T, into: &mut Vec<T>) -> PolarsResult<()> {
        into.clear();
        let column = self.column(name).ok_or_else(|| PolarsError::ColumnNotFound(name.to_owned().into()))?;
        if column.physical_type() != T::PHYSICAL {
            polars_bail!(SchemaMismatch: "{name} is of another type");
        }
        into.reserve(self.rows());
        let pages = (self.pages)(column)?;
        let mut words: Vec<T> = Vec::new();
        for page in pages {
            match decompress(page?, &mut self.memory.page, &mut self.memory.context)? {
                Page::Dict(page) => {
                    plain(&page.buffer, page.num_values, &mut words).ok_or_else(|| cut_off(name))?;
                    self.memory.page = page.buffer.into_vec();
                }
                Page::Data(mut page) => {
                    unpack(&page, &words, none, into)?.ok_or_else(|| cut_off(name))?;
                    self.memory.page = std::mem::take(page.buffer_mut());
                }
            }
        }
        match into.len() == self.rows() {
            true => Ok(()),
            false => Err(cut_off(name)),
        }
    }
}

fn cut_off(name: &str) -> PolarsError {
    polars_err!(ComputeError: "a page of {name} is not whole")
}

/// Appends the values of a page; `None` if it is not whole.
fn unpack<T: Whole>(page: &DataPage, words: &[T], none: T, into: &mut Vec<T>) -> PolarsResult<Option<()>> {
    let parts = split_buffer(page)?;
    let (from, rows) = (into.len(), page.num_values());
    let mut levels: Vec<i32> = Vec::new();
    if page.descriptor.max_def_level > 0 && !is_one_run(parts.def, rows) {
        let level = |level: u64| Some(level as i32);
        if runs(parts.def, 1, rows, &mut levels, level).is_none() {
            return Ok(None);
        }
    }
    let absent = levels.iter().filter(|level| **level == 0).count();
    let given = rows - absent;
    let unpacked = match page.encoding() {
        Encoding::Plain => plain(parts.values, given, into),
        Encoding::RleDictionary | Encoding::PlainDictionary => match parts.values.split_first() {
            Some((&bits, keys)) => {
                runs(keys, usize::from(bits), given, into, |key| words.get(key as usize).copied())
            }
            None => (given == 0).then_some(()),
        },
        Encoding::DeltaBinaryPacked => distances(parts.values, given, into),
        other => polars_bail!(ComputeError: "pages are packed as {other:?}"),
    };
    if unpacked.is_some() && absent > 0 {
        spread(&levels, from, none, into);
    }
    Ok(unpacked)
}

/// Whether levels say of all rows in one that they have a value.
fn is_one_run(levels: &[u8], rows: usize) -> bool {
    let (header, length) = uleb128::decode(levels);
    header & 1 == 0 && (header >> 1) as usize >= rows && levels.get(length) == Some(&1)
}

/// Moves the values from place `from` on to the rows that have one.
fn spread<T: Whole>(levels: &[i32], from: usize, none: T, into: &mut Vec<T>) {
    let mut given = into.len();
    into.resize(from + levels.len(), none);
    for (row, level) in levels.iter().enumerate().rev() {
        into[from + row] = match *level {
            0 => none,
            _ => {
                given -= 1;
                into[given]
            }
        };
    }
}

/// Values as they are.
fn plain<T: Whole>(bytes: &[u8], count: usize, into: &mut Vec<T>) -> Option<()> {
    let bytes = bytes.get(..count.checked_mul(size_of::<T>())?)?;
    for value in bytes.chunks_exact(size_of::<T>()) {
        into.push(T::from_le_bytes(value.try_into().ok()?));
    }
    Some(())
}

/// What runs of keys and keys one by one, of so many bits each, stand for.
fn runs<T: Whole>(
    mut bytes: &[u8],
    bits: usize,
    count: usize,
    into: &mut Vec<T>,
    word: impl Fn(u64) -> Option<T>,
) -> Option<()> {
    if bits > 32 {
        return None;
    }
    let end = into.len() + count;
    while into.len() < end {
        let left = end - into.len();
        let header = number(&mut bytes)?;
        let length = (header >> 1) as usize;
        if length == 0 {
            return None;
        }
        if header & 1 == 0 {
            let (key, rest) = bytes.split_at_checked(bits.div_ceil(8))?;
            bytes = rest;
            let key = key.iter().rev().fold(0, |key, &byte| (key << 8) | u64::from(byte));
            into.extend(std::iter::repeat_n(word(key)?, length.min(left)));
        } else {
            let (packed, rest) = bytes.split_at_checked(length.checked_mul(bits)?)?;
            bytes = rest;
            let mut unknown = false;
            unpacked(packed, bits, left.min(length * 8), |keys| {
                into.extend(keys.iter().map(|&key| {
                    let word = word(key);
                    unknown |= word.is_none();
                    word.unwrap_or_default()
                }));
            })?;
            if unknown {
                return None;
            }
        }
    }
    Some(())
}

/// Values that are packed by how far each lies from the one before.
fn distances<T: Whole>(mut bytes: &[u8], count: usize, into: &mut Vec<T>) -> Option<()> {
    let block = number(&mut bytes)? as usize;
    let parts = number(&mut bytes)? as usize;
    let all = number(&mut bytes)? as usize;
    let mut value = signed(&mut bytes)?;
    if all < count || parts == 0 || block == 0 || !block.is_multiple_of(parts) {
        return None;
    }
    let (part, end) = (block / parts, into.len() + count);
    if count > 0 {
        into.push(T::narrow(value));
    }
    while into.len() < end {
        let least = signed(&mut bytes)?;
        let (widths, rest) = bytes.split_at_checked(parts)?;
        bytes = rest;
        for bits in widths.iter().map(|&bits| usize::from(bits)) {
            let left = end - into.len();
            if bits > 64 {
                return None;
            }
            let size = part.checked_mul(bits)?.div_ceil(8);
            let (packed, rest) = bytes.split_at_checked(size)?;
            bytes = rest;
            unpacked(packed, bits, left.min(part), |apart| {
                into.extend(apart.iter().map(|&apart| {
                    value = value.wrapping_add(least).wrapping_add(apart as i64);
                    T::narrow(value)
                }));
            })?;
        }
    }
    Some(())
}

/// Numbers of so many bits each, at most 64, some of them at a time; `None` if there are not as many.
fn unpacked(packed: &[u8], bits: usize, count: usize, mut work: impl FnMut(&[u64])) -> Option<()> {
    let mut some = [0; 64];
    if bits == 0 {
        (0..count).step_by(some.len()).for_each(|from| work(&some[..some.len().min(count - from)]));
        return Some(());
    }
    let mut decoder = bitpacked::Decoder::<u64>::try_new(packed, bits, count).ok()?;
    let mut chunks = decoder.chunked();
    while let Some(count) = chunks.next_into(&mut some) {
        work(&some[..count]);
    }
    Some(())
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, length) = uleb128::decode(bytes);
    *bytes = bytes.get(length.max(1)..)?;
    Some(number)
}

fn signed(bytes: &mut &[u8]) -> Option<i64> {
    let (number, length) = zigzag_leb128::decode(bytes);
    *bytes = bytes.get(length.max(1)..)?;
    Some(number)
}
