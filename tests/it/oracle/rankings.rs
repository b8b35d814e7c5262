//! The tables `rankings` and `reach`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::book::Book;
use super::count::{about, basis, period};
use super::days::{Day, iso, number};
use super::ledger::{Scope, Seen};
use super::{Row, row};
use crate::world::{Ranking, Tally};

/// The columns of `rankings`; the milestones and totals that are ranked have others.
const RANKED: &str = "ranking kind chart region basis entity_kind entity_id entity artists credit
    song_rule clock window threshold rank dense_rank value unit reached_on days_elapsed day_number
    contributing_songs credit_source previous_rank rank_change note order sensitivity";

/// Who is ranked, by what.
#[derive(Clone)]
struct Entry {
    row: Row,
    id: String,
    window: String,
    value: i64,
    /// What the value may have been; without an upper end where that is not known.
    low: i128,
    high: Option<i128>,
    /// The value had the milestone been reached as early as possible.
    earliest: Option<i64>,
}

/// Window (or none, where windows are ranked together) and entity to what is compared: less is
/// better.
type Costs = BTreeMap<(String, String), i64>;

impl Ranking {
    fn cost(&self, value: i64) -> i64 {
        if matches!(self.kind, "fastest" | "first") { value } else { -value }
    }

    fn unit(&self) -> &'static str {
        match self.kind {
            "fastest" => "days",
            "first" => "date",
            "club" => "songs",
            "reach" => "regions",
            _ => "streams",
        }
    }

    /// The windows that are ranked together.
    fn group(&self, window: &str) -> String {
        if self.per == "entity" { String::new() } else { window.to_owned() }
    }

    /// Of each entity the window that is ranked.
    fn best(&self, entries: &[Entry]) -> Vec<Entry> {
        let is_best = |entry: &&Entry| {
            let rivals = entries.iter().filter(|rival| rival.id == entry.id);
            let best = rivals.min_by_key(|rival| (self.cost(rival.value), &rival.window));
            self.per != "entity" || best.expect("itself").window == entry.window
        };
        entries.iter().filter(is_best).cloned().collect()
    }

    fn costs(&self, entries: &[Entry]) -> Costs {
        let cost = |entry: &Entry| ((self.group(&entry.window), entry.id.clone()), self.cost(entry.value));
        self.best(entries).iter().map(cost).collect()
    }
}

/// The rank of an entity among those of its group.
fn rank(costs: &Costs, key: &(String, String)) -> Option<i64> {
    let cost = costs.get(key)?;
    let better = costs.iter().filter(|((group, _), other)| *group == key.0 && *other < cost);
    Some(better.count() as i64 + 1)
}

impl Book<'_> {
    pub fn rankings(&self, ranking: &Ranking, tally: &Tally, scope: &Scope) -> Vec<Row> {
        let (_, last) = self.first_and_last(scope);
        let before = ranking.costs(&self.field(ranking, tally, scope, last - 1));
        let all = self.field(ranking, tally, scope, Day::MAX);
        let costs = ranking.costs(&all);
        let field = ranking.best(&all);
        let rows = field.iter().map(|entry| {
            let key = (ranking.group(&entry.window), entry.id.clone());
            let place = rank(&costs, &key).expect("it is ranked");
            let previous = rank(&before, &key);
            let rivals: Vec<&Entry> =
                field.iter().filter(|other| ranking.group(&other.window) == key.0).collect();
            let better = rivals.iter().map(|rival| ranking.cost(rival.value));
            let better: BTreeSet<i64> = better.filter(|cost| *cost < ranking.cost(entry.value)).collect();
            let optional = |column: &str| entry.row.get(column).cloned().unwrap_or_default();
            let mut row_of = entry.row.clone();
            row_of.extend(row(json!({
                "ranking": ranking.name, "kind": ranking.kind,
                "threshold": if ranking.kind == "most_streamed" { 0 } else { ranking.threshold },
                "rank": place, "dense_rank": better.len() + 1,
                "value": entry.value, "unit": ranking.unit(),
                "reached_on": optional("reached_on"), "days_elapsed": optional("days_elapsed"),
                "day_number": optional("day_number"), "previous_rank": previous,
                "rank_change": previous.map(|previous| previous - place),
                "note": if previous.is_none() { json!("new") } else { Value::Null },
                "order": order(ranking, scope, entry, &rivals),
                "sensitivity": self.sensitivity(ranking, tally, scope, &all, &key),
            })));
            row_of.retain(|column, _| RANKED.split_whitespace().any(|ranked| ranked == column));
            row_of
        });
        rows.collect()
    }

    /// All that could be ranked: every window of every entity.
    fn field(&self, ranking: &Ranking, tally: &Tally, scope: &Scope, until: Day) -> Vec<Entry> {
        if ranking.kind == "most_streamed" {
            let totals = self.totals(tally, scope, until).into_iter().map(|(count, row)| {
                let value = row["streams"].as_i64().expect("a sum");
                let high = row["at_most"].as_i64().map(i128::from);
                let (id, window) = (count.id, count.window);
                Entry { row, id, window, value, low: value.into(), high, earliest: None }
            });
            return totals.collect();
        }
        let milestones = self.milestones(tally, scope, until).into_iter();
        let milestones: Vec<_> = milestones.filter(|other| other.threshold == ranking.threshold).collect();
        if ranking.kind == "club" {
            let reached =
                milestones.iter().map(|other| (other.count.id.as_str(), other.count.window.as_str()));
            return self.club(ranking, tally, scope, reached.collect());
        }
        let entries = milestones.into_iter().map(|milestone| {
            let start = milestone.count.start;
            let value = |date: Day| if ranking.kind == "fastest" { date - start } else { number(date) };
            Entry {
                row: self.milestone_row(tally, scope, &milestone),
                value: value(milestone.reached),
                low: value(milestone.earliest.unwrap_or(start)).into(),
                high: Some(value(milestone.reached).into()),
                earliest: Some(value(milestone.earliest.unwrap_or(start))),
                id: milestone.count.id,
                window: milestone.count.window,
            }
        });
        entries.collect()
    }

    /// How many of the tracks, songs or works of a window credit an artist.
    fn club(
        &self,
        ranking: &Ranking,
        tally: &Tally,
        scope: &Scope,
        reached: Vec<(&str, &str)>,
    ) -> Vec<Entry> {
        let mut counted: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
        let mut witnesses: BTreeMap<(String, String), Vec<&Seen>> = BTreeMap::new();
        for (id, window) in reached {
            let own = self.rows().filter(|seen| self.entities(tally.kind(), "all", seen)[0] == id);
            for seen in own {
                for artist in self.artists_ever(ranking.credit, seen) {
                    if self.in_cohort(ranking.cohort.as_ref(), "artist", &artist) {
                        let key = (artist, window.to_owned());
                        counted.entry(key.clone()).or_default().insert(id);
                        witnesses.entry(key).or_default().push(seen);
                    }
                }
            }
        }
        let entries = counted.into_iter().map(|((id, window), songs)| {
            let artists = Tally { entity: "artist", credit: ranking.credit, ..tally.clone() };
            let mut row_of = self.identity(&artists, scope, &id, &window);
            let rows = witnesses[&(id.clone(), window.clone())].iter().copied();
            row_of.extend(row(json!({
                "song_rule": tally.rule(), "contributing_songs": 0,
                "credit_source": self.credit_source(ranking.credit, rows),
            })));
            let value = songs.len() as i64;
            Entry { row: row_of, id, window, value, low: 0, high: None, earliest: None }
        });
        entries.collect()
    }

    // -------------------------------------------------------------------------- sensitivity

    /// The conventions under which an entity would have another rank.
    fn sensitivity(
        &self,
        ranking: &Ranking,
        tally: &Tally,
        scope: &Scope,
        here: &[Entry],
        key: &(String, String),
    ) -> Value {
        let mut tried = false;
        let mut differs = Vec::new();
        for (name, there) in self.conventions(ranking, tally, scope, here) {
            tried = true;
            let costs = ranking.costs(here);
            let both = |costs: &Costs, other: &Costs| -> Costs {
                let shared = costs.iter().filter(|(key, _)| other.contains_key(*key));
                shared.map(|(key, cost)| (key.clone(), *cost)).collect()
            };
            match rank(&both(&there, &costs), key) {
                None if name.starts_with("basis=") => {}
                None => differs.push(format!("{name}: not reached")),
                Some(other) if Some(other) == rank(&both(&costs, &there), key) => {}
                Some(other) => differs.push(format!("{name}: {other}")),
            }
        }
        match (tried, differs.is_empty()) {
            (false, _) => Value::Null,
            (true, true) => json!("none"),
            (true, false) => json!(differs.join(", ")),
        }
    }

    /// Each other convention, with what the entities would be ranked by.
    fn conventions(
        &self,
        ranking: &Ranking,
        tally: &Tally,
        scope: &Scope,
        here: &[Entry],
    ) -> Vec<(String, Costs)> {
        let mut conventions = Vec::new();
        if !ranking.sensitivity || ranking.kind == "club" {
            return conventions;
        }
        let under =
            |tally: &Tally, scope: &Scope| ranking.costs(&self.field(ranking, tally, scope, Day::MAX));
        if ranking.kind == "fastest" && tally.clock == "release" {
            let charted = Tally { clock: "first_charted", ..tally.clone() };
            conventions.push(("clock=first_charted".to_owned(), under(&charted, scope)));
        }
        if ranking.kind != "most_streamed" && tally.kind() != "artist" {
            let mut early = here.to_vec();
            early.iter_mut().for_each(|entry| entry.value = entry.earliest.expect("a milestone"));
            conventions.push(("date=earliest".to_owned(), ranking.costs(&early)));
        }
        if tally.kind() == "artist" {
            let credit = if tally.credit == "all" { "lead" } else { "all" };
            let credited = Tally { credit, ..tally.clone() };
            conventions.push((format!("credit={credit}"), under(&credited, scope)));
        }
        if tally.kind() == "song" {
            for rule in ["uri", "work"] {
                let ruled = Tally { song_rule: Some(rule), cohort: None, ..tally.clone() };
                let mut entries = Vec::new();
                for entry in self.field(ranking, &ruled, scope, Day::MAX) {
                    // A track stands for its song, a work for each of its songs.
                    let songs: BTreeSet<&String> = match rule {
                        "uri" => [self.song_of_track(&entry.id)].into(),
                        _ => {
                            let tracks = self.tracks_of("work", &entry.id);
                            tracks.into_iter().map(|track| self.song_of_track(track)).collect()
                        }
                    };
                    entries.extend(songs.into_iter().map(|id| Entry { id: id.clone(), ..entry.clone() }));
                }
                // Of several tracks the best one, in each window.
                let mut costs = Costs::new();
                for entry in entries {
                    let cost = ranking.cost(entry.value);
                    let best = costs.entry((ranking.group(&entry.window), entry.id)).or_insert(cost);
                    *best = cost.min(*best);
                }
                conventions.push((format!("song_rule={rule}"), costs));
            }
        }
        let same = |other: &&Scope| {
            other.1 == scope.1 && period(&other.0) == period(&scope.0) && basis(other) != basis(scope)
        };
        for other in self.scopes.keys().filter(same) {
            let there = Tally { charts: Vec::new(), ..tally.clone() };
            conventions.push((format!("basis={}", other.0), under(&there, other)));
        }
        conventions
    }

    // -------------------------------------------------------------------------------- reach

    /// For each entity and date of a chart: in how many regions it is listed, and in how many at
    /// rank 1; and the rows that say so.
    fn spread(&self, tally: &Tally, chart: &str) -> BTreeMap<(String, Day), Spread<'_>> {
        let mut spread: BTreeMap<(String, Day), Spread> = BTreeMap::new();
        let scopes = self.scopes.keys().filter(|scope| {
            scope.0 == chart && scope.1 != "global" && about(&tally.charts, &tally.regions, scope)
        });
        for scope in scopes {
            for seen in self.live(scope).into_values().flatten() {
                for id in self.entities(tally.kind(), tally.credit, seen) {
                    let on_date = spread.entry((id, seen.date)).or_default();
                    on_date.listed.insert(scope.1.clone());
                    on_date.rows.push(seen);
                    if seen.rank == 1 {
                        on_date.topped.insert(scope.1.clone());
                    }
                }
            }
        }
        spread.retain(|(id, _), _| self.in_cohort(tally.cohort.as_ref(), tally.kind(), id));
        spread
    }

    fn charts(&self) -> BTreeSet<&String> {
        self.scopes.keys().map(|(chart, _)| chart).collect()
    }

    pub fn reach(&self, tally: &Tally) -> Vec<Row> {
        let mut rows = Vec::new();
        for chart in self.charts() {
            for ((id, date), on_date) in self.spread(tally, chart) {
                let (entity, artists) = self.names(tally.kind(), &id);
                rows.push(row(json!({
                    "tally": tally.name, "chart": chart, "entity_kind": tally.kind(), "entity_id": id,
                    "entity": entity, "artists": artists, "date": iso(date),
                    "regions": on_date.listed.len(), "topped": on_date.topped.len(),
                })));
            }
        }
        rows
    }

    pub fn reach_rankings(&self, ranking: &Ranking, tally: &Tally) -> Vec<Row> {
        let mut rows = Vec::new();
        for chart in self.charts() {
            let spread = self.spread(tally, chart);
            let regions = |on_date: &Spread| {
                (if ranking.topped { &on_date.topped } else { &on_date.listed }).len() as i64
            };
            let mut most: BTreeMap<&String, (i64, Day)> = BTreeMap::new();
            for ((id, date), on_date) in &spread {
                let best = most.entry(id).or_insert((0, *date));
                if regions(on_date) > best.0 {
                    *best = (regions(on_date), *date);
                }
            }
            most.retain(|_, (value, _)| *value > 0);
            for (id, (value, reached)) in &most {
                let better: Vec<i64> =
                    most.values().map(|best| best.0).filter(|other| other > value).collect();
                let scope = (chart.clone(), "all".to_owned());
                let own = spread.iter().filter(|((other, _), _)| other == *id);
                let own = own.flat_map(|(_, on_date)| on_date.rows.iter().copied());
                let mut entry = self.identity(tally, &scope, id, "all");
                entry.extend(row(json!({
                    "ranking": ranking.name, "kind": ranking.kind, "threshold": 0,
                    "rank": better.len() + 1,
                    "dense_rank": better.iter().collect::<BTreeSet<_>>().len() + 1,
                    "value": value, "unit": ranking.unit(), "reached_on": iso(*reached),
                    "days_elapsed": null, "day_number": null, "contributing_songs": 0,
                    "credit_source": self.credit_source(tally.credit, own),
                    "previous_rank": null, "rank_change": null, "note": null,
                    "order": null, "sensitivity": null,
                })));
                entry.remove("tally");
                rows.push(entry);
            }
        }
        rows
    }
}

/// Where an entity was listed on a date.
#[derive(Default)]
struct Spread<'s> {
    listed: BTreeSet<String>,
    topped: BTreeSet<String>,
    rows: Vec<&'s Seen>,
}

/// Whether what is known of an entry and of those it is ranked with leaves its rank open.
fn order(ranking: &Ranking, scope: &Scope, entry: &Entry, rivals: &[&Entry]) -> Value {
    if ranking.kind == "club" {
        return Value::Null;
    }
    let exact = |entry: &Entry| entry.high == Some(entry.low);
    let meets = |rival: &&&Entry| {
        let apart = entry.high.is_some_and(|high| high < rival.low)
            || rival.high.is_some_and(|high| high < entry.low);
        // A week hides the order of its days, but not what they add up to.
        let sure = period(&scope.0) == 1 || ranking.kind == "most_streamed";
        let tied = exact(entry) && exact(rival) && sure;
        let itself = (&rival.id, &rival.window) == (&entry.id, &entry.window);
        !itself && !apart && !tied
    };
    json!(if rivals.iter().any(|rival| meets(&rival)) { "possibly tied" } else { "certain" })
}
