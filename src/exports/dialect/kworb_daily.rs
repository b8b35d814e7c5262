//! A daily page of kworb.net saved as CSV: no header, thousands separators, artist and title in
//! one cell, a running total at the end. The region stands in the file name.

use super::{
    ChartIn, DayIn, Dialect, Head, Layout, LayoutParts, Period, Recognition, RegionIn, ReportedIn, TrackIn,
};
use crate::dates::Day;

const NAME: &str = "kworb-daily";

pub const DIALECT: Dialect = Dialect { name: NAME, columns: &[], recognise };

// The columns of the page, which have no names: date, position, its change, artist and title, days
// on the chart, peak, times at the peak, streams, their change, seven days, their change, total.
const FIELDS: usize = 12;
const DATE: usize = 0;
const POSITION: usize = 1;
const TITLE: usize = 3;
const DAYS: usize = 4;
const PEAK: usize = 5;
const STREAMS: usize = 7;
const TOTAL: usize = 11;

fn recognise(head: &Head) -> Recognition {
    let Some(first) = head.records.first() else {
        return Recognition::Other;
    };
    let cells = &first.cells;
    let fits = cells.len() == FIELDS
        && Day::parse(cells[DATE].as_bytes()).is_some()
        && cells[POSITION].parse::<u16>().is_ok()
        && cells[TITLE].contains(" - ");
    if !fits {
        return Recognition::Other;
    }
    let region = head.file_name.split(['_', '-', '.']).next().unwrap_or_default();
    if region != "global" && region.len() != 2 {
        return Recognition::Unusable(format!(
            "looks like {NAME}, but the region stands only in the file name: \
             call it <region>_daily_<date>.csv, such as kr_daily_{}.csv",
            cells[DATE]
        ));
    }
    let layout = head.layout_after(
        0,
        NAME,
        LayoutParts {
            chart: ChartIn::Fixed("kworb:daily".to_owned()),
            region: RegionIn::Fixed(region.to_lowercase()),
            day: DayIn::Column(DATE, None),
            period: Period::Daily,
            rank: POSITION,
            streams: STREAMS,
            track: TrackIn::Together(TITLE),
        },
    );
    let reported = ReportedIn { peak: Some(PEAK), previous: None, appearances: Some(DAYS) };
    Recognition::Mine(Box::new(Layout {
        first_row: head.start(),
        thousands: Some(b','),
        total: Some(TOTAL),
        reported: Some(reported),
        ..layout
    }))
}
