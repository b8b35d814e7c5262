use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const SHAPE: Shape = Shape {
    rhythm: Rhythm::Daily,
    files: Files::Merged("top_200_daily"),
    header: "Position,Track Name,Artist,Streams,date,region,spotify_id\n",
    row,
    tells_plays: false,
};

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    out.int(line.entry.rank).raw(",").minimal(&line.song.title);
    out.raw(",").minimal(line.song.lead());
    out.raw(",").int(line.entry.streams);
    out.raw(",").raw(line.date);
    out.raw(",").raw(line.region.code);
    out.raw(",").raw(line.id).raw("\n");
}
