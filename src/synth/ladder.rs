//! What a chart remembers: peaks, runs, where each song stood before.
//!
//! The exports state these figures row by row; here they are counted from the
//! charts themselves, so they are true of the files taken together.

use std::cmp::Reverse;

/// A song's record on one chart so far, today included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub peak: u32,
    pub worst: u32,
    /// Issues it was in.
    pub issues: u32,
    /// Issues it spent at its peak.
    pub at_peak: u32,
    /// Issues in a row up to now.
    pub streak: u32,
    /// Unbroken runs, the present one included.
    pub runs: u32,
    rank: u32,
    last_issue: u32,
}

/// How a song is played around a day, for exports that tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plays {
    pub yesterday: u64,
    /// The seven days up to today.
    pub week: u64,
    /// The seven days up to yesterday.
    pub week_before: u64,
    /// Since release, days off the chart included.
    pub total: u64,
}

impl Plays {
    /// Counts `plays_on` around `today`; the total is left to those who keep it.
    pub fn around(today: i32, plays_on: impl Fn(i32) -> u64) -> Self {
        let week: u64 = (today - 6..=today).map(&plays_on).sum();
        Self {
            yesterday: plays_on(today - 1),
            week,
            week_before: week - plays_on(today) + plays_on(today - 7),
            total: 0,
        }
    }
}

/// One row of a chart.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub song: usize,
    pub rank: u32,
    pub streams: u64,
    /// Its rank in the issue before this one, if it was there.
    pub previous: Option<u32>,
    pub standing: Standing,
    pub plays: Plays,
}

impl Entry {
    /// Whether this is the first time it charts.
    pub fn is_debut(&self) -> bool {
        self.standing.issues == 1
    }
}

/// The memory of one region's chart.
#[derive(Debug)]
pub struct Ladder {
    standings: Vec<Standing>,
}

impl Ladder {
    pub fn new(songs: usize) -> Self {
        Self { standings: vec![Standing::default(); songs] }
    }

    /// Ranks `field` (song, streams) into issue `number`, at most `depth` rows.
    /// Issues are to be climbed in order.
    pub fn climb(&mut self, number: u32, mut field: Vec<(usize, u64)>, depth: usize) -> Vec<Entry> {
        field.retain(|&(_, streams)| streams > 0);
        field.sort_unstable_by_key(|&(song, streams)| (Reverse(streams), song));
        field.truncate(depth);
        field
            .into_iter()
            .zip(1..)
            .filter_map(|((song, streams), rank)| {
                let standing = self.standings.get_mut(song)?;
                let previous = standing.take(number, rank);
                Some(Entry { song, rank, streams, previous, standing: *standing, plays: Plays::default() })
            })
            .collect()
    }
}

impl Standing {
    /// Notes `rank` in issue `number`; gives the rank in the one before.
    fn take(&mut self, number: u32, rank: u32) -> Option<u32> {
        let previous = (self.issues > 0 && self.last_issue + 1 == number).then_some(self.rank);
        if previous.is_none() {
            self.runs += 1;
            self.streak = 0;
        }
        if self.issues == 0 || rank < self.peak {
            self.peak = rank;
            self.at_peak = 0;
        }
        self.at_peak += u32::from(rank == self.peak);
        self.worst = self.worst.max(rank);
        self.issues += 1;
        self.streak += 1;
        self.rank = rank;
        self.last_issue = number;
        previous
    }
}
