use super::cells::Cells;
use super::{Files, Line, Shape};
use crate::synth::calendar::Rhythm;

pub const SHAPE: Shape = Shape {
    rhythm: Rhythm::Daily,
    files: Files::PerRegion("", "_daily_"),
    header: "\u{feff}",
    row,
    tells_plays: true,
};

/// The site counts days at the peak only for peaks on the podium.
const PODIUM: u32 = 3;

fn row(out: &mut Vec<u8>, line: &Line<'_>) {
    let Line { song, entry, .. } = line;
    let (standing, plays) = (&entry.standing, &entry.plays);
    out.raw(line.date).raw(",").int(entry.rank).raw(",");
    match entry.previous {
        None if entry.is_debut() => out.raw("NEW"),
        None => out.raw("RE"),
        Some(previous) if previous == entry.rank => out.raw("="),
        Some(previous) if previous > entry.rank => out.raw("+").int(previous - entry.rank),
        Some(previous) => out.raw("-").int(entry.rank - previous),
    };
    out.raw(",");
    let mut name = format!("{} - {}", song.lead(), song.title);
    if let Some(guests @ [_, ..]) = song.credits.get(1..) {
        name.push_str(&format!(" (w/ {})", guests.join(", ")));
    }
    out.minimal(&name);
    out.raw(",").int(standing.issues);
    out.raw(",").int(standing.peak).raw(",");
    if standing.peak <= PODIUM {
        out.raw("(x").int(standing.at_peak).raw(")");
    }
    out.raw(",").grouped("", entry.streams).raw(",");
    if entry.previous.is_some() {
        out.change(entry.streams, plays.yesterday);
    }
    out.raw(",").grouped("", plays.week);
    out.raw(",").change(plays.week, plays.week_before);
    out.raw(",").grouped("", plays.total).raw("\n");
}
