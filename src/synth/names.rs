//! Invented names of people, songs and labels, built from syllables.
//!
//! A single word has at least three syllables, so that no name can meet a real
//! short one by chance.

use rand::Rng;
use rand_pcg::Pcg64;

use super::regions::Tongue;

const ENGLISH: &[&str] = &[
    "ba", "bel", "bri", "ca", "cor", "da", "den", "dra", "el", "fa", "fen", "flo", "ga", "gri", "ha", "hol",
    "ja", "ka", "kel", "la", "len", "lo", "ma", "mer", "mo", "na", "nel", "no", "or", "pa", "pel", "ra",
    "ren", "ro", "sa", "sel", "so", "ta", "ten", "tor", "va", "ven", "vi", "wen", "win", "ya", "yor", "za",
    "zel", "zo",
];

const DIACRITICS: &[&str] = &[
    "ção", "ñe", "lé", "rá", "mí", "tó", "sú", "ä", "bö", "gü", "øy", "å", "çe", "ře", "šo", "ži", "łu",
    "ğa", "na", "ve", "ro", "li", "ta", "mo", "sa", "be", "cu", "de",
];

const HANGUL: &[&str] = &[
    "가", "나", "다", "라", "마", "바", "사", "아", "자", "하", "노", "도", "로", "모", "보", "소", "오",
    "별", "달", "봄", "강", "꽃", "눈", "빛", "숲",
];

const ARABIC: &[&str] = &[
    "با", "تا", "دا", "را", "زا", "سا", "شا", "فا", "قا", "كا", "لا", "ما", "نا", "ها", "يا", "نو", "رو",
    "سي", "لي", "مي",
];

/// Picks one of a list that is known not to be empty.
pub fn pick<'a>(rng: &mut Pcg64, list: &[&'a str]) -> &'a str {
    list[below(rng, list.len())]
}

/// A number below `bound`, drawn as 32 bits so that every machine agrees.
pub fn below(rng: &mut Pcg64, bound: usize) -> usize {
    rng.random_range(0..bound.max(1) as u32) as usize
}

/// True `percent` times in a hundred.
pub fn chance(rng: &mut Pcg64, percent: usize) -> bool {
    below(rng, 100) < percent
}

/// One word, capitalised where the script knows capitals.
fn word(rng: &mut Pcg64, tongue: Tongue, syllables: usize) -> String {
    let list = match tongue {
        Tongue::English => ENGLISH,
        Tongue::Diacritics => DIACRITICS,
        Tongue::Hangul => HANGUL,
        Tongue::Arabic => ARABIC,
    };
    let word: String = (0..syllables).map(|_| pick(rng, list)).collect();
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The name of an artist or a band.
pub fn artist(rng: &mut Pcg64, tongue: Tongue) -> String {
    let long = |rng: &mut Pcg64| {
        let syllables = 3 + below(rng, 2);
        word(rng, tongue, syllables)
    };
    match below(rng, 100) {
        0..40 => long(rng),
        40..84 => {
            let first = long(rng);
            format!("{first} {}", word(rng, tongue, 2))
        }
        84..88 => long(rng).to_uppercase(),
        88..91 => format!("The {}s", long(rng)),
        91..93 => format!("{}, The {}", long(rng), word(rng, tongue, 2)),
        93..95 => format!("{}'{}", word(rng, tongue, 1), long(rng)),
        95..97 => format!("{} & {}", long(rng), word(rng, tongue, 2)),
        97..99 => format!("{} ({})", long(rng), word(rng, Tongue::English, 3)),
        _ => format!("{}!", long(rng)),
    }
}

/// The title of a song, without the mention of its guests.
pub fn title(rng: &mut Pcg64, tongue: Tongue) -> String {
    let words = |rng: &mut Pcg64, count: usize| {
        let words: Vec<String> = (0..count)
            .map(|_| {
                let syllables = 2 + below(rng, 2);
                word(rng, tongue, syllables)
            })
            .collect();
        words.join(" ")
    };
    match below(rng, 100) {
        0..35 => words(rng, 1),
        35..70 => words(rng, 2),
        70..84 => words(rng, 3),
        84..87 => format!("{}, {}", words(rng, 1), words(rng, 2)),
        87..89 => format!("{} \"{}\"", words(rng, 1), words(rng, 1)),
        89..92 => format!("{}'s {}", words(rng, 1), words(rng, 1)),
        92..94 => words(rng, 2).to_uppercase(),
        94..96 => format!("{} - Remix", words(rng, 2)),
        96..98 => format!("{} ({})", words(rng, 1), word(rng, Tongue::English, 2)),
        98 => format!("{} - From \"{}\"", words(rng, 1), words(rng, 2)),
        _ => format!("{}?", words(rng, 2)),
    }
}

/// The name of a record label.
pub fn label(rng: &mut Pcg64) -> String {
    let kind = pick(rng, &["Records", "Music", "Recordings", "Sound", "Entertainment"]);
    let syllables = 2 + below(rng, 2);
    let first = word(rng, Tongue::English, syllables);
    if chance(rng, 15) {
        format!("{first} {kind}, under exclusive licence to {}", word(rng, Tongue::English, 3))
    } else {
        format!("{first} {kind}")
    }
}

/// A 22-character base-62 identifier, as tracks and artists carry.
pub fn base62(rng: &mut Pcg64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    // 22 digits reach a little beyond 128 bits: real ones never start high.
    let first = below(rng, 8);
    std::iter::once(first)
        .chain((1..22).map(|_| below(rng, 62)))
        .map(|digit| char::from(DIGITS[digit]))
        .collect()
}
