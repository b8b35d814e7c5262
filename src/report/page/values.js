// Compact columns back to values, and values to text.

const WHOLE = new Intl.NumberFormat("en-US");
const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const DAY = 86400000;

function thousands(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? WHOLE.format(BigInt(value)) : WHOLE.format(value);
}

function isoDate(days) {
  return days === null || days === undefined ? "" : new Date(days * DAY).toISOString().slice(0, 10);
}

// 1,500,000,000 as 1.5 B: for axes and choices, where all thresholds are round.
function short(value) {
  for (const [unit, name] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(value) >= unit) return `${Number((value / unit).toPrecision(4))} ${name}`;
  }
  return String(value);
}

function plural(count, one) {
  return `${thousands(count)} ${one}${count === 1 ? "" : "s"}`;
}

function bytesOf(count) {
  for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (count >= unit) return `${(count / unit).toFixed(2)} ${name}`;
  }
  return `${count} B`;
}

function words(name) {
  return name.replaceAll("_", " ");
}

// A column: what it is called, and its value, text and order by row.
class Column {
  constructor(said) {
    this.name = said.name;
    this.kind = said.kind;
    this.about = said.about;
    this.of = said.of || null;
    this.at = said.at || null;
    this.values = said.values || null;
    this.ranks = null;
  }

  get(row) {
    if (this.values) return this.values[row];
    const place = this.at[row];
    return place < 0 ? null : this.of[place];
  }

  isEmpty() {
    if (this.values) return this.values.every((value) => value === null);
    return this.at.every((place) => place < 0 || this.of[place] === "");
  }

  get isNumber() {
    return this.kind === "Int64";
  }

  show(value) {
    if (value === null || value === undefined) return "";
    switch (this.kind) {
      case "Int64":
        return this.name === "evidence_row" || this.name === "line" ? String(value) : thousands(value);
      case "Date":
        return isoDate(value);
      case "Boolean":
        return value ? "yes" : "no";
      default:
        return value;
    }
  }

  text(row) {
    return this.show(this.get(row));
  }

  // Numbers by which rows are sorted; nothing is NaN.
  order() {
    if (this.ranks) return this.ranks;
    if (this.at) {
      const places = this.of.map((_, place) => place);
      const compare = this.isNumber
        ? (a, b) => Number(this.of[a]) - Number(this.of[b])
        : (a, b) => COLLATOR.compare(this.of[a], this.of[b]);
      const rank = new Array(places.length);
      places.sort(compare).forEach((place, at) => { rank[place] = at; });
      this.ranks = this.at.map((place) => (place < 0 ? NaN : rank[place]));
    } else {
      this.ranks = this.values.map((value) => (value === null ? NaN : Number(value)));
    }
    return this.ranks;
  }
}

// A section's table.
function tableOf(section) {
  const columns = new Map(section.columns.map((said) => [said.name, new Column(said)]));
  return {
    name: section.table,
    rows: section.rows,
    total: section.total === undefined ? section.rows : section.total,
    columns,
    get: (name, row) => columns.get(name).get(row),
    text: (name, row) => columns.get(name).text(row),
  };
}

// A change of rank, for eyes and for ears.
function rankChange(change, note) {
  if (note) return el("span", { class: "rank-new" }, note);
  if (change === null || change === undefined) return "";
  if (change === 0) return el("span", { class: "rank-same" }, el("span", { "aria-hidden": "true" }, "＝"), hidden("unchanged"));
  const up = change > 0;
  return el(
    "span",
    { class: up ? "rank-up" : "rank-down" },
    el("span", { "aria-hidden": "true" }, `${up ? "▲" : "▼"}\u00a0${Math.abs(change)}`),
    hidden(`${up ? "up" : "down"} ${Math.abs(change)}`),
  );
}

function hidden(text) {
  return el("span", { class: "ears" }, text);
}

function badge(word, kind) {
  return el("span", { class: `badge ${kind}` }, words(word));
}

// How certain a date is, in words and colour.
function certaintyBadge(word) {
  if (!word) return "";
  return badge(word, word === "certain" ? "good" : word === "bounded" ? "fair" : "open");
}
