//! The output of the download tool fycharts: date, region and bare identifier in columns, the lead
//! artist alone. Its weekly files name `weekly` and date a week `2020-03-06--2020-03-13`.

use super::{ChartIn, DayIn, Dialect, Head, LayoutParts, Period, Recognition, RegionIn, TrackIn};

const NAME: &str = "fycharts";

pub const DIALECT: Dialect = Dialect {
    name: NAME,
    columns: &["Position", "Track Name", "Artist", "Streams", "date", "region", "spotify_id"],
    recognise,
};

fn recognise(head: &Head) -> Recognition {
    let names = ["Position", "Track Name", "Artist", "Streams", "date", "region", "spotify_id"];
    let Some([rank, title, artists, streams, date, region, uri]) = head.columns(0, names) else {
        return Recognition::Other;
    };
    let period = if head.named_weekly() { Period::Weekly } else { Period::Daily };
    let layout = head.layout_after(
        0,
        NAME,
        LayoutParts {
            chart: ChartIn::Fixed(format!("spotify:{}", period.word())),
            region: RegionIn::Column(region),
            day: DayIn::Column(date, None),
            period,
            rank,
            streams,
            track: TrackIn::Columns { uri: Some(uri), title, artists, features: None },
        },
    );
    Recognition::Mine(Box::new(layout))
}
