// OpenAI's side: chat completions and embeddings (https://platform.openai.com/docs/api-reference).

import { UPSTREAM_KEY, fixture, inPieces, picture, vector } from "./answer.mjs";

const KNOWN = new Set(
  (
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages " +
    "metadata modalities model n parallel_tool_calls prediction presence_penalty prompt_cache_key reasoning_effort " +
    "response_format safety_identifier seed service_tier stop store stream stream_options temperature tool_choice " +
    "tools top_logprobs top_p user verbosity web_search_options input encoding_format dimensions"
  ).split(" "),
);
const ROLES = ["developer", "system", "user", "assistant", "tool", "function"];

/** `/v1/chat/completions` and `/v1/embeddings`, below the root or below one folder (`/openai/v1/…`). */
export function recognise({ pathname }) {
  const found = pathname.match(/^(?:\/(?!v1)\w+)?\/v1\/(chat\/completions|embeddings)$/);
  return found ? { endpoint: found[1] === "embeddings" ? "embeddings" : "chat" } : undefined;
}

const refused = (message, param = null, code = null, status = 400) => ({
  status,
  body: { error: { message, type: "invalid_request_error", param, code } },
});

/** What OpenAI would refuse, or `undefined`. */
export function check({ headers, json }, { endpoint }) {
  if (headers.authorization !== `Bearer ${UPSTREAM_KEY}`) {
    return refused("Incorrect API key provided: sk-wrong.", null, "invalid_api_key", 401);
  }
  if (!/^application\/json/.test(headers["content-type"] ?? "") || !json)
    return refused("We could not parse the JSON body.");
  const odd = Object.keys(json).find((name) => !KNOWN.has(name));
  if (odd) return refused(`Unrecognized request argument supplied: ${odd}`, odd, "unknown_parameter");
  if (endpoint === "embeddings")
    return "input" in json ? undefined : refused("'input' is a required property", "input");
  if (json.temperature > 2) {
    const message = `Invalid 'temperature': above the maximum. Expected a value <= 2, but got ${json.temperature}.`;
    return refused(message, "temperature", "decimal_above_max_value");
  }
  if (json.stream_options && !json.stream) {
    return refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
  }
  return checkMessages(json.messages);
}

function checkMessages(messages) {
  if (!Array.isArray(messages) || !messages.length) return refused("[] is too short - 'messages'", "messages");
  let open = [];
  for (const [index, message] of messages.entries()) {
    if (!ROLES.includes(message.role)) return refused(`Invalid value: '${message.role}'.`, `messages[${index}].role`);
    if (message.role === "tool") {
      if (!open.includes(message.tool_call_id)) {
        const rule = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
        return refused(rule, `messages.[${index}].role`);
      }
      open = open.filter((id) => id !== message.tool_call_id);
      continue;
    }
    if (open.length) {
      return refused("An assistant message with 'tool_calls' must be followed by tool messages.", "messages");
    }
    open = (message.tool_calls ?? []).map(({ id }) => id);
  }
  return undefined;
}

/** What a request asks for. */
export function read(body) {
  const parts = (content) => (typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []));
  const last = body.messages.findLastIndex(({ role }) => role !== "tool");
  const content = parts(body.messages[last].content);
  const none = body.tool_choice === "none";
  return {
    text: content.map((part) => part.text ?? "").join(""),
    images: content.filter((part) => part.image_url).map(({ image_url: { url } }) => image(url)),
    results: body.messages.slice(last + 1).map((message) =>
      parts(message.content)
        .map((part) => part.text)
        .join(""),
    ),
    tools: none ? [] : (body.tools ?? []).map(({ function: { name, parameters } }) => ({ name, schema: parameters })),
    schema: body.response_format?.json_schema?.schema,
    thinking: false,
  };
}

function image(url) {
  const [, type, base64] = url.match(/^data:(.*?);base64,(.*)$/s) ?? [];
  return type ? picture(type, base64) : { url };
}

const FINISH = { stop: "stop", length: "length", tool: "tool_calls" };
const usage = ({ input, output }) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
});
const called = ({ name, args }, index) => ({
  id: `call_${name}_${index}`,
  type: "function",
  function: { name, arguments: JSON.stringify(args) },
});

const ID = { id: "chatcmpl-mock", created: 1_694_268_190 };

/** A whole answer. */
export function whole(answer, { model }) {
  const calls = answer.calls.map(called);
  const message = {
    role: "assistant",
    content: answer.words.join(""),
    refusal: null,
    ...(calls.length && { tool_calls: calls }),
  };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: FINISH[answer.finish] }];
  return {
    id: "chatcmpl-mock",
    object: "chat.completion",
    created: 1_694_268_190,
    model,
    choices,
    usage: usage(answer),
  };
}

/** The events of a stream: those before the first word, one for each piece, and those that end it. */
export function events(answer, { model }, body) {
  const event = (rest) => `data: ${JSON.stringify({ ...ID, object: "chat.completion.chunk", model, ...rest })}\n\n`;
  const wanted = body.stream_options?.include_usage;
  const chunk = (delta, finish_reason = null) =>
    event({ choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...(wanted && { usage: null }) });
  const calls = answer.calls.flatMap(({ name, args }, index) => [
    chunk({ tool_calls: [{ ...called({ name, args }, index), index, function: { name, arguments: "" } }] }),
    ...inPieces(args).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ]);
  const end = [chunk({}, FINISH[answer.finish])];
  if (wanted) end.push(event({ choices: [], usage: usage(answer) }));
  return {
    first: [chunk({ role: "assistant", content: "", refusal: null })],
    pieces: [...answer.words.map((content) => chunk({ content })), ...calls],
    last: [...end, "data: [DONE]\n\n"],
  };
}

const DOWN = { message: "The server had an error.", type: "server_error", param: null, code: null };

/** An error inside of a stream. */
export const errorEvent = () => `data: ${JSON.stringify({ error: DOWN })}\n\n`;

/** A refusal. */
export function refusal(kind, seconds) {
  if (kind === "down") return { status: 500, headers: {}, body: JSON.stringify({ error: DOWN }) };
  const names = {
    limited: "rate-limit",
    unauthorized: "authentication",
    context: "context-window",
    missing: "model-not-found",
  };
  const { status, headers, body } = fixture("openai", `error-${names[kind]}`);
  if (kind !== "limited") return { status, headers, body };
  return {
    status,
    headers: { ...headers, "retry-after": String(seconds), "retry-after-ms": String(seconds * 1000) },
    body,
  };
}

/** The answer to an embeddings request. */
export function embeddings({ input, encoding_format: format, dimensions }, { model }) {
  const data = [input].flat().map((text, index) => {
    const values = vector(String(text), dimensions);
    const base64 = () => Buffer.from(new Float32Array(values).buffer).toString("base64");
    return { object: "embedding", index, embedding: format === "base64" ? base64() : values };
  });
  return { object: "list", data, model, usage: { prompt_tokens: data.length, total_tokens: data.length } };
}
