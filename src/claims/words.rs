//! Figures and names in the sentences of a verdict.

/// A whole number with its thousands apart.
pub fn streams(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::from(if value < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 day`, `2 days`, `3,000 streams`.
pub fn counted(count: i64, one: &str) -> String {
    format!("{} {one}{}", streams(count), if count == 1 { "" } else { "s" })
}

/// The first few of some names, sorted.
pub fn some(mut names: Vec<&str>) -> String {
    const SHOWN: usize = 3;
    names.sort_unstable();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let names = names.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}
