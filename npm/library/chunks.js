// A whole answer from the chunks of a streamed one.

import { tokenCounter } from "./prices.js";

/** Puts `value` into `into[name]`: texts and lists are continued, objects are merged, all else is replaced. */
function put(into, name, value) {
  const before = into[name];
  if (value === null || value === undefined) into[name] ??= value ?? null;
  else if (typeof before === "string" && typeof value === "string") into[name] = before + value;
  else if (Array.isArray(before) && Array.isArray(value)) into[name] = [...before, ...value];
  else if (before && typeof before === "object" && typeof value === "object") merge(before, value);
  else into[name] = structuredClone(value);
}

function merge(into, from) {
  for (const [name, value] of Object.entries(from)) put(into, name, value);
}

/** Calls of tools come in pieces by `index`; a piece with another id under the same index is another call. */
function putToolCalls(message, pieces) {
  message.tool_calls ??= [];
  for (const { index, ...piece } of pieces) {
    const open = message.tool_calls.findLast?.((own) => own.index === (index ?? 0));
    const { id, type, function: called, ...rest } = piece;
    if (!open || (id && open.call.id && id !== open.call.id)) {
      const call = { id: id ?? "", type: type ?? "function", function: { name: "", arguments: "", ...called }, ...rest };
      message.tool_calls.push({ index: index ?? 0, call });
      continue;
    }
    if (id) open.call.id = id;
    if (type) open.call.type = type;
    // A name may be told again in each piece.
    if (called?.name) open.call.function.name = called.name;
    open.call.function.arguments += called?.arguments ?? "";
    merge(open.call, rest);
  }
}

function putChoice(choices, { index = 0, delta = {}, logprobs, finish_reason, ...rest }) {
  const choice = (choices[index] ??= { index, message: { role: "assistant", content: null }, finish_reason: null });
  const { role, tool_calls, ...fields } = delta;
  if (role) choice.message.role = role;
  if (tool_calls) putToolCalls(choice.message, tool_calls);
  merge(choice.message, fields);
  if (logprobs) put(choice, "logprobs", logprobs);
  if (finish_reason) choice.finish_reason = finish_reason;
  merge(choice, rest);
}

/**
 * The completion that `chunks` make up. Where none of them has usage and `messages` are given, tokens are counted, and
 * `usage.estimated` says whether that is only an estimate.
 */
export async function streamChunkBuilder(chunks, { messages } = {}) {
  const list = [...chunks].filter(Boolean);
  if (!list.length) return null;
  const choices = [];
  const answer = { id: "", object: "chat.completion", created: 0, model: "", choices };
  for (const { choices: parts = [], usage, id, created, model, object: _, ...rest } of list) {
    answer.id ||= id;
    answer.created ||= created;
    answer.model ||= model;
    for (const part of parts) putChoice(choices, part);
    for (const [name, value] of Object.entries(rest)) answer[name] = value;
    if (usage) answer.usage = usage;
  }
  answer.choices = choices.filter(Boolean);
  for (const { message } of answer.choices) {
    if (message.tool_calls) message.tool_calls = message.tool_calls.map(({ call }) => call);
  }
  if (!answer.usage && messages) answer.usage = await counted(answer, messages);
  return answer;
}

async function counted({ model, choices }, messages) {
  const text = choices.map(({ message }) => [message.reasoning_content, message.content, ...(message.tool_calls ?? []).map((call) => call.function.arguments)]);
  const [prompt, completion] = [await tokenCounter({ model, messages }), await tokenCounter({ model, text: text.flat().filter(Boolean).join("") })];
  const [prompt_tokens, completion_tokens] = [prompt.total_tokens, completion.total_tokens];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, estimated: !(prompt.exact && completion.exact) };
}
