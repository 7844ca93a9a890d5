// Keeps what was: a model that a source has deleted, and the price of before where one has moved.

import { addTools, changed } from "./genai.mjs";

const without = (prices, day) => prices.filter((list) => !list.windows && (list.from ?? "") <= day).at(-1);

/**
 * Adds to `rows` the models of the last build that no source has any more, since old spend must still be explained; and
 * keeps LiteLLM's fuller row of one that only the second source still has.
 */
export const keepRetired = (before, rows) => {
  for (const [id, row] of before) {
    const now = rows.get(id);
    if (!now) rows.set(id, { ...row, src: row.src === "genai" ? "genai" : "kept" });
    else if (now.src === "genai" && row.src !== "genai") rows.set(id, { ...row, src: "kept" });
  }
};

/** Without the second source, keeps the fees of tools that only it lists: a search must not become free by an update. */
export const keepTools = (before, rows) => {
  for (const [id, now] of rows) {
    const row = before.get(id);
    const last = row?.src === "litellm+genai" && row.prices.filter((list) => !list.windows).at(-1);
    if (last && addTools(now, last.rates)) now.src = row.src;
  }
};

/** Dates what moved since the last build, and keeps the dated lists of it. */
export const keepPast = (before, rows, lastDate, date) => {
  for (const [id, row] of before) {
    const now = rows.get(id);
    const [old, current] = [without(row.prices, lastDate), without(now.prices, date)];
    if (now === row || !old || !current) continue;
    if (date > lastDate && changed(old.rates, current.rates)) {
      const past = row.prices.filter((list) => (list.from ?? "") <= lastDate);
      const fresh = now.prices.filter((list) => (list.from ?? "") >= (current.from ?? ""));
      now.prices = [...past, ...fresh.map((list) => ((list.from ?? "") > date ? list : { ...list, from: date }))];
    } else if (row.prices.length > now.prices.length) {
      now.prices = row.prices;
      now.src = row.src;
    }
  }
};
