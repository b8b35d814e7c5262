//! The invented world: its artists, its songs, and how much each song is
//! played on each day in each region.
//!
//! Plays are a pure function of (song, region, day), in integers alone. So any
//! region can be drawn up on any thread, in any order, and a running total may
//! count days the song was off the chart.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::calendar::Calendar;
use super::names::{self, below, chance, pick};
use super::regions::{REGIONS, Region, Tongue};

/// What a song's plays in the whole world count as, in shares of regions.
pub const WHOLE: u64 = 100_000;

/// What attention is counted in: a song at its height has `FULL`.
const FULL: u64 = 1 << 16;

/// Daily plays of a world's best song per square root of the days over which
/// releases are spread: with that, the daily top 200 runs from some 7 million
/// down to half a million in a short world and a long one alike.
const HIT: u64 = 1_000_000;

/// The oldest songs came out this many days before the first chart.
const BACK_CATALOGUE: usize = 1_000;

/// A song as the exports show it.
#[derive(Debug, Clone)]
pub struct Song {
    pub title: String,
    /// Everyone credited, the lead artist first.
    pub credits: Vec<String>,
    /// `credits` in one cell.
    pub artist_cell: String,
    /// The lead artist's identifier.
    pub lead_id: String,
    pub label: String,
    /// The track identifier it started under.
    pub first_id: String,
    /// Since which day another identifier took over.
    pub moved: Option<(i32, String)>,
}

impl Song {
    pub fn lead(&self) -> &str {
        self.credits.first().map_or("", String::as_str)
    }

    /// The track identifier in force on `day`.
    pub fn id_on(&self, day: i32) -> &str {
        match &self.moved {
            Some((since, id)) if *since <= day => id,
            _ => &self.first_id,
        }
    }
}

/// How a song lives.
#[derive(Debug, Clone)]
struct Life {
    release: i32,
    /// Days from release to the height of attention.
    rise: u32,
    /// Days after which half of the attention is gone.
    half: u32,
    /// The attention that never goes, out of `FULL`.
    rest: u64,
    /// Daily plays in the whole world at full attention.
    height: u64,
    /// The place in `REGIONS` it comes from.
    home: usize,
}

impl Life {
    fn attention(&self, day: i32) -> u64 {
        let Ok(age) = u32::try_from(day - self.release) else {
            return 0;
        };
        let risen = FULL * u64::from((age + 1).min(self.rise)) / u64::from(self.rise);
        let since_height = (age + 1).saturating_sub(self.rise);
        let left = FULL * u64::from(self.half) / u64::from(self.half + since_height);
        risen * (self.rest + (FULL - self.rest) * left / FULL) / FULL
    }
}

/// Everything that does not depend on how it is exported.
#[derive(Debug)]
pub struct World {
    seed: u64,
    calendar: Calendar,
    songs: Vec<Song>,
    lives: Vec<Life>,
}

struct Artist {
    name: String,
    id: String,
    label: String,
    home: usize,
}

impl World {
    /// Draws up a world of `tracks` songs around the `days` of `calendar`.
    /// Enough of them are out before the first day to fill charts of `rows`.
    pub fn new(seed: u64, tracks: usize, rows: usize, days: usize, calendar: Calendar) -> Self {
        let mut rng = Pcg64::seed_from_u64(seed);
        let artists = artists(&mut rng, tracks.div_ceil(7));
        let span = BACK_CATALOGUE + days;
        let hit = (HIT * HIT * span as u64).isqrt();

        let mut places: Vec<u32> = (0..tracks as u32).collect();
        places.shuffle(&mut rng);

        let mut taken = BTreeSet::new();
        let mut songs = Vec::with_capacity(tracks);
        let mut lives = Vec::with_capacity(tracks);
        for (number, place) in places.into_iter().enumerate() {
            // Releases come evenly, but enough of them to fill a chart are
            // out before the first day even where songs are few.
            let spread = if number < rows * 3 / 2 { BACK_CATALOGUE } else { span };
            let release = below(&mut rng, spread) as i32 - BACK_CATALOGUE as i32;
            let lead = popular(&mut rng, artists.len());
            let song = loop {
                let song = song(&mut rng, &artists, lead, release, days);
                if taken.insert((song.title.clone(), song.artist_cell.clone())) {
                    break song;
                }
            };
            songs.push(song);
            lives.push(Life {
                release,
                rise: if chance(&mut rng, 70) { 1 } else { 8 + below(&mut rng, 50) as u32 },
                half: 12 + below(&mut rng, 90).min(below(&mut rng, 260)) as u32,
                rest: FULL / (10 + below(&mut rng, 70) as u64),
                // Plays fall with the square root of the place, as on real
                // charts; isqrt of a 20-bit larger number keeps the grain.
                height: hit * 1024 / ((u64::from(place) + 9) << 20).isqrt(),
                home: artists.get(lead).map_or(0, |artist| artist.home),
            });
        }
        Self { seed, calendar, songs, lives }
    }

    /// How the world sounds from one place.
    pub fn heard_from(&self, place: usize) -> Option<Place<'_>> {
        let region = REGIONS.get(place)?;
        let levels = self
            .lives
            .iter()
            .enumerate()
            .map(|(song, life)| {
                let whim = mix(self.seed ^ ((song as u64) << 32) ^ ((place as u64) << 8));
                life.height * portion(region, place, life.home, whim) / WHOLE
            })
            .collect();
        Some(Place { world: self, region, salt: mix(self.seed ^ !(place as u64)), levels })
    }
}

/// The world as one region hears it.
#[derive(Debug)]
pub struct Place<'w> {
    world: &'w World,
    pub region: &'static Region,
    salt: u64,
    /// Daily plays of each song here at full attention.
    levels: Vec<u64>,
}

impl Place<'_> {
    pub fn songs(&self) -> &[Song] {
        &self.world.songs
    }

    /// How often `song` is played here on `day`; zero only before release.
    pub fn plays(&self, song: usize, day: i32) -> u64 {
        let (Some(life), Some(level)) = (self.world.lives.get(song), self.levels.get(song)) else {
            return 0;
        };
        let attention = life.attention(day);
        if attention == 0 {
            return 0;
        }
        // Days of a song waver by a fourteenth, each by itself.
        let waver = 948 + mix(self.salt ^ ((song as u64) << 32) ^ u64::from(day as u32)) % 153;
        let lift = self.world.calendar.lift(day);
        ((((level * attention) >> 16) * lift * waver) >> 20).max(1)
    }

    /// For how many days `song` is out before `day`.
    pub fn age(&self, song: usize, day: i32) -> u64 {
        let release = self.world.lives.get(song).map_or(day, |life| life.release);
        u64::try_from(day - release).unwrap_or_default()
    }

    /// The songs that may chart at `depth` somewhere in `first..=last`, a few
    /// neighbouring weeks at most, with a margin that daily wavering cannot
    /// eat up. The other thousands need not be looked at day by day.
    pub fn contenders(&self, first: i32, last: i32, depth: usize) -> Vec<usize> {
        let mut field: Vec<(u64, usize)> = self
            .world
            .lives
            .iter()
            .zip(&self.levels)
            .enumerate()
            .filter(|(_, (life, _))| life.release <= last)
            .map(|(song, (life, level))| {
                let early = life.attention(first.max(life.release));
                (level * early.max(life.attention(last)), song)
            })
            .collect();
        let wanted = depth * 2 + 60;
        if field.len() > wanted {
            field.select_nth_unstable_by_key(wanted, |&(best, song)| (Reverse(best), song));
            field.truncate(wanted);
        }
        field.into_iter().map(|(_, song)| song).collect()
    }
}

/// What part of a song's plays in the world happen in a place, of `WHOLE`.
fn portion(region: &Region, place: usize, home: usize, whim: u64) -> u64 {
    if place == 0 {
        return WHOLE;
    }
    let same_tongue = REGIONS.get(home).is_some_and(|from| from.tongue == region.tongue);
    let per_cent_of_usual = if place == home {
        280 + whim % 420
    } else if same_tongue {
        30 + whim % 70
    } else {
        15 + whim % 60
    };
    // Nowhere so much that the parts would be more than the world.
    (region.share * per_cent_of_usual / 100).min(WHOLE * 2 / 5)
}

/// Spreads the bits of `x` over all of the result (SplitMix64's last step).
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// An index below `count` that is the likelier the lower.
fn popular(rng: &mut Pcg64, count: usize) -> usize {
    below(rng, count).min(below(rng, count))
}

fn artists(rng: &mut Pcg64, count: usize) -> Vec<Artist> {
    let labels: Vec<String> = (0..40).map(|_| names::label(rng)).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut taken = BTreeSet::new();
    (0..count.max(1))
        .map(|_| {
            let tongue = match below(rng, 100) {
                0..52 => Tongue::English,
                52..86 => Tongue::Diacritics,
                86..94 => Tongue::Hangul,
                _ => Tongue::Arabic,
            };
            let name = loop {
                let name = names::artist(rng, tongue);
                if taken.insert(name.clone()) {
                    break name;
                }
            };
            Artist {
                name,
                id: names::base62(rng),
                label: pick(rng, &labels).to_owned(),
                home: home_of(rng, tongue),
            }
        })
        .collect()
}

/// A region of that tongue, the larger the likelier.
fn home_of(rng: &mut Pcg64, tongue: Tongue) -> usize {
    let homes: Vec<usize> = (1..REGIONS.len()).filter(|&place| REGIONS[place].tongue == tongue).collect();
    let choice = popular(rng, homes.len());
    homes.get(choice).copied().unwrap_or_default()
}

fn song(rng: &mut Pcg64, artists: &[Artist], lead: usize, release: i32, days: usize) -> Song {
    let first = &artists[lead];
    let tongue = REGIONS[first.home].tongue;
    let guests = match below(rng, 100) {
        0..70 => 0,
        70..91 => 1,
        91..97 => 2,
        _ => 3,
    };
    let mut credits = vec![first.name.clone()];
    for _ in 0..guests {
        let guest = &artists[popular(rng, artists.len())].name;
        if !credits.contains(guest) {
            credits.push(guest.clone());
        }
    }

    let mut title = names::title(rng, tongue);
    if let [_, guests @ ..] = credits.as_slice()
        && !guests.is_empty()
        && chance(rng, 45)
    {
        title.push_str(&format!(" (feat. {})", guests.join(" & ")));
    }
    let moved = chance(rng, 4).then(|| {
        let since = release.max(0) + 20 + below(rng, days.div_ceil(2)) as i32;
        (since, names::base62(rng))
    });
    Song {
        title,
        artist_cell: credits.join(", "),
        credits,
        lead_id: first.id.clone(),
        label: first.label.clone(),
        first_id: names::base62(rng),
        moved,
    }
}
