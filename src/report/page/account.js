// Where every row went, and the run itself.

function accountSection(data) {
  const { sums, exports: told, quarantine, checks } = data.account;
  const of = Object.fromEntries(sums);
  const table = tableOf(told);
  const aside = tableOf(quarantine);
  const compared = tableOf(checks);
  const sum = `${thousands(of.rows_read)} rows read = ${thousands(of.rows_used)} used + ${thousands(of.rows_duplicate)} duplicate + ${thousands(of.rows_superseded)} superseded + ${thousands(of.rows_quarantined)} quarantined`;
  const names = ["export", "dialect", "chart", "region", "first_on", "last_on", "rows_read", "rows_used", "rows_duplicate", "rows_superseded", "rows_quarantined", "hash"];
  const render = { hash: (row) => el("code", {}, table.get("hash", row).slice(0, 12)) };
  const parts = [
    el("p", { class: "sum" }, sum, "."),
    grid({
      caption: "Exports, and where their rows went",
      table,
      columns: names.map((name) => ({ name, render: render[name] })),
      head: "export",
      search: ["export", "hash"],
      filters: ["dialect", "chart", "region"].map((name) => ({ name })),
      kept: "those that lost rows, then the newest",
    }),
    el("h3", {}, "Quarantine"),
  ];
  if (aside.total === 0) parts.push(el("p", {}, "No row was set aside."));
  else {
    const caption = "Rows set aside, by reason";
    parts.push(
      scroller(caption, plainTable(caption, ["Reason", ["Rows"]], quarantine.reasons.map(([reason, count]) => [foreign(reason), thousands(count)]))),
      grid({
        caption: "Rows set aside",
        table: aside,
        columns: ["export", "line", "reason", "raw"].map((name) => ({ name, render: name === "raw" ? (row) => el("code", { class: "raw" }, aside.get("raw", row)) : undefined })),
        head: "export",
        search: ["export", "reason", "raw"],
        kept: "the first",
      }),
    );
  }
  if (compared.rows > 0) {
    parts.push(el("h3", {}, "What exports say of themselves"), grid({
      caption: "How often what exports report is what was counted",
      table: compared,
      columns: ["check", "chart", "region", "compared", "agreed", "differed", "undecided"].map((name) => ({ name })),
      head: "check",
    }));
  }
  return parts;
}

function manifestSection(data) {
  const said = data.manifest;
  const code = (text) => (text ? el("code", {}, text) : "none");
  const rows = [
    ["Run", code(said.run)],
    ["Run before", code(said.before)],
    ["As of", said.as_of || "all there was"],
    ["Counted again from", said.counted_since || "the first month"],
    ["Program", code(said.program)],
    ["Pipeline", [said.pipeline.name, " ", code(said.pipeline.hash)]],
    ["Catalog", code(said.catalog.hash)],
    ["Claims", code(said.claims.hash)],
    ["Ledger", [code(said.ledger.id), `, version ${said.ledger.version}`]],
    ["Memory at most", said.peak_memory_bytes ? bytesOf(said.peak_memory_bytes) : ""],
    ["Time", Object.entries(said.seconds || {}).map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)} s`).join(", ")],
  ];
  const caption = "Tables of the run";
  const refused = said.refused || [];
  return [
    el("dl", { class: "manifest" }, rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    refused.length > 0 && [el("h3", {}, "Refused files"), el("ul", {}, refused.map(({ export: file, problem }) => el("li", {}, foreign(file), ": ", foreign(problem))))],
    scroller(caption, plainTable(caption, ["Table", ["Rows"], ["Bytes"], "BLAKE3"],
      said.tables.map((table) => [table.name, thousands(table.rows), thousands(table.bytes), el("code", {}, table.hash)]))),
    el("p", { class: "note" }, "chartledger verify hashes these files and counts the tables again; chartledger explain shows the rows behind a figure."),
  ];
}
