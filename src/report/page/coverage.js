// What is known of each date of each scope.

const MARKS = { observed: "", short: "–", rank_gap: "…", conflict: "!", stale: "=", missing: "×" };

const MEANINGS = {
  observed: "the chart is there",
  short: "fewer rows than usual",
  rank_gap: "ranks with a hole",
  conflict: "exports contradict each other; a newer one prevailed",
  stale: "a copy of the date before; it does not count",
  missing: "no export",
};

function coverageSection(data) {
  const { states, scopes, total } = data.coverage;
  if (scopes.length === 0) return [el("p", {}, "No chart was due.")];
  const name = (scope) => `${scope.chart} ${scope.region}`;
  const dates = (scope) => scope.counts.reduce((a, b) => a + b, 0);
  const used = states.filter((state, at) => scopes.some((scope) => scope.counts[at] > 0));
  const rows = scopes.map((scope) => [
    name(scope),
    isoDate(scope.runs[0][0]),
    isoDate(end(scope.runs.at(-1))),
    thousands(dates(scope)),
    ...states.map((state, at) => [state, at]).filter(([state]) => used.includes(state)).map(([, at]) => thousands(scope.counts[at])),
  ]);
  const heads = ["Scope", "First", "Last", ["Dates due"], ...used.map((state) => [words(state)])];
  const calendar = el("div");
  const worst = scopes.map((scope, at) => [scope.counts[4] + scope.counts[5], at]).sort((a, b) => b[0] - a[0] || dates(scopes[b[1]]) - dates(scopes[a[1]]))[0][1];
  const picked = choice("Scope", scopes.map((scope, at) => [at, name(scope)]), worst, (at) => show(Number(at)));
  const legend = el("ul", { class: "legend" }, states.map((state) => el("li", {},
    el("span", { class: `day ${state}`, "aria-hidden": "true" }, MARKS[state]), ` ${words(state)}: ${MEANINGS[state]}`)));

  function show(at) {
    const scope = scopes[at];
    const odd = scope.runs.filter(([, , , state]) => states[state] !== "observed");
    const caption = `${name(scope)}: dates that are not plainly observed`;
    const list = odd.slice(0, 200).map((run) => {
      const [first, , count, state] = run;
      return [count === 1 ? isoDate(first) : `${isoDate(first)} to ${isoDate(end(run))}`, thousands(count), words(states[state]), MEANINGS[states[state]]];
    });
    refill(calendar,
      list.length === 0 ? el("p", {}, `${name(scope)}: each of ${plural(dates(scope), "date")} is observed.`)
        : scroller(caption, plainTable(caption, ["Dates", ["How many"], "State", "Meaning"], list)),
      odd.length > list.length && el("p", { class: "note" }, `and ${thousands(odd.length - list.length)} more spans; coverage.parquet has all.`),
      el("div", { class: "months" }, months(scope, states)));
  }
  show(worst);
  const label = "Dates due of every scope, by state";
  return [
    scroller(label, plainTable(label, heads, rows.slice(0, 100))),
    rows.length > 100 && el("p", { class: "note" }, `The first 100 of ${thousands(total)} scopes; the calendar below has ${thousands(scopes.length)}.`),
    el("div", { class: "controls" }, picked.field),
    legend,
    calendar,
  ];
}

function end([first, step, count]) {
  return first + step * (count - 1);
}

// A table for each month, a column for each weekday.
function months(scope, states) {
  const known = new Map();
  for (const [first, step, count, state] of scope.runs) {
    for (let at = 0; at < count; at += 1) known.set(first + step * at, states[state]);
  }
  const tables = [];
  const last = end(scope.runs.at(-1));
  for (let day = scope.runs[0][0]; day <= last;) {
    const date = new Date(day * DAY);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const first = Date.UTC(year, month, 1) / DAY;
    const next = Date.UTC(year, month + 1, 1) / DAY;
    tables.push(monthTable(isoDate(first).slice(0, 7), first, next, known));
    day = next;
  }
  return tables;
}

function monthTable(label, first, next, known) {
  const weekday = (day) => (new Date(day * DAY).getUTCDay() + 6) % 7;
  const body = el("tbody");
  let row = el("tr", {}, Array.from({ length: weekday(first) }, () => el("td")));
  for (let day = first; day < next; day += 1) {
    if (weekday(day) === 0 && row.childElementCount > 0) {
      body.append(row);
      row = el("tr");
    }
    const state = known.get(day);
    const number = String(day - first + 1);
    row.append(state === undefined ? el("td", { class: "day none" }, number)
      : el("td", { class: `day ${state}`, title: `${isoDate(day)}: ${words(state)}` }, number,
        MARKS[state] && el("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]), state !== "observed" && hidden(` ${words(state)}`)));
  }
  while (row.childElementCount < 7) row.append(el("td"));
  body.append(row);
  const days = [["Mo", "Monday"], ["Tu", "Tuesday"], ["We", "Wednesday"], ["Th", "Thursday"], ["Fr", "Friday"], ["Sa", "Saturday"], ["Su", "Sunday"]];
  return el("table", { class: "month" }, el("caption", {}, label),
    el("thead", {}, el("tr", {}, days.map(([text, full]) => el("th", { scope: "col", abbr: full }, text)))), body);
}
