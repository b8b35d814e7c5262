//! One large file in blocks, all at once.
//!
//! Where a record begins cannot be known from the middle of a file: a newline may stand in a
//! quoted cell. So every block guesses that its first record begins after the first newline, and
//! reports where its last record ended. Then, in order, each guess is compared with the end of the
//! block before; a block that guessed wrong is decoded again from the right place. The first block
//! begins at a known place, so the result is what a sequential reader would have seen.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use blake3::hazmat::{self, HasherExt};
use memchr::memchr;
use rayon::prelude::*;

use super::dialect::Layout;
use super::effort::Part;
use super::intake::{self, LONGEST_ROW};
use super::records::for_each_record;
use super::{Block, Decoder};

/// Bytes of a block: large enough that a worker's start costs nothing, small enough to stay in the
/// cache of one processor core; a power of two, so that blocks are subtrees of the file's BLAKE3 hash.
const BLOCK: u64 = 1 << 18;
/// How far a block reads past its end for the record that straddles it.
const OVERLAP: u64 = 1 << 12;
/// What a guess reads before its block. It looks at one byte of that; a whole line of the processor's
/// cache lets the kernel copy from aligned memory to aligned memory, which is four times as fast.
const BEFORE: u64 = 64;
/// From this size on a file is read in blocks.
pub const LARGE: u64 = 64 * BLOCK;

/// Where a block lies and what it found.
struct Span {
    /// Where its first record begins; `None` if no record begins in it.
    start: Option<u64>,
    /// Where the record after its last one begins.
    end: u64,
    block: Block,
}

/// Decodes a plain text file of `size` bytes and hashes it on the way.
pub fn decode(
    decoder: &Decoder<'_>,
    layout: &Layout,
    file: &File,
    size: u64,
) -> io::Result<(Vec<Block>, blake3::Hash)> {
    let first = layout.first_row.0 as u64;
    let count = size.div_ceil(BLOCK);
    let until = |index: u64| ((index + 1) * BLOCK).min(size);
    let guessed: Vec<(Span, hazmat::ChainingValue)> = (0..count)
        .into_par_iter()
        .map(|index| {
            let from = index * BLOCK;
            let start = if index == 0 { Start::Known(first) } else { Start::Guess(from) };
            let mut value = None;
            let span = decode_span(decoder, layout, file, size, start, until(index), |bytes, offset| {
                let skip = (from.saturating_sub(offset)) as usize;
                let take = (until(index) - from) as usize;
                value = bytes.get(skip..skip + take).map(|bytes| {
                    blake3::Hasher::new().set_input_offset(from).update(bytes).finalize_non_root()
                });
            })?;
            let value = value.ok_or_else(|| io::Error::other("the file became shorter while it was read"))?;
            decoder.progress.add_bytes(until(index) - from);
            Ok((span, value))
        })
        .collect::<io::Result<_>>()?;

    // Over the guesses too, wrong ones included: their sum does not depend on the threads.
    if guessed.iter().map(|(span, _)| span.block.weight_set_aside()).sum::<u64>() > intake::MOST_SET_ASIDE {
        return Err(intake::too_many_set_aside());
    }
    let (mut blocks, mut values) = (Vec::with_capacity(guessed.len()), Vec::with_capacity(guessed.len()));
    let mut expected = first;
    for (index, (span, value)) in guessed.into_iter().enumerate() {
        values.push(value);
        let until = until(index as u64);
        let span = if span.start == Some(expected) {
            span
        } else if expected < until {
            decode_span(decoder, layout, file, size, Start::Known(expected), until, |_, _| {})?
        } else {
            // A record of an earlier block covers this one.
            continue;
        };
        expected = span.end;
        blocks.push(span.block);
    }
    Ok((blocks, root(&values)))
}

#[derive(Clone, Copy)]
enum Start {
    Known(u64),
    Guess(u64),
}

/// Decodes the records that begin between `start` and `until`; `seen` gets the bytes first read
/// and their offset.
fn decode_span(
    decoder: &Decoder<'_>,
    layout: &Layout,
    file: &File,
    size: u64,
    start: Start,
    until: u64,
    seen: impl FnOnce(&[u8], u64),
) -> io::Result<Span> {
    let offset = match start {
        Start::Known(_) if until <= BLOCK => 0,
        Start::Known(at) => at,
        Start::Guess(at) => at - BEFORE,
    };
    let mut worker = decoder.workers.take();
    let mut bytes = std::mem::take(&mut worker.bytes);
    let effort = &decoder.progress.effort;
    effort.spend(Part::Read, || read_at(file, &mut bytes, offset, (until + OVERLAP).min(size)))?;
    effort.spend(Part::Hash, || seen(&bytes, offset));
    let begin = match start {
        Start::Known(at) => Some((at - offset) as usize),
        // If the byte before the block ends a line, a record begins right with it.
        Start::Guess(_) => {
            let from = BEFORE as usize - 1;
            bytes.get(from..).and_then(|bytes| memchr(b'\n', bytes)).map(|newline| from + newline + 1)
        }
    };
    let limit = (until - offset) as usize;
    let Some(begin) = begin.filter(|&begin| begin < limit) else {
        worker.bytes = bytes;
        decoder.workers.give_back(worker);
        return Ok(Span { start: None, end: until, block: Block::default() });
    };
    let begin_at = offset + begin as u64;
    // `begin` moves on when a record is longer than the overlap and more bytes are fetched.
    let mut begin = begin;
    let mut failed = None;
    let block = worker.block(decoder, layout, 0, |rows| {
        loop {
            let end = offset + bytes.len() as u64;
            let (last, rest) = (end >= size, limit.saturating_sub(begin));
            let consumed = for_each_record(&bytes[begin..], rest, layout.delimiter, last, rows);
            begin += consumed.bytes;
            rows.first_line += consumed.lines;
            if begin >= limit || last {
                break rows.first_line;
            }
            if bytes.len() - begin > LONGEST_ROW {
                failed = Some(intake::endless_row(offset + begin as u64));
                break rows.first_line;
            }
            let more = (end + bytes.len() as u64).min(size);
            match read_at(file, &mut bytes, offset, more) {
                Ok(()) if offset + bytes.len() as u64 > end => {}
                Ok(()) => failed = Some(io::Error::other("the file became shorter while it was read")),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() {
                break rows.first_line;
            }
        }
    });
    worker.bytes = bytes;
    decoder.workers.give_back(worker);
    match (failed, start) {
        // From a wrong place a row may seem endless; the place is looked at again once it is known.
        (Some(error), Start::Guess(_)) if error.kind() == io::ErrorKind::FileTooLarge => {
            Ok(Span { start: None, end: until, block: Block::default() })
        }
        (Some(error), _) => Err(error),
        (None, _) => Ok(Span { start: Some(begin_at), end: offset + begin as u64, block }),
    }
}

/// Reads the bytes from `from` to `to` into `bytes`, fewer if the file ends before.
fn read_at(file: &File, bytes: &mut Vec<u8>, from: u64, to: u64) -> io::Result<()> {
    bytes.resize(to.saturating_sub(from) as usize, 0);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(())
}

/// The hash of a file from the hashes of its blocks, as the BLAKE3 tree joins them.
fn root(values: &[hazmat::ChainingValue]) -> blake3::Hash {
    let (left, right) = halves(values);
    hazmat::merge_subtrees_root(&subtree(left), &subtree(right), hazmat::Mode::Hash)
}

fn subtree(values: &[hazmat::ChainingValue]) -> hazmat::ChainingValue {
    match values {
        [] => Default::default(),
        [only] => *only,
        more => {
            let (left, right) = halves(more);
            hazmat::merge_subtrees_non_root(&subtree(left), &subtree(right), hazmat::Mode::Hash)
        }
    }
}

/// The left half of a BLAKE3 tree holds the largest power of two that leaves something over.
fn halves(values: &[hazmat::ChainingValue]) -> (&[hazmat::ChainingValue], &[hazmat::ChainingValue]) {
    let left = values.len().next_power_of_two() / 2;
    values.split_at(left.min(values.len()))
}
