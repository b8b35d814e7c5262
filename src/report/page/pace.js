// Who stands where on day N, and what the record still asks for.

function paceSection(data) {
  const { lines: told, total } = data.pace;
  if (told.length === 0) {
    return [el("p", {}, "The pipeline sets nobody side by side: it has no ", el("code", {}, "[[pace]]"), ".")];
  }
  const lines = told.map(unfolded);
  const key = (line) => `${line.pace}, ${line.chart} ${line.region}`;
  const keys = [...new Set(lines.map(key))];
  const state = { key: keys[0], day: 1, lines: [] };
  const shown = el("div");
  const slider = daySlider("Day", (day) => { state.day = day; draw(); });
  const controls = el("div", { class: "controls", role: "group", "aria-label": "Pace: what is shown" });
  if (keys.length > 1) controls.append(choice("Pace", keys.map((name) => [name, name]), state.key, choose).field);
  controls.append(slider.field);

  function choose(name) {
    state.key = name;
    state.lines = lines.filter((line) => key(line) === name);
    // The day on which the newest line stands.
    const end = (line) => line.start + line.days.at(-1);
    state.day = state.lines.reduce((a, b) => (end(b) > end(a) || (end(b) === end(a) && b.start > a.start) ? b : a)).days.at(-1);
    draw();
  }

  function draw() {
    const { day } = state;
    const last = Math.max(...state.lines.map((line) => line.days.at(-1)));
    slider.set(day, last);
    const there = state.lines.map((line) => ({ line, at: line.days.indexOf(day) })).filter(({ at }) => at >= 0);
    there.sort((a, b) => a.line.places[a.at] - b.line.places[b.at] || COLLATOR.compare(a.line.entity, b.line.entity));
    const threshold = state.lines[0].threshold;
    const rows = there.map(({ line, at }) => {
      const sum = line.sums[at];
      const holder = recordLine(line);
      const ofRecord = holder ? sumOn(holder, day) : null;
      const reached = threshold !== null && sum >= Number(threshold);
      return [
        [foreign(line.entity), line.artists && el("span", { class: "by" }, " ", foreign(line.artists))],
        String(line.places[at]),
        line.window,
        isoDate(line.start + day - line.first),
        thousands(sum),
        ...(threshold === null ? [] : [
          line.record_days === null ? "" : [plural(line.record_days, "day"), line.record_holder && [", ", foreign(line.record_holder)]],
          ofRecord === null ? "" : thousands(ofRecord),
          ofRecord === null ? "" : `${sum >= ofRecord ? "+" : "−"}${thousands(Math.abs(sum - ofRecord))}`,
          reached ? "reached" : line.needed[at] === null ? "out of reach" : thousands(line.needed[at]),
        ]),
      ];
    });
    const caption = `Day ${day}${threshold === null ? "" : `, on the way to ${thousands(threshold)} streams`}`;
    const heads = ["Entity", ["Place"], "Window", "Date", ["Streams"],
      ...(threshold === null ? [] : ["Record of anybody else", ["Record on this day"], ["Ahead or behind"], ["Needed a day to beat it"]])];
    refill(shown, scroller(caption, plainTable(caption, heads, rows)));
  }

  // The line that set the record that a line is up against, where it is among those shown.
  function recordLine(line) {
    if (line.record_days === null) return null;
    return state.lines.find((of) => of !== line && of.entity === line.record_holder
      && sumOn(of, line.record_days + 1) >= Number(line.threshold)
      && (sumOn(of, line.record_days) || 0) < Number(line.threshold)) || null;
  }

  choose(state.key);
  const parts = [controls, shown];
  if (total > lines.length) parts.push(el("p", { class: "note" }, `${lines.length} of ${plural(total, "line")} are in this page; pace.parquet has all.`));
  return parts;
}
