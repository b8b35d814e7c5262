use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const SHAPE: Shape = Shape {
    rhythm: Rhythm::Weekly,
    files: Files::Merged("weekly_merged"),
    header: "chart_position,chart_date,song,performer,streams,spotify_uri,song_id,region,\
             time_on_chart,instance,consecutive_weeks,previous_week,peak_position,\
             worst_position,chart_url\n",
    row,
    tells_plays: false,
};

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    let Line { song, entry, .. } = line;
    let standing = &entry.standing;
    out.int(entry.rank).raw(",").raw(line.date);
    out.raw(",").minimal(&song.title);
    out.raw(",").minimal(&song.artist_cell);
    out.raw(",").int(entry.streams);
    out.raw(",").raw(line.id);
    out.raw(",");
    out.minimal(&format!("{}{}", song.title, song.artist_cell));
    out.raw(",").raw(line.region.code);
    out.raw(",").int(standing.issues);
    // Whoever merged these used a data frame, where a column that may be empty
    // turns into floats.
    out.raw(",").int(standing.runs).raw(".0,");
    if let Some(previous) = entry.previous {
        out.int(standing.streak - 1).raw(".0,");
        out.int(previous).raw(".0,");
    } else {
        out.raw(",,");
    }
    out.int(standing.peak).raw(",").int(standing.worst);
    out.raw(",https://charts.spotify.com/charts/view/regional-");
    out.raw(line.region.code).raw("-weekly/").raw(line.date);
    out.raw("\n");
}
