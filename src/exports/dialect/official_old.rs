//! The official export until 2021: a banner line above the header, the lead artist alone, the
//! track as a link; region and date stand only in the file name.

use super::{ChartIn, DayIn, Dialect, Head, LayoutParts, NAME_THE_FILE, Recognition, RegionIn, TrackIn};

const NAME: &str = "spotify-official-old";

pub const DIALECT: Dialect =
    Dialect { name: NAME, columns: &["Position", "Track Name", "Artist", "Streams", "URL"], recognise };

fn recognise(head: &Head) -> Recognition {
    let names = ["Position", "Track Name", "Artist", "Streams", "URL"];
    // The banner is the first record; some copies have lost it.
    let found = [0, 1].into_iter().find_map(|row| Some((row, head.columns(row, names)?)));
    let Some((row, [rank, title, artists, streams, uri])) = found else {
        return Recognition::Other;
    };
    let Some((region, period, day)) = head.regional_name() else {
        return Recognition::Unusable(format!("looks like {NAME}, but {NAME_THE_FILE}"));
    };
    let layout = head.layout_after(
        row,
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
    Recognition::Mine(Box::new(layout))
}
