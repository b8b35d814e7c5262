//! The running sum of a figure, date by date: what a plot of it shows.

use super::Proof;
use crate::dates::Day;

/// How a sum came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// What a counter had before the first date.
    pub opening: i64,
    /// Each date with streams, and the sum with it.
    pub sums: Vec<(Day, i64)>,
}

impl Course {
    /// Of a proven figure.
    pub fn of(proof: &Proof) -> Self {
        let mut sums: Vec<(Day, i64)> = Vec::with_capacity(proof.dates);
        for row in &proof.rows {
            match sums.last_mut() {
                Some((day, sum)) if *day == row.date => *sum = row.sum,
                _ => sums.push((row.date, row.sum)),
            }
        }
        Self { opening: proof.sum.opening, sums }
    }

    /// The first date with a sum at or over the threshold, the sum before it and the sum with it; `None`
    /// if there is none, or if the opening was there already.
    pub fn reached(&self, threshold: i64) -> Option<(Day, i64, i64)> {
        let place = self.sums.iter().position(|(_, sum)| *sum >= threshold)?;
        let (day, after) = *self.sums.get(place)?;
        let before = place.checked_sub(1).and_then(|before| self.sums.get(before));
        let before = before.map_or(self.opening, |(_, sum)| *sum);
        (self.opening < threshold).then_some((day, before, after))
    }
}
