// Cumulative streams by day of the clock: the plot, the values below the cursor, the table behind it.

const BEST = "each with its best window";

const AXES = {
  calendar_year: "day of the year",
  calendar_month: "day of the month",
  release: "day since release",
  first_charted: "day since the first day on the chart",
  all_time: "day since the first export",
};

// A line's days and sums from what was added on each date.
function unfolded(line) {
  const days = new Array(line.adds.length);
  const sums = new Array(line.adds.length);
  let [day, sum] = [line.first, 0];
  line.adds.forEach((added, at) => {
    if (at > 0) day += line.steps ? line.steps[at - 1] : 1;
    sum += added;
    days[at] = day;
    sums[at] = sum;
  });
  // After its last date the sum stands, up to the end of the window or of what there is.
  if (line.until && line.until > day) {
    days.push(line.until);
    sums.push(sum);
  }
  return { ...line, days, sums, total: sum };
}

// The sum of a line on a day: that of its last date up to there; null before its first and after its last.
function sumOn(line, day) {
  if (line.days.length === 0 || day < line.days[0] || day > line.days.at(-1)) return null;
  let [low, high] = [0, line.days.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (line.days[middle] <= day) low = middle; else high = middle - 1;
  }
  return line.sums[low];
}

function crossing(line, threshold) {
  return line.crossed.find(([of]) => of === threshold) || null;
}

// Of each entity the line that got to the threshold in the fewest days, or else the longest way.
function bestOfEach(lines, threshold) {
  const best = new Map();
  const days = (line) => { const of = crossing(line, threshold); return of ? of[1] : Infinity; };
  for (const line of lines) {
    const other = best.get(line.id);
    if (!other || days(line) < days(other) || (days(line) === days(other) && line.total > other.total)) best.set(line.id, line);
  }
  return [...best.values()].sort((a, b) => days(a) - days(b) || b.total - a.total);
}

function raceSection(data) {
  const { race } = data;
  if (!race) return [el("p", {}, "This report was made without the race.")];
  if (race.races.length === 0) return [el("p", {}, "There is no total to plot.")];
  const races = race.races.map((of) => ({ ...of, lines: of.lines.map(unfolded) }));
  const name = (of) => `${of.tally}, ${of.chart} ${of.region}`;
  const state = { at: 0, window: "", threshold: 0, day: 1, lines: [], plot: null };
  const controls = el("div", { class: "controls", role: "group", "aria-label": "Race: what is shown" });
  const convention = el("p");
  const host = el("div", { class: "plot", role: "img" });
  const key = el("ul", { class: "key", "aria-hidden": "true" });
  const values = el("div");
  const behind = el("div");
  const slider = daySlider("Day", (day) => { state.day = day; state.plot.point(day); showDay(); });

  function chooseRace(at) {
    state.at = at;
    const of = races[at];
    const windows = [...new Set(of.lines.map((line) => line.window))].sort().reverse();
    state.window = windows.length > 1 ? BEST : windows[0];
    const reached = of.thresholds.filter((value) => of.lines.some((line) => crossing(line, value)));
    const wished = of.thresholds.includes(race.threshold) ? race.threshold : null;
    state.threshold = wished || reached.at(-1) || of.thresholds[0] || 0;
    const fields = [];
    if (races.length > 1) fields.push(choice("Race", races.map((one, place) => [place, name(one)]), at, (value) => chooseRace(Number(value))));
    const choices = windows.length > 1 ? [[BEST, BEST], ...windows.map((window) => [window, window])] : windows.map((window) => [window, window]);
    fields.push(choice("Window", choices, state.window, (value) => { state.window = value; draw(); }));
    if (of.thresholds.length > 0) {
      fields.push(choice("Threshold", of.thresholds.map((value) => [value, thousands(value)]), state.threshold, (value) => { state.threshold = Number(value); draw(); }));
    }
    refill(controls, fields.map(({ field }) => field), slider.field);
    convention.textContent = conventionText(of);
    draw();
  }

  function draw() {
    const of = races[state.at];
    const lines = state.window === BEST ? bestOfEach(of.lines, state.threshold) : of.lines.filter((line) => line.window === state.window);
    state.lines = lines.slice(0, 12).map((line, at) => ({ ...line, at, label: `${line.entity} ${line.window}` }));
    if (state.plot) state.plot.remove();
    state.plot = plot(host, {
      lines: state.lines,
      thresholds: of.thresholds,
      threshold: state.threshold,
      axis: AXES[of.clock] || "day",
      onday: (day) => { state.day = day; showDay(); },
    });
    refill(key, state.lines.map((line) => el("li", {}, swatch(line), foreign(line.entity), state.window === BEST && ` ${line.window}`)));
    host.setAttribute("aria-label", `${name(of)}: cumulative streams by ${AXES[of.clock] || "day"}, ${plural(state.lines.length, "line")}, threshold ${thousands(state.threshold)}; the tables below have the values`);
    state.day = state.plot.days.at(-1);
    const first = state.lines.map((line) => crossing(line, state.threshold)).filter(Boolean).map(([, day]) => day);
    if (first.length > 0) state.day = Math.min(...first);
    showDay();
    showTable();
  }

  function swatch(line) {
    const of = el("span", { class: `swatch${line.at >= COLOURS ? " dashed" : ""}`, "aria-hidden": "true" });
    of.style.setProperty("--swatch", `var(--line-${line.at % COLOURS})`);
    return of;
  }

  function showDay() {
    const day = state.day;
    slider.set(day, state.plot.days.at(-1));
    const sums = state.lines.map((line) => sumOn(line, day));
    const best = Math.max(...sums.map((sum) => (sum === null ? -Infinity : sum)));
    const many = state.threshold > 0;
    const rows = state.lines.map((line, at) => {
      const sum = sums[at];
      const crossed = crossing(line, state.threshold);
      return [
        [swatch(line), foreign(line.entity), line.artists && el("span", { class: "by" }, " ", foreign(line.artists))],
        line.window,
        sum === null ? "" : thousands(sum),
        sum === null || sum === best ? "" : `−${thousands(best - sum)}`,
        sum === null ? "" : isoDate(line.start + day - 1),
        ...(many ? [crossed ? String(crossed[1]) : "", crossed ? isoDate(crossed[2]) : "not reached", crossed ? certaintyBadge(crossed[3]) : ""] : []),
      ];
    });
    const caption = `On day ${day}${many ? `, and when ${thousands(state.threshold)} was reached` : ""}`;
    const heads = ["Line", "Window", [`Streams on day ${day}`], ["Behind the first"], "Date", ...(many ? [["Reached: day"], "Reached on", "Certainty"] : [])];
    refill(values, scroller(caption, plainTable(caption, heads, rows, { class: "values" })));
  }

  function showTable() {
    const last = state.plot.days.at(-1);
    const step = [1, 7, 30, 90, 365, 1000].find((of) => last / of <= 60) || 10000;
    const days = [];
    for (let day = step; day < last; day += step) days.push(day);
    days.push(last);
    const caption = `The plot as a table: ${step === 1 ? "every day" : `every ${step} days`}`;
    const heads = ["Day", ...state.lines.map((line) => [line.label])];
    const rows = days.map((day) => [String(day), ...state.lines.map((line) => thousands(sumOn(line, day)))]);
    refill(behind, el("details", {}, el("summary", {}, "The plot as a table"), scroller(caption, plainTable(caption, heads, rows))));
  }

  const parts = [convention, controls, key, host, values,
    el("p", { class: "note" }, "Point at the plot, or move the slider, for the values of a day; drag over the plot to see a part of it, and double-click to see all."), behind];
  if (race.left_out > 0) {
    parts.push(el("p", { class: "note" }, `${plural(race.left_out, "total")} of other scopes, older windows or smaller sums are not plotted; totals.parquet has them.`));
  }
  // Drawn once it has a width.
  const start = () => {
    chooseRace(0);
    new ResizeObserver(() => state.plot.resize()).observe(host);
    const redraw = () => { const { day } = state; draw(); state.day = day; showDay(); };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    // Paper is white, whatever the screen is.
    const onPaper = (is) => () => { document.documentElement.classList.toggle("paper", is); redraw(); };
    addEventListener("beforeprint", onPaper(true));
    addEventListener("afterprint", onPaper(false));
  };
  return [parts, start];
}
