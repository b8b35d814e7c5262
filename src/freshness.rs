//! How old the newest date of a scope may be: the gate that notices that nothing comes any more.

use std::collections::BTreeMap;

use crate::dates::Day;
use crate::error::{Error, Result};
use crate::publish::ScopeDates;

/// How old the newest date of a scope may be, in days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// For every chart without a number of its own.
    pub max_staleness: Option<u32>,
    /// By chart.
    pub charts: BTreeMap<String, u32>,
}

/// Today's date in UTC.
pub fn today() -> Day {
    Day::from_date(crate::dates::now().date_naive()).unwrap_or_default()
}

/// Days from the newest date of a scope to `today`; negative for a date that is still to come.
pub fn age(scope: &ScopeDates, today: Day) -> i64 {
    today.since(scope.last)
}

impl Freshness {
    /// How old a chart may be.
    fn most(&self, chart: &str) -> Option<u32> {
        self.charts.get(chart).copied().or(self.max_staleness)
    }

    /// Refuses scopes that are too old.
    ///
    /// # Errors
    /// [`Error::Stale`] that names them.
    pub fn check(&self, scopes: &[ScopeDates], today: Day) -> Result<()> {
        const NAMED: usize = 8;
        let stale: Vec<String> = scopes
            .iter()
            .filter_map(|scope| {
                let (age, most) = (age(scope, today), self.most(&scope.chart)?);
                let ScopeDates { chart, region, last, .. } = scope;
                let days = if age == 1 { "day" } else { "days" };
                match age {
                    // Charts of a day can come out before it is over elsewhere.
                    ..-1 => Some(format!(
                        "{chart} {region} ends on {last}, which is still to come, so nothing tells how old it is; a \
                         date in one of its exports is wrong"
                    )),
                    age => (age > i64::from(most)).then(|| {
                        format!("{chart} {region} ends on {last}, {age} {days} ago, at most {most} allowed")
                    }),
                }
            })
            .collect();
        if stale.is_empty() {
            return Ok(());
        }
        let more = stale.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        Err(Error::Stale(format!(
            "{}{more}",
            stale.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ")
        )))
    }
}
