//! What is left of a name or a title when spelling is set aside.

use any_ascii::{any_ascii, any_ascii_char};

/// The letters that a name is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Script {
    Latin,
    Hangul,
    Han,
    Kana,
    Cyrillic,
    Other,
    Mixed,
}

impl Script {
    /// The script of a text; Latin if it has no letters.
    pub fn of(text: &str) -> Self {
        let mut script = None;
        for letter in text.chars().filter(|c| c.is_alphabetic()) {
            let this = Self::of_letter(letter);
            script = match (script, this) {
                (None, this) => Some(this),
                (Some(a), b) if a == b => Some(a),
                // Japanese is written in both.
                (Some(Self::Han | Self::Kana), Self::Han | Self::Kana) => Some(Self::Kana),
                _ => return Self::Mixed,
            };
        }
        script.unwrap_or(Self::Latin)
    }

    fn of_letter(letter: char) -> Self {
        match letter {
            '\0'..='\u{24f}'
            | '\u{1e00}'..='\u{1eff}'
            | '\u{2100}'..='\u{24ff}'
            | '\u{2c60}'..='\u{2c7f}'
            | '\u{a720}'..='\u{a7ff}'
            | '\u{ff21}'..='\u{ff5a}'
            | '\u{1d400}'..='\u{1d7ff}' => Self::Latin,
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7ff}' => Self::Hangul,
            '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' => Self::Kana,
            '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => Self::Han,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            _ => Self::Other,
        }
    }

    /// How closely a transliteration says how a name is written in Latin letters. Han is read in
    /// the Mandarin way, which for most of those names says nothing.
    fn ears(self) -> &'static [Ear] {
        match self {
            Self::Latin => &[Ear::Loose, Ear::Strict],
            Self::Hangul | Self::Kana => &[Ear::Loose],
            Self::Cyrillic | Self::Other => &[Ear::Strict],
            Self::Han | Self::Mixed => &[],
        }
    }
}

/// A text without case, spacing, punctuation, diacritics, and the word "and", in its own script.
pub fn folded(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let is_letter = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|c| c.is_alphabetic());
    let mut folded = String::with_capacity(text.len());
    let mut word = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let (before, after) = (is_letter(at.checked_sub(1)), is_letter(Some(at + 1)));
        match letter {
            '$' if before || after => word.push('s'),
            '!' if before && after => word.push('i'),
            _ if letter.is_alphanumeric() && Script::of_letter(letter) == Script::Latin => {
                word.extend(any_ascii_char(letter).chars().filter(char::is_ascii_alphanumeric));
            }
            _ if letter.is_alphanumeric() => word.push(letter),
            _ => end_word(&mut folded, &mut word),
        }
    }
    end_word(&mut folded, &mut word);
    folded
}

fn end_word(folded: &mut String, word: &mut String) {
    if !word.eq_ignore_ascii_case("and") {
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    word.clear();
}

/// What of case, spacing, punctuation and diacritics has to be set aside for two texts to be equal,
/// in words.
pub fn set_aside(a: &str, b: &str) -> String {
    const ASPECTS: [&str; 4] = ["case", "spacing", "punctuation", "diacritics"];
    let mut aside = [true; 4];
    let same = |aside| without(a, aside) == without(b, aside);
    // Equal only to `folded`, which reads signs as letters or words.
    let signs = !same(aside);
    for aspect in (0..ASPECTS.len()).filter(|_| !signs) {
        aside[aspect] = false;
        aside[aspect] = !same(aside);
    }
    let mut words: Vec<&str> =
        ASPECTS.iter().zip(aside).filter(|(_, aside)| *aside).map(|(word, _)| *word).collect();
    if signs {
        words.push("signs such as &");
    }
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => "invisible signs".to_owned(),
    }
}

fn without(text: &str, [case, spacing, punctuation, diacritics]: [bool; 4]) -> String {
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if letter.is_alphanumeric() => match diacritics && Script::of_letter(letter) == Script::Latin {
                true => kept.push_str(any_ascii_char(letter)),
                false => kept.push(letter),
            },
            _ if letter.is_whitespace() && spacing => {}
            _ if !letter.is_whitespace() && punctuation => {}
            _ => kept.push(letter),
        }
    }
    if case { kept.to_lowercase() } else { kept }
}

/// A text in Latin letters, lower case, nothing else.
pub fn transliterated(text: &str) -> String {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    any_ascii(&letters).chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Which consonants sound alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ear {
    /// Those that romanizations confuse, such as g and k.
    Loose,
    /// The same letter only.
    Strict,
}

/// How a name sounds, roughly enough to be the same for 정국 and Jung Kook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// With which ear.
    pub ear: Ear,
    /// Classes of consonants: those that romanizations confuse are one.
    pub consonants: String,
    /// Classes of consonants and of the vowels between them.
    pub full: String,
    /// How many vowels.
    pub vowels: usize,
}

impl Sound {
    /// The sounds of a name; none if its script does not tell.
    pub fn of(name: &str) -> Vec<Self> {
        let script = Script::of(name);
        script.ears().iter().map(|&ear| Self::with(ear, script, &transliterated(name))).collect()
    }

    fn with(ear: Ear, script: Script, letters: &str) -> Self {
        let mut sound = Self { ear, consonants: String::new(), full: String::new(), vowels: 0 };
        let mut rest = letters;
        // A consonant that is written twice is one, but not with a vowel between.
        let mut last = None;
        while let Some(first) = rest.chars().next() {
            if is_vowel(first) {
                let end = rest.find(|c| !is_vowel(c)).unwrap_or(rest.len());
                let (run, after) = rest.split_at(end);
                rest = after;
                // The vowel that Hangul puts where a foreign word has none.
                if script == Script::Hangul && run == "eu" {
                    continue;
                }
                if let Some(class) = vowel_class(run) {
                    sound.full.push(class);
                    sound.vowels += 1;
                }
                last = None;
                continue;
            }
            let (length, classes) = match ear {
                Ear::Loose => consonant_class(rest),
                Ear::Strict => (1, &rest[..1]),
            };
            rest = &rest[length..];
            for class in classes.chars().filter(|class| last != Some(*class)) {
                sound.consonants.push(class);
                sound.full.push(class);
            }
            last = classes.chars().last();
        }
        sound
    }
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'w')
}

fn vowel_class(run: &str) -> Option<char> {
    let glide = run.trim_start_matches(['y', 'w']);
    Some(match glide {
        "" if run.starts_with('y') => 'I',
        "" => return None,
        _ if glide.starts_with("ae") => 'I',
        _ if glide.starts_with("eo") || glide.starts_with("eu") => 'U',
        _ if glide.starts_with('a') => 'A',
        _ if glide.starts_with(['e', 'i']) => 'I',
        _ => 'U',
    })
}

/// How many letters the consonant that `text` begins with has, and its class or classes.
fn consonant_class(text: &str) -> (usize, &'static str) {
    const PAIRS: [(&str, &str); 11] = [
        ("ng", "n"),
        ("ch", "j"),
        ("zh", "j"),
        ("sh", "s"),
        ("ts", "j"),
        ("tz", "j"),
        ("ph", "p"),
        ("th", "t"),
        ("kh", "k"),
        ("gh", "k"),
        ("ck", "k"),
    ];
    if let Some((_, class)) = PAIRS.iter().find(|(pair, _)| text.starts_with(pair)) {
        return (2, class);
    }
    let class = match text.as_bytes().first() {
        Some(b'b' | b'p' | b'f' | b'v') => "p",
        Some(b'd' | b't') => "t",
        Some(b'g' | b'k' | b'q' | b'c') => "k",
        Some(b'j' | b'z') => "j",
        Some(b'l' | b'r') => "l",
        Some(b'm') => "m",
        Some(b'n') => "n",
        Some(b's') => "s",
        Some(b'x') => "ks",
        Some(b'h') => "h",
        // Digits stay apart from letters.
        _ => "0",
    };
    (1, class)
}
