//! Texts that name their own hash, so that a changed character is found.
//!
//! Commits and `run.json` are small texts that other files' hashes stand in; no file name tells
//! theirs. Each holds the key `seal` with the BLAKE3 of its text, taken with [`OPEN`] in that place.

/// What stands in the place of the seal while the hash is taken.
pub const OPEN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const KEY: &str = "\"seal\":";

/// Where the value of the seal is, if the text has one.
fn place(text: &str) -> Option<std::ops::Range<usize>> {
    text.match_indices(KEY).find_map(|(at, _)| {
        let after = at + KEY.len();
        let value = text.get(after..)?.trim_start_matches(' ');
        let start = text.len() - value.len() + 1;
        let range = start..start + OPEN.len();
        let hash = value.strip_prefix('"')?.get(..OPEN.len())?;
        let closed = text.get(range.end..)?.starts_with('"');
        (closed && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(range)
    })
}

/// Closes a text that has the key `seal` with [`OPEN`] in it; any other text stays as it is.
pub fn close(mut text: String) -> String {
    if let Some(place) = place(&text) {
        let hash = blake3::hash(text.as_bytes()).to_hex();
        text.replace_range(place, &hash);
    }
    text
}

/// Whether a text is as it was when it was closed.
pub fn holds(text: &str) -> bool {
    place(text).is_some_and(|place| {
        let mut open = text.to_owned();
        open.replace_range(place.clone(), OPEN);
        text.get(place) == Some(blake3::hash(open.as_bytes()).to_hex().as_str())
    })
}
