//! Frames to Parquet bytes and back: the one place that knows the settings of the writer.

mod chunk;
mod pack;
mod unpack;

pub use chunk::{Chunk, Words};
pub use unpack::{Group, Memory, each_group};

use std::cell::Cell;
use std::io::Cursor;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use polars::prelude::*;
use polars_arrow::array::{BooleanArray, PrimitiveArray};
use polars_arrow::datatypes::{ArrowDataType, ArrowSchema, Field as ArrowField};
use polars_arrow::types::NativeType;
use polars_parquet::parquet::error::ParquetError;
use polars_parquet::parquet::fallible_streaming_iterator;
use polars_parquet::parquet::types::NativeType as ParquetNative;
use polars_parquet::read::{FileMetadata, infer_schema, read_metadata};
use polars_parquet::write::{
    CompressedPage, CompressionOptions, Compressor, DynIter, DynStreamingIterator, Encoding, FileWriter,
    KeyValue, Page, ParquetPhysicalType, ParquetType, StatisticsOptions, Version, WriteOptions, ZstdLevel,
    array_to_columns, to_parquet_schema,
};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::frame::{Column, Frame, Text, Values};

/// Rows of a row group: small enough for readers to share a file out among threads.
const GROUP: usize = 1 << 18;

/// Level of Zstandard. After our own packing level 3 saves 2 % more, and takes twice as long.
const LEVEL: i32 = 1;

const OPTIONS: WriteOptions = WriteOptions {
    statistics: StatisticsOptions {
        min_value: true,
        max_value: true,
        distinct_count: false,
        null_count: true,
        binary_statistics_truncate_length: None,
    },
    version: Version::V1,
    compression: CompressionOptions::Zstd(None),
    data_page_size: None,
};

/// A frame as a Parquet file in memory: Zstandard, with statistics, the same bytes for the same
/// frame. `about` stands in the head of the file, key by key.
///
/// # Errors
/// [`Error::Frame`].
pub fn to_bytes(frame: &Frame, about: Vec<(String, String)>) -> Result<Vec<u8>> {
    let field = |column: &Column| ArrowField::new(column.name.into(), column.values.arrow_type(), true);
    let schema: ArrowSchema =
        frame.columns().iter().map(field).map(|field| (field.name.clone(), field)).collect();
    let types = to_parquet_schema(&schema)?;
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, schema, OPTIONS)?;
    let mut from = 0;
    while from < frame.height() {
        let group = match frame.height() <= GROUP {
            true => frame.clone(),
            false => frame.slice(from, GROUP),
        };
        let columns = group.columns().par_iter().with_max_len(1).zip(types.fields());
        let columns: Vec<Vec<CompressedPage>> =
            columns.map(|(column, field)| pages(column, field)).collect::<PolarsResult<_>>()?;
        let columns = DynIter::new(columns.iter().map(|pages| {
            let pages = pages.iter().map(PolarsResult::Ok);
            Ok(DynStreamingIterator::new(fallible_streaming_iterator::convert(pages)))
        }));
        writer.write(group.height() as u64, columns)?;
        from += group.height();
    }
    // Not the Arrow schema: its text type is that of polars, with which other readers cannot filter.
    let head = about.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    writer.end(Some(head))?;
    drop(writer);
    Ok(bytes)
}

/// The pages of a column.
fn pages(column: &Column, field: &ParquetType) -> PolarsResult<Vec<CompressedPage>> {
    let pages = match numbers(column, field) {
        Some(pages) => pages?,
        None => {
            let array = column.values.to_arrow()?;
            let columns = array_to_columns(array, field.clone(), OPTIONS, &[encoding(column)])?;
            columns.into_iter().flatten().collect::<PolarsResult<_>>()?
        }
    };
    let pages = pages.into_iter().map(Ok::<_, ParquetError>);
    let compression = CompressionOptions::Zstd(ZstdLevel::try_new(LEVEL).ok());
    Compressor::new(pages, compression, Vec::new()).map(|page| page.map_err(PolarsError::from)).collect()
}

/// The pages of a column of whole numbers without nulls, before they are compressed.
fn numbers(column: &Column, field: &ParquetType) -> Option<PolarsResult<Vec<Page>>> {
    let ParquetType::PrimitiveType(of) = field else { return None };
    match &column.values {
        Values::Int64(values) if values.validity().is_none() => {
            pack::pages(values.values().as_slice(), column.steady, of)
        }
        Values::Int32(values) | Values::Date(values) if values.validity().is_none() => {
            pack::pages(values.values().as_slice(), column.steady, of)
        }
        _ => None,
    }
}

/// Whole numbers as Parquet has them.
pub trait Whole: ParquetNative + Ord + Default + Into<i64> {
    /// Their type in the file.
    const PHYSICAL: ParquetPhysicalType;
    /// So many different ones are always worth a dictionary.
    const FEW: usize;

    /// The one that was widened to `value`.
    fn narrow(value: i64) -> Self;
}

impl Whole for i32 {
    const PHYSICAL: ParquetPhysicalType = ParquetPhysicalType::Int32;
    const FEW: usize = 512;

    fn narrow(value: i64) -> Self {
        value as Self
    }
}

impl Whole for i64 {
    const PHYSICAL: ParquetPhysicalType = ParquetPhysicalType::Int64;
    const FEW: usize = 2048;

    fn narrow(value: i64) -> Self {
        value
    }
}

/// How values are packed: few different ones as places in a dictionary, others by how far they lie
/// apart. Both are a few bits a value, and neither hashes it.
fn encoding(column: &Column) -> Encoding {
    fn narrow<T: NativeType + Into<i64>>(values: &PrimitiveArray<T>) -> bool {
        const WIDEST: i64 = u16::MAX as i64;
        let values = || values.non_null_values_iter().map(Into::into);
        let (least, most) =
            values().fold((i64::MAX, i64::MIN), |(least, most), value| (value.min(least), value.max(most)));
        most.checked_sub(least).is_none_or(|width| width <= WIDEST)
    }
    let narrow = match &column.values {
        Values::Text(_) => return Encoding::RleDictionary,
        Values::Boolean(_) | Values::Spelled(_) => return Encoding::Plain,
        Values::Int64(values) => narrow(values),
        Values::Int32(values) | Values::Date(values) => narrow(values),
    };
    match narrow && !column.steady {
        true => Encoding::RleDictionary,
        false => Encoding::DeltaBinaryPacked,
    }
}

/// A Parquet file of our own, all columns or those named, in one chunk.
///
/// # Errors
/// [`Error::Read`] if it cannot be opened, [`Error::Damaged`] if it is not what we wrote.
pub fn read(path: &Path, columns: Option<Vec<String>>) -> Result<DataFrame> {
    decode(path, std::fs::read(path).map_err(Error::read(path))?, columns)
}

/// The same from the bytes of the file.
///
/// # Errors
/// [`Error::Damaged`] if they are not what we wrote.
pub fn decode(path: &Path, bytes: Vec<u8>, columns: Option<Vec<String>>) -> Result<DataFrame> {
    let frame = contained(|| {
        ParquetReader::new(Cursor::new(bytes))
            .with_columns(columns)
            .read_parallel(ParallelStrategy::None)
            .set_rechunk(true)
            .finish()
    });
    frame.map_err(|error| Error::damaged(path, error))
}

/// Columns of a Parquet file of our own as a frame: text stays the codes that it is in the file.
///
/// # Errors
/// [`Error::Read`] if it cannot be opened, [`Error::Damaged`] if it is not what we wrote or lacks one
/// of the columns.
pub fn read_frame(path: &Path, columns: &[&'static str]) -> Result<Frame> {
    let bytes = std::fs::read(path).map_err(Error::read(path))?;
    let file = contained(|| {
        let about = read_metadata(&mut Cursor::new(&bytes[..]))?;
        let schema = infer_schema(&about)?;
        Ok((about, schema))
    });
    let (about, schema) = file.map_err(|error| Error::damaged(path, error))?;
    let read =
        columns.par_iter().with_max_len(1).map(|&name| contained(|| column(&bytes, &about, &schema, name)));
    let read = read.collect::<PolarsResult<Vec<Column>>>().map_err(|error| Error::damaged(path, error))?;
    Frame::new(about.num_rows, read).map_err(|error| Error::damaged(path, error))
}

/// A column of all row groups.
fn column(
    bytes: &[u8],
    about: &FileMetadata,
    schema: &ArrowSchema,
    name: &'static str,
) -> PolarsResult<Column> {
    let missing = || PolarsError::ColumnNotFound(name.into());
    let dtype = &schema.get(name).ok_or_else(missing)?.dtype;
    let chunks = about.row_groups.iter().map(|group| {
        let mut chunks = group.columns_under_root_iter(name).ok_or_else(missing)?;
        Chunk::of_file(chunks.next().ok_or_else(missing)?, bytes)
    });
    let chunks = chunks.collect::<PolarsResult<Vec<Chunk<'_>>>>()?;
    fn numbers<T: NativeType>(
        chunks: &[Chunk<'_>],
        dtype: &ArrowDataType,
    ) -> PolarsResult<PrimitiveArray<T>> {
        let arrays = chunks.iter().map(|chunk| chunk.array::<PrimitiveArray<T>>(dtype.clone(), None));
        let mut arrays = arrays.collect::<PolarsResult<Vec<_>>>()?;
        Ok(match arrays.len() {
            1 => arrays.remove(0).to(T::PRIMITIVE.into()),
            _ if arrays.iter().all(|array| array.validity().is_none()) => {
                let values: Vec<&[T]> = arrays.iter().map(|array| array.values().as_slice()).collect();
                PrimitiveArray::from_vec(values.concat())
            }
            _ => arrays.iter().flat_map(|array| array.iter().map(|value| value.copied())).collect(),
        })
    }
    let values = match dtype {
        ArrowDataType::Utf8View => {
            // Other writers than ours leave some text without codes: it is coded anew.
            let texts = chunks.iter().map(|chunk| match chunk.words(None)? {
                Words::Coded(coded) => Text::from_arrow(&coded),
                Words::Spelled(cells) => Ok(Text::of(cells.iter())),
            });
            Values::Text(Text::joined(texts.collect::<PolarsResult<Vec<_>>>()?))
        }
        ArrowDataType::Int64 => Values::Int64(numbers(&chunks, dtype)?),
        ArrowDataType::Int32 => Values::Int32(numbers(&chunks, dtype)?),
        ArrowDataType::Date32 => Values::Date(numbers(&chunks, dtype)?),
        ArrowDataType::Boolean => {
            let arrays = chunks.iter().map(|chunk| chunk.array::<BooleanArray>(dtype.clone(), None));
            let arrays = arrays.collect::<PolarsResult<Vec<_>>>()?;
            Values::Boolean(arrays.iter().flat_map(BooleanArray::iter).collect())
        }
        other => return Err(PolarsError::SchemaMismatch(format!("{name} is {other:?}").into())),
    };
    Ok(Column { name, values, steady: false })
}

thread_local! {
    /// Whether a panic of this thread is expected and must not be printed.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Does work of the Parquet reader, which panics on some damaged files: here that is an error like
/// any other, and not a word of it goes to standard error.
///
/// # Errors
/// Those of `work`, and its panics.
pub fn contained<T>(work: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !CONTAINED.get() {
                usual(info);
            }
        }));
    });
    let outside = CONTAINED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outside);
    done.unwrap_or_else(|_| {
        Err(PolarsError::ComputeError(
            "it is damaged in a way that the Parquet reader does not expect".into(),
        ))
    })
}
