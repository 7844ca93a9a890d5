// The table of models: only the rows in sight are in the document.

import { UNKNOWN, count, el, exactly, money, short } from "./format.js";

const ROW = 52;
const SPARE = 6;

/** The columns: name, heading, what to sort by, and what is said of a model (`n` has its numbers). */
const COLUMNS = [
  { name: "pin", title: "Pin" },
  { name: "model", title: "Model", sort: "id" },
  { name: "cost", title: "A call", sort: "cost" },
  { name: "worst", title: "Worst", sort: "cost_worst", hint: "The most that the call can cost: every token at its highest rate, nothing cached, the longest answer" },
  { name: "day", title: "A day", sort: "cost_per_day" },
  { name: "month", title: "30 days", sort: "cost_per_month" },
  { name: "tokens", title: "Prompt tokens", sort: "tokens" },
  { name: "context", title: "Context", sort: "max_input" },
];

export const SORTS = COLUMNS.map(({ sort }) => sort).filter(Boolean);

const FITS = { 1: ["fits", "yes"], 0.5: ["may not fit", "maybe"], 0: ["too long", "no"] };

export function tokens(n) {
  if (Number.isNaN(n.tokens)) return [UNKNOWN, ""];
  return [count(n.tokens), n.tokens_exact === 1 ? "exact" : `± ${n.tokens_error_percent} %`];
}

/** Why a model has no cost, in a word. */
export const unpriced = (model, tier) => (tier && !model.tiers.includes(tier) ? `no ${tier} price` : UNKNOWN);

/** The name of a model, without its provider's, which stands beneath it. */
const bare = ({ id, provider }) => (id.startsWith(`${provider}/`) ? id.slice(provider.length + 1) : id);

function cells(model, n, { pinned, tier, hover }) {
  const [many, how] = tokens(n);
  const cost = Number.isNaN(n.cost) ? unpriced(model, tier) : money(n.cost);
  const spread = Number.isNaN(n.cost) || n.cost_low === n.cost_high ? "" : `${money(n.cost_low)} – ${money(n.cost_high).slice(1)}`;
  const range = n.cost_high === 0 ? "listed as free" : spread;
  const [fits, kind] = FITS[n.fits] ?? [UNKNOWN, "maybe"];
  const two = (name, first, second, title) =>
    el(`td.${name}`, { title }, el("span", {}, first), el("small", {}, second));
  const amount = (name, dollars) => el(`td.${name}.number`, { title: exactly(dollars) }, money(dollars));
  return [
    el("td.pin", {}, el("button.star", { type: "button", "aria-pressed": String(pinned), "aria-label": `Pin ${model.id}`, "data-pin": model.id })),
    el("td.model", {}, el("button.name", { type: "button", "data-about": model.id, title: model.id }, bare(model)), el("small", {}, `${model.provider}${hover(model)}`)),
    two(`cost.number${Number.isNaN(n.cost) ? ".none" : ""}`, cost, range, exactly(n.cost)),
    amount("worst", n.cost_worst),
    amount("day", n.cost_per_day),
    amount("month", n.cost_per_month),
    two("tokens.number", many, how),
    el("td.context.number", {}, model.max_input ? el("span", {}, short(model.max_input)) : "", el(`small.${kind}`, {}, fits)),
  ];
}

/** Makes a table in `place`; `rowOf(index)` answers `[model, numbers, options]`, `sorted(by)` hears of a heading. */
export function makeTable(place, { rowOf, sorted, pinned, about }) {
  const heads = COLUMNS.map(({ name, title, sort, hint }) => {
    const inner = sort ? el("button", { type: "button", title: hint, onclick: () => sorted(sort) }, title) : el("span.hidden", {}, title);
    return el(`th.${name}`, { scope: "col" }, inner);
  });
  const [before, after] = [el("tr.gap", { "aria-hidden": "true" }), el("tr.gap", { "aria-hidden": "true" })];
  const body = el("tbody", {}, before, after);
  const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), body);
  place.replaceChildren(table);
  let [order, from, to, stamp, drawn] = [[], 0, 0, 0, new Map()];

  function draw(anew) {
    const top = Math.max(0, Math.floor(place.scrollTop / ROW) - SPARE);
    const bottom = Math.min(order.length, Math.ceil((place.scrollTop + place.clientHeight) / ROW) + SPARE);
    if (!anew && top === from && bottom === to) return;
    const active = body.contains(document.activeElement) && document.activeElement;
    const focused = active && { ...active.dataset, at: active.closest("tr").getAttribute("aria-rowindex") };
    [from, to] = [top, bottom];
    before.style.height = `${from * ROW}px`;
    after.style.height = `${(order.length - to) * ROW}px`;
    if (anew) drawn = new Map();
    const rows = new Map(order.slice(from, to).map((index, at) => [index, drawn.get(index) ?? row(index, from + at)]));
    // Rows that stay are not touched: one of them may have the focus.
    const staying = new Set(rows.values());
    for (const own of [...body.children]) if (own !== before && own !== after && !staying.has(own)) own.remove();
    let last = before;
    for (const own of staying) {
      if (last.nextSibling !== own) last.after(own);
      last = own;
    }
    drawn = rows;
    if (focused && !body.contains(document.activeElement)) refocus(focused);
  }

  function row(index, at) {
    const [model, n, options] = rowOf(index);
    return el(`tr${options.pinned ? ".pinned" : ""}`, { "aria-rowindex": String(at + 2) }, ...cells(model, n, options));
  }

  /** Focuses the button that had the focus, else the one that has come into its place: a pinned row moves to the top. */
  function refocus({ pin, about: name, at }) {
    const wanted = [...body.querySelectorAll("button")].find((own) => (pin ? own.dataset.pin === pin : own.dataset.about === name));
    const instead = body.querySelector(`[aria-rowindex="${at}"] ${pin ? "[data-pin]" : "[data-about]"}`);
    (wanted ?? instead)?.focus({ preventScroll: true });
  }

  function next(button, step) {
    const row = button.closest("tr");
    const there = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const other = there?.querySelector(button.dataset.pin ? "[data-pin]" : "[data-about]");
    if (!other) return;
    other.focus({ preventScroll: true });
    const [head, box, own] = [table.tHead.offsetHeight, place.getBoundingClientRect(), other.closest("tr").getBoundingClientRect()];
    if (own.top < box.top + head) place.scrollTop -= box.top + head - own.top;
    if (own.bottom > box.bottom) place.scrollTop += own.bottom - box.bottom;
  }

  place.addEventListener("scroll", () => {
    cancelAnimationFrame(stamp);
    stamp = requestAnimationFrame(() => draw(false));
  }, { passive: true });
  body.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.pin) pinned(button.dataset.pin);
    if (button?.dataset.about) about(button.dataset.about);
  });
  body.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const button = event.target.closest("button");
    if (!step || !button) return;
    event.preventDefault();
    next(button, step);
  });
  new ResizeObserver(() => draw(false)).observe(place);

  return {
    /** Draws these models, sorted so. */
    show(indices, by, down) {
      order = indices;
      table.setAttribute("aria-rowcount", String(order.length + 1));
      for (const [at, { sort }] of COLUMNS.entries()) {
        if (sort === by) heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
        else heads[at].removeAttribute("aria-sort");
      }
      draw(true);
    },
    top() {
      place.scrollTop = 0;
    },
  };
}
