// A table that is sorted by its heads, filtered, searched and paged.

const PAGE = 20;
// How many columns the styles leave on paper.
const PRINTED = 10;

// `options`: caption, table, columns ({ name, label, render }), head (the column that names a row),
// search (columns), filters ({ name, chosen }), sort ({ name, down }), note.
function grid(options) {
  const { table, caption } = options;
  const columns = options.columns.filter(({ name, keep }) => keep || !table.columns.get(name).isEmpty());
  const state = { sort: options.sort || null, page: 0, words: "", filters: new Map(), rows: [] };
  const status = el("p", { class: "status", role: "status" });
  const body = el("tbody");
  const heads = new Map();
  const controls = el("div", { class: "controls", role: "group", "aria-label": `${caption}: search and filter` });

  if (options.search) {
    const id = freshId("search");
    const input = el("input", { type: "search", id, autocomplete: "off", spellcheck: "false" });
    input.addEventListener("input", () => { state.words = input.value; state.page = 0; choose(); });
    controls.append(el("div", { class: "field" }, el("label", { for: id }, "Search"), input));
  }
  for (const { name, chosen } of options.filters || []) {
    const column = table.columns.get(name);
    const of = new Map();
    for (const value of column.of || new Set(column.values)) {
      if (value !== null && value !== "") of.set(column.show(value), value);
    }
    if (of.size < 2) continue;
    const values = [...of.entries()];
    values.sort(column.isNumber ? (a, b) => Number(a[1]) - Number(b[1]) : (a, b) => COLLATOR.compare(a[0], b[0]));
    const shown = chosen !== undefined && of.has(chosen) ? chosen : "";
    if (shown) state.filters.set(name, shown);
    const { field } = choice(words(name), [["", "all"], ...values.map(([text]) => [text, text])], shown, (value) => {
      if (value) state.filters.set(name, value); else state.filters.delete(name);
      state.page = 0;
      choose();
    });
    controls.append(field);
  }

  const headRow = el("tr");
  for (const { name, label } of columns) {
    const column = table.columns.get(name);
    const button = el("button", { type: "button", title: column.about, onclick: () => sortBy(name) },
      label || words(name), el("span", { class: "arrow", "aria-hidden": "true" }));
    const head = el("th", { scope: "col", class: column.isNumber ? "number" : undefined }, button);
    heads.set(name, head);
    headRow.append(head);
  }

  function sortBy(name) {
    const down = state.sort && state.sort.name === name ? !state.sort.down : false;
    state.sort = { name, down };
    state.page = 0;
    choose();
  }

  function choose() {
    let rows = Array.from({ length: table.rows }, (_, row) => row);
    for (const [name, value] of state.filters) {
      const column = table.columns.get(name);
      rows = rows.filter((row) => column.text(row) === value);
    }
    const wanted = fold(state.words).split(/\s+/).filter(Boolean);
    if (wanted.length > 0) {
      const haystacks = options.search.map((name) => haystack(table.columns.get(name)));
      rows = rows.filter((row) => wanted.every((word) => haystacks.some((has) => has(row, word))));
    }
    if (state.sort) {
      const order = table.columns.get(state.sort.name).order();
      const sign = state.sort.down ? -1 : 1;
      // What is empty comes last either way; the sort is stable.
      rows.sort((a, b) => {
        const [x, y] = [order[a], order[b]];
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return sign * (x - y);
      });
    }
    for (const [name, head] of heads) {
      const here = state.sort && state.sort.name === name;
      if (here) head.setAttribute("aria-sort", state.sort.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    state.rows = rows;
    draw();
  }

  const pager = el("div", { class: "pager", role: "group", "aria-label": `${caption}: pages` });
  const step = (label, to) => el("button", { type: "button", onclick: () => { state.page = to(); draw(); } }, label);
  const last = () => Math.max(0, Math.ceil(state.rows.length / PAGE) - 1);
  const buttons = {
    first: step("First", () => 0),
    back: step("Previous", () => Math.max(0, state.page - 1)),
    next: step("Next", () => Math.min(last(), state.page + 1)),
    last: step("Last", () => last()),
  };
  append(pager, Object.values(buttons));

  function draw() {
    const from = state.page * PAGE;
    const rows = state.rows.slice(from, from + PAGE);
    refill(body, rows.map((row) => el("tr", {}, columns.map(({ name, render }) => {
      const column = table.columns.get(name);
      const cell = render ? render(row, table) : column.kind === "String" ? foreign(column.text(row)) : column.text(row);
      const isHead = name === options.head;
      return el(isHead ? "th" : "td", { scope: isHead ? "row" : undefined, class: column.isNumber ? "number" : undefined }, cell);
    }))));
    const count = state.rows.length;
    const of = count === table.rows ? "" : ` that fit, of ${thousands(table.rows)}`;
    status.textContent = count === 0 ? `No row fits, of ${thousands(table.rows)}`
      : `Rows ${thousands(from + 1)} to ${thousands(from + rows.length)} of ${thousands(count)}${of}`;
    pager.hidden = count <= PAGE;
    setDisabled(buttons.first, state.page === 0);
    setDisabled(buttons.back, state.page === 0);
    setDisabled(buttons.next, state.page >= last());
    setDisabled(buttons.last, state.page >= last());
  }

  choose();
  const shown = el("table", {}, captionOf(caption), el("thead", {}, headRow), body);
  const meanings = el("details", { class: "meanings" }, el("summary", {}, "What the columns mean"),
    el("dl", {}, columns.map(({ name, label }) => [el("dt", {}, label || words(name)), el("dd", {}, table.columns.get(name).about)])));
  const more = table.total > table.rows && el("p", { class: "note" },
    `${thousands(table.rows)} of ${thousands(table.total)} rows are in this page${options.kept ? `: ${options.kept}` : ""}. All of them are in ${table.name}.parquet.`);
  const cut = columns.length > PRINTED && el("p", { class: "note on-paper" }, `The first ${PRINTED} of ${columns.length} columns are printed.`);
  return el("div", { class: "grid" }, controls.childElementCount > 0 && controls, more, cut, status, scroller(caption, shown), pager, meanings);
}

// A button that cannot be used keeps the focus, so that nobody is thrown back to the top.
function setDisabled(button, off) {
  if (off) button.setAttribute("aria-disabled", "true"); else button.removeAttribute("aria-disabled");
}

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
}

// Whether a row of a column has a word in it; each distinct text is looked at once.
function haystack(column) {
  if (!column.folded) {
    column.folded = column.of ? column.of.map((value) => fold(column.show(value))) : null;
    column.found = new Map();
  }
  return (row, word) => {
    if (!column.folded) return fold(column.text(row)).includes(word);
    const place = column.at[row];
    if (place < 0) return false;
    let found = column.found.get(word);
    if (!found) {
      found = new Uint8Array(column.folded.length);
      column.found.clear();
      column.found.set(word, found);
    }
    if (found[place] === 0) found[place] = column.folded[place].includes(word) ? 1 : 2;
    return found[place] === 1;
  };
}
