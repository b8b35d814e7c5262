// The picture of the README: what is new, the story and the race, from the sample's report.

import { launch, open, sampleReport } from "./desk.mjs";

const browser = await launch();
const { page } = await open(browser, sampleReport(), { viewport: { width: 1040, height: 1000 } });
// From the first section to the end of the plot.
const [top, bottom] = await page.evaluate(() => ["#news", "#race .plot"].map((of) => document.querySelector(of).getBoundingClientRect())
  .map((of, at) => scrollY + (at === 0 ? of.top : of.bottom)));
await page.screenshot({ path: process.argv[2], fullPage: true, clip: { x: 0, y: top, width: 1040, height: bottom - top + 8 } });
await browser.close();
