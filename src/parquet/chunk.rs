//! A column of a row group: its values, and text as the codes that it is in the file.

use std::io::Cursor;
use std::ops::Range;

use polars::prelude::{PlSmallStr, PolarsError, PolarsResult};
use polars_arrow::array::{Array, DictionaryArray, Utf8ViewArray};
use polars_arrow::datatypes::{ArrowDataType, DTYPE_CATEGORICAL_NEW, Field as ArrowField, IntegerType};
use polars_parquet::parquet::error::ParquetResult;
use polars_parquet::read::{
    BasicDecompressor, ColumnChunkMetadata, Filter, PageReader, column_iter_to_arrays,
};

use polars_parquet::write::ParquetPhysicalType;

use super::contained;

/// A column chunk, whose bytes are shared by all who read parts of it.
pub struct Chunk<'a> {
    about: &'a ColumnChunkMetadata,
    pages: Box<dyn Fn() -> ParquetResult<PageReader> + Send + Sync + 'a>,
}

/// The text of a chunk.
pub enum Words {
    /// A number for each cell, and what they stand for: each word once.
    Coded(DictionaryArray<u32>),
    /// Each cell by itself, since the writer gave up on numbers.
    Spelled(Utf8ViewArray),
}

impl<'a> Chunk<'a> {
    /// The chunk that is described like this and whose bytes are these.
    pub fn new(about: &'a ColumnChunkMetadata, bytes: Vec<u8>) -> Self {
        let bytes = Cursor::new(bytes.into());
        let pages = move || Ok(PageReader::new(bytes.clone(), about, Vec::new(), usize::MAX));
        Self { about, pages: Box::new(pages) }
    }

    /// The same out of a whole file.
    ///
    /// # Errors
    /// If the file ends before the chunk does.
    pub fn of_file(about: &'a ColumnChunkMetadata, file: &[u8]) -> PolarsResult<Self> {
        let outside = || PolarsError::ComputeError("a column lies outside of the file".into());
        let range = about.byte_range();
        let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let bytes = range.and_then(|(from, until)| file.get(from..until)).ok_or_else(outside)?;
        Ok(Self::new(about, bytes.to_vec()))
    }

    /// Whether it holds strings of bytes, as text is kept.
    pub fn is_text(&self) -> bool {
        self.about.physical_type() == ParquetPhysicalType::ByteArray
    }

    /// The values of some rows, or of all, as `dtype`.
    ///
    /// # Errors
    /// If the chunk is damaged, or cannot be read as that.
    pub fn values(&self, dtype: ArrowDataType, rows: Option<Range<usize>>) -> PolarsResult<Box<dyn Array>> {
        // By this mark the reader knows that codes are wanted, and not words.
        let mark = (DTYPE_CATEGORICAL_NEW.into(), PlSmallStr::EMPTY);
        let name = self.about.descriptor().path_in_schema.first().cloned().unwrap_or_default();
        let field = ArrowField::new(name, dtype, true).with_metadata([mark].into());
        let due = rows.as_ref().map(ExactSizeIterator::len);
        let filter = rows.map(|rows| Filter::new_ranged(rows.start, rows.end));
        let pages = BasicDecompressor::new((self.pages)()?, Vec::new());
        let kind = &self.about.descriptor().descriptor.primitive_type;
        let (mut arrays, _) = column_iter_to_arrays(vec![pages], vec![kind], field, filter)?;
        match (arrays.pop(), arrays.is_empty()) {
            (Some(array), true) if due.is_none_or(|due| due == array.len()) => Ok(array),
            _ => Err(PolarsError::ComputeError("a column has other rows than its row group".into())),
        }
    }

    /// The values as an array of a known kind.
    ///
    /// # Errors
    /// Those of [`Self::values`], and if `dtype` makes other arrays than that.
    pub fn array<A: Array + Clone>(
        &self,
        dtype: ArrowDataType,
        rows: Option<Range<usize>>,
    ) -> PolarsResult<A> {
        let array = self.values(dtype, rows)?;
        let other = || PolarsError::SchemaMismatch("a column is of another type".into());
        array.as_any().downcast_ref::<A>().cloned().ok_or_else(other)
    }

    /// The text of some rows, or of all.
    ///
    /// # Errors
    /// Those of [`Self::array`].
    pub fn words(&self, rows: Option<Range<usize>>) -> PolarsResult<Words> {
        let word = Box::new(ArrowDataType::Utf8View);
        let codes = ArrowDataType::Dictionary(IntegerType::UInt32, word, false);
        // The reader of codes expects nothing else, and fails on a chunk that goes on without.
        match contained(|| self.array(codes, rows.clone())) {
            Ok(coded) => Ok(Words::Coded(coded)),
            Err(_) => Ok(Words::Spelled(self.array(ArrowDataType::Utf8View, rows)?)),
        }
    }
}
