//! The merged shape that circulates as one file of all regions and years: two daily charts in one
//! file, of which the viral one has ranks and no streams.

use super::{ChartIn, DayIn, Dialect, Head, LayoutParts, Period, Recognition, RegionIn, TrackIn};

const NAME: &str = "merged-daily";

pub const DIALECT: Dialect = Dialect {
    name: NAME,
    columns: &["title", "rank", "date", "artist", "url", "region", "chart", "streams"],
    recognise,
};

const CHARTS: &[(&str, &str, bool)] =
    &[("top200", "spotify:daily", true), ("viral50", "spotify-viral:daily", false)];

fn recognise(head: &Head) -> Recognition {
    let names = ["title", "rank", "date", "artist", "url", "region", "chart", "streams"];
    let Some([title, rank, date, artists, uri, region, chart, streams]) = head.columns(0, names) else {
        return Recognition::Other;
    };
    let layout = head.layout_after(
        0,
        NAME,
        LayoutParts {
            chart: ChartIn::Column(chart, CHARTS),
            region: RegionIn::Column(region),
            day: DayIn::Column(date, None),
            period: Period::Daily,
            rank,
            streams,
            track: TrackIn::Columns { uri: Some(uri), title, artists, features: None },
        },
    );
    Recognition::Mine(Box::new(layout))
}
