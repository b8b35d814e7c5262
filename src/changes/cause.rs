//! What may have brought a change about: what differs between the conditions of two runs.
//!
//! This names what can have been the cause, and does not prove that it was: for that the figures
//! would have to be counted once more without it. A cause from the data must be of the change's
//! chart and region and begin before the figure ends; one from the configuration can touch anything.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display, Formatter};

use super::{Change, Kind};
use crate::dates::Day;

/// Under what conditions a run was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// BLAKE3 of the pipeline file.
    pub pipeline: String,
    /// BLAKE3 of the catalog.
    pub catalog: String,
    /// BLAKE3 of the claims.
    pub claims: String,
    /// Version of the program.
    pub program: String,
    /// The day as of which the tables are.
    pub as_of: Option<Day>,
    /// The exports.
    pub inputs: Vec<Input>,
}

/// An export that was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// BLAKE3 of the file.
    pub hash: String,
    /// Its charts.
    pub charts: Vec<String>,
    /// Its regions.
    pub regions: Vec<String>,
    /// First and last day of its good rows.
    pub days: Option<(Day, Day)>,
    /// Rows that a newer export contradicts.
    pub superseded: u64,
}

/// The words for causes, in the order in which they are named.
pub const WORDS: [&str; 7] = ["new_data", "correction", "catalog", "pipeline", "claims", "program", "as_of"];

/// What may have brought a change about: some of [`WORDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cause(u8);

impl Cause {
    /// Every set of causes in the order of [`Self::code`].
    pub fn all() -> impl Iterator<Item = Self> {
        (0..1 << WORDS.len()).map(Self)
    }

    /// A number for the set.
    pub fn code(self) -> u32 {
        self.0.into()
    }

    /// The words.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        WORDS
            .into_iter()
            .enumerate()
            .filter(move |(place, _)| self.0 & (1 << place) != 0)
            .map(|(_, word)| word)
    }
}

impl FromIterator<bool> for Cause {
    fn from_iter<I: IntoIterator<Item = bool>>(named: I) -> Self {
        Self(named.into_iter().zip(0..).fold(0, |set, (is, place)| set | u8::from(is) << place))
    }
}

impl Display for Cause {
    fn fmt(&self, into: &mut Formatter<'_>) -> fmt::Result {
        into.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

/// What differs between two runs.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    new_data: Touched,
    correction: Touched,
    catalog: bool,
    pipeline: bool,
    claims: bool,
    program: bool,
    as_of: bool,
}

/// By chart and region the first day that is touched.
type Touched = BTreeMap<String, BTreeMap<String, Day>>;

/// The region of what is counted over all regions of a chart.
const ALL_REGIONS: &str = "all";

impl Causes {
    /// What differs between two runs.
    pub fn between(before: &Conditions, after: &Conditions) -> Self {
        let mut causes = Self {
            catalog: before.catalog != after.catalog,
            pipeline: before.pipeline != after.pipeline,
            claims: before.claims != after.claims,
            program: before.program != after.program,
            as_of: before.as_of != after.as_of,
            ..Self::default()
        };
        let known: HashMap<&str, &Input> =
            before.inputs.iter().map(|input| (input.name.as_str(), input)).collect();
        let mut left = known.clone();
        for input in &after.inputs {
            left.remove(input.name.as_str());
            match known.get(input.name.as_str()) {
                None => touch(&mut causes.new_data, input, input.days.map(|days| days.0)),
                Some(old) if old.hash != input.hash => {
                    touch(&mut causes.correction, old, old.days.map(|days| days.0));
                    touch(&mut causes.correction, input, input.days.map(|days| days.0));
                    // A file that has grown also brings what comes after its last day.
                    let grown = match (old.days, input.days) {
                        (Some(old), Some(new)) => (new.1 > old.1).then(|| old.1.plus(1)),
                        (None, Some(new)) => Some(new.0),
                        (_, None) => None,
                    };
                    touch(&mut causes.new_data, input, grown);
                }
                Some(old) if old.superseded != input.superseded => {
                    touch(&mut causes.correction, input, input.days.map(|days| days.0));
                }
                Some(_) => {}
            }
        }
        for forgotten in left.into_values() {
            touch(&mut causes.correction, forgotten, forgotten.days.map(|days| days.0));
        }
        causes
    }

    /// Whether the pipeline is another one.
    pub fn pipeline(&self) -> bool {
        self.pipeline
    }

    /// The causes of a change. Never none: where nothing of the figure's own chart, region and days
    /// differs, any data that differs is named, since who is who is decided over the whole ledger; and
    /// where nothing differs at all, two builds of one version of the program do.
    pub fn of(&self, change: &Change<'_>) -> Cause {
        const NONE: Cause = Cause(0);
        let (chart, region) = (change.subject.chart, change.subject.region);
        let touches = |touched: &Touched, until: Option<Day>| {
            let first = touched.get(chart).and_then(|regions| match region {
                ALL_REGIONS => regions.values().min(),
                region => regions.get(region),
            });
            first.is_some_and(|first| until.is_none_or(|until| *first <= until))
        };
        let named = |new_data: bool, correction: bool| -> Cause {
            let claims = self.claims && change.kind == Kind::ClaimChanged;
            let others = [self.catalog, self.pipeline, claims, self.program, self.as_of];
            [new_data, correction].into_iter().chain(others).collect()
        };
        let data = |until| named(touches(&self.new_data, until), touches(&self.correction, until));
        let mut cause = data(change.until());
        if cause == NONE {
            cause = data(None);
        }
        if cause == NONE {
            cause = named(!self.new_data.is_empty(), !self.correction.is_empty());
        }
        let program = || WORDS.map(|word| word == "program").into_iter().collect();
        if cause == NONE { program() } else { cause }
    }
}

/// Notes that an export touches its charts and regions from a day on; without one it has no rows.
fn touch(touched: &mut Touched, input: &Input, from: Option<Day>) {
    let Some(from) = from else { return };
    for chart in &input.charts {
        let regions = touched.entry(chart.clone()).or_default();
        for region in &input.regions {
            let first = regions.entry(region.clone()).or_insert(from);
            *first = from.min(*first);
        }
    }
}
