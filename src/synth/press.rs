//! Prints charts: many regions at once, in the order the files want.

use std::fs;
use std::path::Path;

use rayon::prelude::*;

use super::Report;
use super::calendar::Period;
use super::dialects::{Files, Shape};
use super::error::SynthError;
use super::ladder::Entry;
use super::options::{Compression, Dialect, Layout};
use super::regions::Region;
use super::sink::Sink;
use super::world::Song;

/// Days or weeks drawn up at a time. It bounds the pages held in memory, and
/// is how long one choice of contenders lasts.
const STRETCH: usize = 7;

/// Someone who knows the charts of one region.
pub trait Desk: Send {
    fn region(&self) -> &'static Region;
    fn songs(&self) -> &[Song];
    /// The charts of the next `periods`, one each. Called in order, once.
    fn charts(&mut self, periods: &[Period]) -> Vec<Vec<Entry>>;
}

/// How and where to print.
pub struct Edition<'a> {
    pub dialect: Dialect,
    pub layout: Layout,
    pub compression: Compression,
    pub folder: &'a Path,
}

/// One region's chart of one period, as the rows of a file.
#[derive(Default)]
struct Page {
    text: Vec<u8>,
    rows: u64,
}

impl Edition<'_> {
    /// Prints the charts of all `desks` for all `periods`.
    pub fn print<D: Desk>(&self, desks: &mut [D], periods: &[Period]) -> Result<Report, SynthError> {
        let shape = Shape::of(self.dialect);
        if !shape.comes_in(self.layout) {
            return Err(SynthError::Layout { dialect: self.dialect, layout: self.layout });
        }
        fs::create_dir_all(self.folder).map_err(SynthError::at(self.folder))?;
        match (&shape.files, self.layout) {
            (Files::PerRegion(before, between), _) => {
                self.print_apart(shape, before, between, desks, periods)
            }
            (Files::Merged(stem), Layout::PerDay) => self.print_by_day(shape, stem, desks, periods),
            (Files::Merged(stem), Layout::OneFile) => self.print_as_one(shape, stem, desks, periods),
        }
    }

    fn print_apart<D: Desk>(
        &self,
        shape: &Shape,
        before: &str,
        between: &str,
        desks: &mut [D],
        periods: &[Period],
    ) -> Result<Report, SynthError> {
        let print_stretch = |desk: &mut D, stretch: &[Period]| {
            let code = desk.region().code;
            let pages = pages(shape, desk, stretch);
            stretch.iter().zip(&pages).try_fold(
                Report::default(),
                |report, (period, page)| -> Result<Report, SynthError> {
                    let name = format!("{before}{code}{between}{}.csv", period.date);
                    Ok(report + self.file(shape, &name, &[page])?)
                },
            )
        };
        desks
            .par_iter_mut()
            .map(|desk| {
                periods
                    .chunks(STRETCH)
                    .try_fold(Report::default(), |report, stretch| Ok(report + print_stretch(desk, stretch)?))
            })
            .try_reduce(Report::default, |a, b| Ok(a + b))
    }

    fn print_by_day<D: Desk>(
        &self,
        shape: &Shape,
        stem: &str,
        desks: &mut [D],
        periods: &[Period],
    ) -> Result<Report, SynthError> {
        periods.chunks(STRETCH).try_fold(Report::default(), |report, stretch| {
            let regions = spread(shape, desks, stretch);
            let printed = stretch
                .par_iter()
                .enumerate()
                .map(|(at, period)| {
                    let pages: Vec<&Page> = regions.iter().filter_map(|pages| pages.get(at)).collect();
                    self.file(shape, &format!("{stem}-{}.csv", period.date), &pages)
                })
                .try_reduce(Report::default, |a, b| Ok(a + b))?;
            Ok(report + printed)
        })
    }

    /// While one stretch is written the next is drawn up, so that at most two
    /// are in memory however long the file.
    fn print_as_one<D: Desk>(
        &self,
        shape: &Shape,
        stem: &str,
        desks: &mut [D],
        periods: &[Period],
    ) -> Result<Report, SynthError> {
        let mut sink = Sink::create(self.folder, &format!("{stem}.csv"), self.compression)?;
        sink.write(shape.header.as_bytes())?;

        let mut rows = 0;
        let mut drawn: Vec<Vec<Page>> = Vec::new();
        let mut stretches = periods.chunks(STRETCH);
        loop {
            let next = stretches.next();
            let (written, coming) = rayon::join(
                || write_by_date(&mut sink, &drawn),
                || next.map(|stretch| spread(shape, desks, stretch)),
            );
            rows += written?;
            match coming {
                Some(pages) => drawn = pages,
                None => break,
            }
        }
        Ok(Report { files: 1, rows, bytes: sink.finish()? })
    }

    fn file(&self, shape: &Shape, name: &str, pages: &[&Page]) -> Result<Report, SynthError> {
        let mut sink = Sink::create(self.folder, name, self.compression)?;
        let whole: Vec<&[u8]> = std::iter::once(shape.header.as_bytes())
            .chain(pages.iter().map(|page| page.text.as_slice()))
            .collect();
        sink.write(&whole.concat())?;
        Ok(Report { files: 1, rows: pages.iter().map(|page| page.rows).sum(), bytes: sink.finish()? })
    }
}

/// The pages of every region, each with one page per period.
fn spread<D: Desk>(shape: &Shape, desks: &mut [D], stretch: &[Period]) -> Vec<Vec<Page>> {
    desks.par_iter_mut().map(|desk| pages(shape, desk, stretch)).collect()
}

fn pages<D: Desk>(shape: &Shape, desk: &mut D, stretch: &[Period]) -> Vec<Page> {
    let charts = desk.charts(stretch);
    stretch
        .iter()
        .zip(charts)
        .map(|(period, entries)| {
            // A row takes some 130 bytes in most dialects.
            let mut text = Vec::with_capacity(entries.len() * 150);
            shape.chart(&mut text, desk.region(), period, desk.songs(), &entries);
            Page { text, rows: entries.len() as u64 }
        })
        .collect()
}

/// Writes pages by date, then region; gives the number of rows.
fn write_by_date(sink: &mut Sink, regions: &[Vec<Page>]) -> Result<u64, SynthError> {
    let dates = regions.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = 0;
    for at in 0..dates {
        for page in regions.iter().filter_map(|pages| pages.get(at)) {
            sink.write(&page.text)?;
            rows += page.rows;
        }
    }
    Ok(rows)
}
