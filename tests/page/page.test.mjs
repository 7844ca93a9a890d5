// The page itself: its policy, links, offline, themes, widths, the keyboard, what axe-core finds, and hostile prompts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { packaged, pageFolder } from "../../scripts/place.mjs";
import { launch, open, priced, serve } from "./page.mjs";

const VIEWS = { estimate: "#plot path.line", explain: "#explain-out pre", stream: "#stream-out pre", config: "#dry-out .verdict" };
const PHONE = { viewport: { width: 375, height: 812 }, hasTouch: true };

let host;
let browser;
before(async () => {
  host = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await host?.stop();
});

test("the first view is below 100 KB gzip before the wasm", () => {
  const first = ["index.html", "page/main.js", "page/engine.js", "page/style.css", "page/icon.svg"];
  const sizes = first.map((name) => gzipSync(readFileSync(join(pageFolder, name))).length);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(all < 100 * 1024, `${all} bytes`);
});

test("no tool violates the policy, asks another host, or sends the prompt anywhere", async () => {
  const { page, context, wrong } = await open(browser, host.url);
  const asked = [];
  context.on("request", (request) => asked.push([request.url(), request.method(), request.postData()]));
  await priced(page);
  await page.fill("#prompt", "a secret that stays");
  for (const [view, ready] of Object.entries(VIEWS)) {
    await page.click(`#tab-${view}`);
    await page.waitForSelector(ready);
  }
  await page.click("#tab-estimate");
  await page.click("td.model button");
  assert.deepEqual(await page.evaluate(() => violations), []);
  assert.deepEqual(wrong, []);
  for (const [url, method, body] of asked) {
    assert.ok(url.startsWith(host.url) || url.startsWith("blob:"), url);
    assert.deepEqual([method, body], ["GET", null]);
    assert.ok(!decodeURIComponent(url).includes("secret"), url);
  }
  await context.close();
});

test("the policy holds on a host without headers, in the page and in its worker", async () => {
  const { page, context } = await open(browser, host.url);
  await priced(page);
  const other = await serve();
  const reach = (url) => fetch(url, { mode: "no-cors" }).then(() => "reached", () => "refused");
  assert.equal(await page.evaluate(reach, other.url), "refused");
  assert.equal(page.workers().length, 1);
  assert.equal(await page.workers()[0].evaluate(reach, other.url), "refused");
  const script = await page.evaluate(() => {
    const made = document.createElement("script");
    made.textContent = "globalThis.injected = true";
    document.body.append(made);
    return globalThis.injected;
  });
  assert.equal(script, undefined);
  assert.deepEqual(other.asked, []);
  await other.stop();
  await context.close();
});

test("a link carries everything that is set, and the address no prompt", async () => {
  const { page, context } = await open(browser, host.url);
  await priced(page);
  await page.fill("#prompt", "Preise für Größe & Farbe? 価格 <b>");
  await page.fill("[name=out]", "321");
  await page.fill("[name=calls]", "77");
  await page.selectOption("#provider", "openai");
  await page.fill("#find", "gpt-4o");
  await page.locator("[data-pin=gpt-4o]").click();
  await page.waitForFunction(() => location.hash.includes("out=321") && location.hash.includes("pins=gpt-4o"));
  assert.ok(!(await page.evaluate(() => location.hash)).includes("prompt="));
  await page.evaluate(() => {
    navigator.clipboard.writeText = async (text) => void (globalThis.copied = text);
  });
  await page.click("#share summary");
  await page.click("#copy-link");
  await page.waitForFunction(() => globalThis.copied);
  const link = await page.evaluate(() => globalThis.copied);
  const bars = await page.textContent("#bars");
  const again = await open(browser, link);
  await priced(again.page);
  assert.equal(await again.page.inputValue("#prompt"), "Preise für Größe & Farbe? 価格 <b>");
  assert.equal(await again.page.inputValue("[name=out]"), "321");
  assert.equal(await again.page.inputValue("[name=calls]"), "77");
  assert.equal(await again.page.inputValue("#provider"), "openai");
  assert.equal(await again.page.getAttribute("[data-pin=gpt-4o]", "aria-pressed"), "true");
  assert.equal(await again.page.textContent("#bars"), bars);
  await again.context.close();
  await context.close();
});

test("it works offline after the first load", async () => {
  const own = await serve();
  const { page, context } = await open(browser, own.url);
  await priced(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  await own.stop();
  await context.setOffline(true);
  await page.reload();
  await priced(page);
  for (const [view, ready] of Object.entries(VIEWS)) {
    await page.click(`#tab-${view}`);
    await page.waitForSelector(ready);
  }
  await context.close();
});

for (const [name, options] of [["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }], ["phone", { ...PHONE, colorScheme: "light" }]]) {
  test(`axe-core finds nothing serious, ${name}`, async () => {
    const { page, context } = await open(browser, host.url, options);
    const axe = readFileSync(packaged("axe-core", "axe.min.js"), "utf8");
    const found = [];
    for (const [view, ready] of Object.entries(VIEWS)) {
      await page.click(`#tab-${view}`);
      await page.waitForSelector(ready);
      // By the debugger's door: the page's own policy would refuse it.
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      found.push(...serious.map(({ id, nodes }) => `${view}: ${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} (${failureSummary})`).join("; ")}`));
    }
    assert.deepEqual(found, []);
    await context.close();
  });
}

test("dark follows the system, and the button wins over it", async () => {
  const { page, context } = await open(browser, host.url, { colorScheme: "dark" });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();
  await page.click("#theme");
  const light = await paper();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await paper(), light);
  await page.click("#theme");
  assert.equal(await paper(), dark);
  await context.close();
});

test("nothing is wider than a phone", async () => {
  const { page, context } = await open(browser, host.url, PHONE);
  for (const [view, ready] of Object.entries(VIEWS)) {
    await page.click(`#tab-${view}`);
    await page.waitForSelector(ready);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${view} is ${wide} pixels too wide`);
  }
  await context.close();
});

test("the keyboard alone prices, pins, asks about a model and changes the tool", async () => {
  const { page, context } = await open(browser, host.url);
  await priced(page);
  const active = () => page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.dataset.pin || document.activeElement.dataset.about);
  const tabTo = async (wanted, most = 60) => {
    for (let at = 0; at < most; at++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((selector) => document.activeElement.matches(selector), wanted)) return;
    }
    assert.fail(`Tab does not come to ${wanted}, but to ${await active()}`);
  };
  await tabTo("#prompt");
  await page.keyboard.type("By keyboard. ");
  await tabTo("[name=out]");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("650");
  await page.waitForFunction(() => location.hash.includes("out=650"));
  await tabTo("th.cost button");
  await page.keyboard.press("Enter");
  assert.equal(await page.getAttribute("th.cost", "aria-sort"), "descending");
  await tabTo("[data-pin]");
  const first = await active();
  for (let at = 0; at < 30; at++) await page.keyboard.press("ArrowDown");
  const later = await active();
  assert.notEqual(later, first);
  await page.keyboard.press("Space");
  await page.waitForFunction((id) => [...document.querySelectorAll("#bars text")].length > 0 && location.hash.includes("pins="), later);
  await page.evaluate(() => (document.getElementById("table").scrollTop = 0));
  await page.waitForSelector("tr.pinned");
  await page.focus("tr.pinned [data-pin]");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#about-model[open]");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.getElementById("about-model").open);
  await page.focus("#tab-estimate");
  for (const view of ["explain", "stream", "config"]) {
    await page.keyboard.press("ArrowRight");
    assert.equal(await active(), `tab-${view}`);
    await page.waitForSelector(VIEWS[view]);
  }
  await context.close();
});

/** Counts, in the page, the tasks that hold the main thread for longer than 50 ms and the frames that are drawn. */
const watch = () => {
  globalThis.long = [];
  globalThis.frames = 0;
  globalThis.shifts = 0;
  new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask", buffered: false });
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => entry.hadRecentInput || (shifts += entry.value))).observe({ type: "layout-shift", buffered: true });
  const frame = () => {
    frames++;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
};

test("a hostile prompt of 1 MB is priced while the page goes on drawing", async () => {
  const { page, context, wrong } = await open(browser, host.url);
  await priced(page);
  await page.evaluate(watch);
  const before = await page.evaluate(() => {
    // No blank, no end, letters of all kinds.
    const text = Array.from({ length: 1_000_000 }, (_, at) => String.fromCharCode(33 + ((at * 7919) % 94))).join("");
    const data = new DataTransfer();
    data.setData("text/plain", text);
    document.getElementById("prompt").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true, bubbles: true }));
    return globalThis.frames;
  });
  await page.waitForFunction(() => document.getElementById("prompt-note").textContent.startsWith("1 MB"), undefined, { timeout: 60000 });
  const { long, frames } = await page.evaluate(() => ({ long, frames }));
  assert.ok(frames - before >= 3, `${frames - before} frames were drawn meanwhile`);
  // Work of the engine on the main thread would be one task of a second or more; drawing comes in short ones.
  assert.ok(long.every((ms) => ms < 500), `tasks of ${long.map(Math.round)} ms`);
  await page.click("#held-clear");
  assert.equal(await page.inputValue("#prompt"), "");
  assert.deepEqual(wrong, []);
  await context.close();
});

test("typing into 100 KB leaves no key to wait for the engine, and nothing jumps", async () => {
  const { page, context } = await open(browser, host.url);
  await page.evaluate(watch);
  await priced(page);
  await page.fill("#prompt", "The quick brown fox jumps over the lazy dog, 12345 times.\n".repeat(1750));
  await page.waitForFunction(() => document.getElementById("prompt-note").textContent.startsWith("10"));
  await page.evaluate(() => (long.length = 0));
  await page.focus("#prompt");
  for (let at = 0; at < 30; at++) await page.keyboard.type("x");
  const { long, shifts } = await page.evaluate(() => ({ long, shifts }));
  assert.ok(long.length <= 3, `of 30 keys, ${long.length} made tasks of over 50 ms: ${long.map(Math.round)}`);
  assert.ok(shifts < 0.02, `layout shifts of ${shifts}`);
  await context.close();
});
