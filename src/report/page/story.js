// What is new, and the table that the pipeline is about.

function headlineSection(data) {
  const { before, counts, changes } = data.headline;
  const table = tableOf(changes);
  const parts = [];
  if (!before) parts.push(el("p", {}, "This is the first run: there is no run before it to compare with."));
  else if (table.rows === 0) parts.push(el("p", {}, "Nothing was crossed, gained, lost or corrected since run ", el("code", {}, before), "."));
  else {
    parts.push(el("p", {}, "Since run ", el("code", {}, before), ": ",
      counts.map(([kind, count], at) => [at > 0 && ", ", words(kind), ": ", thousands(count)]), "."));
    const rows = Array.from({ length: table.rows }, (_, row) => row);
    const isMilestone = (row) => table.get("change", row).startsWith("milestone");
    const crossed = rows.filter(isMilestone).slice(0, 12);
    const first = crossed.length > 0 ? crossed : rows.slice(0, 8);
    parts.push(el("ul", { class: "news" }, first.map((row) => el("li", {}, foreign(table.get("says", row))))));
    parts.push(el("details", {}, el("summary", {}, `All ${plural(table.total, "change")}, with their causes`), grid({
      caption: "Changes since the run before",
      table,
      columns: ["change", "says", "cause", "name", "chart", "region"].map((name) =>
        name === "change" ? { name, render: (row) => words(table.get(name, row)) } : { name }),
      head: "says",
      search: ["says"],
      filters: [{ name: "change" }, { name: "cause" }],
    })));
  }
  return parts;
}

function conventionText({ clock, credit, song_rule: rule, basis }) {
  const clocks = {
    calendar_year: "each calendar year from 1 January",
    calendar_month: "each calendar month from its first day",
    release: "since release",
    first_charted: "since the first day on the chart",
    all_time: "since the first export",
  };
  const credits = { all: "all credits", lead: "leads only", feature: "features only", solo: "solo only" };
  const of = { chart: "filtered chart streams", counter: "public play counts" };
  const what = of[basis] || basis || "filtered chart streams or public play counts, by the chart";
  return `Counted ${clocks[clock] || clock}; ${credits[credit] || credit}; song rule: ${rule}; on ${what}.`;
}

function storySection(data) {
  const { story } = data;
  if (!story) return null;
  const table = tableOf(story.rows);
  const rows = Array.from({ length: table.rows }, (_, row) => row);
  const scopes = new Set(rows.map((row) => `${table.get("chart", row)} ${table.get("region", row)}`));
  const isTime = story.kind === "fastest" || story.kind === "first";
  const has = (name) => !table.columns.get(name).isEmpty();
  const heads = [
    ["Entity", null, (row) => [foreign(table.get("entity", row)), table.get("artists", row) && el("span", { class: "by" }, " ", foreign(table.get("artists", row)))]],
    ["Rank", "number", (row) => table.text("rank", row)],
    ["Change", null, (row) => rankChange(table.get("rank_change", row), table.get("note", row))],
    scopes.size > 1 && ["Scope", null, (row) => `${table.get("chart", row)} ${table.get("region", row)}`],
    ["Window", null, (row) => table.get("window", row)],
    !isTime && [table.rows > 0 ? words(table.get("unit", 0)) : "Value", "number", (row) => table.text("value", row)],
    has("reached_on") && ["Reached on", null, (row) => table.text("reached_on", row)],
    has("day_number") && ["Day", "number", (row) => table.text("day_number", row)],
    has("days_elapsed") && ["Days elapsed", "number", (row) => table.text("days_elapsed", row)],
    has("contributing_songs") && ["Songs", "number", (row) => table.text("contributing_songs", row)],
    story.certainty.some(Boolean) && ["Certainty", null, (row) => {
      const of = story.certainty[row];
      return of ? [certaintyBadge(of.certainty), of.certainty === "bounded" && ` from ${isoDate(of.earliest_on)}`] : "";
    }],
    has("order") && ["Order", null, (row) => table.get("order", row)],
    has("sensitivity") && ["Other conventions", null, (row) => table.get("sensitivity", row)],
    story.certainty.some(Boolean) && ["Evidence", null, (row) => {
      const of = story.certainty[row];
      return of ? el("span", { class: "evidence" }, foreign(of.export), `,\u00a0${of.export.endsWith(".parquet") ? "row" : "line"}\u00a0${of.row}`) : "";
    }],
  ].filter(Boolean);
  const threshold = story.threshold > 0 ? ` to ${thousands(story.threshold)} streams` : "";
  const best = story.per === "entity" ? ", each with its best window" : "";
  const caption = `${story.ranking}: ${words(story.kind)}${threshold}${best}`;
  const more = table.total > table.rows && el("p", { class: "note" }, story.rows.of_each
    ? `At most ${thousands(story.rows.of_each)} of each scope: ${thousands(table.rows)} of ${thousands(table.total)}.`
    : `The first ${table.rows} of ${thousands(table.total)}.`);
  return [
    table.rows === 0 ? el("p", {}, "Nobody is ranked yet.") : el("p", {}, conventionText(story.convention), story.cohort && ` Cohort: ${story.cohort}.`),
    scroller(caption, plainTable(caption, heads.map(([name, kind]) => (kind ? [name, kind] : name)), rows.map((row) => heads.map(([, , cell]) => cell(row))), { class: "story" })),
    more,
    el("p", { class: "note" }, "Chart streams are a lower bound: a day below the chart counts as nothing. ",
      el("b", {}, "certain"), ": nothing could have brought the date forward. ",
      el("b", {}, "bounded"), ": it lies between the earliest date and this one. ",
      el("b", {}, "at latest"), ": on this date or before, which is all that can be said of an artist."),
  ];
}
