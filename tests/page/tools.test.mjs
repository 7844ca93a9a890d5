// The four tools on real input: what the page shows is what the engine's own routes answer.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { root } from "../../scripts/place.mjs";
import { launch, open, priced, serve } from "./page.mjs";

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

/** The engine beside the page: the JavaScript build of the core, asked through the gateway's own routes. */
async function engine() {
  const { core } = await import("../../scripts/checker.mjs");
  const { gatewayOn } = await import("../../npm/gateway.js");
  const built = await core();
  const Gateway = gatewayOn(built, { parse: JSON.parse, vocabulary: async () => undefined, env: {} });
  const gateway = new Gateway({ config: {}, open: true });
  return async (path, body) => {
    const answer = await gateway.fetch(new Request(`http://engine${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }));
    return answer.json();
  };
}

/** The amounts of a model as the page knows them, with all digits: what a copy as CSV holds. */
async function copied(page) {
  await page.evaluate(() => {
    navigator.clipboard.writeText = async (text) => void (globalThis.copied = text);
  });
  await page.click("#share summary");
  await page.click("#copy-csv");
  await page.waitForFunction(() => globalThis.copied);
  const [head, ...lines] = (await page.evaluate(() => globalThis.copied)).split("\n").map((line) => line.split(","));
  return new Map(lines.map((line) => [line[0], Object.fromEntries(head.map((name, at) => [name, line[at]]))]));
}

test("estimate: tokens and costs are those of /utils/token_counter and /cost/estimate", async () => {
  const { page, context, wrong } = await open(browser, host.url);
  await priced(page);
  const prompt = "What does this cost? Größe, 価格, and 12345 numbers.\n".repeat(20);
  await page.fill("#prompt", prompt);
  await page.fill("[name=out]", "700");
  await page.fill("[name=cached]", "25");
  await page.fill("[name=calls]", "40");
  await page.waitForFunction(() => location.hash.includes("out=700") && location.hash.includes("calls=40"));
  await page.waitForTimeout(300);
  const rows = await copied(page);
  assert.ok(rows.size > 1000, `${rows.size} models`);
  const ask = await engine();
  for (const model of ["gpt-4o", "claude-sonnet-4-5", "gemini/gemini-2.5-flash", "mistral/mistral-large-latest", "xai/grok-4"]) {
    const row = rows.get(model);
    const counted = await ask("/utils/token_counter", { model, messages: [{ role: "user", content: prompt }] });
    assert.equal(Number(row.tokens), counted.total_tokens, model);
    assert.equal(Number(row.tokens_error_percent), counted.error_percent, model);
    const cached = Math.floor((counted.total_tokens * 25) / 100);
    const asked = { model, input_tokens: counted.total_tokens, output_tokens: 700, cache_read_input_tokens: cached, num_requests_per_day: 40, num_requests_per_month: 1200 };
    const cost = await ask("/cost/estimate", asked);
    assert.equal(Number(row.cost), cost.cost_per_request, model);
    assert.equal(Number(row.cost_per_day), cost.daily_cost, model);
    assert.equal(Number(row.cost_per_month), cost.monthly_cost, model);
    assert.ok(Number(row.cost_worst) >= Number(row.cost_high), model);
  }
  assert.deepEqual(wrong, []);
  await context.close();
});

test("estimate: vocabularies make OpenAI's counts exact, and the full table has all models", async () => {
  const { page, context, wrong } = await open(browser, host.url);
  await priced(page);
  assert.equal(Number((await copied(page)).get("gpt-4o").tokens_exact), 0);
  await page.click("#exact-load");
  await page.waitForFunction(() => document.getElementById("exact-load").textContent.includes("are counted"));
  await page.evaluate(() => delete globalThis.copied);
  const row = (await copied(page)).get("gpt-4o");
  assert.deepEqual([row.tokens_exact, row.tokens_error_percent], ["1", "0"]);
  await page.click("#full");
  await page.waitForFunction(() => document.getElementById("full").textContent === "All models are loaded");
  assert.match(await page.textContent("#source"), /7,0\d\d models/);
  assert.deepEqual(wrong, []);
  await context.close();
});

test("estimate: a JSON request with tools and an image by size counts more; what is no JSON says so", async () => {
  const { page, context } = await open(browser, host.url);
  await priced(page);
  const tokens = async () => {
    await page.evaluate(() => delete globalThis.copied);
    return Number((await copied(page)).get("gpt-4o").tokens);
  };
  const plain = await tokens();
  await page.click("#image-menu summary");
  await page.click("#image-add");
  await page.waitForFunction(() => document.getElementById("prompt-note").textContent.includes("JSON"));
  await page.waitForTimeout(200);
  assert.equal((await tokens()) - plain, 85 + 4 * 170, "OpenAI's formula for 1024 by 1024 pixels");
  await page.fill("#prompt", "{ no");
  await page.waitForFunction(() => document.getElementById("prompt-note").classList.contains("wrong"));
  await context.close();
});

test("estimate: filters, sorting and unknown prices", async () => {
  const { page, context } = await open(browser, host.url);
  await priced(page);
  await page.selectOption("#provider", "anthropic");
  const providers = await page.locator("td.model small").allTextContents();
  assert.ok(providers.length && providers.every((name) => name.startsWith("anthropic")), providers.join());
  await page.click("th.cost button");
  assert.equal(await page.getAttribute("th.cost", "aria-sort"), "descending");
  await page.selectOption("[name=tier]", "flex");
  await page.waitForFunction(() => document.querySelector("td.cost span").textContent === "no flex price");
  await page.click("td.model button");
  await page.waitForSelector("#about-model[open]");
  assert.match(await page.textContent("#about-model"), /Prices of20\d\d-\d\d-\d\d.*Source\S/s);
  await context.close();
});

test("explain: the upstream request is that of /utils/transform_request, and each field has its fate", async () => {
  const { page, context, wrong } = await open(browser, `${host.url}#explain`);
  await page.waitForSelector("#explain-out pre");
  const body = JSON.parse(await page.textContent("#explain-out pre"));
  const request = { ...JSON.parse(await page.inputValue("#explain-request")), model: await page.inputValue("#explain-model"), drop_params: true };
  const { core } = await import("../../scripts/checker.mjs");
  const { gatewayOn } = await import("../../npm/gateway.js");
  const Gateway = gatewayOn(await core(), { parse: JSON.parse, vocabulary: async () => undefined, env: {} });
  const gateway = new Gateway({ config: {}, open: true, env: { ANTHROPIC_API_KEY: "k" } });
  const answer = await gateway.fetch(new Request("http://engine/utils/transform_request", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ call_type: "completion", request_body: request }) }));
  assert.deepEqual(body, (await answer.json()).raw_request_body);
  const fates = await page.locator(".fates tr").allTextContents();
  for (const fate of ["seeddropped", "logit_biasdropped", "stoprenamed to stop_sequences", "max_completion_tokensrenamed to max_tokens"]) assert.ok(fates.includes(fate), fates.join(" | "));
  await page.uncheck("#explain-drop");
  await page.waitForSelector("#explain-out .refused");
  assert.match(await page.textContent("#explain-out"), /drop_params/);
  for (const provider of ["gemini", "openai", "bedrock", "azure", "mistral"]) {
    await page.check("#explain-drop");
    await page.selectOption("#explain-provider", provider);
    await page.waitForFunction((name) => document.getElementById("explain-model").value.startsWith(`${name}/`), provider);
    await page.waitForFunction(() => document.querySelector("#explain-out .url"));
  }
  assert.deepEqual(wrong, []);
  await context.close();
});

test("stream: fixtures come out as the gateway's own tests expect them", async () => {
  const { page, context, wrong } = await open(browser, `${host.url}#stream`);
  for (const [provider, model] of [["anthropic", "anthropic/claude-sonnet-4-5"], ["gemini", "gemini/gemini-2.5-flash"]]) {
    const folder = join(root, "tests/fixtures", provider, "stream-text");
    const upstream = readFileSync(join(folder, "upstream-response.http"), "utf8").split(/\r?\n\r?\n/).slice(1).join("\n\n");
    await page.fill("#stream-model", model);
    await page.fill("#stream-text", upstream);
    const expected = chunks(readFileSync(join(folder, "response.sse"), "utf8"));
    await page.waitForFunction((text) => document.querySelector("#stream-out .folded")?.textContent.includes(text), text(expected).slice(0, 40));
    const shown = chunks(await page.textContent("#stream-chunks"));
    assert.equal(text(shown), text(expected));
    assert.equal(finish(shown), finish(expected));
  }
  await page.selectOption("#stream-sample", "1");
  await page.waitForSelector("#stream-out .refused, #stream-out .wrong");
  assert.deepEqual(wrong, []);
  await context.close();
});

const chunks = (sse) => [...sse.matchAll(/^data: (\{.*\})$/gm)].map(([, data]) => JSON.parse(data));
const text = (all) => all.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join("");
const finish = (all) => all.map(({ choices }) => choices?.[0]?.finish_reason).filter(Boolean).join();

test("config: mistakes with their lines, the routing and a dry run", async () => {
  const { page, context, wrong } = await open(browser, `${host.url}#config`);
  await page.waitForSelector("#dry-out .verdict");
  assert.deepEqual(await page.locator(".group h3").allTextContents(), ["chat", "long", "backup"]);
  assert.match(await page.textContent("#group-chat"), /67 %.*33 %.*on failure → backup.*prompt too long → long/s);
  assert.match(await page.textContent("#dry-out .verdict"), /openai\/gpt-4o-mini most likely answers/);
  const yaml = await page.inputValue("#config-text");
  await page.fill("#config-text", yaml.replace("num_retries", "num_retires"));
  await page.waitForSelector(".findings .error");
  const line = yaml.split("\n").findIndex((one) => one.includes("num_retries")) + 1;
  const found = await page.textContent(".findings .error");
  assert.ok(found.includes(`Line ${line}`) && found.includes("num_retries"), found);
  await page.click(".findings .error button");
  assert.equal(await page.evaluate(() => getSelection().toString() || document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)), "  num_retires: 2");
  await page.fill("#config-text", "model_list:\n\t- a");
  await page.waitForFunction(() => document.querySelector(".findings")?.textContent.includes("a tab cannot indent YAML"));
  assert.match(await page.textContent(".findings"), /Line 2/);
  await page.fill("#config-text", "litellm_settings: {drop_params: true}");
  await page.waitForFunction(() => document.getElementById("config-routing").textContent.includes("no model_list"));
  await page.waitForFunction(() => document.getElementById("dry-out").textContent === "There is no model to ask for.");
  await page.fill("#config-text", "");
  await page.waitForFunction(() => !document.querySelector(".findings")?.textContent.includes("a tab"));
  assert.deepEqual(wrong, []);
  await context.close();
});
