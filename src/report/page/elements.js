// Elements from names, attributes and text. Text becomes text nodes and nothing else.

function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else element.setAttribute(key, String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

function refill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

let named = 0;
function freshId(stem) {
  named += 1;
  return `${stem}-${named}`;
}

// A select with its label; options are [value, text].
function choice(label, options, chosen, onchange) {
  const id = freshId("choose");
  const select = el("select", { id, onchange: () => onchange(select.value) });
  for (const [value, text] of options) {
    select.append(el("option", { value, selected: String(value) === String(chosen) }, text));
  }
  return { select, field: el("div", { class: "field" }, el("label", { for: id }, label), select) };
}

// A slider for a day number with its label and its value.
function daySlider(label, onday) {
  const id = freshId("day");
  const output = el("output", { for: id });
  const input = el("input", { type: "range", id, min: 1, max: 1, value: 1, step: 1 });
  input.addEventListener("input", () => onday(Number(input.value)));
  const field = el("div", { class: "field wide" }, el("label", { for: id }, label, " ", output), input);
  return {
    field,
    set(day, last) {
      input.max = String(last);
      input.value = String(day);
      output.textContent = String(day);
      input.setAttribute("aria-valuetext", `day ${day} of ${last}`);
    },
  };
}

// A table that scrolls sideways by itself where it is too wide, also by keyboard.
function scroller(label, table) {
  return el("div", { class: "scroll", role: "region", "aria-label": label, tabindex: 0 }, table);
}

// A plain table: heads are texts or [text, "number"], rows are arrays of cells.
function plainTable(caption, heads, rows, attributes) {
  const isNumber = heads.map((head) => Array.isArray(head));
  const name = (head) => (Array.isArray(head) ? head[0] : head);
  return el(
    "table",
    attributes,
    captionOf(caption),
    el("thead", {}, el("tr", {}, heads.map((head, at) => el("th", { scope: "col", class: isNumber[at] && "number" }, name(head))))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, at) => tableCell(cell, at === 0, isNumber[at]))))),
  );
}

// A caption is read where the table begins, however wide that is.
function captionOf(text) {
  return el("caption", {}, el("span", {}, text));
}

function tableCell(cell, isHead, isNumber) {
  const attributes = { class: isNumber ? "number" : undefined, scope: isHead ? "row" : undefined };
  return el(isHead ? "th" : "td", attributes, cell);
}

// Text from an export or a catalog: its direction is its own, and does not reach beyond it.
function foreign(text) {
  return el("bdi", { class: "text" }, text);
}
