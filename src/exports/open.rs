//! What a file is made of, by its content, and the head by which its dialect is recognised.

use std::io::{BufReader, Read};

use super::dialect::{Head, HeadRecord};
use super::discover::Found;
use super::intake;

/// Bytes of a file that a dialect is recognised from.
const HEAD_BYTES: usize = 1 << 16;
const HEAD_RECORDS: usize = 4;
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// How the bytes of an export are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Plain,
    /// gzip, several members allowed.
    Gzip,
    /// Zstandard, several frames allowed.
    Zstandard,
    /// Columns of a Parquet file.
    Parquet,
}

impl Packing {
    /// Told by the first bytes, since names lie.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstandard,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            _ => Self::Plain,
        }
    }

    /// A reader of the unpacked bytes.
    pub fn unpack<'a, R: Read + 'a>(self, reader: R) -> std::io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Plain | Self::Parquet => Box::new(reader),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(reader)),
            Self::Zstandard => Box::new(zstd::Decoder::new(reader)?),
        })
    }
}

/// Reads until `buffer` is full, the reader ends or fails; how many bytes came before that.
pub fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> (usize, std::io::Result<()>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// The packing of a file and its head.
pub fn head(found: &Found) -> std::io::Result<(Packing, Head)> {
    let mut file = intake::open(&found.path)?;
    let mut start = vec![0; HEAD_BYTES.min(usize::try_from(found.size).unwrap_or(HEAD_BYTES))];
    let (filled, read) = read_full(&mut file, &mut start);
    read?;
    start.truncate(filled);
    let packing = Packing::of(&start);
    let file_name = file_name(found);
    if packing == Packing::Parquet {
        let cells = super::typed::column_names(&found.path)?;
        let record = HeadRecord { cells, end: 0, lines: 0 };
        return Ok((
            packing,
            Head { file_name, mark: 0, records: vec![record], typed: true, cut_off: false },
        ));
    }
    if packing != Packing::Plain {
        let mut unpacked = packing.unpack(start.as_slice().chain(BufReader::new(file)))?;
        let mut bytes = vec![0; HEAD_BYTES];
        // Damage behind the head is found where the rows are read.
        let (filled, read) = read_full(&mut unpacked, &mut bytes);
        if filled == 0 {
            read?;
        }
        bytes.truncate(filled);
        return Ok((packing, head_of(file_name, &bytes)));
    }
    Ok((packing, head_of(file_name, &start)))
}

/// The head of a text export that begins with `start`.
pub fn head_of(file_name: String, start: &[u8]) -> Head {
    let mark = if start.starts_with(MARK) { MARK.len() } else { 0 };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&start[mark..]);
    let mut records = Vec::new();
    let mut cells = csv::ByteRecord::new();
    let mut cut_off = false;
    // Reading from memory cannot fail.
    while records.len() < HEAD_RECORDS && reader.read_byte_record(&mut cells).unwrap_or(false) {
        let mut end = mark + reader.position().byte() as usize;
        if start.len() == HEAD_BYTES && end >= start.len() {
            cut_off = true;
            break;
        }
        // The reader takes the `\n` of a `\r\n` with the next record.
        if start[..end].ends_with(b"\r") && start[end..].starts_with(b"\n") {
            end += 1;
        }
        records.push(HeadRecord {
            cells: cells.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect(),
            end,
            lines: super::records::line_ends(&start[..end]),
        });
    }
    Head { file_name, mark, records, typed: false, cut_off }
}

/// The part of a whole file that a dialect is recognised from.
pub fn head_bytes(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEAD_BYTES)]
}

/// The file's own name without the endings that packing adds.
pub fn file_name(found: &Found) -> String {
    let name = found.name.rsplit('/').next().unwrap_or_default();
    let packed = [".gz", ".zst", ".GZ", ".ZST"];
    packed.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name).to_owned()
}
