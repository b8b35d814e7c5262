//! The official export of today, daily and weekly: quoted cells, CRLF, a byte order mark; region
//! and date stand only in the file name.

use super::{
    ChartIn, DayIn, Dialect, Head, LayoutParts, NAME_THE_FILE, Period, Recognition, RegionIn, ReportedIn,
    TrackIn,
};

const NAME: &str = "spotify-official";

pub const DIALECT: Dialect = Dialect {
    name: NAME,
    columns: &["rank", "uri", "artist_names", "track_name", "source", "streams"],
    recognise,
};

fn recognise(head: &Head) -> Recognition {
    let names = ["rank", "uri", "artist_names", "track_name", "streams"];
    let Some([rank, uri, artists, title, streams]) = head.columns(0, names) else {
        return Recognition::Other;
    };
    let Some((region, period, day)) = head.regional_name() else {
        return Recognition::Unusable(format!("looks like {NAME}, but {NAME_THE_FILE}"));
    };
    let days = head.column(0, "days_on_chart");
    let weeks = head.column(0, "weeks_on_chart");
    let contradicts = match period {
        Period::Daily => weeks.is_some(),
        _ => days.is_some(),
    };
    if contradicts {
        return Recognition::Unusable(format!(
            "looks like {NAME}, but the file name says {} and the header the other; rename the file",
            period.word()
        ));
    }
    let mut layout = head.layout_after(
        0,
        NAME,
        LayoutParts {
            chart: ChartIn::Fixed(format!("spotify:{}", period.word())),
            region: RegionIn::Fixed(region),
            day: DayIn::Fixed(day),
            period,
            rank,
            streams,
            track: TrackIn::Columns { uri: Some(uri), title, artists, features: None },
        },
    );
    layout.reported = Some(ReportedIn {
        peak: head.column(0, "peak_rank"),
        previous: head.column(0, "previous_rank"),
        appearances: days.or(weeks),
    });
    Recognition::Mine(Box::new(layout))
}
