use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const DAILY: Shape = Shape {
    rhythm: Rhythm::Daily,
    files: Files::PerRegion("regional-", "-daily-"),
    header: "\u{feff}rank,uri,artist_names,track_name,source,peak_rank,previous_rank,\
             days_on_chart,streams\r\n",
    row,
    tells_plays: false,
};

pub const WEEKLY: Shape = Shape {
    rhythm: Rhythm::Weekly,
    files: Files::PerRegion("regional-", "-weekly-"),
    header: "\u{feff}rank,uri,artist_names,track_name,source,peak_rank,previous_rank,\
             weeks_on_chart,streams\r\n",
    row,
    tells_plays: false,
};

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    let Line { song, entry, .. } = line;
    out.int(entry.rank).raw(",\"spotify:track:").raw(line.id);
    out.raw("\",").quoted(&song.artist_cell);
    out.raw(",").quoted(&song.title);
    out.raw(",").quoted(&song.label);
    out.raw(",").int(entry.standing.peak);
    // The site's own mark for a new entry and for a return alike.
    out.raw(",").int(entry.previous.map_or(-1, i64::from));
    out.raw(",").int(entry.standing.issues);
    out.raw(",\"").int(entry.streams).raw("\"\r\n");
}
