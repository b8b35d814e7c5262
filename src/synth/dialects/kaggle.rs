use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const SHAPE: Shape = Shape {
    rhythm: Rhythm::Daily,
    files: Files::Merged("charts"),
    header: "title,rank,date,artist,url,region,chart,trend,streams\n",
    row,
    tells_plays: false,
};

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    let Line { song, entry, .. } = line;
    let trend = match entry.previous {
        None => "NEW_ENTRY",
        Some(previous) if previous > entry.rank => "MOVE_UP",
        Some(previous) if previous < entry.rank => "MOVE_DOWN",
        Some(_) => "SAME_POSITION",
    };
    out.minimal(&song.title).raw(",").int(entry.rank);
    out.raw(",").raw(line.date);
    out.raw(",").minimal(&song.artist_cell);
    out.raw(",https://open.spotify.com/track/").raw(line.id);
    out.raw(",").minimal(line.region.name);
    out.raw(",top200,").raw(trend);
    out.raw(",").int(entry.streams).raw("\n");
}
