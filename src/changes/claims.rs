//! Claims whose verdict changed.

use polars::prelude::*;

use super::rows::{TableOf, TextOf, paired, text};
use super::{Change, Comparison, Figure, Kind, Subject, found};

pub const COMPARISON: Comparison = Comparison {
    table: "claims",
    columns: &["claim", "chart", "region", "entity_id", "entity", "verdict"],
    compare,
};

fn compare(before: TableOf<'_>, after: TableOf<'_>) -> PolarsResult<Vec<Change>> {
    let (was, is) = (text(before, "claim")?, text(after, "claim")?);
    let rows = paired((before.height(), |row| was.get(row)), (after.height(), |row| is.get(row)));
    let verdicts = (text(before, "verdict")?, text(after, "verdict")?);
    let [name, chart, region] = [is, text(after, "chart")?, text(after, "region")?];
    let [id, entity] = [text(after, "entity_id")?, text(after, "entity")?];
    let of = |column: &TextOf<'_>, row: usize| column.get(row).unwrap_or_default().to_owned();
    let verdict = |word: Option<&str>| Some(Figure { state: word.map(str::to_owned), ..Figure::default() });
    let changed = rows.both.iter().filter_map(|&(old, new)| {
        let (before, after) = (verdicts.0.get(old), verdicts.1.get(new));
        let change = || {
            let subject = Subject {
                name: of(&name, new),
                chart: of(&chart, new),
                region: of(&region, new),
                entity_id: of(&id, new),
                entity: of(&entity, new),
                window: "all".to_owned(),
                ..Subject::default()
            };
            found(Kind::ClaimChanged, subject, verdict(before), verdict(after), "verdict")
        };
        (before != after).then(change)
    });
    Ok(changed.collect())
}
