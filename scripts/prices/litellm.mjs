// Reads LiteLLM's price map into rows of `models.jsonl`.

import { Decimal, picoPer, pico, write } from "./decimal.mjs";
import { rateName, sortRates } from "./units.mjs";

const UNIT_OF = {
  input_cost_per_token: "input",
  output_cost_per_token: "output",
  output_cost_per_reasoning_token: "reasoning",
  citation_cost_per_token: "citation",
  input_cost_per_token_cache_hit: "cache_read",
  cache_read_input_token_cost: "cache_read",
  cache_read_input_audio_token_cost: "cache_read_audio",
  cache_read_input_image_token_cost: "cache_read_image",
  cache_creation_input_token_cost: "cache_write",
  cache_creation_input_token_cost_above_1hr: "cache_write_1h",
  cache_creation_input_token_cost_above_12hr: "cache_write_12h",
  cache_creation_input_audio_token_cost: "cache_write_audio",
  input_cost_per_audio_token: "input_audio",
  output_cost_per_audio_token: "output_audio",
  input_cost_per_image_token: "input_image",
  output_cost_per_image_token: "output_image",
  input_cost_per_video_token: "input_video",
  output_cost_per_video_token: "output_video",
  input_cost_per_request: "request",
  input_cost_per_query: "query",
  google_maps_grounding_cost_per_query: "maps_query",
  code_interpreter_cost_per_session: "code_session",
  input_cost_per_text_message: "text_message",
  input_cost_per_image: "image_in",
  output_cost_per_image: "image_out",
  output_cost_per_image_512: "image_out_512",
  output_cost_per_image_1024: "image_out_1024",
  output_cost_per_image_1536: "image_out_1536",
  "output_cost_per_image_0.5K": "image_out_0.5k",
  output_cost_per_image_1K: "image_out_1k",
  output_cost_per_image_2K: "image_out_2k",
  output_cost_per_image_4K: "image_out_4k",
  input_cost_per_pixel: "pixel_in",
  output_cost_per_pixel: "pixel_out",
  input_cost_per_character: "character_in",
  output_cost_per_character: "character_out",
  ocr_cost_per_page: "page",
  annotation_cost_per_page: "annotated_page",
  ocr_cost_per_credit: "credit",
  input_cost_per_second: "second_in",
  output_cost_per_second: "second_out",
  output_cost_per_video_per_second: "second_out",
  output_cost_per_second_480p: "second_out_480p",
  output_cost_per_second_720p: "second_out_720p",
  output_cost_per_second_768p: "second_out_768p",
  output_cost_per_second_1080p: "second_out_1080p",
  output_cost_per_second_2k: "second_out_2k",
  output_cost_per_second_4k: "second_out_4k",
  input_cost_per_audio_per_second: "audio_second_in",
  input_cost_per_video_per_second: "video_second_in",
  cost_per_second: "provisioned_second",
  regional_processing_uplift_multiplier_us: "times_us",
  regional_processing_uplift_multiplier_eu: "times_eu",
  regional_endpoint_uplift_multiplier: "times_regional",
};
const TIER_OF = {
  batches: "batch",
  flex: "flex",
  priority: "priority",
  ultrafast: "ultrafast",
  balanced: "balanced",
  decisions: "decisions",
};
const SEARCH_SIZES = ["low", "medium", "high"];
const NAMED_LIKE_CAPABILITIES = ["thinking_always_on"];

/** Splits `input_cost_per_token_above_272k_tokens_flex` into unit, bracket and tier; nothing for what is not carried. */
const splitKey = (key) => {
  const match = /^(.*?)(?:_above_(\d+)k_tokens)?(?:_(batches|flex|priority|ultrafast|balanced|decisions))?$/.exec(key);
  const unit = Object.hasOwn(UNIT_OF, match[1]) ? UNIT_OF[match[1]] : undefined;
  return unit && { unit, above: Number(match[2] ?? 0) * 1000, tier: match[3] ? TIER_OF[match[3]] : "standard" };
};

const day = (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text ?? "") ? text : undefined);
const count = (value) => (value instanceof Decimal && Number(value) > 0 ? Math.floor(Number(value)) : undefined);

/** The rates of one flat object of LiteLLM's keys. */
const readRates = (id, entry, report) => {
  const rates = {};
  // Written as the provider states it, by the minute or the hour; the per-second figure beside it was cut off.
  const meta = entry.metadata ?? {};
  const stated = meta.original_pricing_per_minute
    ? [meta.original_pricing_per_minute, 60]
    : meta.original_pricing_per_hour
      ? [meta.original_pricing_per_hour, 3600]
      : undefined;
  const inclusive = entry.litellm_provider === "xai";
  for (const [key, given] of Object.entries(entry)) {
    const split = splitKey(key);
    if (!split) {
      if (/cost|uplift/.test(key) && !["search_context_cost_per_query"].includes(key)) report.left(key, id);
      continue;
    }
    if (!(given instanceof Decimal)) continue;
    if (Number(given) < 0) {
      report.left(`${key} below zero`, id);
      continue;
    }
    if (key === "input_cost_per_token_cache_hit" && entry.cache_read_input_token_cost) continue;
    // xAI's long-context price starts at the threshold itself, everyone else's behind it.
    const above = split.above && inclusive ? split.above - 1 : split.above;
    const name = rateName(split.unit, above, split.tier);
    let { value, note } = pico(given.text);
    if (key === "input_cost_per_second" && stated) {
      const exact = picoPer(stated[0].text, stated[1]);
      const ratio = Number(exact.num) / Number(exact.den) / (Number(value.num) / Number(value.den));
      if (exact.den !== 1n && Math.abs(ratio - 1) < 1e-3) [value, note] = [exact, "per minute"];
      else if (Math.abs(ratio - 1) < 1e-3) value = exact;
    }
    if (note) report.inexact(id, name, given.text, write(value), note);
    rates[name] = write(value);
  }
  // A transcription is paid once for each second: LiteLLM lists one price under both names.
  if (entry.mode === "audio_transcription" && rates.second_in === rates.second_out) delete rates.second_out;
  return rates;
};

/** LiteLLM lists what a made image costs under `input_`: a model that only makes images is paid for those. */
const madeImages = (entry, rates) => {
  if (entry.mode !== "image_generation") return;
  if (rates.pixel_in && !rates.pixel_out) {
    rates.pixel_out = rates.pixel_in;
    delete rates.pixel_in;
  }
  if (rates.image_in !== undefined && rates.image_out === undefined && rates.output_image === undefined) {
    rates.image_out = rates.image_in;
    delete rates.image_in;
  }
};

const tiered = (id, tiers, rates, report) => {
  for (const tier of tiers) {
    const [low] = (tier.range ?? tier.max_results_range).map(Number);
    const above = tier.range ? low : low > 1 ? low - 1 : 0;
    for (const [name, value] of Object.entries(readRates(id, { ...tier, range: undefined }, report))) {
      rates[rateName(name, above, "standard")] = value;
    }
  }
};

const extras = (entry, rates) => {
  const sizes = entry.search_context_cost_per_query;
  if (sizes) {
    for (const size of SEARCH_SIZES) {
      const given = sizes[`search_context_size_${size}`];
      if (given) rates[`web_search_${size}`] = write(pico(given.text).value);
    }
    const { web_search_low: low, web_search_medium: medium, web_search_high: high } = rates;
    if (low !== undefined && low === medium && low === high) {
      for (const size of SEARCH_SIZES) delete rates[`web_search_${size}`];
      // Gemini 2.x is paid by the prompt that was grounded, however many searches it took.
      const byPrompt = entry.search_free_requests && entry.web_search_billing_unit !== "per_query";
      rates[byPrompt ? "grounded_prompt" : "web_search"] = low;
    }
  }
  const own = entry.provider_specific_entry ?? {};
  if (own.us instanceof Decimal) rates.times_geo_us = write(pico(own.us.text).value);
  if (own.fast instanceof Decimal) rates.times_fast = write(pico(own.fast.text).value);
};

const minutes = (text) => {
  const [from, to] = text
    .split("-")
    .map((time) => time.split(":").map(Number))
    .map(([h, m]) => h * 60 + m);
  return [from, to === 0 ? 1440 : to];
};

/** LiteLLM's off-peak windows: the days (bit 0 is Monday) and the minutes of the UTC day. */
const offPeak = (id, own, rates, report) => ({
  windows: own.windows.map((window) => ({
    days: window.weekdays.map(Number).reduce((mask, weekday) => mask | (1 << (weekday - 1)), 0),
    minutes: [window.hours_utc].flat().map(minutes),
  })),
  ...(own.weekday_timezone === "Asia/Shanghai" && { zone: 480 }),
  rates: sortRates({ ...rates, ...readRates(id, { ...own, windows: undefined }, report) }),
});

const capabilities = (entry) =>
  Object.entries(entry)
    .filter(
      ([key, value]) =>
        (key.startsWith("supports_") || NAMED_LIKE_CAPABILITIES.includes(key)) && typeof value === "boolean",
    )
    .map(([key, value]) => (value ? "" : "-") + key.replace(/^supports_/, ""))
    // A number of searches a day is free, which a single call cannot know.
    .concat(entry.search_free_requests ? ["free_searches"] : [])
    .sort((a, b) => (a.replace("-", "") < b.replace("-", "") ? -1 : 1))
    .join(" ");

/** All rows of LiteLLM's map, by id. */
export const readLitellm = (map, report) => {
  const rows = new Map();
  for (const [id, entry] of Object.entries(map)) {
    if (id === "sample_spec" || id === "fallback_generalizations") continue;
    const rates = readRates(id, entry, report);
    if (entry.tiered_pricing) tiered(id, entry.tiered_pricing, rates, report);
    extras(entry, rates);
    madeImages(entry, rates);
    const prices = [];
    if (Object.keys(rates).length) prices.push({ rates: sortRates(rates) });
    if (entry.off_peak_pricing) prices.push(offPeak(id, entry.off_peak_pricing, rates, report));
    const can = capabilities(entry);
    const gone = day(entry.deprecation_date);
    const vector = count(entry.output_vector_size);
    rows.set(id, {
      id,
      provider: entry.litellm_provider,
      mode: entry.mode ?? "unknown",
      ...(count(entry.max_input_tokens) && { max_input: count(entry.max_input_tokens) }),
      ...(count(entry.max_output_tokens) && { max_output: count(entry.max_output_tokens) }),
      ...(vector && { vector }),
      ...(gone && { gone }),
      ...(can && { can }),
      prices,
      src: "litellm",
    });
  }
  return rows;
};
