//! Places in an order, and which of them the bounds leave open.

/// What an entry is known to lie between, in the sense of the ranking: the best it can be and the
/// worst; smaller is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The best it can be.
    pub best: i64,
    /// The worst it can be: what is ranked.
    pub worst: i64,
}

/// Competition and dense rank of each of the sorted keys.
pub fn ranks<K: PartialEq>(sorted: &[K]) -> Vec<(i64, i64)> {
    let mut ranks: Vec<(i64, i64)> = Vec::with_capacity(sorted.len());
    for (place, key) in sorted.iter().enumerate() {
        let next = match (place.checked_sub(1).and_then(|before| sorted.get(before)), ranks.last()) {
            (Some(before), Some(&last)) if before == key => last,
            (_, last) => (place as i64 + 1, last.map_or(1, |last| last.1 + 1)),
        };
        ranks.push(next);
    }
    ranks
}

/// For entries sorted by their worst key, whether each one's rank is certain: its interval meets no
/// other, or only such as are exact and equal, where `ties_are_exact`.
pub fn certain(sorted: &[Interval], ties_are_exact: bool) -> Vec<bool> {
    let mut best_behind = vec![i64::MAX; sorted.len() + 1];
    for (place, entry) in sorted.iter().enumerate().rev() {
        best_behind[place] = best_behind[place + 1].min(entry.best);
    }
    let mut certain = Vec::with_capacity(sorted.len());
    let mut from = 0;
    for tied in sorted.chunk_by(|a, b| a.worst == b.worst) {
        let until = from + tied.len();
        let worst_before = from.checked_sub(1).and_then(|before| sorted.get(before)).map(|entry| entry.worst);
        let exact = tied.len() == 1 || (ties_are_exact && tied.iter().all(|entry| entry.best == entry.worst));
        certain.extend(tied.iter().map(|entry| {
            let meets_before = worst_before.is_some_and(|worst| worst >= entry.best);
            exact && !meets_before && best_behind[until] > entry.worst
        }));
        from = until;
    }
    certain
}

/// The larger the better, as an interval in which smaller is better.
pub fn descending(least: i64, most: Option<i64>) -> Interval {
    Interval { best: most.map_or(i64::MIN, |most| -most), worst: -least }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_leave_out_places_after_a_tie() {
        assert_eq!(ranks(&[1, 2, 2, 4]), [(1, 1), (2, 2), (2, 2), (4, 3)]);
        assert_eq!(ranks::<i32>(&[]), []);
    }

    #[test]
    fn an_order_is_certain_where_intervals_do_not_meet() {
        let of = |pairs: &[(i64, i64)]| -> Vec<Interval> {
            pairs.iter().map(|&(best, worst)| Interval { best, worst }).collect()
        };
        assert_eq!(certain(&of(&[(1, 1), (2, 2), (3, 3)]), true), [true, true, true]);
        assert_eq!(certain(&of(&[(1, 1), (1, 2), (3, 3)]), true), [false, false, true]);
        assert_eq!(certain(&of(&[(1, 1), (2, 2), (0, 3)]), true), [false, false, false]);
        assert_eq!(certain(&of(&[(2, 2), (2, 2), (3, 3)]), true), [true, true, true]);
        assert_eq!(certain(&of(&[(2, 2), (2, 2), (3, 3)]), false), [false, false, true]);
        assert_eq!(certain(&of(&[(1, 2), (2, 2)]), true), [false, false]);
    }
}
