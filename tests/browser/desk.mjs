// What the browser tests share: reports that the program writes, and a browser that opens them.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const { CHROMIUM, PROGRAM, MODULES, DESK, SCREENSHOTS } = process.env;
const require = createRequire(join(MODULES, "package.json"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };

function call(...args) {
  return execFileSync(PROGRAM, args, { cwd: DESK, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

// The report of the sample that ships, of the run that brought its last two days.
export function sampleReport() {
  const pipeline = join(ROOT, "pipelines", "k-soloists.toml");
  const places = ["--ledger", join(DESK, "sample-ledger"), "--out", join(DESK, "sample-out")];
  call("run", pipeline, ...places, "--as-of", "2024-03-18", "--quiet");
  call("run", pipeline, ...places, "--quiet");
  const file = join(DESK, "sample.html");
  call("report", pipeline, ...places, "--output", file, "--quiet");
  return file;
}

const PIPELINE = `
name = "NAME"
description = "DESCRIPTION"
headline = "most-streamed"
ledger = "ledger"
out = "out"

[exports]
paths = ["exports-NAME"]

[[tally]]
name = "song"
entity = "song"
clock = "all_time"
thresholds = [THRESHOLDS]

[[ranking]]
name = "most-streamed"
kind = "most_streamed"
tally = "song"

[[pace]]
name = "side-by-side"
tally = "song"
threshold = FIRST
entities = [ENTITIES]
`;

// The report of a pipeline of this name over merged daily exports; rows are
// [date, region, rank, track, title, artists, streams].
export function reportOf(name, description, rows, thresholds, entities, chart = "top200") {
  const cell = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const lines = rows.map(([date, region, rank, track, title, artists, streams]) => [title, rank, date, artists,
    `https://open.spotify.com/track/${String(track).padStart(22, "0")}`, region, chart, "SAME_POSITION", streams].map(cell).join(","));
  const folder = join(DESK, `exports-${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "charts.csv"), `title,rank,date,artist,url,region,chart,trend,streams\n${lines.join("\n")}\n`);
  const pipeline = join(DESK, `${name}.toml`);
  const toml = PIPELINE.replaceAll("NAME", name).replace("THRESHOLDS", thresholds.join(", ")).replace("FIRST", thresholds[0])
    .replace("ENTITIES", entities.map((of) => JSON.stringify(of)).join(", ")).replace("DESCRIPTION", () => description);
  writeFileSync(pipeline, toml);
  call("run", pipeline, "--quiet");
  const file = join(DESK, `${name}.html`);
  call("report", pipeline, "--output", file, "--quiet");
  return file;
}

// The report of a chart that has ranks and no streams, with a day between that is missing.
export function viralReport() {
  const rows = [1, 3].flatMap((day) => [1, 2, 3].map((rank) => [`2024-01-0${day}`, "Global", rank, `v${rank}`, `Title ${rank}`, "Somebody", ""]));
  return reportOf("viral", "ranks alone", rows, [500], ["Title 1"], "viral50");
}

export async function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
}

// Opens a report; `complaints` has whatever the console said, an alert, or a request for anything but
// the file itself.
export async function open(browser, file, { viewport = DESKTOP, colorScheme = "light", ...more } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce", ...more });
  const page = await context.newPage();
  const complaints = [];
  const address = pathToFileURL(file).href;
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error}`));
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url() !== address) complaints.push(`request: ${request.url()}`); });
  const begin = performance.now();
  await page.goto(address);
  await page.waitForSelector("html[data-ready=yes]", { timeout: 20_000 });
  // Not only built, but painted.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  return { context, page, complaints, milliseconds: performance.now() - begin };
}

// What axe-core finds serious or critical, a line each. It runs apart from the page's own scripts, whose
// policy would not let it in.
export async function barriers(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 5).map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}

export async function picture(page, name, options) {
  if (SCREENSHOTS) {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), ...options });
  }
}
