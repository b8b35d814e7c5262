//! A scraper's table of the weekly charts of all countries: featured artists as a bracketed list
//! in a cell of their own. Its `streak` counts weeks in a row, not appearances.

use super::{ChartIn, DayIn, Dialect, Head, LayoutParts, Period, Recognition, RegionIn, ReportedIn, TrackIn};

const NAME: &str = "scraper-weekly";

pub const DIALECT: Dialect = Dialect {
    name: NAME,
    columns: &["date", "track", "artist", "feats", "current_pos", "streams", "country_short", "track_uri"],
    recognise,
};

fn recognise(head: &Head) -> Recognition {
    let names = ["date", "track", "artist", "feats", "current_pos", "streams", "country_short", "track_uri"];
    let Some([date, title, artists, features, rank, streams, region, uri]) = head.columns(0, names) else {
        return Recognition::Other;
    };
    let mut layout = head.layout_after(
        0,
        NAME,
        LayoutParts {
            chart: ChartIn::Fixed("spotify:weekly".to_owned()),
            region: RegionIn::Column(region),
            day: DayIn::Column(date, None),
            period: Period::Weekly,
            rank,
            streams,
            track: TrackIn::Columns { uri: Some(uri), title, artists, features: Some(features) },
        },
    );
    layout.reported = Some(ReportedIn {
        peak: head.column(0, "peak_pos"),
        previous: head.column(0, "prev_pos"),
        appearances: None,
    });
    Recognition::Mine(Box::new(layout))
}
