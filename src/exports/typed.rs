//! Parquet exports: the same layouts over typed columns.

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use polars::prelude::*;
use polars_parquet::parquet::metadata::{FileMetadata, SchemaDescriptor};
use polars_parquet::parquet::schema::types::{
    IntegerType, ParquetType, PrimitiveConvertedType, PrimitiveLogicalType,
};
use rayon::prelude::*;

use super::dialect::Layout;
use super::effort::Part;
use super::intake;
use super::records::{Fields, Place, TOGETHER, Visit};
use super::{Block, Decoder, Found};
use crate::dates::Day;
use crate::parquet::contained;

/// Rows that one worker takes at a time, at most.
const SLICE: usize = 1 << 18;

/// The names of a Parquet file's columns, in order.
pub fn column_names(path: &Path) -> io::Result<Vec<String>> {
    let file = intake::open(path)?;
    let schema = contained(|| ParquetReader::new(file).schema()).map_err(io::Error::other)?;
    Ok(schema.iter_names().map(ToString::to_string).collect())
}

/// Decodes a Parquet file, only the columns that the layout names.
pub fn decode(decoder: &Decoder<'_>, layout: &Layout, found: &Found) -> io::Result<Vec<Block>> {
    let path = &found.path;
    let mut reader = ParquetReader::new(intake::open(path)?);
    let footer = contained(|| reader.get_metadata().cloned()).map_err(io::Error::other)?;
    let rows = footer.num_rows;
    let footer = widened(&footer).map_or(footer, Arc::new);
    let wanted = wanted_columns(layout);
    // A column that repeats one value takes next to nothing, however many rows it claims.
    let unpacked = (rows as u64).saturating_mul(wanted.len() as u64 * size_of::<u64>() as u64);
    if unpacked > decoder.limit.of(found.size) {
        return Err(decoder.limit.exceeded(found.size));
    }
    let groups: Vec<usize> = footer.row_groups.iter().map(|group| group.num_rows()).collect();
    if groups.iter().try_fold(0usize, |sum, rows| sum.checked_add(*rows)) != Some(rows) {
        return Err(io::Error::other("its row groups have other rows than it claims to have"));
    }
    let set_aside = AtomicU64::new(0);
    slices(&groups)
        .into_par_iter()
        .map(|(start, count)| {
            // The decoder's own threads are the parallelism; polars must not add its pool to it.
            let file = intake::open(path)?;
            let read = || {
                contained(|| {
                    let mut reader = ParquetReader::new(file);
                    reader.set_metadata(footer.clone());
                    reader
                        .with_projection(Some(wanted.clone()))
                        .with_slice(Some((start, count)))
                        .read_parallel(ParallelStrategy::None)
                        .finish()
                })
            };
            let frame = decoder.progress.effort.spend(Part::Read, read).map_err(io::Error::other)?;
            let mut columns: Vec<Cells> = (0..layout.fields).map(|_| Cells::None).collect();
            for (place, column) in wanted.iter().zip(frame.columns()) {
                columns[*place] = contained(|| Cells::of(column)).map_err(io::Error::other)?;
            }
            let first = u32::try_from(start).unwrap_or(u32::MAX);
            let mut worker = decoder.workers.take();
            // Rows are numbered from the start of the file, so no block moves the next one on.
            let block = worker.block(decoder, layout, first, |rows| {
                let mut together = Vec::with_capacity(TOGETHER);
                let before = rows.set_aside.len();
                for row in 0..frame.height() {
                    together.push((Row { columns: &columns, row }, Place { line: row as u32, raw: b"" }));
                    if together.len() == TOGETHER {
                        rows.records(&together);
                        together.clear();
                    }
                }
                rows.records(&together);
                for bad in rows.set_aside.iter_mut().skip(before) {
                    let row = bad.line.saturating_sub(first) as usize;
                    bad.raw = Row { columns: &columns, row }.as_line();
                }
                0
            });
            decoder.workers.give_back(worker);
            let weight = block.weight_set_aside();
            if set_aside.fetch_add(weight, Ordering::Relaxed) + weight > intake::MOST_SET_ASIDE {
                return Err(intake::too_many_set_aside());
            }
            Ok(block)
        })
        .collect()
}

/// Where slices begin and how many rows they have: whole row groups, since what is taken from the middle
/// of one is unpacked with all of it; parts only of one that is very long.
fn slices(groups: &[usize]) -> Vec<(usize, usize)> {
    let mut slices = Vec::new();
    let (mut start, mut end) = (0, 0);
    for rows in groups {
        if end + rows - start > SLICE {
            slices.push((start, end - start));
            start = end;
        }
        end += rows;
        while end - start > SLICE {
            slices.push((start, SLICE));
            start += SLICE;
        }
    }
    slices.push((start, end - start));
    slices.retain(|(_, rows)| *rows > 0);
    slices
}

/// The footer without the types of integers of 8 and 16 bits, which our polars cannot hold: a file has
/// them as 32 bits anyway, and the type only promises that they are small. `None` if there are none.
fn widened(footer: &FileMetadata) -> Option<FileMetadata> {
    use PrimitiveConvertedType::{Int8, Int16, Uint8, Uint16};
    let mut narrow = false;
    let fields = footer.schema().fields().iter().cloned().map(|mut field| {
        if let ParquetType::PrimitiveType(of) = &mut field {
            let kinds = [IntegerType::Int8, IntegerType::Int16, IntegerType::UInt8, IntegerType::UInt16];
            let logical =
                matches!(of.logical_type, Some(PrimitiveLogicalType::Integer(kind)) if kinds.contains(&kind));
            if logical || matches!(of.converted_type, Some(Int8 | Int16 | Uint8 | Uint16)) {
                narrow = true;
                (of.logical_type, of.converted_type) = (None, None);
            }
        }
        field
    });
    let schema = SchemaDescriptor::new(footer.schema().name().into(), fields.collect());
    // What arrow says of the types goes before what Parquet does.
    narrow.then(|| FileMetadata { schema_descr: schema, key_value_metadata: None, ..footer.clone() })
}

fn wanted_columns(layout: &Layout) -> Vec<usize> {
    let mut wanted = layout.columns();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// One column.
enum Cells {
    None,
    Text(StringChunked),
    Whole(Int64Chunked),
    Decimal(Float64Chunked),
    Days(Int32Chunked),
}

impl Cells {
    fn of(column: &Column) -> PolarsResult<Self> {
        let series = column.as_materialized_series().rechunk();
        Ok(match series.dtype() {
            DataType::String => Self::Text(series.str()?.clone()),
            DataType::Date => Self::Days(series.date()?.physical().clone()),
            DataType::Datetime(..) => Self::Days(series.cast(&DataType::Date)?.date()?.physical().clone()),
            DataType::Float32 | DataType::Float64 => {
                Self::Decimal(series.cast(&DataType::Float64)?.f64()?.clone())
            }
            dtype if dtype.is_integer() => Self::Whole(series.cast(&DataType::Int64)?.i64()?.clone()),
            DataType::Null => Self::None,
            _ => Self::Text(series.cast(&DataType::String)?.str()?.clone()),
        })
    }
}

struct Row<'a> {
    columns: &'a [Cells],
    row: usize,
}

impl Row<'_> {
    /// The cells that were read, as a line of CSV, for the quarantine.
    fn as_line(&self) -> String {
        let cells = (0..self.columns.len()).filter(|&index| !matches!(self.columns[index], Cells::None));
        let cells: Vec<String> = cells
            .map(|index| self.text(index).map(|text| String::from_utf8_lossy(&text).into_owned()))
            .map(Option::unwrap_or_default)
            .collect();
        super::rows::shortened(cells.join(",").as_bytes())
    }
}

impl Fields for Row<'_> {
    fn len(&self) -> usize {
        self.columns.len()
    }

    fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let owned = |text: String| Cow::Owned(text.into_bytes());
        match self.columns.get(index)? {
            Cells::None => None,
            Cells::Text(cells) => cells.get(self.row).map(|text| Cow::Borrowed(text.as_bytes())),
            Cells::Whole(cells) => cells.get(self.row).map(|value| owned(value.to_string())),
            Cells::Decimal(cells) => cells.get(self.row).map(|value| owned(value.to_string())),
            Cells::Days(_) => self.day(index).map(|day| owned(day.to_string())),
        }
    }

    fn day(&self, index: usize) -> Option<Day> {
        match self.columns.get(index)? {
            Cells::Days(cells) => cells.get(self.row).and_then(|days| u16::try_from(days).ok()).map(Day),
            _ => None,
        }
    }

    fn integer(&self, index: usize) -> Option<i64> {
        match self.columns.get(index)? {
            Cells::Whole(cells) => cells.get(self.row),
            _ => None,
        }
    }
}
