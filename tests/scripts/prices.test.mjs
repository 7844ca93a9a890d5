// The price data: exact decimals, both sources read as meant, the past kept, and tables that are what the data builds.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parseJson, pico, write } from "../../scripts/prices/decimal.mjs";
import { mergeGenai } from "../../scripts/prices/genai.mjs";
import { keepPast, keepRetired, keepTools } from "../../scripts/prices/history.mjs";
import { readLitellm } from "../../scripts/prices/litellm.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const report = { inexact() {}, left() {}, disagreement() {} };
const read = (map) => readLitellm(parseJson(JSON.stringify(map)), report);
const chat = (prices) => ({ litellm_provider: "openai", mode: "chat", ...prices });
const kept = (text) => [write(pico(text).value), pico(text).note];

test("dollars become pico-dollars exactly, or say what they became", () => {
  assert.deepEqual(kept("1.5e-07"), [150_000, ""]);
  assert.deepEqual(kept("9.499999999999999e-07"), [950_000, "noise"]);
  assert.deepEqual(kept("0.0002833333333333333"), ["850000000/3", "per minute"]);
  assert.deepEqual(kept("1.41953125e-07"), ["1135625/8", "fraction"]);
  assert.throws(() => pico("cheap"), /not a decimal number/);
});

test("numbers keep the digits that were written, and strings that look like numbers stay strings", () => {
  const { a, b } = parseJson('{"a": 0.10000000000000000001, "b": "1.5e-07"}');
  assert.equal(a.text, "0.10000000000000000001");
  assert.equal(b, "1.5e-07");
});

test("a flat key is a unit, a bracket and a tier", () => {
  const key = "cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches";
  const rows = read({ a: chat({ input_cost_per_token: 1e-6, [key]: 2e-6, rpm: 5, input_dbu_cost_per_token: 1 }) });
  assert.deepEqual(rows.get("a").prices, [{ rates: { input: 1_000_000, "cache_write_1h>200000@batch": 2_000_000 } }]);
});

test("a bracket of xAI starts at its threshold", () => {
  const rows = read({ a: { ...chat({ input_cost_per_token_above_200k_tokens: 1e-6 }), litellm_provider: "xai" } });
  assert.deepEqual(rows.get("a").prices[0].rates, { "input>199999": 1_000_000 });
});

test("a transcription is paid once for each second", () => {
  const prices = { input_cost_per_second: 0.0001, output_cost_per_second: 0.0001 };
  const rows = read({ whisper: { ...chat(prices), mode: "audio_transcription" } });
  assert.deepEqual(rows.get("whisper").prices[0].rates, { second_in: 100_000_000 });
});

const genai = (prices, match = { equals: "m" }) => [
  { id: "openai", models: [{ id: "m", match, prices: parseJson(JSON.stringify(prices)) }] },
];
const list = (input, from) => ({ prices: { input_mtok: input }, ...(from && { constraint: { start_date: from } }) });

test("the second source adds the past and the announced future of a price on which both agree", () => {
  const rows = read({ m: chat({ input_cost_per_token: 2e-6 }) });
  mergeGenai(rows, genai([list(9), list(2, "2026-03-01"), list(4, "2027-01-01")]), "2026-11-20", report);
  const prices = rows.get("m").prices.map((dated) => [dated.from, dated.rates.input]);
  assert.deepEqual(prices, [
    [undefined, 9_000_000],
    ["2026-03-01", 2_000_000],
    ["2027-01-01", 4_000_000],
  ]);
});

test("the second source changes nothing where it disagrees, but says so", () => {
  const said = [];
  const rows = read({ m: chat({ input_cost_per_token: 2e-6 }) });
  const listening = { ...report, disagreement: (id, what) => said.push(`${id}: ${what}`) };
  mergeGenai(rows, genai([list(9), list(3, "2026-03-01")]), "2026-11-20", listening);
  assert.deepEqual(rows.get("m").prices, [{ rates: { input: 2_000_000 } }]);
  assert.deepEqual(said, ["m: input 2 / 3"]);
});

test("the second source brings back what the first has deleted, by every name", () => {
  const rows = read({});
  mergeGenai(
    rows,
    genai({ input_mtok: 3 }, { or: [{ equals: "m-old" }, { starts_with: "m-1" }] }),
    "2026-11-20",
    report,
  );
  assert.deepEqual([...rows.keys()], ["m", "m-old", "m-1"]);
});

test("a price that moved leaves a dated list behind, and a deleted model stays", () => {
  const before = read({ m: chat({ input_cost_per_token: 1e-6 }), gone: chat({ input_cost_per_token: 5e-6 }) });
  const rows = read({ m: chat({ input_cost_per_token: 3e-6 }) });
  keepRetired(before, rows);
  keepPast(before, rows, "2026-11-20", "2026-12-01");
  const prices = rows.get("m").prices.map((dated) => [dated.from, dated.rates.input]);
  assert.deepEqual(prices, [
    [undefined, 1_000_000],
    ["2026-12-01", 3_000_000],
  ]);
  assert.equal(rows.get("gone").src, "kept");
});

test("an update from the first source alone keeps the fees that only the second lists", () => {
  const before = read({ m: chat({ input_cost_per_token: 1e-6 }), n: chat({ input_cost_per_token: 1e-6 }) });
  before.get("m").prices[0].rates.web_search = 10_000_000_000;
  before.get("m").src = "litellm+genai";
  const rows = read({ m: chat({ input_cost_per_token: 3e-6 }), n: chat({ input_cost_per_token: 1e-6 }) });
  keepTools(before, rows);
  assert.deepEqual(rows.get("m").prices, [{ rates: { input: 3_000_000, web_search: 10_000_000_000 } }]);
  assert.equal(rows.get("m").src, "litellm+genai");
  assert.deepEqual(rows.get("n").prices, [{ rates: { input: 1_000_000 } }]);
});

test("the tables in the tree are what the data in the tree builds", () => {
  const copy = mkdtempSync(join(tmpdir(), "prices-"));
  try {
    for (const place of ["scripts", "prices"]) cpSync(join(root, place), join(copy, place), { recursive: true });
    execFileSync(process.execPath, [join(copy, "scripts/prices.mjs")]);
    for (const name of ["prices/core.mpt", "prices/full.mpt"]) {
      assert.ok(readFileSync(join(root, name)).equals(readFileSync(join(copy, name))), `${name} is stale`);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
});
