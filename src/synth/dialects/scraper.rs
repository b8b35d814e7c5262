use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const SHAPE: Shape = Shape {
    rhythm: Rhythm::Weekly,
    files: Files::Merged("spotify_charts"),
    header: "\u{feff}date,track,artist,feats,current_pos,peak_pos,prev_pos,streak,streams,\
             country,country_short,track_uri,artist_uri\n",
    row,
    tells_plays: false,
};

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    let Line { song, entry, .. } = line;
    out.raw(line.date).raw(",").minimal(&song.title);
    out.raw(",").minimal(song.lead());
    out.raw(",");
    out.minimal(&python_list(song.credits.get(1..).unwrap_or_default()));
    out.raw(",").int(entry.rank);
    out.raw(",").int(entry.standing.peak).raw(",");
    match entry.previous {
        Some(previous) => out.int(previous),
        None => out.raw("NaN"),
    };
    out.raw(",").int(entry.standing.streak);
    out.raw(",").int(entry.streams);
    out.raw(",").minimal(line.region.short_name);
    out.raw(",").raw(line.region.code);
    out.raw(",").raw(line.id);
    out.raw(",").raw(&song.lead_id).raw("\n");
}

/// Names as Python prints a list of them: single quotes unless the name has an
/// apostrophe and no double quote.
fn python_list(names: &[String]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| match (name.contains('\''), name.contains('"')) {
            (false, _) => format!("'{name}'"),
            (true, false) => format!("\"{name}\""),
            (true, true) => format!("'{}'", name.replace('\'', "\\'")),
        })
        .collect();
    format!("[{}]", names.join(", "))
}
