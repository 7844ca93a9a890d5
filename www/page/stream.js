// Stream: a provider's stream, read and written again by the gateway as OpenAI's chunks.

import { ask } from "./ask.js";
import { refusal, suggest } from "./explain.js";
import { el, later, money } from "./format.js";
import { SAMPLES } from "./samples.js";

const place = (id) => document.getElementById(id);

/** The events of the gateway's answer: `{ data, json }`. */
function events(text) {
  const blocks = text.split(/\r?\n\r?\n/).map((block) => block.split(/\r?\n/).filter((line) => line.startsWith("data:")));
  return blocks.filter((lines) => lines.length).map((lines) => {
    const data = lines.map((line) => line.slice(5).trim()).join("\n");
    try {
      return { data, json: JSON.parse(data) };
    } catch {
      return { data };
    }
  });
}

/** What a client puts together from the chunks. */
function folded(all) {
  const whole = { text: "", reasoning: "", tools: new Map() };
  for (const { json } of all) {
    for (const { delta, finish_reason: finish } of json?.choices ?? []) {
      whole.text += delta?.content ?? "";
      whole.reasoning += delta?.reasoning_content ?? "";
      for (const { index, function: called } of delta?.tool_calls ?? []) {
        const own = whole.tools.get(index) ?? { name: "", arguments: "" };
        whole.tools.set(index, { name: own.name + (called?.name ?? ""), arguments: own.arguments + (called?.arguments ?? "") });
      }
      whole.finish = finish ?? whole.finish;
    }
    whole.usage = json?.usage ?? whole.usage;
    whole.error = json?.error ?? whole.error;
  }
  whole.done = all.at(-1)?.data === "[DONE]";
  return whole;
}

function answer(told) {
  const all = events(told.text);
  const whole = folded(all);
  const fact = (name, value) => (value ? [el("dt", {}, name), el("dd", {}, value)] : []);
  const usage = whole.usage && `${whole.usage.prompt_tokens} in, ${whole.usage.completion_tokens} out`;
  const cost = whole.usage?.cost === undefined ? undefined : whole.usage.cost === null ? "unknown" : money(whole.usage.cost);
  const calls = [...whole.tools.values()].map(({ name, arguments: given }) => `${name}(${given})`).join(", ");
  const parts = [el("h2", {}, `${all.length} event${all.length === 1 ? "" : "s"}`)];
  if (whole.error) parts.push(refusal({ error: whole.error }));
  else if (!whole.done) parts.push(el("p.note.wrong", {}, "The stream has no end: a client would not take it for whole."));
  parts.push(el("dl.folded", {}, ...fact("Text", whole.text), ...fact("Reasoning", whole.reasoning), ...fact("Tools called", calls), ...fact("Finish", whole.finish), ...fact("Tokens", usage), ...fact("Cost", cost)));
  parts.push(el("h2", {}, "Chunks"), el("pre", { tabindex: "0", id: "stream-chunks" }, all.map(({ data, json }) => `data: ${json ? JSON.stringify(json) : data}`).join("\n\n")));
  return parts;
}

let turn = 0;
async function replay() {
  const own = ++turn;
  const request = { model: place("stream-model").value.trim(), stream: true, stream_options: { include_usage: true }, messages: [{ role: "user", content: "…" }] };
  const text = place("stream-text").value;
  try {
    const told = await ask("replay", { request, answer: text, type: "text/event-stream", status: 200 });
    if (own !== turn) return;
    const type = told.headers.find(([name]) => name === "content-type")?.[1] ?? "";
    place("stream-out").replaceChildren(...(type.includes("event-stream") ? answer(told) : [refusal(told.body, told.text)]));
  } catch (problem) {
    if (own === turn) place("stream-out").replaceChildren(refusal(undefined, problem.message));
  }
}

/** Opens the tool with the texts of a link. */
export function openStream(texts) {
  const soon = later(150, replay);
  suggest();
  place("stream-sample").replaceChildren(...SAMPLES.map(([name], at) => el("option", { value: String(at) }, name)));
  const sample = (at) => {
    [, place("stream-model").value, place("stream-text").value] = SAMPLES[at];
  };
  place("stream-form").addEventListener("submit", (event) => event.preventDefault());
  place("stream-form").addEventListener("input", ({ target }) => {
    if (target.id === "stream-sample") sample(Number(target.value));
    soon();
  });
  const take = ({ events: text }) => {
    if (!place("stream-text").value) sample(0);
    if (text !== undefined) place("stream-text").value = text;
    replay();
  };
  take(texts);
  return { take };
}
