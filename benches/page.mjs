// The page: what is transferred for its first view, and how long it takes to price on a CPU that is slowed down.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { pageFolder } from "../scripts/place.mjs";
import { launch, open, priced, serve } from "../tests/page/page.mjs";
import { line, median } from "./harness.mjs";

// The issue: KB of the first view before the wasm.
const BAR = 100;
const ROUNDS = 5;
/** How many times slower than this machine: about a phone of the middle class. */
const SLOWER = 4;

const packed = (...names) => names.reduce((sum, name) => sum + gzipSync(readFileSync(join(pageFolder, name)), { level: 9 }).length, 0) / 1024;

/** Time until everything is drawn, and until every model is priced: ms since the navigation began. */
async function visit(browser, url, slower) {
  const { page, context } = await open(browser, "about:blank");
  const session = await context.newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: slower });
  await page.goto(url);
  await priced(page);
  const ms = await page.evaluate(() => ({ ready: performance.now(), seen: performance.getEntriesByName("first-contentful-paint")[0]?.startTime }));
  await context.close();
  return ms;
}

export default async function bench() {
  const scripts = readdirSync(join(pageFolder, "page")).filter((name) => ["main.js", "engine.js", "style.css", "icon.svg"].includes(name));
  const lines = [
    line("page: first view before the wasm, gzip", packed("index.html", ...scripts.map((name) => `page/${name}`)), "KB", BAR, scripts.join(", ")),
    line("page: its wasm, gzip", packed("page/tollgate_bg.wasm"), "KB", undefined, "the npm package's"),
  ];
  const host = await serve();
  const browser = await launch();
  try {
    for (const slower of [1, SLOWER]) {
      const visits = [];
      for (let round = 0; round < ROUNDS; round++) visits.push(await visit(browser, host.url, slower));
      const of = (name) => median(visits.map((one) => one[name]));
      const detail = slower === 1 ? "CPU as it is" : `the main thread ${slower} times slower`;
      lines.push(line("page: until it is seen", of("seen"), "ms", undefined, detail));
      lines.push(line("page: until every model is priced", of("ready"), "ms", undefined, detail));
    }
  } finally {
    await browser.close();
    await host.stop();
  }
  return lines;
}
