// Explain: the request that would go upstream, and what became of each field.

import { ask } from "./ask.js";
import { el, later } from "./format.js";
import { fates } from "./fates.js";
import { state, writeFragment } from "./state.js";

/** Providers with a model of theirs; any other is written as `provider/model`. */
export const MODELS = [
  ["anthropic", "claude-sonnet-4-6"], ["openai", "gpt-5.4-mini"], ["gemini", "gemini-3.5-flash"], ["bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
  ["azure", "gpt-4o"], ["mistral", "mistral-large-latest"], ["groq", "llama-3.3-70b-versatile"], ["deepseek", "deepseek-chat"], ["xai", "grok-4"],
  ["openrouter", "anthropic/claude-sonnet-4.5"], ["perplexity", "sonar"], ["together_ai", "meta-llama/Llama-3.3-70B-Instruct-Turbo"],
  ["fireworks_ai", "accounts/fireworks/models/deepseek-v3"], ["cerebras", "llama-3.3-70b"],
];

const SAMPLE = {
  messages: [
    { role: "system", content: "You answer in one sentence." },
    { role: "user", content: "What is the weather in Paris?" },
  ],
  tools: [{ type: "function", function: { name: "get_weather", description: "The weather of a city", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } } }],
  max_completion_tokens: 300,
  temperature: 0.2,
  stop: ["END"],
  seed: 7,
  logit_bias: { 50256: -100 },
  stream: true,
};

const WORDS = { kept: "as it is", renamed: "renamed to", rewritten: "rewritten", translated: "translated into", dropped: "dropped" };
const place = (id) => document.getElementById(id);

/** Fills the list of models that the fields of two tools suggest. */
export function suggest() {
  place("explain-models").replaceChildren(...MODELS.map((pair) => el("option", { value: pair.join("/") })));
}

/** An error of the gateway, as it says it. */
export function refusal(body, text) {
  const error = body?.error;
  const children = error ? [el("strong", {}, error.type ?? "error"), el("p", {}, error.message)] : [el("p", {}, text)];
  if (error?.param) children.push(el("p.note", {}, `Field: ${error.param}`));
  return el("div.refused", {}, ...children);
}

function fateRow({ field, fate, where }) {
  const to = fate === "kept" || fate === "dropped" ? [] : where.filter((path) => path !== field).map((path) => el("code", {}, path));
  const also = fate === "rewritten" && to.length ? ", and partly in" : "";
  return el(`tr.${fate}`, {}, el("th", { scope: "row" }, el("code", {}, field)), el("td", {}, el("span.fate", {}, WORDS[fate] + also), ...to.flatMap((code) => [" ", code])));
}

function answer(request, { raw_request_api_base: url, raw_request_body: body, raw_request_headers: headers }) {
  const { fields, added } = fates(request, body ?? {});
  const rank = ["dropped", "renamed", "translated", "rewritten", "kept"];
  fields.sort((one, other) => rank.indexOf(one.fate) - rank.indexOf(other.fate));
  const dropped = fields.filter(({ fate }) => fate === "dropped").length;
  const head = dropped ? `${dropped} field${dropped === 1 ? " is" : "s are"} dropped` : "No field is dropped";
  return [
    el("p.url", {}, el("span.verb", {}, "POST"), " ", el("code", {}, url)),
    el("h2", {}, head),
    el("div.wide", { tabindex: "0", role: "region", "aria-label": "What became of each field" }, el("table.fates", {}, el("tbody", {}, ...fields.map(fateRow),
      ...added.map((name) => el("tr.added", {}, el("th", { scope: "row" }, el("code", {}, name)), el("td", {}, el("span.fate", {}, "added by the gateway"))))))),
    el("h2", {}, "Body"),
    el("pre", { tabindex: "0" }, JSON.stringify(body, null, 2)),
    el("h2", {}, "Headers"),
    el("dl.headers", {}, ...Object.entries(headers ?? {}).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])),
  ];
}

let turn = 0;
async function explain() {
  const own = ++turn;
  const out = place("explain-out");
  let request;
  try {
    request = JSON.parse(place("explain-request").value);
  } catch (problem) {
    return out.replaceChildren(el("div.refused", {}, el("strong", {}, "This is no JSON"), el("p", {}, problem.message)));
  }
  const body = { ...request, model: place("explain-model").value.trim() };
  if (place("explain-drop").checked) body.drop_params = true;
  const told = await ask("ask", { path: "/utils/transform_request", body: { call_type: "completion", request_body: body } });
  if (own !== turn) return;
  const { model, ...fields } = request;
  out.replaceChildren(...(told.status === 200 ? answer(fields, told.body) : [refusal(told.body, told.text)]));
}

/** Opens the tool with the texts of a link. */
export function openExplain(texts) {
  const soon = later(120, explain);
  suggest();
  place("explain-provider").replaceChildren(...MODELS.map(([name]) => el("option", { value: name }, name)));
  const choose = (name) => {
    place("explain-model").value = `${name}/${MODELS.find(([own]) => own === name)[1]}`;
  };
  place("explain-provider").addEventListener("input", ({ target }) => {
    choose(target.value);
    state.model = place("explain-model").value;
    writeFragment();
    soon();
  });
  place("explain-form").addEventListener("submit", (event) => event.preventDefault());
  place("explain-form").addEventListener("input", ({ target }) => {
    if (target.id === "explain-model") {
      state.model = target.value;
      const name = target.value.split("/")[0];
      if (MODELS.some(([own]) => own === name)) place("explain-provider").value = name;
      writeFragment();
    }
    soon();
  });
  const take = ({ request }) => {
    if (request !== undefined || !place("explain-request").value) place("explain-request").value = request ?? JSON.stringify(SAMPLE, null, 2);
    const name = state.model.split("/")[0];
    if (MODELS.some(([own]) => own === name)) place("explain-provider").value = name;
    if (state.model) place("explain-model").value = state.model;
    else choose(MODELS[0][0]);
    explain();
  };
  take(texts);
  return { take };
}
