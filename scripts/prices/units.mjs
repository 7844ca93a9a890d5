// The names of what is priced, in the order of their codes: the list of `src/cost/unit.rs`; a test compares the two.

export const UNITS = [
  "input",
  "cache_read",
  "cache_write",
  "cache_write_1h",
  "cache_write_12h",
  "input_audio",
  "input_image",
  "input_video",
  "cache_read_audio",
  "cache_read_image",
  "cache_write_audio",
  "output",
  "reasoning",
  "output_audio",
  "output_image",
  "output_video",
  "citation",
  "request",
  "request_low",
  "request_medium",
  "request_high",
  "web_search",
  "web_search_low",
  "web_search_medium",
  "web_search_high",
  "grounded_prompt",
  "maps_query",
  "query",
  "file_search",
  "code_session",
  "text_message",
  "image_in",
  "image_out",
  "image_out_512",
  "image_out_1024",
  "image_out_1536",
  "image_out_0.5k",
  "image_out_1k",
  "image_out_2k",
  "image_out_4k",
  "pixel_in",
  "pixel_out",
  "character_in",
  "character_out",
  "page",
  "annotated_page",
  "credit",
  "second_in",
  "second_out",
  "second_out_480p",
  "second_out_720p",
  "second_out_768p",
  "second_out_1080p",
  "second_out_2k",
  "second_out_4k",
  "audio_second_in",
  "video_second_in",
  "provisioned_second",
  "times_us",
  "times_eu",
  "times_geo_us",
  "times_regional",
  "times_fast",
];

export const TIERS = ["standard", "batch", "flex", "priority", "fast", "ultrafast", "balanced", "decisions"];

/** `input>272000@flex` as its parts. */
export const splitRate = (name) => {
  const match = /^([a-z0-9_.]+)(?:>(\d+))?(?:@([a-z]+))?$/.exec(name);
  if (!match || !UNITS.includes(match[1]) || (match[3] && !TIERS.includes(match[3])))
    throw new Error(`unknown rate ${name}`);
  return { unit: match[1], above: Number(match[2] ?? 0), tier: match[3] ?? "standard" };
};

/** The parts as `input>272000@flex`. */
export const rateName = (unit, above, tier) =>
  unit + (above ? `>${above}` : "") + (tier === "standard" ? "" : `@${tier}`);

/** The rates in the order of their codes, so that the file does not change when a source is shuffled. */
export const sortRates = (rates) => {
  const order = (name) => {
    const { unit, above, tier } = splitRate(name);
    return [UNITS.indexOf(unit), TIERS.indexOf(tier), above];
  };
  const compare = (a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  return Object.fromEntries(Object.entries(rates).sort(([a], [b]) => compare(order(a), order(b))));
};
