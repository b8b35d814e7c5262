// Milestones, rankings, records and claims.

function milestonesSection(data) {
  const table = tableOf(data.milestones);
  if (table.rows === 0) return [el("p", {}, "No threshold has been reached.")];
  const names = ["entity", "reached_on", "threshold", "artists", "window", "day_number", "days_elapsed", "certainty", "earliest_on",
    "cumulative", "streams_on_date", "contributing_songs", "tally", "chart", "region", "start_on", "start_basis", "evidence_export", "evidence_row"];
  const render = { certainty: (row) => certaintyBadge(table.get("certainty", row)) };
  return [grid({
    caption: "Milestones, the latest first",
    table,
    columns: names.map((name) => ({ name, render: render[name] })),
    head: "entity",
    search: ["entity", "artists", "evidence_export"],
    filters: ["tally", "threshold", "window", "certainty", "chart", "region"].map((name) => ({ name })),
    sort: { name: "reached_on", down: true },
    kept: "those reached last",
  })];
}

function rankingsSection(data) {
  const table = tableOf(data.rankings);
  if (table.rows === 0) return [el("p", {}, "The pipeline ranks nobody.")];
  const unit = (row) => {
    const [value, of] = [table.get("value", row), table.get("unit", row)];
    return of === "date" ? table.text("reached_on", row) : `${thousands(value)} ${of}`;
  };
  const render = {
    rank_change: (row) => rankChange(table.get("rank_change", row), table.get("note", row)),
    value: unit,
  };
  const names = ["entity", "rank", "rank_change", "artists", "window", "value", "reached_on", "day_number", "contributing_songs", "order",
    "sensitivity", "ranking", "threshold", "clock", "credit", "song_rule", "chart", "region"];
  const { story } = data;
  const first = story ? story.ranking : data.rankings.order[0];
  return [grid({
    caption: "Rankings, the best first",
    table,
    columns: names.map((name) => ({ name, render: render[name], label: name === "rank_change" ? "change" : undefined })),
    head: "entity",
    search: ["entity", "artists"],
    filters: [{ name: "ranking", chosen: first }, { name: "window" }, { name: "chart" }, { name: "region" }],
    kept: "the best ranks",
  })];
}

function recordsSection(data) {
  const table = tableOf(data.records);
  if (table.rows === 0) return [el("p", {}, "The pipeline follows no records, or nobody has set one.")];
  const render = {
    value: (row) => `${table.text("value", row)} ${table.get("unit", row)}`,
    held_until: (row) => (table.get("held_until", row) === null ? badge("stands", "good") : table.text("held_until", row)),
  };
  const names = ["entity", "record", "artists", "reached_on", "value", "margin", "previous_holder", "held_until", "days_held", "joint", "chart", "region"];
  return [grid({
    caption: "Records, who holds each and who held it before",
    table,
    columns: names.map((name) => ({ name, render: render[name], keep: name === "held_until" })),
    head: "entity",
    search: ["entity", "artists", "previous_holder"],
    filters: ["record", "chart", "region"].map((name) => ({ name })),
    kept: "those that stand, then the latest",
  })];
}

const VERDICTS = { holds: "good", holds_otherwise: "fair", contradicted: "bad", not_decidable: "open" };

function claimsSection(data) {
  const table = tableOf(data.claims);
  if (table.rows === 0) return [el("p", {}, "The pipeline has no claims to judge.")];
  const counts = new Map();
  for (let row = 0; row < table.rows; row += 1) {
    const verdict = table.get("verdict", row);
    counts.set(verdict, (counts.get(verdict) || 0) + 1);
  }
  const render = { verdict: (row) => badge(table.get("verdict", row), VERDICTS[table.get("verdict", row)] || "open") };
  const names = ["says", "verdict", "why", "expected", "found", "convention", "certainty", "basis_note", "source", "chart", "region", "evidence_export", "evidence_row"];
  return [
    el("p", {}, [...counts].map(([verdict, count], at) => [at > 0 && ", ", words(verdict), ": ", thousands(count)]), "."),
    grid({
      caption: "Claims and their verdicts",
      table,
      columns: names.map((name) => ({ name, render: render[name] })),
      head: "says",
      search: ["says", "why", "source", "entity"],
      filters: ["verdict", "certainty", "source"].map((name) => ({ name })),
    }),
  ];
}
