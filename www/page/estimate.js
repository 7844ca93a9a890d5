// Estimate: a prompt priced at every model, as it is typed.

import { about } from "./about.js";
import { ask } from "./ask.js";
import { bars, plot } from "./charts.js";
import { copy, count, el, later, plain, size } from "./format.js";
import { SAMPLE, promptText, requestText, setPrompt, watchPrompt, withImage } from "./prompt.js";
import { fragment, pin, pins, state, writeFragment } from "./state.js";
import { SORTS, makeTable } from "./table.js";

/** What the charts show until something is pinned, as far as the table knows it. */
const FAMILIAR = [
  "gpt-5.6", "gpt-5.4-mini", "claude-sonnet-5-5", "claude-haiku-5-5", "gemini/gemini-3.1-pro-preview", "gemini/gemini-3.8-flash",
  "deepseek/deepseek-v4-pro", "xai/grok-4.7",
];
const CHAT = new Set(["chat", "responses", "completion"]);
const ENCODINGS = ["o200k_base", "cl100k_base"];
const POINTS = 25;

const place = (id) => document.getElementById(id);
const form = place("asked");
let known = { models: [], columns: [] };
let byId = new Map();
let [numbers, sources, request] = [new Float64Array(), undefined, undefined];
let [running, again, table] = [false, false, undefined];

const expected = () => ({
  now_ms: Date.now(), output_low: state.low, output: state.out, output_high: state.high,
  cached_percent: state.cached, calls_per_day: state.calls, service_tier: state.tier,
});

/** The numbers of a model by their names. */
function numbersOf(index) {
  const at = index * known.columns.length;
  return Object.fromEntries(known.columns.map((name, column) => [name, numbers.length ? numbers[at + column] : NaN]));
}

const one = (index, name) => (numbers.length ? numbers[index * known.columns.length + known.columns.indexOf(name)] : NaN);

/** Whether a model answers in text, and still does. */
const lives = (model) => CHAT.has(model.mode) && !(model.until && model.until < known.today);

/** Whether a model is what the filters ask for. */
function wanted(model, index, words) {
  if (state.provider && model.provider !== state.provider) return false;
  if (state.can && !model.can.includes(state.can)) return false;
  if (state.fit && one(index, "fits") !== 1) return false;
  const name = model.id.toLowerCase();
  return words.every((word) => name.includes(word) || model.provider.includes(word));
}

function order() {
  const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
  const own = new Set(pins());
  const found = [];
  known.models.forEach((model, index) => {
    if (own.has(model.id) || (lives(model) && wanted(model, index, words))) found.push(index);
  });
  const by = SORTS.includes(state.sort) ? state.sort : "cost";
  const key = by === "id" ? (index) => known.models[index].id : by === "max_input" ? (index) => known.models[index].max_input ?? NaN : (index) => one(index, by);
  const keys = new Map(found.map((index) => [index, key(index)]));
  const sign = state.down ? -1 : 1;
  const compare = (left, right) => {
    const [pinned, other] = [own.has(known.models[left].id), own.has(known.models[right].id)];
    if (pinned !== other) return pinned ? -1 : 1;
    const [a, b] = [keys.get(left), keys.get(right)];
    // What is unknown comes last, whichever way it is sorted; before it what is listed as free, which is mostly previews.
    const [late, later] = [a, b].map((value) => (Number.isNaN(value) ? 2 : Number(value === 0)));
    if (late !== later) return late - later;
    if (late === 2) return left - right;
    return (a < b ? -1 : a > b ? 1 : 0) * sign || left - right;
  };
  return found.sort(compare);
}

let shown = [];
function list() {
  if (!known.models.length) return;
  shown = order();
  table.show(shown, state.sort, state.down);
  const all = known.models.filter(lives).length;
  place("count").textContent = shown.length ? `${count(shown.length)} of ${count(all)} models that answer in text` : "No model fits these filters.";
}

/** The models that the charts compare: those pinned, else familiar ones. */
function compared() {
  const own = pins().filter((id) => byId.has(id));
  return (own.length ? own : FAMILIAR.filter((id) => byId.has(id) && lives(known.models[byId.get(id)]))).map((id) => byId.get(id));
}

let drawing = 0;
async function charts() {
  const turn = ++drawing;
  const models = compared();
  place("bars-title").textContent = pins().length ? "A call: pinned models" : "A call, on familiar models";
  const rows = models.map((index) => ({ id: known.models[index].id, cost: one(index, "cost"), low: one(index, "cost_low"), high: one(index, "cost_high") }));
  bars(place("bars"), rows);
  const longest = Math.max(state.high, 1);
  const lengths = Array.from({ length: POINTS }, (_, at) => Math.round((longest * at) / (POINTS - 1)));
  const curves = await ask("curves", { models, lengths });
  if (turn === drawing) plot(place("plot"), lengths, models.map((index, at) => ({ id: known.models[index].id, costs: [...curves[at]] })), state.out);
}

/** Says what is counted, or what is wrong with it. */
function note(text, wrong = false) {
  place("prompt-note").textContent = text;
  place("prompt-note").classList.toggle("wrong", wrong);
}

async function price() {
  if (running) return void (again = true);
  running = true;
  do {
    again = false;
    try {
      const text = promptText();
      const made = requestText(text, state.kind);
      const fresh = made === request ? undefined : made;
      numbers = await ask("numbers", { request: fresh, expected: expected() });
      request = made;
      note(text ? `${size(new Blob([text]).size)}${state.kind === "json" ? " of JSON" : ""}` : "An empty prompt: the answer alone is priced.");
      list();
      await charts();
    } catch (problem) {
      note(problem instanceof SyntaxError ? `This is no JSON request: ${problem.message}` : problem.message, true);
    }
  } while (again);
  running = false;
}

const soon = later(90, price);
const remember = later(300, writeFragment);

function read() {
  for (const name of ["low", "out", "high", "cached", "calls"]) {
    const value = Math.round(Number(form.elements[name].value));
    if (Number.isFinite(value) && value >= 0) state[name] = value;
  }
  state.tier = form.elements.tier.value;
  state.kind = form.elements.kind.value;
}

function write() {
  for (const name of ["low", "out", "high", "cached", "calls", "tier", "kind"]) form.elements[name].value = state[name];
  place("find").value = state.find;
  place("provider").value = state.provider;
  place("can").value = state.can;
  place("fit").checked = state.fit === 1;
}

async function models() {
  known = await ask("models", expected());
  known.today = new Date().toISOString().slice(0, 10);
  byId = new Map(known.models.map(({ id }, index) => [id, index]));
  const chats = known.models.filter(({ mode }) => CHAT.has(mode));
  const options = (id, first, names) => place(id).replaceChildren(el("option", { value: "" }, first), ...names.map(([value, text]) => el("option", { value }, text)));
  options("provider", "All providers", [...new Set(chats.map(({ provider }) => provider))].sort().map((name) => [name, name]));
  const able = new Map();
  for (const { can } of chats) for (const name of can) able.set(name, (able.get(name) ?? 0) + 1);
  options("can", "Any capability", [...able].filter(([, many]) => many > 20).sort().map(([name]) => [name, name.replaceAll("_", " ")]));
  place("source").textContent = `Prices of ${known.date}, ${count(known.models.length)} models (data ${known.hash.slice(0, 8)}), from LiteLLM and genai-prices. USD.`;
  write();
}

async function exact() {
  const [button, bar, text] = ["exact-load", "exact-share", "exact-note"].map(place);
  button.disabled = true;
  bar.hidden = false;
  try {
    await ask("exact", ENCODINGS, (share) => (bar.value = share));
    state.exact = 1;
    button.textContent = "OpenAI’s models are counted exactly";
    text.textContent = "All others are estimated, with the error that is stated.";
    remember();
    await price();
  } catch (problem) {
    button.disabled = false;
    text.textContent = `${problem.message}. Estimates stand meanwhile.`;
  }
  bar.hidden = true;
}

async function full() {
  const button = place("full");
  button.disabled = true;
  await ask("fullTable", undefined, (share) => (button.textContent = `Loading ${Math.round(share * 100)} %`));
  state.all = 1;
  remember();
  await models();
  await price();
  button.textContent = "All models are loaded";
}

function rows() {
  const names = ["id", "provider", ...known.columns];
  return { names, rows: shown.map((index) => [known.models[index].id, known.models[index].provider, ...known.columns.map((name) => one(index, name))]) };
}

const written = (value) => (typeof value === "string" ? value : Number.isNaN(value) ? "unknown" : plain(value));
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function csv() {
  const { names, rows: all } = rows();
  return [names, ...all].map((row) => row.map((value) => quoted(written(value))).join(",")).join("\n");
}

function markdown() {
  const own = pins().filter((id) => byId.has(id));
  const some = own.length ? own.map((id) => byId.get(id)) : shown.slice(0, 20);
  const head = ["model", "prompt tokens", "a call", "worst", "a day", "30 days"];
  const amount = (dollars) => (Number.isNaN(dollars) ? written(dollars) : `$${written(dollars)}`);
  const amounts = (index) => ["cost", "cost_worst", "cost_per_day", "cost_per_month"].map((name) => amount(one(index, name)));
  const cells = some.map((index) => [known.models[index].id, written(one(index, "tokens")), ...amounts(index)]);
  const row = (values) => `| ${values.join(" | ")} |`;
  return [row(head), row(head.map((_, at) => (at ? "---:" : "---"))), ...cells.map(row), "", `Prices of ${known.date}; ${count(state.out)} tokens of answer, ${count(state.calls)} calls a day.`].join("\n");
}

function listen() {
  watchPrompt(soon);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target.id === "prompt" || !target.name) return;
    read();
    remember();
    soon();
  });
  const filter = (id, name, value) => place(id).addEventListener("input", ({ target }) => {
    state[name] = value(target);
    table.top();
    list();
    remember();
  });
  filter("find", "find", ({ value }) => value);
  filter("provider", "provider", ({ value }) => value);
  filter("can", "can", ({ value }) => value);
  filter("fit", "fit", ({ checked }) => Number(checked));
  place("exact-load").addEventListener("click", exact);
  place("full").addEventListener("click", full);
  place("image-add").addEventListener("click", () => {
    const [width, height] = ["image-width", "image-height"].map((id) => Math.max(1, Math.round(Number(place(id).value)) || 1));
    try {
      setPrompt(withImage(promptText(), state.kind, width, height));
      state.kind = form.elements.kind.value = "json";
      place("image-menu").open = false;
      soon();
    } catch (problem) {
      note(`No image can be added: ${problem.message}`, true);
    }
  });
  const copied = (id, make, what) => place(id).addEventListener("click", async () => {
    place("share").open = false;
    await copy(await make(), what);
  });
  copied("copy-link", async () => location.href.split("#")[0] + (await fragment({ prompt: promptText() })), "Link");
  copied("copy-csv", csv, "CSV");
  copied("copy-markdown", markdown, "Markdown");
  new ResizeObserver(later(100, () => numbers.length && !running && charts())).observe(place("charts"));
}

/** Opens the tool with the texts of a link. */
export function openEstimate(texts) {
  const take = async ({ prompt }, first) => {
    if (prompt !== undefined) setPrompt(prompt);
    else if (first) setPrompt(SAMPLE);
    write();
    if (first) await models();
    else request = undefined;
    await price();
    if (state.exact && !place("exact-load").disabled) await exact();
    if (state.all && !place("full").disabled) await full();
  };
  table = makeTable(place("table"), {
    rowOf: (index) => {
      const model = known.models[index];
      const retires = () => (model.until ? ` · retires ${model.until}` : "");
      return [model, numbersOf(index), { pinned: pins().includes(model.id), tier: state.tier, hover: retires }];
    },
    sorted: (by) => {
      state.down = state.sort === by && !state.down ? 1 : 0;
      state.sort = by;
      list();
      remember();
    },
    pinned: (id) => {
      pin(id);
      list();
      charts();
      remember();
    },
    about: async (id) => {
      sources ??= await ask("sources").catch(() => undefined);
      about(known.models[byId.get(id)], numbersOf(byId.get(id)), { date: known.date, sources, tier: state.tier });
    },
  });
  listen();
  take(texts, true);
  return { take: (more) => take(more, false) };
}
