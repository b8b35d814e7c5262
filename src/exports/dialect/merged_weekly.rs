//! Many weeks of the weekly chart merged into one file, with positions and dates of its own
//! naming.

use super::{ChartIn, DayIn, Dialect, Head, LayoutParts, Period, Recognition, RegionIn, ReportedIn, TrackIn};

const NAME: &str = "merged-weekly";

pub const DIALECT: Dialect = Dialect {
    name: NAME,
    columns: &["chart_position", "chart_date", "song", "performer", "streams", "spotify_uri", "region"],
    recognise,
};

fn recognise(head: &Head) -> Recognition {
    let names = ["chart_position", "chart_date", "song", "performer", "streams", "spotify_uri", "region"];
    let Some([rank, date, title, artists, streams, uri, region]) = head.columns(0, names) else {
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
            track: TrackIn::Columns { uri: Some(uri), title, artists, features: None },
        },
    );
    layout.reported = Some(ReportedIn {
        peak: head.column(0, "peak_position"),
        previous: head.column(0, "previous_week"),
        appearances: head.column(0, "time_on_chart"),
    });
    Recognition::Mine(Box::new(layout))
}
