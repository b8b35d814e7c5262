//! The lowering of a tally to Spark SQL.
//!
//! Every statement is over views of this session, all of numbers: days since 1970, codes of scopes,
//! listings and entities. Sums are DECIMAL(38,0) cast back to BIGINT, so that a sum that leaves 64
//! bits is an error and not another number, on every server.
//!
//! | view | a row is | columns |
//! |---|---|---|
//! | `cl_rows` | a row of a chart | `scope`, `day`, `rank`, `listing`, `streams`, `total` |
//! | `cl_dates` | a date whose rows count | `scope`, `day`, `place`, `cutoff`, `filled`, `source`, `year`, `month`, `year_from`, `month_from`, `counter` |
//! | `cl_who` | a listing | `listing`, `track`, `song`, `work` |
//! | `cl_credits` | an artist of a listing | `listing`, `artist`, `from_day`, `until_day`, `pair_uri`, `pair_song`, `pair_work`, `role` |
//! | `cl_added` | a row that counts, and what it adds | see [`added`] |

use super::relations::Absent;
use crate::catalog::{Credit, EntityKind, Role, SongRule};
use crate::tally::{Clock, TallySpec};

/// The word for the rows of a sum so far, the present one included.
const SO_FAR: &str =
    "PARTITION BY scope, entity, win ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
/// Those before the present one.
const BEFORE: &str =
    "PARTITION BY scope, entity, win ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING";
/// All of a window, in order.
const IN_ORDER: &str = "PARTITION BY scope, entity, win ORDER BY day";
/// All of a window.
const WHOLE: &str = "PARTITION BY scope, entity, win";

/// Rows that a task is given at a time: a hundred megabytes, about, with all that becomes of them.
const ROWS_OF_A_PART: u64 = 400_000;

/// A sum that fails rather than wraps.
fn sum(of: &str) -> String {
    format!("CAST(SUM(CAST({of} AS DECIMAL(38,0))) AS BIGINT)")
}

/// The same, so far.
fn sum_so_far(of: &str) -> String {
    format!("CAST(SUM(CAST({of} AS DECIMAL(38,0))) OVER ({SO_FAR}) AS BIGINT)")
}

/// A list of numbers in brackets; one that holds nothing is of no scope at all.
fn list(numbers: &[i64]) -> String {
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    if words.is_empty() { "(-1)".to_owned() } else { format!("({})", words.join(", ")) }
}

/// What each slice of `cl_rows` looks like: enough to say which dates are short, have a hole in
/// their ranks, or may be copies of the date before.
pub fn slices() -> String {
    // Of the rows with the largest rank the one with the fewest streams, in one number.
    let cutoff = "CAST(MIN(CAST(-`rank` AS DECIMAL(18,0)) * CAST(10000000000000000000 AS DECIMAL(20,0)) \
                  + CAST(COALESCE(streams, 0) AS DECIMAL(20,0))) AS STRING)";
    // The last of dense ranks is the number of distinct ones. Counting them as such would send every row
    // once by date and rank, and keep a group of each.
    format!(
        "SELECT scope, day, COUNT(*) AS height, MAX(`rank`) AS most, CAST(MAX(place) AS BIGINT) AS ranks, \
         {cutoff} AS cutoff, CAST(SUM(CAST(COALESCE(streams, -1) AS DECIMAL(38,0))) AS STRING) AS streams, \
         MAX(CASE WHEN total IS NULL THEN 0 ELSE 1 END) AS counter, \
         MAX(CASE WHEN streams IS NULL THEN 0 ELSE 1 END) AS has_streams \
         FROM (SELECT scope, day, `rank`, streams, total, \
         DENSE_RANK() OVER (PARTITION BY scope, day ORDER BY `rank`) AS place FROM cl_rows) r \
         GROUP BY scope, day"
    )
}

/// When each listing was first and last seen, by scope.
pub fn sightings() -> String {
    "SELECT listing, source, MIN(day) AS first_on, MAX(day) AS last_on \
     FROM cl_rows r JOIN cl_sources s ON r.scope = s.scope GROUP BY listing, source"
        .to_owned()
}

/// Which of the candidates of `cl_pairs` (two dates each, one with sign 1 and one with −1) are not
/// the same chart twice.
pub fn different() -> String {
    "SELECT DISTINCT pair FROM (\
     SELECT p.pair AS pair, r.`rank`, t.track, r.streams, SUM(p.sign) AS off \
     FROM cl_pairs p JOIN cl_rows r ON p.scope = r.scope AND p.day = r.day \
     JOIN cl_tracks t ON r.listing = t.listing \
     GROUP BY p.pair, r.`rank`, t.track, r.streams) x WHERE off <> 0"
        .to_owned()
}

/// The rows that count with what they add: on a chart the streams; on a counter the growth since the
/// track's sighting before (`since`, `in_year`, `in_month`), and what it had before the first.
pub fn added(charts: &[i64], counters: &[i64]) -> String {
    let date = "d.place AS place, d.cutoff AS cutoff, d.filled AS filled, d.source AS source, \
                d.year AS year, d.month AS month";
    let who = "w.track AS track, w.song AS song, w.work AS work";
    let from = "FROM cl_rows r JOIN cl_dates d ON r.scope = d.scope AND r.day = d.day \
                JOIN cl_who w ON r.listing = w.listing";
    let plain = format!(
        "SELECT r.scope AS scope, r.day AS day, r.listing AS listing, {date}, {who}, r.streams AS streams, \
         r.streams AS since, CAST(0 AS BIGINT) AS opening, r.streams AS in_year, r.streams AS in_month \
         {from} WHERE r.streams IS NOT NULL AND r.scope IN {}",
        list(charts)
    );
    if counters.is_empty() {
        return plain;
    }
    let track = "PARTITION BY r.scope, w.track ORDER BY r.day, r.`rank`, r.listing";
    let seen = format!(
        "SELECT r.scope AS scope, r.day AS day, r.listing AS listing, {date}, {who}, r.streams AS streams, \
         r.total AS total, d.year_from AS year_from, d.month_from AS month_from, \
         LAG(r.day) OVER ({track}) AS seen_on, LAG(r.total) OVER ({track}) AS total_before \
         {from} WHERE r.scope IN {}",
        list(counters)
    );
    let grown = format!(
        "SELECT *, CASE WHEN seen_on IS NOT NULL AND total IS NOT NULL AND total_before IS NOT NULL \
         THEN total - total_before ELSE COALESCE(streams, 0) END AS grown FROM ({seen}) s"
    );
    format!(
        "{plain} UNION ALL SELECT scope, day, listing, place, cutoff, filled, source, year, month, track, song, \
         work, streams, grown AS since, \
         CASE WHEN seen_on IS NULL AND total IS NOT NULL THEN GREATEST(total - streams, CAST(0 AS BIGINT)) \
         ELSE CAST(0 AS BIGINT) END AS opening, \
         CASE WHEN seen_on >= year_from THEN grown ELSE streams END AS in_year, \
         CASE WHEN seen_on >= month_from THEN grown ELSE streams END AS in_month \
         FROM ({grown}) g WHERE streams IS NOT NULL"
    )
}

/// What the statement of a tally needs besides the tally.
pub struct Around<'a> {
    /// The scopes in which it counts, as they are numbered in `cl_rows`.
    pub scopes: Vec<i64>,
    /// The rows of all scopes together.
    pub rows: u64,
    /// The view of the entities that count; `None` for all.
    pub members: Option<&'a str>,
    /// The views that say how many tracks of an entity can have had streams below the chart; `None`
    /// where there are no bounds.
    pub absent: Option<&'a Absent>,
}

/// What rows add to the entities of a tally: one for each row and entity, with the song by which it
/// has it where it can have several.
fn entries(spec: &TallySpec, around: &Around<'_>) -> (String, bool) {
    let Around { scopes, members, .. } = around;
    let win = match spec.clock {
        Clock::CalendarYear => "g.year",
        Clock::CalendarMonth => "g.month",
        _ => "CAST(65535 AS BIGINT)",
    };
    let (amount, opening) = match spec.clock {
        Clock::AllTime | Clock::Release => ("g.since", "g.opening"),
        Clock::FirstCharted => ("g.since", "CAST(0 AS BIGINT)"),
        Clock::CalendarYear => ("g.in_year", "CAST(0 AS BIGINT)"),
        Clock::CalendarMonth => ("g.in_month", "CAST(0 AS BIGINT)"),
    };
    let (entity, unit) = match spec.entity {
        EntityKind::Track => ("g.track", None),
        EntityKind::Song => ("g.song", None),
        EntityKind::Work => ("g.work", Some("g.song")),
        EntityKind::Artist => (
            "a.artist",
            Some(match spec.rule {
                SongRule::Uri => "a.pair_uri",
                SongRule::Song => "a.pair_song",
                SongRule::Work => "a.pair_work",
            }),
        ),
    };
    let of_artist = spec.entity == EntityKind::Artist;
    let credits = match of_artist {
        true => {
            " JOIN cl_credits a ON g.listing = a.listing AND g.day >= a.from_day AND g.day <= a.until_day"
        }
        false => "",
    };
    let credited = match (of_artist, spec.credit) {
        (false, _) | (_, Credit::All) => "",
        (_, Credit::Lead) => " AND a.lead = 1",
        (_, Credit::Solo) => " AND a.solo = 1",
        (_, Credit::Feature) => " AND a.lead = 0",
    };
    let sources = match of_artist {
        true => "a.by_catalog AS by_catalog, a.by_place AS by_place",
        false => "CAST(0 AS BIGINT) AS by_catalog, CAST(0 AS BIGINT) AS by_place",
    };
    let chosen = members.map_or(String::new(), |view| format!(" JOIN {view} m ON m.entity = {entity}"));
    let entries = format!(
        "SELECT g.scope AS scope, {entity} AS entity, {win} AS win, g.day AS day, g.place AS place, \
         g.cutoff AS cutoff, g.filled AS filled, g.source AS source, g.track AS track, {} AS unit, \
         g.streams AS streams, {amount} AS amount, {opening} AS opening, {sources} \
         FROM cl_added g{credits}{chosen} WHERE g.scope IN {}{credited}",
        unit.unwrap_or("CAST(0 AS BIGINT)"),
        list(scopes),
    );
    (entries, unit.is_some())
}

/// How many totals a tally has.
pub fn heights(spec: &TallySpec, around: &Around<'_>) -> String {
    let (entries, _) = entries(spec, around);
    format!(
        "SELECT COUNT(*) AS height FROM (SELECT scope, entity, win FROM ({entries}) e GROUP BY scope, entity, win) w"
    )
}

/// Every date of every entity of a tally in every window, with the sums so far (`sum_so_far`, and
/// `most` with every absence filled) and the highest of those before (`highest`, `most_before`).
pub fn courses(spec: &TallySpec, around: &Around<'_>) -> String {
    let absent = around.absent;
    let (entries, has_songs) = entries(spec, around);
    // Everything from here on is done entity by entity: brought together by that once, rows need not
    // go over the network again, neither for their dates nor for their sums. Adding up before would
    // spare little, since few entities have several rows on a date. Not by window: where there is but
    // one it is a constant, which Spark leaves out of what it needs, and then finds them elsewhere. The
    // number of parts is told, since Spark would choose so few that each is written to disk and read.
    let parts = around.rows.div_ceil(ROWS_OF_A_PART).max(1);
    let entries = format!("SELECT /*+ REPARTITION({parts}, scope, entity) */ * FROM ({entries}) r");
    let entries = match has_songs {
        // A song counts on the first date on which the window sees it, there with one of its rows.
        true => format!(
            "SELECT *, CASE WHEN ROW_NUMBER() OVER (PARTITION BY scope, entity, win, unit ORDER BY day) = 1 \
             THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END AS met FROM ({entries}) e"
        ),
        false => entries,
    };
    let songs = match has_songs {
        true => "SUM(met)",
        false => "CAST(0 AS BIGINT)",
    };
    let tracks = match spec.entity {
        EntityKind::Track => "CAST(1 AS BIGINT)",
        EntityKind::Song | EntityKind::Work => "COUNT(DISTINCT track)",
        EntityKind::Artist => "CAST(0 AS BIGINT)",
    };
    let daily = format!(
        "SELECT scope, entity, win, day, MAX(place) AS place, MAX(cutoff) AS cutoff, MAX(filled) AS filled, \
         MAX(source) AS source, {} AS streams, {} AS amount, {} AS opening, {tracks} AS tracks, {songs} AS songs, \
         MAX(by_catalog) AS by_catalog, MAX(by_place) AS by_place \
         FROM ({entries}) e GROUP BY scope, entity, win, day",
        sum("streams"),
        sum("amount"),
        sum("opening"),
    );
    let numbered = format!(
        "SELECT *, ROW_NUMBER() OVER ({IN_ORDER}) AS number, LAG(day) OVER ({IN_ORDER}) AS last_on, \
         LEAD(day) OVER ({IN_ORDER}) AS next_on, MAX(streams) OVER ({WHOLE}) AS peak, \
         MIN(day) OVER ({WHOLE}) AS first_on FROM ({daily}) d"
    );
    // What a counter had before its first date is where the sum begins; what another of its tracks
    // had is added on that track's first date.
    let opened = format!(
        "SELECT *, CASE WHEN number = 1 THEN amount ELSE amount + opening END AS added, \
         MAX(CASE WHEN number = 1 THEN opening ELSE CAST(0 AS BIGINT) END) OVER ({WHOLE}) AS opened, \
         MAX(CASE WHEN number = 1 THEN place END) OVER ({WHOLE}) AS first_place, \
         MAX(CASE WHEN number = 1 THEN filled END) OVER ({WHOLE}) AS first_filled, \
         MIN(CASE WHEN streams = peak THEN day END) OVER ({WHOLE}) AS peak_on FROM ({numbered}) n"
    );
    let summed = format!(
        "SELECT *, CAST(CAST(opened AS DECIMAL(38,0)) + SUM(CAST(added AS DECIMAL(38,0))) OVER ({SO_FAR}) \
         AS BIGINT) AS sum_so_far, {} AS listed, CAST({} AS BIGINT) AS songs_so_far, \
         MAX(by_catalog) OVER ({SO_FAR}) AS catalog_so_far, MAX(by_place) OVER ({SO_FAR}) AS place_so_far \
         FROM ({opened}) o",
        sum_so_far("cutoff * tracks"),
        format_args!("SUM(songs) OVER ({SO_FAR})"),
    );
    let possible = match absent {
        Some(absent) => possible(&summed, spec.clock, absent),
        None => format!("SELECT *, sum_so_far AS most FROM ({summed}) s"),
    };
    format!(
        "SELECT *, MAX(sum_so_far) OVER ({BEFORE}) AS highest, MAX(most) OVER ({BEFORE}) AS most_before \
         FROM ({possible}) p"
    )
}

/// The dates on which something happens, of every entity of a tally: see [`crate::tally::Event`]. The
/// last one of a window only `with_totals`.
pub fn events(spec: &TallySpec, around: &Around<'_>, with_totals: bool) -> String {
    let courses = courses(spec, around);
    let place = |of: &str| passed(&spec.thresholds, of);
    let last = if with_totals { "next_on IS NULL OR " } else { "" };
    format!(
        "SELECT scope, entity, win, day, last_on, first_on, opened, sum_so_far - added AS `before`, \
         added, listed - cutoff * tracks AS listed_before, listed, number AS dates, songs_so_far, \
         catalog_so_far, place_so_far, peak, peak_on, CASE WHEN next_on IS NULL THEN 1 ELSE 0 END AS `last` \
         FROM ({courses}) c WHERE {last}{} > {} OR {} > {}",
        place("sum_so_far"),
        place("GREATEST(opened, COALESCE(highest, opened))"),
        place("most"),
        place("COALESCE(most_before, opened)"),
    )
}

/// A text in a statement.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// How many of the thresholds a value has passed.
fn passed(thresholds: &[i64], of: &str) -> String {
    if thresholds.is_empty() {
        return "0".to_owned();
    }
    let cases = thresholds.iter().enumerate().rev();
    let cases: Vec<String> =
        cases.map(|(place, threshold)| format!("WHEN {of} >= {threshold} THEN {}", place + 1)).collect();
    format!("(CASE {} ELSE 0 END)", cases.join(" "))
}

/// The same rows with `most`, the sum with every absence filled to the cut-off, before the date or
/// with it, whichever is larger.
fn possible(summed: &str, clock: Clock, absent: &Absent) -> String {
    // Where the count began, as a place in the calendar and the cut-offs before it.
    let (start, joined) = match clock {
        Clock::AllTime => {
            ("CAST(0 AS BIGINT) AS start_place, CAST(0 AS BIGINT) AS start_filled", String::new())
        }
        Clock::FirstCharted => {
            ("s.first_place AS start_place, s.first_filled AS start_filled", String::new())
        }
        Clock::Release => (
            "COALESCE(b.place, s.first_place) AS start_place, COALESCE(b.filled, s.first_filled) AS start_filled",
            format!(
                " LEFT JOIN {} b ON s.scope = b.scope AND s.entity = b.entity AND b.released <= s.first_on",
                absent.released
            ),
        ),
        Clock::CalendarYear | Clock::CalendarMonth => (
            "b.place AS start_place, b.filled AS start_filled",
            " JOIN cl_windows b ON s.scope = b.scope AND s.win = b.win".to_owned(),
        ),
    };
    let tracks = " LEFT JOIN ".to_owned() + &absent.tracks;
    let started = format!(
        "SELECT s.*, {start}, COALESCE(t.tracks, CAST(1 AS BIGINT)) AS may FROM ({summed}) s{joined}\
         {tracks} t ON s.source = t.source AND s.entity = t.entity"
    );
    let (dated, own, own_next, own_start) = match &absent.dated {
        None => (String::new(), "0", "0", "CAST(0 AS BIGINT)"),
        Some(view) => (
            format!(
                " LEFT JOIN {view} h ON x.scope = h.scope AND x.entity = h.entity AND x.place = h.place \
                 LEFT JOIN {view} i ON x.scope = i.scope AND x.entity = i.entity AND x.start_place = i.place"
            ),
            "COALESCE(h.filled - i.filled, 0)",
            "COALESCE(h.filled_next - i.filled, 0)",
            "COALESCE(i.filled, 0)",
        ),
    };
    format!(
        "SELECT x.*, {own_start} AS start_dated, GREATEST(\
         (x.sum_so_far - x.added) - (x.listed - x.cutoff * x.tracks) + x.may * (x.filled - x.start_filled) + {own}, \
         x.sum_so_far - x.listed + x.may * (x.filled + x.cutoff - x.start_filled) + {own_next}) AS most \
         FROM ({started}) x{dated}"
    )
}

/// Whether a credit is a lead or the only one, and what that rests on, as `cl_credits` says it.
pub fn role_columns(role: Role) -> [i64; 4] {
    let decided = !role.solo();
    [role.lead(), role.solo(), decided && role.from_catalog(), decided && !role.from_catalog()].map(i64::from)
}
