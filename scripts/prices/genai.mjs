// Reads genai-prices: models that LiteLLM has deleted, past prices, announced prices, and a second opinion.

import { Decimal, picoPer, write } from "./decimal.mjs";
import { rateName, sortRates, splitRate } from "./units.mjs";

const UNIT_OF = {
  input_mtok: ["input", 1_000_000],
  output_mtok: ["output", 1_000_000],
  cache_read_mtok: ["cache_read", 1_000_000],
  cache_write_mtok: ["cache_write", 1_000_000],
  cache_write_1h_mtok: ["cache_write_1h", 1_000_000],
  input_audio_mtok: ["input_audio", 1_000_000],
  output_audio_mtok: ["output_audio", 1_000_000],
  cache_audio_read_mtok: ["cache_read_audio", 1_000_000],
  cache_image_read_mtok: ["cache_read_image", 1_000_000],
  input_image_mtok: ["input_image", 1_000_000],
  output_image_mtok: ["output_image", 1_000_000],
  input_video_mtok: ["input_video", 1_000_000],
  output_video_mtok: ["output_video", 1_000_000],
  output_reasoning_mtok: ["reasoning", 1_000_000],
  output_citation_mtok: ["citation", 1_000_000],
  web_searches_kcount: ["web_search", 1_000],
  storage_searches_kcount: ["file_search", 1_000],
  requests_kcount: ["request", 1_000],
  input_text_messages_kcount: ["text_message", 1_000],
  input_mchars: ["character_in", 1_000_000],
  input_document_kpages: ["page", 1_000],
  input_annotated_document_kpages: ["annotated_page", 1_000],
  audio_hours: ["second_in", 3_600],
  input_audio_hours: ["second_in", 3_600],
};
const TIER_OF = (when) =>
  when.processing === "batch" ? "batch" : ["flex", "priority", "fast"].find((tier) => when.service_tier === tier);

/** Where a provider of genai-prices stands in LiteLLM's naming: provider and prefix of the id, once for each door. */
const DOORS = {
  anthropic: [["anthropic", ""]],
  openai: [["openai", ""]],
  google: [
    ["gemini", "gemini/"],
    ["vertex_ai-language-models", ""],
  ],
  aws: [["bedrock_converse", ""]],
  "x-ai": [["xai", "xai/"]],
  cohere: [["cohere_chat", ""]],
  together: [["together_ai", "together_ai/"]],
  fireworks: [["fireworks_ai", "fireworks_ai/accounts/fireworks/models/"]],
  moonshotai: [["moonshot", "moonshot/"]],
  voyageai: [["voyage", "voyage/"]],
  "github-copilot": [["github_copilot", "github_copilot/"]],
};
const doors = (provider) => {
  if (provider.startsWith("huggingface_"))
    return [["huggingface", `huggingface/${provider.slice("huggingface_".length)}/`]];
  return DOORS[provider] ?? [[provider, `${provider}/`]];
};
const VERTEX_CLAUDE = [["vertex_ai-anthropic_models", "vertex_ai/"]];

/** genai-prices writes some prices after a sum in floats (`1.0399999999999998`): nine decimals are what was meant. */
const meant = (decimal) => String(Number(Number(decimal.text).toFixed(9)));

const readRates = (given, tier = "standard") => {
  const rates = {};
  for (const [key, price] of Object.entries(given ?? {})) {
    const [unit, per] = UNIT_OF[key] ?? [];
    if (!unit || price === null) continue;
    if (price instanceof Decimal) rates[rateName(unit, 0, tier)] = write(picoPer(meant(price), per));
    else {
      rates[rateName(unit, 0, tier)] = write(picoPer(meant(price.base), per));
      for (const step of price.tiers)
        rates[rateName(unit, Number(step.start), tier)] = write(picoPer(meant(step.price), per));
    }
  }
  return rates;
};

/** The names that a match clause lists: whole names, and the stems of its prefixes. */
const names = (clause) => {
  const found = [];
  const walk = (part) => {
    for (const [kind, value] of Object.entries(part)) {
      if (Array.isArray(value)) value.forEach(walk);
      else if (kind === "equals" || (kind === "starts_with" && !/[-@:.]$/.test(value))) found.push(value);
    }
  };
  walk(clause);
  return found.filter((name) => /^[\x21-\x7e]+$/.test(name));
};

/** What a model costs over time: dated lists, the windowed ones left to LiteLLM, which knows their weekdays. */
const lists = (model) => {
  const given = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  const dated = given.filter((list) => !list.constraint?.start_time);
  return dated.map((list, at) => {
    const last = at === dated.length - 1;
    let rates = readRates(list.prices);
    for (const variant of last ? (model.price_variants ?? []) : []) {
      const tier = TIER_OF(variant.when);
      if (tier) rates = { ...rates, ...readRates(variant.prices, tier) };
    }
    return { ...(list.constraint?.start_date && { from: list.constraint.start_date }), rates: sortRates(rates) };
  });
};

/** Whether `next` charges otherwise than `before` for anything that `before` priced. */
export const changed = (before, next) =>
  Object.entries(before).some(([name, value]) => String(next[name]) !== String(value));

/** Keeps the lists at which a price moved: where only a dimension was added, nothing moved. */
const moves = (all) => {
  const kept = [];
  for (const list of all) {
    const before = kept.at(-1);
    if (before && !changed(before.rates, list.rates)) before.rates = list.rates;
    else kept.push({ ...list });
  }
  return kept;
};

const agrees = (ours, theirs) =>
  ["input", "output"].every(
    (name) => ours[name] === undefined || theirs[name] === undefined || String(ours[name]) === String(theirs[name]),
  );

const COMPARED = ["input", "output", "cache_read", "cache_write", "cache_write_1h"];
const dollars = (value) =>
  value === undefined ? "-" : Number(String(value).split("/")[0]) / Number(String(value).split("/")[1] ?? 1) / 1e6;

/** Adds what LiteLLM does not have to `rows`, and reports where the two differ on what both have. */
export const mergeGenai = (rows, providers, date, report) => {
  const folded = new Map([...rows.keys()].map((id) => [id.toLowerCase(), id]));
  for (const provider of providers) {
    for (const model of provider.models) {
      const all = moves(lists(model));
      if (!all.some((list) => Object.keys(list.rates).length)) continue;
      const claude = provider.id === "google" && /claude/.test(model.id);
      for (const [name, prefix] of claude ? VERTEX_CLAUDE : doors(provider.id)) {
        const own = folded.get((prefix + model.id).toLowerCase());
        if (own && rows.get(own).src === "litellm") compare(rows.get(own), all, date, report);
        for (const alias of new Set([model.id, ...names(model.match)])) {
          const id = prefix + alias;
          if (folded.has(id.toLowerCase())) continue;
          folded.set(id.toLowerCase(), id);
          rows.set(id, {
            id,
            provider: name,
            mode: "chat",
            ...(model.context_window && { context: Number(model.context_window) }),
            prices: all,
            src: "genai",
          });
        }
      }
    }
  }
};

/** Gives a row of LiteLLM's its past and its announced future, where the two sources agree on the present. */
const compare = (row, all, date, report) => {
  const past = all.filter((list) => !list.from || list.from <= date);
  const now = past.at(-1);
  const base = row.prices[0];
  if (!now || !base) return;
  const cheap = row.prices.find((list) => list.windows);
  const same = agrees(base.rates, now.rates) || (cheap && agrees(cheap.rates, now.rates));
  const differing = COMPARED.filter(
    (name) =>
      base.rates[name] !== undefined &&
      now.rates[name] !== undefined &&
      String(base.rates[name]) !== String(now.rates[name]) &&
      !(cheap && String(cheap.rates[name]) === String(now.rates[name])),
  );
  if (differing.length) {
    report.disagreement(
      row.id,
      differing.map((name) => `${name} ${dollars(base.rates[name])} / ${dollars(now.rates[name])}`).join(", "),
    );
  }
  if (!same) return;
  if (addTools(row, now.rates)) row.src = "litellm+genai";
  if (all.length === 1) return;
  const future = all
    .filter((list) => list.from && list.from > date)
    .map((list) => ({ from: list.from, rates: overlay(base.rates, list.rates) }));
  const dated = now.from ? row.prices.map((list) => ({ from: now.from, ...list })) : row.prices;
  row.prices = [...past.slice(0, -1), ...dated, ...future];
  row.src = "litellm+genai";
};

/** Fees of tools that LiteLLM does not list for a model on whose tokens both agree. */
export const addTools = (row, theirs) => {
  const known = row.prices.flatMap((list) => Object.keys(list.rates));
  const added = Object.entries({ web_search: /^(web_search|grounded_prompt|request)/, file_search: /^file_search/ })
    .filter(([name, listed]) => theirs[name] !== undefined && !known.some((own) => listed.test(own)))
    .map(([name]) => [name, theirs[name]]);
  for (const list of row.prices) list.rates = sortRates({ ...list.rates, ...Object.fromEntries(added) });
  return added.length > 0;
};

/** An announced price over today's: a unit that it names is wholly replaced, with its tiers and brackets. */
const overlay = (today, announced) => {
  const named = new Set(Object.keys(announced).map((name) => splitRate(name).unit));
  const kept = Object.entries(today).filter(([name]) => !named.has(splitRate(name).unit));
  return sortRates({ ...Object.fromEntries(kept), ...announced });
};
