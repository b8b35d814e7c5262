// The report as people use it: what it shows, and that it answers.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { DESKTOP, PHONE, barriers, launch, open, picture, reportOf, sampleReport, viralReport } from "./desk.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

const cells = (page, section, column) => page.$$eval(`#${section} .grid tbody tr`, (rows, at) => rows.map((row) => row.children[at].textContent), column);

describe("the sample", () => {
  let file;
  before(() => { file = sampleReport(); });

  test("loads without a console message or a request", async () => {
    const { context, page, complaints } = await open(browser, file);
    assert.equal(await page.title(), "K-soloists to a billion streams within a calendar year");
    const headings = await page.$$eval("h2", (all) => all.map((of) => of.textContent));
    assert.deepEqual(headings, ["What is new", "The story", "The race", "Pace", "Milestones", "Rankings", "Records", "Claims", "Coverage", "Rows", "The run"]);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test("says what was crossed, and tells the story", async () => {
    const { context, page } = await open(browser, file);
    const news = await page.$$eval(".news li", (all) => all.map((of) => of.textContent));
    assert.ok(news.includes("Jung Kook reached 1,000,000,000 streams of 2024 on 2024-03-20 (artist-year, spotify:daily global)"), news.join("\n"));
    const story = await page.$$eval("#story tbody tr", (rows) => rows.map((row) => [...row.children].slice(0, 6).map((cell) => cell.textContent).join(" | ")));
    assert.equal(story[0], "Jung Kook | 1 | ▲\u00a01up 1 | 2024 | 2024-03-20 | 80");
    assert.equal(story.length, 5);
    assert.match(await page.textContent("#story p"), /each calendar year from 1 January; all credits/);
    await context.close();
  });

  test("sorts by a head, by mouse and by keyboard", async () => {
    const { context, page } = await open(browser, file);
    const head = page.locator("#milestones thead th", { hasText: "cumulative" });
    const numbers = async () => (await cells(page, "milestones", await head.evaluate((of) => of.cellIndex))).map((text) => Number(text.replaceAll(",", "")));
    assert.equal(await page.locator("#milestones th[aria-sort]").getAttribute("aria-sort"), "descending");
    await head.getByRole("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "ascending");
    const up = await numbers();
    assert.deepEqual(up, [...up].sort((a, b) => a - b));
    await head.getByRole("button").press("Enter");
    assert.equal(await head.getAttribute("aria-sort"), "descending");
    const down = await numbers();
    assert.deepEqual(down, [...down].sort((a, b) => b - a));
    assert.ok(down[0] > up[0]);
    assert.equal(await page.locator("#milestones th[aria-sort]").count(), 1);
    await context.close();
  });

  test("filters, searches and pages", async () => {
    const { context, page } = await open(browser, file);
    const status = page.locator("#milestones .status");
    assert.equal(await status.textContent(), "Rows 1 to 20 of 96");
    await page.locator("#milestones .pager").getByText("Next").click();
    assert.equal(await status.textContent(), "Rows 21 to 40 of 96");
    await page.locator("#milestones").getByLabel("threshold", { exact: true }).selectOption("1,000,000,000");
    assert.ok((await cells(page, "milestones", 2)).every((text) => text === "1,000,000,000"));
    await page.locator("#milestones").getByRole("searchbox").fill("jung KOOK seven");
    assert.equal(await status.textContent(), "Rows 1 to 1 of 1 that fit, of 96");
    assert.deepEqual(await cells(page, "milestones", 0), ["Seven (feat. Latto)"]);
    await page.locator("#milestones").getByRole("searchbox").fill("nobody at all");
    assert.equal(await status.textContent(), "No row fits, of 96");
    await page.locator("#rankings").getByLabel("ranking", { exact: true }).selectOption("most-streamed-song");
    assert.equal((await cells(page, "rankings", 0))[0], "Seven (feat. Latto)");
    await context.close();
  });

  test("plots the race: window, threshold, hover, slider", async () => {
    const { context, page } = await open(browser, file);
    const race = page.locator("#race");
    await race.locator("canvas").scrollIntoViewIfNeeded();
    const reached = () => race.locator(".values tbody tr").evaluateAll((rows) => rows.map((row) => `${row.children[0].textContent} ${row.children[1].textContent} ${row.children[5].textContent}`));
    assert.deepEqual((await reached()).slice(0, 5), ["Jung Kook 2024 80", "Jimin 2023 169", "Agust D 2023 270", "V 2023 312", "Lisa 2023 323"]);
    assert.equal(await race.locator(".values caption").textContent(), "On day 80, and when 1,000,000,000 was reached");

    await race.getByLabel("Window", { exact: true }).selectOption("2023");
    assert.deepEqual((await reached()).slice(0, 2).sort(), ["Jimin 2023 169", "Jung Kook 2023 217"]);
    await race.getByLabel("Threshold", { exact: true }).selectOption("2,000,000,000");
    assert.match((await reached())[0], /^Jung Kook 2023 \d+$/);
    assert.match(await race.locator(".plot").getAttribute("aria-label"), /threshold 2,000,000,000/);

    const canvas = await race.locator(".u-over").boundingBox();
    await page.mouse.move(canvas.x + canvas.width / 2, canvas.y + canvas.height / 2);
    const caption = await race.locator(".values caption").textContent();
    const day = Number(caption.match(/^On day (\d+),/)[1]);
    assert.ok(day > 150 && day < 210, caption);
    const sum = await race.locator(".values tbody tr").first().locator("td").nth(1).textContent();
    assert.match(sum, /^[\d,]{9,}$/);

    await race.getByRole("slider").press("ArrowRight");
    assert.match(await race.locator(".values caption").textContent(), new RegExp(`^On day ${day + 1},`));
    await race.getByLabel("Race", { exact: true }).selectOption({ index: 1 });
    assert.match(await race.locator("p").first().textContent(), /^Counted since release/);

    await race.getByText("The plot as a table", { exact: true }).click();
    assert.ok(await race.locator("details tbody tr").count() > 5);
    await context.close();
  });

  test("says where each stands on day N", async () => {
    const { context, page } = await open(browser, file);
    assert.equal(await page.locator("#pace caption").textContent(), "Day 80, on the way to 1,000,000,000 streams");
    const first = () => page.locator("#pace tbody tr").first().evaluate((row) => [...row.children].map((cell) => cell.textContent));
    assert.deepEqual((await first()).slice(0, 5), ["Jung Kook", "1", "2024", "2024-03-20", "1,005,427,115"]);
    await page.locator("#pace").getByRole("slider").press("End");
    assert.match(await page.locator("#pace caption").textContent(), /^Day 36[56],/);
    await context.close();
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const [name, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      test(`keeps nobody out: ${name}, ${colorScheme}`, async () => {
        const { context, page, complaints } = await open(browser, file, { viewport, colorScheme });
        // Everything that is folded, opened.
        await page.evaluate(() => document.querySelectorAll("details").forEach((of) => { of.open = true; }));
        await picture(page, `${name}-${colorScheme}-whole`, { fullPage: true });
        for (const id of ["top", "race", "milestones", "coverage"]) {
          await page.evaluate((of) => document.getElementById(of).scrollIntoView(), id);
          await picture(page, `${name}-${colorScheme}-${id}`);
        }
        assert.deepEqual(await barriers(page), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(wide, 0, "the page scrolls sideways");
        assert.deepEqual(complaints, []);
        await context.close();
      });
    }
  }

  test("is walked by keyboard, with a link past the sections", async () => {
    const { context, page } = await open(browser, file);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the report");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    await context.close();
  });

  test("prints", async () => {
    const { context, page } = await open(browser, file, { colorScheme: "dark" });
    const pdf = await page.pdf();
    assert.ok(pdf.length > 50_000);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("nav").isVisible(), false);
    assert.equal(await page.locator("#milestones .controls").isVisible(), false);
    assert.equal(await page.locator("#race table").first().isVisible(), true);
    await context.close();
  });
});

describe("titles made to harm", () => {
  const long = "x".repeat(280) + " the end of 300 chars";
  const titles = ["<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", '=HYPERLINK("x")', "정국", "محمد عبده", long, "two\nlines",
    "\u202eright to left", "<!-- --> ]]> \u2028 \u2029 &amp; {{data}}", "`${alert(1)}`"];
  let file;
  before(() => {
    const rows = titles.flatMap((title, at) => [1, 2].map((day) => [`2024-01-0${day}`, "Global", at + 1, `h${at}`, title, `by ${title}`, 1000 + 10 * day - at]));
    file = reportOf("hostile", "<b>hostile</b> & \\\"titles\\\"", rows, [500, 1500], titles.slice(0, 3));
  });

  test("come through as text", async () => {
    const { context, page, complaints } = await open(browser, file);
    assert.equal(await page.title(), '<b>hostile</b> & "titles"');
    const shown = new Set(await cells(page, "milestones", 0));
    // A cell is trimmed and otherwise as it came.
    for (const title of titles) assert.ok(shown.has(title), title);
    assert.equal(await page.locator("img, iframe, object, h1 b").count(), 0);
    assert.equal(await page.locator("script").count(), 3);
    assert.deepEqual(complaints, []);
    assert.deepEqual(await barriers(page), []);
    await picture(page, "hostile", { fullPage: true });
    await context.close();
  });

  test("do not widen a phone", async () => {
    const { context, page } = await open(browser, file, { viewport: PHONE });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
    await context.close();
  });
});

describe("a chart without streams", () => {
  test("has a page that says what there is not", async () => {
    const { context, page, complaints } = await open(browser, viralReport());
    const text = async (id) => (await page.textContent(`#${id}`)).replace(/\s+/g, " ");
    assert.match(await text("race"), /There is no total to plot/);
    assert.match(await text("pace"), /sets nobody side by side/);
    assert.match(await text("milestones"), /No threshold has been reached/);
    assert.match(await text("story"), /Nobody is ranked yet/);
    assert.match(await text("claims"), /no claims to judge/);
    assert.match(await text("coverage"), /spotify-viral:daily global/);
    assert.deepEqual(complaints, []);
    assert.deepEqual(await barriers(page), []);
    await context.close();
  });
});

describe("20,000 milestones", () => {
  let file;
  before(() => {
    const thresholds = Array.from({ length: 20 }, (_, at) => (at + 1) * 1000);
    const rows = [];
    for (const region of ["Global", "South Korea", "Japan", "Brazil", "France"]) {
      for (let day = 1; day <= 20; day += 1) {
        for (let rank = 1; rank <= 200; rank += 1) {
          const date = `2024-01-${String(day).padStart(2, "0")}`;
          rows.push([date, region, rank, `b${rank}`, `Song number ${rank} of a long and busy year`, `Artist ${rank % 60}, Guest ${rank}`, 2000 - rank + day]);
        }
      }
    }
    file = reportOf("big", "many milestones", rows, thresholds, ["Song number 1 of a long and busy year"]);
  });

  test("open within two seconds, under 6 MB, and answer", async () => {
    const { size } = statSync(file);
    const times = [];
    // Other work on the machine is not the page's: the best of a few.
    for (let round = 0; round < 3 || (round < 9 && Math.min(...times) >= 2000); round += 1) {
      const { context, page, complaints, milliseconds } = await open(browser, file);
      times.push(milliseconds);
      assert.match(await page.locator("#milestones .status").textContent(), /of 20,000$/);
      await page.locator("#milestones").getByRole("searchbox").fill("number 77 ");
      assert.match(await page.locator("#milestones .status").textContent(), /of 200 that fit, of 20,000$/);
      assert.deepEqual(complaints, []);
      await context.close();
    }
    console.log(`20,000 milestones: ${(size / 1e6).toFixed(2)} MB, opened in ${times.map((of) => of.toFixed(0)).join(", ")} ms`);
    assert.ok(size < 6_000_000, `${size} bytes`);
    assert.ok(Math.min(...times) < 2000, `${times} ms`);
  });
});
