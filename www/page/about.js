// What is known of one model: prices with their date and source, limits, and what it can do.

import { UNKNOWN, count, el, exactly, money, plain } from "./format.js";
import { unpriced } from "./table.js";

const NAMES = { litellm: "LiteLLM’s price list", genai: "Pydantic’s genai-prices" };

/** The source of a model's price, in words. */
function sourceOf(id, sources) {
  if (!sources) return UNKNOWN;
  const [found] = Object.entries(sources.others).find(([, ids]) => ids.includes(id)) ?? [sources.most];
  return found.split("+").map((name) => NAMES[name] ?? name).join(", and ");
}

const words = (name) => name.replaceAll("_", " ");

/** Shows a dialog about a model; `n` has its numbers. */
export function about(model, n, { date, sources, tier }) {
  const dialog = document.getElementById("about-model");
  const fact = (name, value) => [el("dt", {}, name), el("dd", {}, value)];
  const million = (price) => (price === null ? UNKNOWN : `$${plain(price)}`);
  const part = (dollars) => (Number.isNaN(dollars) ? unpriced(model, tier) : exactly(dollars));
  const list = (title, names) => (names.length ? [el("h3", {}, title), el("ul.chips", {}, ...names.map((name) => el("li", {}, words(name))))] : []);
  const exact = n.cost_exact === 1 ? "Exact: counted by the model’s own vocabulary, at a listed price." : "Estimated: the tokens, or a price, are not exact.";
  dialog.replaceChildren(
    el("form", { method: "dialog" }, el("button.quiet.close", { "aria-label": "Close", autofocus: true }, "Close")),
    el("h2", { id: "about-name" }, model.id),
    el("p.note", {}, `${model.provider} · ${words(model.mode)}`),
    el("div.facts", {},
      el("dl", {}, ...fact("Input, a million tokens", million(model.input)), ...fact("Cached input", million(model.cached)), ...fact("Output", million(model.output)),
        ...fact("Tiers with prices", model.tiers.join(", ") || UNKNOWN), ...fact("Prices of", date), ...fact("In force since", model.since ?? "not dated"), ...fact("Source", sourceOf(model.id, sources))),
      el("dl", {}, ...fact("This call", part(n.cost)), ...fact("of it input", part(n.input_cost)), ...fact("of it cached input", part(n.cache_read_cost)), ...fact("of it output", part(n.output_cost)),
        ...fact("Longest prompt", model.max_input ? `${count(model.max_input)} tokens` : UNKNOWN), ...fact("Longest answer", model.max_output ? `${count(model.max_output)} tokens` : UNKNOWN),
        ...fact("Retires", model.until ?? "no date known")),
    ),
    el("p.note", {}, Number.isNaN(n.cost) ? "No price is known for this call: that is not the same as free." : `${exact} At most ${money(n.cost_worst)}.`),
    ...list("Can", model.can), ...list("Cannot", model.cannot),
  );
  dialog.showModal();
}
