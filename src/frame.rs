//! A table in memory: columns of one type each, and text as codes of its distinct values.
//!
//! What we publish and keep repeats a few thousand names over hundreds of thousands of rows. A code
//! for each row is a quarter of what a row of text takes, is made from codes that we have already,
//! and goes into a Parquet file as it is: nothing is hashed and no name is copied.

use polars::prelude::{Column as PolarsColumn, *};
use polars_arrow::array::{
    Array, BooleanArray, DictionaryArray, MutableBinaryViewArray, MutablePrimitiveArray, PrimitiveArray,
    Utf8ViewArray,
};
use polars_arrow::datatypes::{ArrowDataType, IntegerType};
use rustc_hash::FxHashMap;

use crate::dates::Day;
use crate::error::{Error, Result};

/// Columns of one length.
#[derive(Clone, Debug)]
pub struct Frame {
    height: usize,
    columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub values: Values,
    /// Whether values mostly grow by the same step from row to row.
    pub steady: bool,
}

/// The values of a column.
#[derive(Clone, Debug)]
pub enum Values {
    /// UTF-8 text.
    Text(Text),
    /// UTF-8 text that is another one in nearly every row, spelled out.
    Spelled(Utf8ViewArray),
    /// 64-bit integers.
    Int64(PrimitiveArray<i64>),
    /// 32-bit integers.
    Int32(PrimitiveArray<i32>),
    /// Calendar dates: days since 1970-01-01.
    Date(PrimitiveArray<i32>),
    /// True or false.
    Boolean(BooleanArray),
}

/// Text by codes.
#[derive(Clone, Debug)]
pub struct Text {
    words: Utf8ViewArray,
    codes: PrimitiveArray<u32>,
}

/// How the values of a column are read off a row.
pub enum Field<R> {
    /// Integers.
    Number(fn(&R) -> i64),
    /// Integers or nothing.
    OptionalNumber(fn(&R) -> Option<i64>),
    /// Dates.
    Date(fn(&R) -> Day),
    /// Dates or nothing.
    OptionalDate(fn(&R) -> Option<Day>),
}

/// A column that is being read off rows.
enum Filling<R> {
    Numbers(fn(&R) -> i64, Vec<i64>),
    OptionalNumbers(fn(&R) -> Option<i64>, MutablePrimitiveArray<i64>),
    Dates(fn(&R) -> Day, Vec<i32>),
    OptionalDates(fn(&R) -> Option<Day>, MutablePrimitiveArray<i32>),
}

impl<R> Filling<R> {
    fn new(field: Field<R>, height: usize) -> Self {
        match field {
            Field::Number(read) => Self::Numbers(read, Vec::with_capacity(height)),
            Field::OptionalNumber(read) => {
                Self::OptionalNumbers(read, MutablePrimitiveArray::with_capacity(height))
            }
            Field::Date(read) => Self::Dates(read, Vec::with_capacity(height)),
            Field::OptionalDate(read) => {
                Self::OptionalDates(read, MutablePrimitiveArray::with_capacity(height))
            }
        }
    }

    fn extend(&mut self, rows: &[&R]) {
        let number = |day: Day| i32::from(day.0);
        match self {
            Self::Numbers(read, values) => values.extend(rows.iter().map(|row| read(row))),
            Self::OptionalNumbers(read, values) => rows.iter().for_each(|row| values.push(read(row))),
            Self::Dates(read, values) => values.extend(rows.iter().map(|row| number(read(row)))),
            Self::OptionalDates(read, values) => {
                rows.iter().for_each(|row| values.push(read(row).map(number)));
            }
        }
    }

    fn finish(self) -> Values {
        match self {
            Self::Numbers(_, values) => Values::Int64(PrimitiveArray::from_vec(values)),
            Self::OptionalNumbers(_, values) => Values::Int64(values.into()),
            Self::Dates(_, values) => Values::Date(PrimitiveArray::from_vec(values)),
            Self::OptionalDates(_, values) => Values::Date(values.into()),
        }
    }
}

impl Frame {
    /// Columns of `height` values each.
    ///
    /// # Errors
    /// [`Error::Frame`] for a column of another length.
    pub fn new(height: usize, columns: Vec<Column>) -> Result<Self> {
        match columns.iter().find(|column| column.len() != height) {
            Some(odd) => Err(Error::Frame(PolarsError::ShapeMismatch(
                format!("{} has {} values instead of {height}", odd.name, odd.len()).into(),
            ))),
            None => Ok(Self { height, columns }),
        }
    }

    /// How many rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The columns, to make another frame of.
    pub fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// A column by its name.
    ///
    /// # Errors
    /// [`Error::Frame`] if there is none.
    pub fn column(&self, name: &str) -> PolarsResult<&Column> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| PolarsError::ColumnNotFound(name.to_owned().into()))
    }

    /// A column of text.
    ///
    /// # Errors
    /// For a column that is missing or of another type.
    pub fn text(&self, name: &str) -> PolarsResult<&Text> {
        match &self.column(name)?.values {
            Values::Text(text) => Ok(text),
            _ => Err(PolarsError::SchemaMismatch(format!("{name} is no text").into())),
        }
    }

    /// A column of 64-bit integers.
    ///
    /// # Errors
    /// For a column that is missing or of another type.
    pub fn i64(&self, name: &str) -> PolarsResult<&PrimitiveArray<i64>> {
        match &self.column(name)?.values {
            Values::Int64(values) => Ok(values),
            _ => Err(PolarsError::SchemaMismatch(format!("{name} holds no integers").into())),
        }
    }

    /// The same table as polars has it.
    ///
    /// # Errors
    /// [`PolarsError`] for names that come twice.
    pub fn to_polars(&self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.height, self.columns.iter().map(Column::to_polars).collect())
    }

    /// The rows from `offset` on, at most `length`.
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        let offset = offset.min(self.height);
        let length = length.min(self.height - offset);
        let slice = |column: &Column| Column { values: column.values.slice(offset, length), ..*column };
        Self { height: length, columns: self.columns.iter().map(slice).collect() }
    }
}

impl Column {
    /// Integers.
    pub fn numbers(name: &'static str, values: impl Iterator<Item = i64>) -> Self {
        Values::Int64(PrimitiveArray::from_vec(values.collect())).named(name)
    }

    /// Integers or nothing.
    pub fn optional_numbers(name: &'static str, values: impl Iterator<Item = Option<i64>>) -> Self {
        Values::Int64(values.collect()).named(name)
    }

    /// 32-bit integers.
    pub fn small_numbers(name: &'static str, values: impl Iterator<Item = i32>) -> Self {
        Values::Int32(PrimitiveArray::from_vec(values.collect())).named(name)
    }

    /// 32-bit integers or nothing.
    pub fn optional_small_numbers(name: &'static str, values: impl Iterator<Item = Option<i32>>) -> Self {
        Values::Int32(values.collect()).named(name)
    }

    /// Dates.
    pub fn dates(name: &'static str, values: impl Iterator<Item = Day>) -> Self {
        Values::Date(PrimitiveArray::from_vec(values.map(|day| i32::from(day.0)).collect())).named(name)
    }

    /// Dates or nothing.
    pub fn optional_dates(name: &'static str, values: impl Iterator<Item = Option<Day>>) -> Self {
        Values::Date(values.map(|day| day.map(|day| i32::from(day.0))).collect()).named(name)
    }

    /// Flags.
    pub fn flags(name: &'static str, values: impl Iterator<Item = bool>) -> Self {
        Values::Boolean(values.map(Some).collect()).named(name)
    }

    /// Flags or nothing.
    pub fn optional_flags(name: &'static str, values: impl Iterator<Item = Option<bool>>) -> Self {
        Values::Boolean(values.collect()).named(name)
    }

    /// Columns that are read off the same rows. A few rows at a time go into all of them: large rows
    /// are then fetched from memory once, and not once for each column.
    pub fn of_rows<R>(rows: &[&R], fields: Vec<(&'static str, Field<R>)>) -> Vec<Self> {
        const AT_ONCE: usize = 512;
        let mut columns: Vec<(&'static str, Filling<R>)> =
            fields.into_iter().map(|(name, field)| (name, Filling::new(field, rows.len()))).collect();
        for rows in rows.chunks(AT_ONCE) {
            columns.iter_mut().for_each(|(_, filling)| filling.extend(rows));
        }
        columns.into_iter().map(|(name, filling)| filling.finish().named(name)).collect()
    }

    /// Text or nothing.
    pub fn optional_text<'a>(name: &'static str, values: impl Iterator<Item = Option<&'a str>>) -> Self {
        Values::Text(Text::of(values)).named(name)
    }

    /// Text.
    pub fn text<'a>(name: &'static str, values: impl Iterator<Item = &'a str>) -> Self {
        Self::optional_text(name, values.map(Some))
    }

    /// Text that is another one in nearly every row, so that codes would only be one more column.
    pub fn spelled<'a>(name: &'static str, values: impl ExactSizeIterator<Item = &'a str>) -> Self {
        Values::Spelled(MutableBinaryViewArray::from_values_iter(values).into()).named(name)
    }

    /// Text that is coded already: the words, and for each row which of them it has.
    pub fn coded<'a>(
        name: &'static str,
        words: impl Iterator<Item = &'a str>,
        codes: impl Iterator<Item = u32>,
    ) -> Self {
        let words: Vec<&str> = words.collect();
        Values::Text(Text::coded(&words, codes)).named(name)
    }

    /// The same values, which mostly grow by the same step from row to row.
    pub fn steady(self) -> Self {
        Self { steady: true, ..self }
    }

    /// How many values.
    pub fn len(&self) -> usize {
        self.values.array().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them are nothing.
    pub fn null_count(&self) -> usize {
        self.values.array().null_count()
    }

    /// The type as polars has it.
    pub fn dtype(&self) -> DataType {
        match &self.values {
            Values::Text(_) | Values::Spelled(_) => DataType::String,
            Values::Int64(_) => DataType::Int64,
            Values::Int32(_) => DataType::Int32,
            Values::Date(_) => DataType::Date,
            Values::Boolean(_) => DataType::Boolean,
        }
    }

    /// The column as polars has it.
    pub fn to_polars(&self) -> PolarsColumn {
        let name: PlSmallStr = self.name.into();
        match &self.values {
            Values::Text(text) => text.iter().collect::<StringChunked>().with_name(name).into_column(),
            Values::Spelled(values) => StringChunked::with_chunk(name, values.clone()).into_column(),
            Values::Int64(values) => Int64Chunked::with_chunk(name, values.clone()).into_column(),
            Values::Int32(values) => Int32Chunked::with_chunk(name, values.clone()).into_column(),
            Values::Date(values) => Int32Chunked::with_chunk(name, values.clone()).into_date().into_column(),
            Values::Boolean(values) => BooleanChunked::with_chunk(name, values.clone()).into_column(),
        }
    }
}

impl Values {
    fn named(self, name: &'static str) -> Column {
        Column { name, values: self, steady: false }
    }

    fn array(&self) -> &dyn Array {
        match self {
            Self::Text(text) => &text.codes,
            Self::Spelled(values) => values,
            Self::Int64(values) => values,
            Self::Int32(values) | Self::Date(values) => values,
            Self::Boolean(values) => values,
        }
    }

    fn slice(&self, offset: usize, length: usize) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.slice(offset, length)),
            Self::Spelled(values) => Self::Spelled(values.clone().sliced(offset, length)),
            Self::Int64(values) => Self::Int64(values.clone().sliced(offset, length)),
            Self::Int32(values) => Self::Int32(values.clone().sliced(offset, length)),
            Self::Date(values) => Self::Date(values.clone().sliced(offset, length)),
            Self::Boolean(values) => Self::Boolean(values.clone().sliced(offset, length)),
        }
    }

    /// The type of [`Self::to_arrow`] as a reader sees it.
    pub fn arrow_type(&self) -> ArrowDataType {
        match self {
            Self::Text(_) | Self::Spelled(_) => ArrowDataType::Utf8View,
            Self::Int64(_) => ArrowDataType::Int64,
            Self::Int32(_) => ArrowDataType::Int32,
            Self::Date(_) => ArrowDataType::Date32,
            Self::Boolean(_) => ArrowDataType::Boolean,
        }
    }

    /// The values as Arrow has them; text as a dictionary.
    ///
    /// # Errors
    /// [`PolarsError`] for a code without a word, of which there is none.
    pub fn to_arrow(&self) -> PolarsResult<Box<dyn Array>> {
        Ok(match self {
            Self::Text(Text { words, codes }) => {
                let word = Box::new(ArrowDataType::Utf8View);
                let dtype = ArrowDataType::Dictionary(IntegerType::UInt32, word, false);
                Box::new(DictionaryArray::<u32>::try_new(dtype, codes.clone(), words.clone().boxed())?)
            }
            Self::Date(values) => Box::new(values.clone().to(ArrowDataType::Date32)),
            Self::Spelled(values) => values.clone().boxed(),
            Self::Int64(values) => values.clone().boxed(),
            Self::Int32(values) => values.clone().boxed(),
            Self::Boolean(values) => values.clone().boxed(),
        })
    }
}

impl Text {
    /// The text of each row, or nothing.
    pub fn of<'a>(rows: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut known: FxHashMap<&str, u32> = FxHashMap::default();
        let mut words: Vec<&str> = Vec::new();
        let mut last: Option<(&str, u32)> = None;
        let mut code = |word: &'a str| {
            // Rows are sorted, so most of them repeat the one above.
            if let Some((before, code)) = last
                && std::ptr::eq(before, word)
            {
                return code;
            }
            let code = *known.entry(word).or_insert_with(|| {
                words.push(word);
                words.len() as u32 - 1
            });
            last = Some((word, code));
            code
        };
        let codes: PrimitiveArray<u32> = rows.map(|word| word.map(&mut code)).collect();
        Self { words: Utf8ViewArray::from_slice_values(words), codes }
    }

    /// Text that is coded already. Only the words that a row has are kept, in the order in which
    /// rows first have them; a code without a word is nothing.
    pub fn coded(all: &[&str], codes: impl Iterator<Item = u32>) -> Self {
        const UNSEEN: u32 = u32::MAX;
        let mut own = vec![UNSEEN; all.len()];
        let mut known: FxHashMap<&str, u32> = FxHashMap::default();
        let mut words: Vec<&str> = Vec::new();
        let mut missing = false;
        let codes: Vec<u32> = codes
            .map(|code| match own.get(code as usize) {
                Some(&UNSEEN) => {
                    let word = all[code as usize];
                    let place = *known.entry(word).or_insert_with(|| {
                        words.push(word);
                        words.len() as u32 - 1
                    });
                    own[code as usize] = place;
                    place
                }
                Some(&place) => place,
                None => {
                    missing = true;
                    UNSEEN
                }
            })
            .collect();
        let codes = match missing {
            true => codes.into_iter().map(|code| (code != UNSEEN).then_some(code)).collect(),
            false => PrimitiveArray::from_vec(codes),
        };
        Self { words: Utf8ViewArray::from_slice_values(words), codes }
    }

    /// Codes and their words as Arrow has them.
    ///
    /// # Errors
    /// [`PolarsError`] if the words are of another type.
    pub fn from_arrow(coded: &DictionaryArray<u32>) -> PolarsResult<Self> {
        let words = coded.values().as_any().downcast_ref::<Utf8ViewArray>();
        let words = words.ok_or_else(|| PolarsError::SchemaMismatch("a dictionary holds no text".into()))?;
        Ok(Self { words: words.clone(), codes: coded.keys().clone() })
    }

    /// Texts one after the other.
    pub fn joined(mut texts: Vec<Self>) -> Self {
        if texts.len() == 1 {
            return texts.remove(0);
        }
        let words: Vec<&str> = texts.iter().flat_map(|text| text.words.values_iter()).collect();
        let mut codes: Vec<u32> = Vec::with_capacity(texts.iter().map(|text| text.codes.len()).sum());
        let mut from = 0;
        for text in &texts {
            match text.codes.validity() {
                None => codes.extend(text.codes.values().iter().map(|code| from + code)),
                _ => codes.extend(text.codes.iter().map(|code| code.map_or(u32::MAX, |code| from + code))),
            }
            from += text.words.len() as u32;
        }
        Self::coded(&words, codes.into_iter())
    }

    /// The same text in every row.
    pub fn constant(word: &str, height: usize) -> Self {
        Self::coded(&[word], std::iter::repeat_n(0, height))
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.words.get(self.codes.get(row)? as usize)
    }

    /// A number for the text of a row, the same for the same text.
    pub fn code(&self, row: usize) -> Option<u32> {
        self.codes.get(row)
    }

    /// The distinct words; a row's is at its [`Self::code`].
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.values_iter()
    }

    /// The text of all rows.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.codes.iter().map(|code| self.words.get(*code? as usize))
    }

    fn slice(&self, offset: usize, length: usize) -> Self {
        let words: Vec<&str> = self.words.values_iter().collect();
        let codes = self.codes.clone().sliced(offset, length);
        Self::coded(&words, codes.iter().map(|code| code.map_or(u32::MAX, |code| *code)))
    }
}
