// Config: what is wrong with a configuration, how it routes, and a dry run.

import { ask } from "./ask.js";
import { refusal } from "./explain.js";
import { el, later, money } from "./format.js";

const SAMPLE = `model_list:
  - model_name: chat
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY
      weight: 2
  - model_name: chat
    litellm_params:
      model: azure/gpt-4o-mini
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
      weight: 1
  - model_name: long
    litellm_params:
      model: gemini/gemini-2.5-flash
      api_key: os.environ/GEMINI_API_KEY
  - model_name: backup
    litellm_params:
      model: anthropic/claude-haiku-4-5
      api_key: os.environ/ANTHROPIC_API_KEY

router_settings:
  num_retries: 2
  routing_strategy: simple-shuffle
  fallbacks: [{"chat": ["backup"]}]
  context_window_fallbacks: [{"chat": ["long"]}]

litellm_settings:
  drop_params: true
  success_callback: ["langfuse"]
`;
/** Groups that are drawn; a configuration may have thousands. */
const MOST_GROUPS = 40;

const place = (id) => document.getElementById(id);
const area = place("config-text");
let config;

function gutter() {
  const lines = area.value.split("\n").length;
  place("config-lines").textContent = Array.from({ length: lines }, (_, at) => at + 1).join("\n");
  place("config-lines").scrollTop = area.scrollTop;
}

/** Selects a line of the text and brings it into sight. */
function go(line) {
  const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = area.value.indexOf("\n", before);
  area.focus();
  area.setSelectionRange(before, end < 0 ? area.value.length : end);
  const height = Number.parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = Math.max(0, (line - 5) * height);
}

function finding({ severity, path, message, line }) {
  return el(`li.${severity}`, {}, el("button.quiet", { type: "button", onclick: () => go(line) }, `Line ${line}`), el("div", {}, path ? el("code", {}, path) : "", el("p", {}, message)));
}

function findings(all) {
  const errors = all.filter(({ severity }) => severity === "error");
  const [many, some] = [errors.length, all.length - errors.length];
  const word = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
  const head = many || some ? [many && word(many, "error"), some && word(some, "warning")].filter(Boolean).join(", ") : "Nothing is wrong with it";
  const sorted = [...errors, ...all.filter(({ severity }) => severity !== "error")];
  place("config-findings").replaceChildren(el("h2", {}, head), el("ul.findings", {}, ...sorted.map(finding)));
}

const body = (model, prompt) => ({ model, messages: [{ role: "user", content: prompt }] });

const anchor = (name) => `group-${[...name].map((letter) => (/\w/.test(letter) ? letter : letter.codePointAt(0))).join("")}`;

function share(probability) {
  const bar = el("span.share", { "aria-hidden": "true" }, el("span", {}));
  bar.firstChild.style.width = `${probability * 100}%`;
  return bar;
}

function group(name, told) {
  const deployments = told?.deployments ?? [];
  const rows = deployments.map(({ model, probability, filtered }) =>
    el("li", {}, el("code", {}, model), share(probability), el("span.number", {}, filtered ? filtered.message : `${Math.round(probability * 100)} %`)),
  );
  const kinds = { fallbacks: "on failure", context_window_fallbacks: "prompt too long", content_policy_fallbacks: "content refused" };
  const general = JSON.stringify(told?.fallbacks?.fallbacks ?? []);
  const arrows = Object.entries(kinds).flatMap(([kind, words]) => {
    const to = told?.fallbacks?.[kind] ?? [];
    if (!to.length || (kind !== "fallbacks" && JSON.stringify(to) === general)) return [];
    return [el("p.arrow", {}, el("span", {}, `${words} →`), ...to.flatMap((other) => [" ", el("a.chip", { href: `#${anchor(other)}`, "data-to": anchor(other) }, other)]))];
  });
  return el("article.group", { id: anchor(name), tabindex: "-1" }, el("h3", {}, name), rows.length ? el("ul", {}, ...rows) : el("p.note", {}, told?.refused ?? "no deployment"), ...arrows);
}

async function routing(own) {
  const out = place("config-routing");
  const names = [...new Set((config?.model_list ?? []).map(({ model_name: name }) => name).filter((name) => typeof name === "string"))];
  if (!config || !names.length) {
    place("dry-model").replaceChildren();
    const why = config ? "The configuration has no model_list." : "Drawn as soon as the configuration has no errors.";
    return out.replaceChildren(el("h2", {}, "Routing"), el("p.note", {}, why));
  }
  const drawn = [];
  for (const name of names.slice(0, MOST_GROUPS)) {
    const told = name.includes("*") ? { body: { refused: "takes every name that fits" } } : await ask("ask", { path: "/utils/route", body: body(name, "Hello"), config });
    if (own !== turn) return;
    drawn.push(group(name, told.status && told.status !== 200 ? { refused: told.body?.error?.message } : told.body));
  }
  const strategy = config.router_settings?.routing_strategy ?? "simple-shuffle";
  const rest = names.length - drawn.length;
  out.replaceChildren(el("h2", {}, "Routing"), el("p.note", {}, `${names.length} group${names.length === 1 ? "" : "s"}, ${strategy}${rest > 0 ? `; the first ${MOST_GROUPS} are drawn` : ""}`), el("div.groups", {}, ...drawn));
  const chosen = place("dry-model").value;
  place("dry-model").replaceChildren(...names.map((name) => el("option", { value: name }, name)));
  if (names.includes(chosen)) place("dry-model").value = chosen;
}

async function dry(own) {
  const out = place("dry-out");
  const model = place("dry-model").value;
  if (!config || !model) return out.replaceChildren(el("p.note", {}, config ? "There is no model to ask for." : "Needs a configuration without errors."));
  const told = await ask("ask", { path: "/utils/route", body: body(model, place("dry-prompt").value), config });
  if (own !== turn) return;
  if (told.status !== 200) return out.replaceChildren(refusal(told.body, told.text));
  const { deployments, max_cost: most, error, model_group: name, routing_strategy: strategy } = told.body;
  const row = ({ id, model: served, probability, filtered, max_cost: cost }) =>
    el("tr", {}, el("th", { scope: "row" }, el("code", {}, served), el("small", {}, id.slice(0, 12))), el("td.number", {}, `${Math.round(probability * 100)} %`), el("td.number", {}, money(cost)), el("td", {}, filtered ? filtered.message : "may answer"));
  const likely = deployments.reduce((best, one) => (one.probability > (best?.probability ?? 0) ? one : best), undefined);
  const sure = likely?.probability === 1 ? "answers" : "most likely answers";
  out.replaceChildren(
    error ? refusal({ error }) : el("p.verdict", {}, el("strong", {}, likely?.model ?? "nobody"), ` ${sure}: group ${name}, ${strategy}. At most ${money(most)}.`),
    el("div.wide", { tabindex: "0", role: "region", "aria-label": "Deployments of the dry run" }, el("table.dry", {}, el("thead", {}, el("tr", {}, ...["Deployment", "Chance", "At most", "Why"].map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, ...deployments.map(row)))),
  );
}

let turn = 0;
async function check() {
  const own = ++turn;
  const { findings: all, config: read } = await ask("check", area.value);
  if (own !== turn) return;
  findings(all);
  config = all.some(({ severity }) => severity === "error") ? undefined : read;
  try {
    await routing(own);
    await dry(own);
  } catch (problem) {
    if (own === turn) place("dry-out").replaceChildren(refusal(undefined, problem.message));
  }
}

/** Opens the tool with the texts of a link. */
export function openConfig(texts) {
  const soon = later(250, check);
  area.addEventListener("input", () => {
    gutter();
    soon();
  });
  area.addEventListener("scroll", () => (place("config-lines").scrollTop = area.scrollTop), { passive: true });
  place("config-form").addEventListener("submit", (event) => event.preventDefault());
  place("config-dry").addEventListener("input", later(150, () => dry(++turn)));
  place("config-routing").addEventListener("click", (event) => {
    const to = event.target.closest("[data-to]")?.dataset.to;
    if (!to) return;
    // The fragment belongs to the page's state.
    event.preventDefault();
    document.getElementById(to)?.focus();
  });
  const take = ({ yaml }) => {
    if (yaml !== undefined || !area.value) area.value = yaml ?? SAMPLE;
    gutter();
    check();
  };
  take(texts);
  return { take };
}
