use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const SHAPE: Shape = Shape {
    rhythm: Rhythm::Daily,
    files: Files::PerRegion("regional-", "-daily-"),
    header: ",,,\"Note that these figures are generated using a formula that protects against \
             any artificial inflation of chart positions.\",\n\
             Position,\"Track Name\",Artist,Streams,URL\n",
    row,
    tells_plays: false,
};

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    out.int(line.entry.rank).raw(",").wordy(&line.song.title);
    out.raw(",").wordy(line.song.lead());
    out.raw(",").int(line.entry.streams);
    out.raw(",https://open.spotify.com/track/").raw(line.id);
    out.raw("\n");
}
