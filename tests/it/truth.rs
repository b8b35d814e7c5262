//! Figures worked out by hand: bounds, counters, weeks, records, reach, pace, checks, gates.

use crate::support::{Desk, id, merged_daily, pick};

/// A day's page of a counter, from lines of `rank|artist - title|days|peak|streams|total`.
pub fn page(date: &str, lines: &str) -> String {
    let line = |line: &str| {
        let cells: Vec<&str> = line.trim().split('|').collect();
        let [rank, title, days, peak, streams, total] = cells[..] else { panic!("cells of {line}") };
        format!("{date},{rank},=,{title},{days},{peak},,{streams},+1,{streams},+1,{total}\n")
    };
    lines.trim().lines().map(line).collect()
}

fn tally(name: &str, entity: &str, clock: &str, more: &str) -> String {
    format!("[[tally]]\nname = \"{name}\"\nentity = \"{entity}\"\nclock = \"{clock}\"\n{more}\n")
}

fn desk(exports: &[(&str, String)], pipeline: &str) -> Desk {
    let desk = Desk::with(exports.iter().map(|(name, text)| (*name, text))).and_pipeline(pipeline);
    desk.run("");
    desk
}

fn rows(desk: &Desk, filters: &str, columns: &str) -> Vec<String> {
    let shown = desk.call(&format!("show {filters} --format json")).succeeds().stdout;
    pick(&crate::support::rows_of(&shown), columns)
}

#[test]
fn a_date_without_an_export_opens_the_bounds_and_shifts_no_day() {
    // In the world's data 2017-02-23 is such a date.
    let chart =
        |day: &str, streams: i64| format!("2017-02-{day}|Global|1|A|Shape of You|Ed Sheeran|{streams}\n");
    let days: String =
        [("21", 40), ("22", 40), ("24", 30), ("25", 30)].map(|(day, streams)| chart(day, streams)).concat();
    let desk = desk(&[("charts.csv", merged_daily(&days))], "");
    assert_eq!(rows(&desk, "coverage t.toml", "date state")[2], "2017-02-23 | missing");
    let columns = "reached_on earliest_on certainty days_elapsed day_number cumulative";
    assert_eq!(
        rows(&desk, "milestones t.toml --tally song --threshold 100", columns),
        ["2017-02-24 | 2017-02-23 | at_latest | 3 | 4 | 110"]
    );
}

#[test]
fn the_20th_of_march_is_day_80_of_a_leap_year_and_day_79_of_another() {
    for (date, day) in [("2023-03-20", "79"), ("2024-03-20", "80")] {
        let chart = merged_daily(&format!("{date}|Global|1|A|Seven|Jung Kook|100"));
        let desk = desk(&[("charts.csv", chart)], "");
        assert_eq!(rows(&desk, "milestones t.toml --tally artist --threshold 100", "day_number"), [day]);
    }
}

#[test]
fn each_uri_of_a_song_can_have_streams_below_the_chart() {
    // The cut-off is 10 a day, and the song has a second URI, listed on the last day alone.
    let mut days = String::new();
    for day in 1..=5 {
        let uri = if day == 5 { "B" } else { "A" };
        days += &format!("2024-03-0{day}|Global|1|{uri}|Seven|Jung Kook|30\n");
        days += &format!("2024-03-0{day}|Global|2|X|Other|Nobody|10\n");
    }
    let case = |catalog: &str| {
        let exports = [("charts.csv", merged_daily(&days))];
        let desk = Desk::with(exports).and_pipeline("[catalog]\npath = \"catalog\"\n");
        desk.put("catalog/songs.toml", catalog);
        desk.run("");
        rows(
            &desk,
            "milestones t.toml --tally song --entity seven --threshold 100",
            "reached_on earliest_on certainty",
        )
    };
    // 40 a day instead of 30: 120 after three days, not 90.
    assert_eq!(case(""), ["2024-03-04 | 2024-03-03 | bounded"]);
    let from = format!(
        "[[song]]\nid = \"seven\"\nuris = [{{ uri = \"spotify:track:{}\", from = 2024-03-05 }}]\n",
        id("B")
    );
    assert_eq!(case(&from), ["2024-03-04 | 2024-03-04 | certain"]);
}

#[test]
fn a_counter_adds_what_its_total_gained_while_nobody_looked() {
    let pages = [
        ("kr_daily_2024-03-01.csv", page("2024-03-01", "1|Jimin - Who|9|1|60|940")),
        ("kr_daily_2024-03-02.csv", page("2024-03-02", "1|Jimin - Who|10|1|50|990")),
        // Off the page on the 3rd and 4th.
        ("kr_daily_2024-03-03.csv", page("2024-03-03", "1|Jin - Running Wild|1|1|50|50")),
        ("kr_daily_2024-03-04.csv", page("2024-03-04", "1|Jin - Running Wild|2|1|50|100")),
        ("kr_daily_2024-03-05.csv", page("2024-03-05", "1|Jimin - Who|11|1|30|1110")),
        ("kr_daily_2024-03-06.csv", page("2024-03-06", "1|Jimin - Who|12|1|30|1000")),
    ];
    let since = tally("since", "song", "first_charted", "thresholds = [200]");
    let desk = desk(&pages.map(|(name, text)| (name, text)), &since);
    let columns =
        "threshold reached_on reached_from earliest_on estimated_on certainty cumulative_before cumulative";
    // 880 were there before the first page, so the threshold of 100 was passed before the data. 1,000
    // came between the 3rd and the 5th; 40 of 120 in three days is the second of them.
    assert_eq!(
        rows(&desk, "milestones t.toml --tally song --entity who", columns),
        ["1000 | 2024-03-05 | 2024-03-03 | 2024-03-03 | 2024-03-03 | bounded | 990 | 1110"]
    );
    assert_eq!(
        rows(&desk, "milestones t.toml --tally since --entity who", columns),
        ["200 | 2024-03-05 | 2024-03-03 | 2024-03-03 | 2024-03-05 | bounded | 110 | 230"]
    );
    let totals = "basis streams at_most dates_observed";
    assert_eq!(rows(&desk, "totals t.toml --tally song --entity who", totals), ["counter | 1000 | 1000 | 4"]);
    let checks = rows(&desk, "checks t.toml --region kr", "check agreed differed");
    assert!(checks.contains(&"counter_step | 2 | 1".to_owned()), "{checks:?}");
    assert_eq!(
        rows(&desk, "reconciliation t.toml --entity who", "check date reported computed"),
        ["counter_fall | 2024-03-06 | 1000 | 1110", "counter_step | 2024-03-06 | -110 | 30"]
    );
}

#[test]
fn a_week_is_dated_as_a_week_and_compared_with_its_days() {
    let weekly = "chart_position,chart_date,song,performer,streams,spotify_uri,region\n\
                  1,2024-03-07,Seven,Jung Kook,70,spotify:track:0000000000000000000001,global\n\
                  1,2024-03-14,Seven,Jung Kook,140,spotify:track:0000000000000000000001,global\n";
    let days: String = (1..=14)
        .map(|day| format!("2024-03-{day:02}|Global|1|1|Seven|Jung Kook|{}\n", if day < 8 { 10 } else { 21 }))
        .collect();
    let exports = [("weeks.csv", weekly.to_owned()), ("days.csv", merged_daily(&days))];
    let desk = desk(&exports, "[reconcile]\ntolerance = 0.05\n");
    // 30 of 140 in seven days: on the second of them.
    assert_eq!(
        rows(
            &desk,
            "milestones t.toml --tally song --chart spotify:weekly --threshold 100",
            "reached_from reached_on estimated_on earliest_on"
        ),
        ["2024-03-08 | 2024-03-14 | 2024-03-09 | 2024-03-14"]
    );
    assert_eq!(
        rows(&desk, "checks t.toml --chart spotify:weekly", "check agreed differed undecided"),
        ["weekly_sum | 2 | 0 | 0"]
    );
    let strict = self::desk(&exports, "[reconcile]\ntolerance = 0.04\n");
    assert_eq!(
        rows(&strict, "reconciliation t.toml", "check date reported computed difference"),
        ["weekly_sum | 2024-03-14 | 140 | 147 | -7"]
    );
}

#[test]
fn a_record_passes_from_holder_to_holder() {
    let chart = "
        2024-03-01|Global|1|A|Seven|Jung Kook|50
        2024-03-01|Global|2|B|Who|Jimin|40
        2024-03-02|Global|1|B|Who|Jimin|50
        2024-03-02|Global|2|A|Seven|Jung Kook|45
        2024-03-03|Global|1|B|Who|Jimin|60
        2024-03-03|Global|2|C|Haegeum|Agust D|20
        2024-03-04|Global|1|A|Seven|Jung Kook|30
    ";
    let record =
        |kind: &str| format!("[[record]]\nname = \"{kind}\"\nkind = \"{kind}\"\nentity = \"song\"\n");
    let records = ["best_date", "debut", "days_at_one", "spell_at_one"].map(record).concat();
    let fastest = "[[record]]\nname = \"fastest\"\nkind = \"fastest\"\ntally = \"song\"\nthreshold = 100\n";
    let desk = desk(&[("charts.csv", merged_daily(chart))], &(records + fastest));
    let columns = "record entity reached_on value previous_holder margin held_until days_held joint";
    assert_eq!(
        rows(&desk, "records t.toml", columns),
        [
            "best_date | Seven | 2024-03-01 | 50 |  |  | 2024-03-03 | 2 | false",
            "best_date | Who | 2024-03-02 | 50 | Seven | 0 | 2024-03-03 | 1 | true",
            "best_date | Who | 2024-03-03 | 60 | Seven | 10 |  | 1 | false",
            "days_at_one | Seven | 2024-03-01 | 1 |  |  | 2024-03-03 | 2 | false",
            "days_at_one | Seven | 2024-03-04 | 2 | Who | 0 |  | 0 | true",
            "days_at_one | Who | 2024-03-02 | 2 | Seven | 0 |  | 2 | true",
            "debut | Haegeum | 2024-03-03 | 20 |  |  |  | 1 | false",
            "fastest | Who | 2024-03-03 | 2 |  |  |  | 1 | false",
            "spell_at_one | Seven | 2024-03-01 | 1 |  |  | 2024-03-03 | 2 | false",
            "spell_at_one | Who | 2024-03-02 | 2 | Seven | 0 |  | 2 | true",
        ]
    );
}

#[test]
fn reach_counts_regions_and_a_club_counts_songs() {
    let chart = "
        2024-03-01|South Korea|1|A|Seven|Jung Kook, Latto|50
        2024-03-01|United States|2|A|Seven|Jung Kook, Latto|90
        2024-03-01|United States|1|B|Who|Jimin|95
        2024-03-01|Global|1|A|Seven|Jung Kook, Latto|120
        2024-03-01|Global|2|C|Standing Next to You|Jung Kook|100
        2024-03-02|South Korea|1|A|Seven|Jung Kook, Latto|50
        2024-03-02|United States|1|A|Seven|Jung Kook, Latto|90
        2024-03-02|Global|1|A|Seven|Jung Kook, Latto|120
    ";
    let pipeline = "
        [[ranking]]
        name = \"everywhere\"
        kind = \"reach\"
        tally = \"song\"
        [[ranking]]
        name = \"on-top\"
        kind = \"reach\"
        topped = true
        tally = \"song\"
        [[ranking]]
        name = \"club\"
        kind = \"club\"
        tally = \"song\"
        threshold = 100
    ";
    let desk = desk(&[("charts.csv", merged_daily(chart))], pipeline);
    assert_eq!(
        rows(&desk, "reach t.toml", "entity date regions topped"),
        ["Seven | 2024-03-01 | 2 | 1", "Seven | 2024-03-02 | 2 | 2", "Who | 2024-03-01 | 1 | 1"]
    );
    let ranked = "region rank entity value unit reached_on";
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking everywhere", ranked),
        ["all | 1 | Seven | 2 | regions | 2024-03-01", "all | 2 | Who | 1 | regions | 2024-03-01"]
    );
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking on-top", ranked),
        ["all | 1 | Seven | 2 | regions | 2024-03-02", "all | 2 | Who | 1 | regions | 2024-03-01"]
    );
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking club --region global", "rank entity entity_kind value unit"),
        ["1 | Jung Kook | artist | 2 | songs", "2 | Latto | artist | 1 | songs"]
    );
}

#[test]
fn a_pace_tells_who_leads_and_what_the_record_asks_for() {
    let chart = "
        2024-03-01|Global|1|A|Seven|Jung Kook|60
        2024-03-01|Global|2|B|Who|Jimin|10
        2024-03-02|Global|1|B|Who|Jimin|80
        2024-03-03|Global|1|A|Seven|Jung Kook|60
        2024-03-03|Global|2|B|Who|Jimin|10
        2024-03-04|Global|1|B|Who|Jimin|10
    ";
    let pipeline =
        "[[pace]]\nname = \"race\"\ntally = \"song\"\nentities = [\"seven\", \"WHO\"]\nthreshold = 100\n";
    let desk = desk(&[("charts.csv", merged_daily(chart))], pipeline);
    let columns = "entity day_number cumulative place lead_change record_days record_holder needed_per_day";
    assert_eq!(
        rows(&desk, "pace t.toml", columns),
        [
            "Seven | 1 | 60 | 1 | false | 2 | Who | 40",
            "Seven | 2 | 60 | 2 | false | 2 | Who | ",
            "Seven | 3 | 120 | 1 | true | 2 | Who | ",
            "Seven | 4 | 120 | 1 | false | 2 | Who | ",
            "Who | 1 | 10 | 2 | false | 2 | Seven | 90",
            "Who | 2 | 90 | 1 | true | 2 | Seven | ",
            "Who | 3 | 100 | 2 | false | 2 | Seven | ",
            "Who | 4 | 110 | 2 | false | 2 | Seven | ",
        ]
    );
}

#[test]
fn a_merge_shows_what_it_made() {
    let chart = "
        2024-03-01|Global|1|A|Flowers|Miley Cyrus|70
        2024-03-02|Global|1|B|Flowers|Miley Cyrus|60
        2024-03-03|Global|1|C|Flowers - Demo|Miley Cyrus|50
    ";
    let desk = Desk::with([("charts.csv", merged_daily(chart))]).and_pipeline(
        &(tally("work", "work", "all_time", "thresholds = [150]") + "[catalog]\npath = \"catalog\"\n"),
    );
    let work = |uris: &str| format!("[[work]]\nid = \"flowers\"\nreason = \"a demo\"\nuris = [{uris}]\n");
    let uri = |name: &str| format!("\"spotify:track:{}\"", id(name));
    desk.put("catalog/works.toml", work(&[uri("A"), uri("C")].join(", ")));
    desk.run("");
    let uris = "entity_kind uri streams_uri streams_song streams_work joined_by milestones_made";
    let row =
        |kind: &str, name: &str, figures: &str| format!("{kind} | spotify:track:{} | {figures}", id(name));
    assert_eq!(
        rows(&desk, "merges t.toml --tally song", uris),
        [
            row("song", "A", "70 | 130 | 180 | name | 1"),
            row("song", "B", "60 | 130 | 180 | name | 1"),
            row("song", "C", "50 | 50 | 180 | catalog | 0"),
        ]
    );
    assert_eq!(
        rows(
            &desk,
            "milestones t.toml --threshold 150",
            "entity_kind entity_id made_by_merge contributing_songs"
        ),
        ["work | flowers | true | 2"]
    );
    assert_eq!(rows(&desk, "milestones t.toml --tally song", "threshold made_by_merge"), ["100 | true"]);
}

#[test]
fn exports_that_contradict_each_other_are_named() {
    let chart = |title: &str| merged_daily(&format!("2024-03-01|Global|1|{title}|{title}|Jimin|100"));
    let desk = Desk::with([("a.csv", chart("A")), ("b.csv", chart("B"))]);
    desk.date("exports/b.csv", 60);
    desk.run("");
    assert_eq!(rows(&desk, "coverage t.toml", "date state"), ["2024-03-01 | conflict"]);
    assert_eq!(rows(&desk, "totals t.toml --tally song", "entity"), ["B"]);
}

#[test]
fn too_little_coverage_publishes_nothing() {
    let days = "2024-03-01|Global|1|A|Seven|Jung Kook|60\n2024-03-04|Global|1|A|Seven|Jung Kook|60";
    let exports = || [("charts.csv", merged_daily(days))];
    let gate = |gate: &str| Desk::with(exports()).and_pipeline(&format!("[coverage]\n{gate}\n"));
    gate("min_coverage = 0.5").run("");
    let refused = gate("min_coverage = 0.6");
    let message = refused.call("run t.toml").fails(4);
    assert!(message.contains("spotify:daily global: 50.0 %"), "{message}");
    assert!(!refused.path("out/t/latest").exists());
    // A series that should have begun earlier, and gone on.
    let longer = "from = 2024-02-29\nuntil = 2024-03-05\n";
    let desk = gate(longer);
    desk.run("");
    assert_eq!(
        rows(&desk, "coverage t.toml", "state").concat(),
        "missingobservedmissingmissingobservedmissing"
    );
    gate(&format!("{longer}min_coverage = 0.34")).call("run t.toml").fails(4);
    let wrong = gate("min_coverage = 1.5").call("run t.toml").fails(2);
    assert!(wrong.contains("min_coverage"), "{wrong}");
    for until in ["2149-06-06", "1999-12-31"] {
        let wrong = gate(&format!("from = 2000-01-01\nuntil = {until}")).call("run t.toml").fails(2);
        assert!(wrong.contains("from = 2000-01-01 does not lie in the 60 years before"), "{wrong}");
    }
}

#[test]
fn as_of_an_earlier_day_nothing_later_is_known() {
    let day =
        |day: &str, streams: i64| (format!("regional-global-daily-2024-03-{day}.csv"), official(streams));
    fn official(streams: i64) -> String {
        let rows = [("A", "Seven", "Jung Kook", streams), ("B", "Who", "Jimin", 100 - streams)];
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| -row.3);
        let lines = rows.iter().zip(1..).map(|((uri, title, artist, streams), rank)| {
            format!("{rank},spotify:track:{},{artist},{title},X,{rank},-1,1,{streams}\n", id(uri))
        });
        let header =
            "rank,uri,artist_names,track_name,source,peak_rank,previous_rank,days_on_chart,streams\n";
        header.to_owned() + &lines.collect::<String>()
    }
    let all = [day("01", 60), day("02", 40), day("03", 70), day("04", 10)];
    let pipeline = "[[record]]\nname = \"best\"\nkind = \"best_date\"\nentity = \"song\"\n";
    let whole = Desk::with(all.clone()).and_pipeline(pipeline);
    whole.run("--as-of 2024-03-02");
    let then = Desk::with(all[..2].to_vec()).and_pipeline(pipeline);
    then.run("");
    assert_eq!(whole.published(), then.published());
    whole.run("");
    assert_ne!(whole.published(), then.published());
}

#[test]
fn an_order_says_what_it_hangs_on() {
    // Jimin leads by all credits, IU by lead credits; the bounds of the songs do not meet.
    let chart = "
        2024-03-01|Global|1|A|Who|Jimin|60
        2024-03-01|Global|2|B|Love wins all|IU|55
        2024-03-02|Global|1|C|VIBE|TAEYANG, Jimin|70
        2024-03-02|Global|2|B|Love wins all|IU|56
        2024-03-03|Global|1|B|Love wins all|IU|1
    ";
    let pipeline = "
        [[ranking]]
        name = \"artists\"
        kind = \"fastest\"
        tally = \"artist\"
        threshold = 100
        [[ranking]]
        name = \"quiet\"
        kind = \"fastest\"
        tally = \"artist\"
        threshold = 100
        sensitivity = false
    ";
    let desk = desk(&[("charts.csv", merged_daily(chart))], pipeline);
    let columns = "rank entity value order sensitivity";
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking artists", columns),
        ["1 | IU | 61 | possibly tied | none", "1 | Jimin | 61 | possibly tied | credit=lead: not reached"]
    );
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking quiet", columns),
        ["1 | IU | 61 | possibly tied | ", "1 | Jimin | 61 | possibly tied | "]
    );
    let songs = rows(&desk, "rankings t.toml --ranking fastest", "rank entity value order sensitivity");
    assert_eq!(songs, ["1 | Love wins all | 1 | certain | none"]);
}

#[test]
fn spells_at_rank_1_are_counted_by_exported_dates() {
    let rank =
        |day: &str, rank: u16| format!("2024-03-{day}|Global|{rank}|A|Seven|Jung Kook|{}\n", 100 - rank);
    // The 3rd is not exported and breaks nothing.
    let days = [("01", 1), ("02", 1), ("04", 1), ("05", 2), ("06", 1)];
    let chart = merged_daily(&days.map(|(day, place)| rank(day, place)).concat());
    let desk = desk(&[("charts.csv", chart)], "");
    let columns = "appearances at_one spells_at_one longest_spell_at_one times_at_peak longest_streak";
    assert_eq!(rows(&desk, "chart_runs t.toml", columns), ["5 | 4 | 2 | 3 | 4 | 5"]);
}

#[test]
fn a_counter_and_a_chart_of_one_region_are_compared_and_never_added() {
    let chart = "
        2024-03-01|South Korea|1|A|Who|Jimin|100
        2024-03-02|South Korea|1|A|Who|Jimin|100
    ";
    let exports = [
        ("charts.csv", merged_daily(chart)),
        ("kr_daily_2024-03-01.csv", page("2024-03-01", "1|Jimin - Who|1|1|100|100")),
        ("kr_daily_2024-03-02.csv", page("2024-03-02", "1|Jimin - Who|2|1|150|250")),
    ];
    let ranking = "[[ranking]]\nname = \"most\"\nkind = \"most_streamed\"\ntally = \"song\"\n";
    let desk = desk(&exports, ranking);
    assert_eq!(
        rows(&desk, "totals t.toml --tally song", "chart basis streams"),
        ["kworb:daily | counter | 250", "spotify:daily | chart | 200"]
    );
    assert_eq!(rows(&desk, "checks t.toml", "check chart agreed differed")[1], "basis | kworb:daily | 1 | 1");
    assert_eq!(
        rows(&desk, "reconciliation t.toml", "check chart date reported computed"),
        ["basis | kworb:daily | 2024-03-02 | 150 | 100"]
    );
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking most", "chart sensitivity"),
        ["kworb:daily | none", "spotify:daily | none"]
    );
}

#[test]
fn a_basis_on_which_nobody_is_ranked_is_tried_all_the_same() {
    let pipeline = "
        [catalog]
        path = \"catalog\"
        [[tally]]
        name = \"by-one\"
        entity = \"track\"
        clock = \"all_time\"
        thresholds = [1]
        cohort = \"one\"
        [[ranking]]
        name = \"most\"
        kind = \"most_streamed\"
        tally = \"by-one\"
    ";
    let chart = merged_daily("2024-03-01|South Korea|1|A|Seven|Jung Kook|100");
    let desk = Desk::with([
        ("charts.csv", &chart),
        ("kr_daily_2024-03-01.csv", &page("2024-03-01", "1|Jimin - Who|1|1|100|100")),
    ])
    .and_pipeline(pipeline);
    desk.put("catalog/artists.toml", "[[artist]]\nid = \"jung-kook\"\nname = \"Jung Kook\"\n");
    desk.put("catalog/cohorts.toml", "[[cohort]]\nid = \"one\"\nmembers = [\"jung-kook\"]\n");
    desk.run("");
    assert_eq!(
        rows(&desk, "rankings t.toml --ranking most", "chart entity sensitivity"),
        ["spotify:daily | Seven | none"]
    );
}
