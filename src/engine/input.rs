//! What a job reads: files that every machine of the cluster sees, as the view `cl_rows`.

use std::collections::{BTreeMap, HashSet};

use super::cluster::{Cluster, address};
use crate::dates::Day;
use crate::error::{Error, Result};
use crate::exports::Listing;
use crate::ledger::Ledger;
use crate::pipeline::Plan;

/// The regions of one chart are numbered from a multiple of this.
const REGIONS: i64 = 1 << 16;

/// What there is to count.
#[derive(Default)]
pub struct Input {
    /// In a few words, for messages.
    pub what: String,
    /// Listings by code.
    pub listings: Vec<Listing>,
    /// Chart and region of each scope, by its number.
    pub scopes: BTreeMap<i64, (String, String)>,
    /// Dates of which exports contradict each other, with the number of their scope.
    pub conflicts: HashSet<(i64, Day)>,
}

/// The columns of a month's file; those that it lacks are null.
const MONTH: &str = "region INT, `date` DATE, `rank` INT, listing INT, streams BIGINT, total BIGINT";

/// Opens the months of a ledger.
///
/// # Errors
/// [`Error::Usage`] for an empty ledger, and those of the cluster.
pub fn ledger(cluster: &mut Cluster, plan: &Plan, ledger: &Ledger) -> Result<Input> {
    let state = &ledger.state;
    if state.listed().next().is_none() {
        let ledger = ledger.root().display();
        return Err(Error::Usage(format!("the ledger {ledger} is empty; `chartledger run` fills it")));
    }
    let mut input = Input {
        what: format!("the ledger {}", ledger.root().display()),
        listings: state.listings.clone(),
        ..Input::default()
    };
    let mut charts: Vec<&str> = Vec::new();
    let mut paths: Vec<Vec<String>> = Vec::new();
    for (key, file) in &state.months {
        if plan.as_of.is_some_and(|as_of| key.month > as_of.month()) {
            continue;
        }
        let number = |chart: usize, region: usize| chart as i64 * REGIONS + region as i64;
        let chart = charts.iter().position(|chart| *chart == key.chart).unwrap_or_else(|| {
            let chart = charts.len();
            let regions = state.regions.iter().enumerate();
            let names =
                regions.map(|(code, region)| (number(chart, code), (key.chart.clone(), region.clone())));
            input.scopes.extend(names);
            charts.push(&key.chart);
            paths.push(Vec::new());
            chart
        });
        paths[chart].push(address(&ledger.root().join(&file.path)));
        let conflicts = ledger.conflicts(key)?.into_iter();
        let number = |region: u16| number(chart, usize::from(region));
        input.conflicts.extend(conflicts.map(|(region, day)| (number(region), day)));
    }
    let mut parts = Vec::new();
    for (chart, paths) in paths.iter().enumerate() {
        let view = format!("cl_months_{chart}");
        cluster.open(&view, "parquet", Some(MONTH), &[], paths)?;
        let scope = chart as i64 * REGIONS;
        parts.push(format!(
            "SELECT CAST(region AS BIGINT) + {scope} AS scope, CAST(unix_date(`date`) AS BIGINT) AS day, \
             CAST(`rank` AS BIGINT) AS `rank`, CAST(listing AS BIGINT) AS listing, streams, total FROM {view}{}",
            plan.as_of.map_or(String::new(), |day| format!(" WHERE `date` <= DATE'{day}'"))
        ));
    }
    if parts.is_empty() {
        return Err(Error::Usage(format!("{} has nothing up to the date of --as-of", input.what)));
    }
    cluster.view("cl_rows", &parts.join(" UNION ALL "))?;
    Ok(input)
}
