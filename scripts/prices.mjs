// Builds the price data: `node scripts/prices.mjs [LITELLM_JSON [GENAI_PRICES_JSON]] [--date YYYY-MM-DD]`.
//
// With sources it writes `prices/models.jsonl` anew and says what changed; without, it builds the tables from it again.
// What a source has deleted stays, and a price that moved leaves a dated list behind; `--forget` drops both.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { fraction, parseJson, read, write } from "./prices/decimal.mjs";
import { diff } from "./prices/diff.mjs";
import { mergeGenai } from "./prices/genai.mjs";
import { keepPast, keepRetired, keepTools } from "./prices/history.mjs";
import { readLitellm } from "./prices/litellm.mjs";
import { buildTable } from "./prices/mpt.mjs";
import { sortRates, splitRate } from "./prices/units.mjs";

const PLACE = new URL("../prices/", import.meta.url);
const path = (name) => new URL(name, PLACE);
const readText = (name) => readFileSync(path(name), "utf8");

/** Collects what a reader of the data should know. */
const makeReport = () => {
  const [inexact, left, disagreements] = [[], new Map(), []];
  return {
    inexact: (id, rate, given, kept, note) => inexact.push(`${id}\t${rate}\t${given}\t${kept}\t${note}`),
    left: (key, id) => left.set(key, [...(left.get(key) ?? []), id]),
    disagreement: (id, what) => disagreements.push(`${id}\t${what}`),
    write: (compared) => {
      inexact.sort();
      disagreements.sort();
      writeFileSync(
        path("inexact.txt"),
        [
          "# Prices that are no whole number of pico-dollars: model, rate, dollars as given, pico-dollars kept, why.",
          "# noise: a float's tail, rounded; per minute: a minute's price over 60; fraction: kept exactly as written.",
          ...inexact,
          "",
        ].join("\n"),
      );
      const dropped = [...left]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, ids]) => `# not carried: ${key} (${ids.length}: ${ids.slice(0, 3).join(", ")})`);
      if (compared)
        writeFileSync(
          path("disagreements.txt"),
          [
            "# Where the two sources differ today: model, then LiteLLM / genai-prices in USD a million.",
            ...disagreements,
            ...dropped,
            "",
          ].join("\n"),
        );
      return { inexact: inexact.length, disagreements: disagreements.length };
    },
  };
};

const parseModels = (text) => {
  const [head, ...lines] = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return { head, rows: new Map(lines.map((row) => [row.id, row])) };
};

const matches = (pattern, name) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name);

/** Prices that are not listed, as a part of another one: `{"cache_read": ["input", 1, 2]}` is half of the prompt's. */
const derived = (rates, derive = {}) =>
  Object.fromEntries(
    Object.entries(derive)
      .filter(([, [from]]) => rates[from])
      .map(([name, [from, num, den]]) => {
        const base = read(rates[from]);
        return [name, write(fraction(base.num * BigInt(num), base.den * BigInt(den)))];
      }),
  );

const override = (row, own) => {
  if (own.mode && own.mode !== row.mode) return;
  if (own.zero_is_unknown) {
    const free = row.prices.every((list) => Object.values(list.rates).every((value) => value === 0));
    if (!free || !row.prices.length) return;
    row.prices = [];
  }
  const before = JSON.stringify(row.prices);
  for (const list of row.prices) {
    const renamed = Object.entries(list.rates).map(([name, value]) => [own.rename?.[name] ?? name, value]);
    const kept = Object.fromEntries(renamed.filter(([name]) => !own.drop?.includes(name)));
    list.rates = sortRates({ ...derived(kept, own.derive), ...kept, ...own.rates });
    Object.keys(list.rates).forEach(splitRate);
  }
  if (JSON.stringify(row.prices) !== before || own.zero_is_unknown) row.why = own.reason;
};

/** Our own corrections: they win over both sources, and each says why. */
const applyOverrides = (rows, overrides) => {
  for (const own of overrides.models) {
    if (!own.reason) throw new Error(`an override without a reason: ${JSON.stringify(own.ids)}`);
    for (const pattern of own.ids) {
      const found = [...rows.keys()].filter((id) => matches(pattern, id));
      if (!found.length) throw new Error(`an override for a model that is not there: ${pattern}`);
      for (const id of found) override(rows.get(id), own);
    }
  }
  for (const { of, ids, reason } of overrides.aliases) {
    if (!rows.has(of)) throw new Error(`an alias for a model that is not there: ${of}`);
    for (const id of ids) if (!rows.has(id)) rows.set(id, { ...rows.get(of), id, why: reason });
  }
};

const providerTable = (rows, overrides) => {
  const names = new Set([...rows.values()].map((row) => row.provider));
  const table = {};
  for (const [pattern, facts] of Object.entries(overrides.providers)) {
    const found = [...names].filter((name) => matches(pattern, name));
    for (const name of pattern.endsWith("*") ? found : [pattern]) table[name] = { ...table[name], ...facts };
  }
  return table;
};

/** Reads the sources into rows, with what was known before and our corrections. */
const refresh = (before, sources, date, overrides, report) => {
  const sha = (text) => createHash("sha256").update(text).digest("hex");
  const texts = sources.map((source) => readFileSync(source, "utf8"));
  const head = { format: "tollgate price data 1", date, litellm: sha(texts[0]), genai: before.head.genai };
  const rows = readLitellm(parseJson(texts[0]), report);
  if (texts[1]) {
    head.genai = sha(texts[1]);
    mergeGenai(rows, parseJson(texts[1]), date, report);
  }
  const forget = process.argv.includes("--forget");
  if (!forget && !texts[1]) keepTools(before.rows, rows);
  if (!forget) keepRetired(before.rows, rows);
  applyOverrides(rows, overrides);
  if (!forget) keepPast(before.rows, rows, before.head.date ?? "", date);
  return { head, rows: new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1))) };
};

/** Writes the table of the core providers and the table of all. */
const writeTables = ({ head, rows }, overrides) => {
  const hash = createHash("sha256").update(readText("models.jsonl")).digest("hex");
  const providers = providerTable(rows, overrides);
  const without = overrides.core_without.map(({ pattern }) => new RegExp(pattern));
  const all = [...rows.values()];
  const isCore = (row) =>
    overrides.core.some((pattern) => matches(pattern, row.provider)) &&
    !without.some((pattern) => pattern.test(row.id));
  for (const [name, chosen] of [
    ["full", all],
    ["core", all.filter(isCore)],
  ]) {
    const table = buildTable({ rows: chosen, providers, date: head.date, hash });
    writeFileSync(path(`${name}.mpt`), table);
    const size = `${table.length} bytes, ${gzipSync(table, { level: 9 }).length} gzip`;
    console.log(`prices/${name}.mpt: ${chosen.length} models, ${size}`);
  }
};

const given = process.argv.indexOf("--date");
const date = given > 0 ? process.argv[given + 1] : new Date().toISOString().slice(0, 10);
const sources = process.argv.slice(2).filter((argument, at) => !argument.startsWith("--") && at + 2 !== given + 1);
const overrides = JSON.parse(readText("overrides.json"));
const before = existsSync(path("models.jsonl")) ? parseModels(readText("models.jsonl")) : { head: {}, rows: new Map() };
let data = before;

if (sources.length) {
  const report = makeReport();
  data = refresh(before, sources, date, overrides, report);
  const lines = [data.head, ...data.rows.values()].map((row) => JSON.stringify(row));
  writeFileSync(path("models.jsonl"), `${lines.join("\n")}\n`);
  const counts = report.write(sources.length > 1);
  console.log(diff(before.rows, data.rows).join("\n"));
  console.log(`\n${counts.inexact} prices are no whole number of pico-dollars: prices/inexact.txt`);
  if (sources.length > 1) {
    console.log(`${counts.disagreements} models on which the two sources differ: prices/disagreements.txt`);
  }
}
writeTables(data, overrides);
