//! Parquet exports: the same layouts over typed columns.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use polars::prelude::*;
use polars_arrow::array::{PrimitiveArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField};
use polars_parquet::parquet::metadata::SchemaDescriptor;
use polars_parquet::parquet::schema::types::{
    IntegerType, ParquetType, PrimitiveConvertedType, PrimitiveLogicalType,
};
use polars_parquet::read::{FileMetadata, RowGroupMetadata, infer_schema, read_metadata};
use rayon::prelude::*;

use super::dialect::Layout;
use super::effort::Part;
use super::intake;
use super::records::{Fields, Place, TOGETHER, Visit};
use super::{Block, Decoder, Found};
use crate::dates::Day;
use crate::frame::Text;
use crate::parquet::{Chunk, Words, contained};

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
    let file = intake::open(&found.path)?;
    let size = file.metadata()?.len();
    let footer = contained(|| {
        let footer = read_metadata(&mut io::BufReader::new(&file))?;
        let footer = widened(&footer).unwrap_or(footer);
        let schema = infer_schema(&footer)?;
        Ok((footer, schema))
    });
    let (footer, schema) = footer.map_err(io::Error::other)?;
    let columns: Vec<(usize, &ArrowField)> = wanted_columns(layout)
        .into_iter()
        .filter_map(|place| Some((place, schema.get_at_index(place)?.1)))
        .collect();
    // A column that repeats one value takes next to nothing, however many rows it claims; and a long
    // text packs well, however few there are.
    let unpacked = (footer.num_rows as u64).saturating_mul((columns.len() * size_of::<u64>()) as u64);
    let chunks = footer.row_groups.iter().flat_map(|group| {
        columns.iter().filter_map(|(_, field)| group.columns_under_root_iter(&field.name)).flatten()
    });
    let sizes = chunks.map(|chunk| u64::try_from(chunk.uncompressed_size()).unwrap_or(u64::MAX));
    let unpacked = sizes.fold(0, u64::saturating_add).max(unpacked);
    if unpacked > decoder.limit.of(found.size) {
        return Err(decoder.limit.exceeded(found.size));
    }
    let mut groups = Vec::with_capacity(footer.row_groups.len());
    let mut rows = 0usize;
    for group in &footer.row_groups {
        groups.push((group, rows));
        rows = rows.saturating_add(group.num_rows());
    }
    if rows != footer.num_rows {
        return Err(io::Error::other("its row groups have other rows than it claims to have"));
    }
    let set_aside = AtomicU64::new(0);
    let blocks = groups.into_par_iter().map(|(group, first)| {
        let read = || columns.iter().map(|(_, field)| chunk(&file, size, group, &field.name)).collect();
        let chunks: io::Result<Vec<Chunk<'_>>> = decoder.progress.effort.spend(Part::Read, read);
        let chunks = chunks?;
        let starts = (0..group.num_rows()).into_par_iter().step_by(SLICE);
        let blocks = starts.map(|start| {
            let rows = start..(start + SLICE).min(group.num_rows());
            // The decoder's own threads are the parallelism; polars must not add its pool to it.
            let unpack = || {
                let mut cells: Vec<Cells> = (0..layout.fields).map(|_| Cells::None).collect();
                for ((place, field), chunk) in columns.iter().zip(&chunks) {
                    let of = contained(|| Cells::of(chunk, field, rows.clone())).map_err(io::Error::other)?;
                    if of.longest() > intake::LONGEST_ROW {
                        return Err(intake::endless_text(&field.name, of.longest()));
                    }
                    cells[*place] = of;
                }
                Ok(cells)
            };
            let cells: Vec<Cells> = decoder.progress.effort.spend(Part::Read, unpack)?;
            let block = rows_of(decoder, layout, &cells, first + start, rows.len());
            let weight = block.weight_set_aside();
            if set_aside.fetch_add(weight, Ordering::Relaxed) + weight > intake::MOST_SET_ASIDE {
                return Err(intake::too_many_set_aside());
            }
            Ok(block)
        });
        blocks.collect::<io::Result<Vec<Block>>>()
    });
    Ok(blocks.collect::<io::Result<Vec<Vec<Block>>>>()?.into_iter().flatten().collect())
}

/// The bytes of a column in a row group.
fn chunk<'a>(file: &File, size: u64, group: &'a RowGroupMetadata, name: &str) -> io::Result<Chunk<'a>> {
    let mut leaves = group.columns_under_root_iter(name).into_iter().flatten();
    let (Some(about), None) = (leaves.next(), leaves.next()) else {
        return Err(io::Error::other(format!("its column {name} does not hold one value a row")));
    };
    let range = about.byte_range();
    if range.end > size {
        return Err(io::Error::other(format!("its column {name} lies outside of the file")));
    }
    let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default()];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(Chunk::new(about, bytes))
}

/// Decodes the rows of these cells, the first of which is row `first` of the file.
fn rows_of(decoder: &Decoder<'_>, layout: &Layout, columns: &[Cells], first: usize, height: usize) -> Block {
    let first = u32::try_from(first).unwrap_or(u32::MAX);
    let mut worker = decoder.workers.take();
    // Rows are numbered from the start of the file, so no block moves the next one on.
    let block = worker.block(decoder, layout, first, |rows| {
        let mut together = Vec::with_capacity(TOGETHER);
        for row in 0..height {
            together.push((Row { columns, row }, Place { line: row as u32, raw: b"" }));
            if together.len() == TOGETHER {
                rows.records(&together);
                together.clear();
            }
        }
        rows.records(&together);
        for bad in &mut rows.set_aside {
            let row = bad.line.saturating_sub(first) as usize;
            bad.raw = Row { columns, row }.as_line();
        }
        0
    });
    decoder.workers.give_back(worker);
    block
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

/// Some rows of one column.
enum Cells {
    None,
    Text(Utf8ViewArray),
    /// Text by its number among the words of the row group.
    Coded(Text),
    Whole(PrimitiveArray<i64>),
    Decimal(PrimitiveArray<f64>),
    Days(PrimitiveArray<i32>),
}

impl Cells {
    fn of(chunk: &Chunk<'_>, field: &ArrowField, rows: Range<usize>) -> PolarsResult<Self> {
        if chunk.is_text() && is_text(&field.dtype) {
            return Ok(match chunk.words(Some(rows))? {
                Words::Coded(coded) => Self::Coded(Text::from_arrow(&coded)?),
                Words::Spelled(cells) => Self::Text(cells),
            });
        }
        let values = chunk.values(field.dtype.clone(), Some(rows))?;
        let series = Series::try_from((field, vec![values]))?.rechunk();
        Ok(match series.dtype() {
            DataType::String => Self::Text(series.str()?.downcast_as_array().clone()),
            DataType::Date => Self::Days(series.date()?.physical().downcast_as_array().clone()),
            DataType::Datetime(..) => {
                Self::Days(series.cast(&DataType::Date)?.date()?.physical().downcast_as_array().clone())
            }
            DataType::Float32 | DataType::Float64 => {
                Self::Decimal(series.cast(&DataType::Float64)?.f64()?.downcast_as_array().clone())
            }
            dtype if dtype.is_integer() => {
                Self::Whole(series.cast(&DataType::Int64)?.i64()?.downcast_as_array().clone())
            }
            DataType::Null => Self::None,
            _ => Self::Text(series.cast(&DataType::String)?.str()?.downcast_as_array().clone()),
        })
    }

    /// The bytes of the longest text.
    fn longest(&self) -> usize {
        let longest = match self {
            Self::Text(cells) => cells.views().iter().map(|cell| cell.length as usize).max(),
            Self::Coded(cells) => cells.words().map(str::len).max(),
            _ => None,
        };
        longest.unwrap_or_default()
    }
}

fn is_text(dtype: &ArrowDataType) -> bool {
    match dtype {
        ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Utf8View => true,
        ArrowDataType::Dictionary(_, of, _) => is_text(of),
        _ => false,
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
            Cells::Coded(cells) => cells.get(self.row).map(|text| Cow::Borrowed(text.as_bytes())),
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

    fn number(&self, index: usize) -> Option<u32> {
        match self.columns.get(index)? {
            Cells::Coded(cells) => cells.code(self.row),
            _ => None,
        }
    }
}
