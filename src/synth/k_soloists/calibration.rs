//! Scales the cast's curves until the sums of the story fall on its dates.

use std::ops::RangeInclusive;

use super::cast::{CAST, Part, Role, on};
use crate::synth::calendar::Calendar;
use crate::synth::world::mix;

const BILLION: u64 = 1_000_000_000;

/// What a sum has to be on some day.
///
/// It is set for noon, half of that day's streams counted. So a threshold is
/// passed on the day itself and clearly not on the one before.
struct Goal {
    /// Whose songs are counted; `None` counts the scaled part alone.
    credit: Option<&'static str>,
    since: i32,
    noon: i32,
    sum: u64,
    /// The part that is scaled, and on which days, to meet it.
    part: Part,
    scaled: RangeInclusive<i32>,
}

impl Goal {
    /// The year's billion of `artist`.
    const fn year(artist: &'static str, since: i32, noon: i32, part: Part) -> Self {
        Self {
            credit: Some(artist),
            since,
            noon,
            sum: BILLION,
            part,
            scaled: on(2023, 1, 1)..=on(2024, 12, 31),
        }
    }
}

const NEW_YEAR: i32 = on(2023, 1, 1);
const NEXT_YEAR: i32 = on(2024, 1, 1);

/// In an order in which no goal undoes another.
const GOALS: &[Goal] = &[
    Goal {
        credit: None,
        since: on(2023, 7, 14),
        noon: on(2023, 10, 30),
        sum: BILLION,
        part: Part::Seven,
        scaled: on(2023, 7, 14)..=on(2023, 10, 30),
    },
    Goal {
        credit: None,
        since: on(2023, 7, 14),
        noon: on(2024, 3, 20),
        sum: 1_399_500_000,
        part: Part::Seven,
        scaled: on(2023, 10, 31)..=on(2024, 3, 20),
    },
    Goal::year("Jung Kook", NEW_YEAR, on(2023, 8, 5), Part::JungKookBefore),
    Goal::year("Jung Kook", NEXT_YEAR, on(2024, 3, 20), Part::JungKookAfter),
    Goal::year("Jimin", NEW_YEAR, on(2023, 6, 18), Part::Jimin),
    Goal::year("Agust D", NEW_YEAR, on(2023, 9, 27), Part::AgustD),
    Goal::year("V", NEW_YEAR, on(2023, 11, 8), Part::V),
    Goal::year("Lisa", NEW_YEAR, on(2023, 11, 19), Part::Lisa),
];

/// The streams of each song of the cast, day by day.
pub struct Performances {
    days: Vec<Vec<u64>>,
}

impl Performances {
    /// The world's streams of the song at `role` in the cast; zero off chart.
    pub fn plays(&self, role: usize, day: i32) -> u64 {
        let day = usize::try_from(day).ok();
        day.and_then(|day| self.days.get(role)?.get(day).copied()).unwrap_or_default()
    }

    /// Twice the sum at noon of the goal's day, over the songs and days that
    /// `counts` picks.
    fn doubled(&self, goal: &Goal, counts: impl Fn(&Role, i32) -> bool) -> u64 {
        let mut sum = 0;
        for (number, role) in CAST.iter().enumerate() {
            for day in (goal.since..=goal.noon).filter(|&day| counts(role, day)) {
                let parts = if day == goal.noon { 1 } else { 2 };
                sum += parts * self.plays(number, day);
            }
        }
        sum
    }

    fn meet(&mut self, goal: &Goal) {
        let counted = |role: &Role| match goal.credit {
            Some(artist) => role.credits.contains(&artist),
            None => role.part == goal.part,
        };
        let scaled = |role: &Role, day| role.part == goal.part && goal.scaled.contains(&day);
        let fixed = self.doubled(goal, |role, day| counted(role) && !scaled(role, day));
        let movable = self.doubled(goal, |role, day| counted(role) && scaled(role, day));
        let wanted = (2 * goal.sum).saturating_sub(fixed);

        for (role, days) in CAST.iter().zip(&mut self.days) {
            for (streams, day) in days.iter_mut().zip(0..) {
                if scaled(role, day) {
                    let exact = u128::from(*streams) * u128::from(wanted);
                    *streams = (exact / u128::from(movable.max(1))) as u64;
                }
            }
        }
    }
}

/// The performances of the first `days`, with every goal met.
pub fn rehearse(calendar: &Calendar, days: usize) -> Performances {
    let days = CAST
        .iter()
        .zip(1..)
        .map(|(role, salt)| {
            (0..days as i32)
                .map(|day| {
                    let waver = 973 + mix(salt << 32 | day as u64) % 103;
                    height(role.curve, day) * calendar.lift(day) / 1024 * waver / 1024
                })
                .collect()
        })
        .collect();
    let mut performances = Performances { days };
    for goal in GOALS {
        performances.meet(goal);
    }
    performances
}

/// The curve's streams on `day`, as the straight line between its two knots.
fn height(curve: &[(i32, u64)], day: i32) -> u64 {
    curve
        .windows(2)
        .find_map(|knots| match *knots {
            [(from, left), (to, right)] if (from..=to).contains(&day) => {
                let (after, before) = ((day - from) as u64, (to - day) as u64);
                Some(1_000 * (left * before + right * after) / (before + after).max(1))
            }
            _ => None,
        })
        .unwrap_or_default()
}
