//! What a name that nobody has was probably meant to be.

use super::text;

/// How many names are offered.
const OFFERED: usize = 3;

/// The names nearest to `wanted`, the best first; none where nothing comes near.
pub fn nearest<'a>(names: impl IntoIterator<Item = &'a str>, wanted: &str) -> Vec<&'a str> {
    let lower = wanted.to_lowercase();
    let score = |name: &str| {
        let name = name.to_lowercase();
        // A part of a title says more than any likeness.
        let part = if !lower.is_empty() && name.contains(&lower) { 1.0 } else { 0.0 };
        ((part + strsim::jaro_winkler(&name, &lower)) * 1e6) as u32
    };
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable_by_key(|name| (name.to_lowercase(), *name));
    names.dedup_by_key(|name| name.to_lowercase());
    let mut names: Vec<(u32, &str)> = names.into_iter().map(|name| (score(name), name)).collect();
    names.sort_unstable_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
    let best = names.first().map_or(0, |(score, _)| *score);
    names.retain(|(score, _)| *score > 700_000 && score + 100_000 > best);
    names.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

/// The nearest names as a question, or `otherwise` where there are none.
pub fn did_you_mean<'a>(
    names: impl IntoIterator<Item = &'a str>,
    wanted: &str,
    otherwise: impl Into<String>,
) -> String {
    let names: Vec<_> = nearest(names, wanted).into_iter().map(text::printable).collect();
    match &names[..] {
        [] => otherwise.into(),
        [one] => format!("did you mean {one}?"),
        several => format!("did you mean one of {}?", several.join(", ")),
    }
}
