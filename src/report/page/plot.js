// The plot of a race, drawn by uPlot.

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// How many lines the styles have colours for; further ones are dashed.
const COLOURS = 6;
function lineColour(at) {
  return colour(`--line-${at % COLOURS}`);
}
function lineDash(at) {
  return at >= COLOURS ? [6, 4] : undefined;
}

// As wide as the page; on paper as wide as A4 or letter, lying.
function sizeIn(host) {
  if (document.documentElement.classList.contains("paper")) return { width: 940, height: 400 };
  return { width: Math.max(280, host.clientWidth), height: host.clientWidth < 600 ? 300 : 420 };
}

// Ticks stand on whole days.
const DAYS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];

// Shows lines ({ at, label, days, sums }) and thresholds; `onday` hears of the day below the cursor.
function plot(host, { lines, thresholds, threshold, axis, onday }) {
  const days = [...new Set(lines.flatMap((line) => line.days))].sort((a, b) => a - b);
  const place = new Map(days.map((day, at) => [day, at]));
  const sums = lines.map((line) => {
    const values = new Array(days.length).fill(null);
    line.days.forEach((day, at) => { values[place.get(day)] = line.sums[at]; });
    return values;
  });
  const top = Math.max(1, ...lines.map((line) => line.sums.at(-1) || 0));
  const shown = thresholds.filter((of) => of === threshold || of <= top * 1.05);
  const flat = shown.map((of) => days.map(() => of));
  const ink = colour("--ink-soft");
  const rule = colour("--rule");
  const font = "12px system-ui, sans-serif";
  const options = {
    ...sizeIn(host),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(most, threshold || 0) * 1.04 || 1] } },
    axes: [
      { label: axis, incrs: DAYS, labelSize: 24, labelFont: font, font, stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 } },
      { size: 64, font, stroke: ink, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 },
        values: (_, splits) => splits.map((value) => short(value)) },
    ],
    series: [
      {},
      ...lines.map((line) => ({ label: line.label, stroke: lineColour(line.at), width: 2, dash: lineDash(line.at), spanGaps: true, points: { show: line.days.length === 1 } })),
      ...shown.map((of) => ({ label: `threshold ${short(of)}`, stroke: of === threshold ? colour("--mark") : rule,
        width: of === threshold ? 2 : 1, dash: of === threshold ? [10, 5] : [2, 4], points: { show: false } })),
    ],
    hooks: {
      setCursor: [(chart) => {
        if (chart.cursor.idx !== null && chart.cursor.idx !== undefined && chart.cursor.event) onday(days[chart.cursor.idx]);
      }],
    },
  };
  // Marks of the thresholds are not what the cursor points at.
  options.cursor.points.show = (chart, at) => {
    if (at > lines.length) return false;
    const point = document.createElement("div");
    point.className = "point";
    return point;
  };
  const chart = new uPlot(options, [days, ...sums, ...flat], host);
  return {
    days,
    chart,
    // Puts the cursor on a day.
    point(day) {
      chart.setCursor({ left: chart.valToPos(day, "x"), top: 10 }, false);
    },
    resize() {
      chart.setSize(sizeIn(host));
    },
    remove() {
      chart.destroy();
    },
  };
}
