// Anthropic's side: the Messages API (https://docs.claude.com/en/api/messages).

import { UPSTREAM_KEY, fixture, inPieces, picture } from "./answer.mjs";

/** The signature on every thought of this provider: one that comes back changed is refused. */
export const SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds9FqRmbzXQ==";

const KNOWN = new Set(
  (
    "model max_tokens messages system stream stop_sequences temperature top_k top_p tools tool_choice metadata " +
    "thinking service_tier output_config output_format container mcp_servers context_management"
  ).split(" "),
);

/** `/v1/messages`, below the root or below one folder. */
export function recognise({ pathname }) {
  return /^(?:\/(?!v1)\w+)?\/v1\/messages$/.test(pathname) ? { endpoint: "chat" } : undefined;
}

const refused = (message, type = "invalid_request_error", status = 400) => ({
  status,
  body: { type: "error", error: { type, message }, request_id: "req_mock" },
});

/** What Anthropic would refuse, or `undefined`. */
export function check({ headers, json }) {
  if (headers["x-api-key"] !== UPSTREAM_KEY) return refused("invalid x-api-key", "authentication_error", 401);
  if (headers["anthropic-version"] !== "2023-06-01") return refused("anthropic-version: header is required");
  if (!/^application\/json/.test(headers["content-type"] ?? "") || !json)
    return refused("The request body is not valid JSON");
  const odd = Object.keys(json).find((name) => !KNOWN.has(name));
  if (odd) return refused(`${odd}: Extra inputs are not permitted`);
  if (!Number.isInteger(json.max_tokens) || json.max_tokens < 1) return refused("max_tokens: Field required");
  if (json.temperature !== undefined && !(json.temperature >= 0 && json.temperature <= 1)) {
    return refused("temperature: range: 0..1");
  }
  const thinking = json.thinking?.type === "enabled";
  if (thinking && json.thinking.budget_tokens >= json.max_tokens) {
    return refused("`max_tokens` must be greater than `thinking.budget_tokens`");
  }
  if ((json.tools ?? []).some((tool) => !tool.type && tool.input_schema?.type !== "object")) {
    return refused("tools.0.custom.input_schema.type: Field required");
  }
  return checkMessages(json.messages, thinking);
}

const blocks = (content) => (typeof content === "string" ? [{ type: "text", text: content }] : content);

function checkMessages(messages, thinking) {
  if (!Array.isArray(messages) || !messages.length) return refused("messages: at least one message is required");
  if (messages[0].role !== "user") return refused('messages: first message must use the "user" role');
  let open = [];
  for (const [index, { role, content }] of messages.entries()) {
    if (!["user", "assistant"].includes(role)) return refused(`messages: Unexpected role "${role}"`);
    if (!content?.length) return refused(`messages.${index}: content must not be empty`);
    const all = blocks(content);
    if (all.some((block) => block.type === "text" && !block.text.trim())) {
      return refused(`messages.${index}: text content blocks must contain non-whitespace text`);
    }
    const answered = all.filter(({ type }) => type === "tool_result").map((block) => block.tool_use_id);
    if (open.some((id) => !answered.includes(id)) || answered.some((id) => !open.includes(id))) {
      return refused(
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks: ${open} / ${answered}`,
      );
    }
    open = all.filter(({ type }) => type === "tool_use").map(({ id }) => id);
    const wrong = all.find((block) => block.type === "thinking" && block.signature !== SIGNATURE);
    if (wrong) return refused(`messages.${index}.content.0: Invalid \`signature\` in \`thinking\` block`);
    if (thinking && open.length && all[0].type !== "thinking") {
      return refused(`messages.${index}.content.0.type: Expected \`thinking\`, but found \`${all[0].type}\``);
    }
  }
  return undefined;
}

/** What a request asks for. */
export function read(body) {
  const last = blocks(body.messages.at(-1).content);
  const text = (block) =>
    typeof block.content === "string" ? block.content : block.content.map((one) => one.text).join("");
  const forced = body.tool_choice?.type === "tool" ? body.tool_choice.name : undefined;
  const tools = (body.tools ?? []).filter(({ name }) => !forced || name === forced);
  return {
    text: last.map((block) => block.text ?? "").join(""),
    images: last.filter(({ type }) => type === "image").map(({ source }) => image(source)),
    results: last.filter(({ type }) => type === "tool_result").map(text),
    tools:
      body.tool_choice?.type === "none" ? [] : tools.map((tool) => ({ name: tool.name, schema: tool.input_schema })),
    schema: body.output_config?.format?.schema ?? body.output_format?.schema,
    thinking: body.thinking?.type === "enabled" || body.thinking?.type === "adaptive",
  };
}

const image = (source) => (source.type === "url" ? { url: source.url } : picture(source.media_type, source.data));

const FINISH = { stop: "end_turn", length: "max_tokens", tool: "tool_use" };
const usage = (input, output) => ({
  input_tokens: input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: output,
  service_tier: "standard",
});
const used = ({ name, args }, index) => ({ type: "tool_use", id: `toolu_${name}_${index}`, name, input: args });
const start = (model) => ({
  model,
  id: "msg_mock",
  type: "message",
  role: "assistant",
  content: [],
  stop_reason: null,
  stop_sequence: null,
});

/** A whole answer. */
export function whole(answer, { model }) {
  const content = [{ type: "text", text: answer.words.join("") }, ...answer.calls.map(used)];
  if (answer.thinking) content.unshift({ type: "thinking", thinking: answer.thinking, signature: SIGNATURE });
  return { ...start(model), content, stop_reason: FINISH[answer.finish], usage: usage(answer.input, answer.output) };
}

const event = (type, rest) => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;

/** The events of a stream: those before the first word, one for each piece, and those that end it. */
export function events(answer, { model }) {
  const first = [event("message_start", { message: { ...start(model), usage: usage(answer.input, 1) } })];
  const pieces = [];
  let index = 0;
  const block = (to, content_block, deltas, inside = to) => {
    to.push(event("content_block_start", { index, content_block }));
    for (const delta of deltas) inside.push(event("content_block_delta", { index, delta }));
    pieces.push(event("content_block_stop", { index }));
    index += 1;
  };
  if (answer.thinking) {
    const thoughts = answer.thinking.match(/\s*\S+/g).map((thinking) => ({ type: "thinking_delta", thinking }));
    const signed = [...thoughts, { type: "signature_delta", signature: SIGNATURE }];
    block(pieces, { type: "thinking", thinking: "", signature: "" }, signed);
  }
  const text = answer.words.map((word) => ({ type: "text_delta", text: word }));
  block(answer.thinking ? pieces : first, { type: "text", text: "" }, text, pieces);
  for (const [place, call] of answer.calls.entries()) {
    const json = ["", ...inPieces(call.args)].map((partial_json) => ({ type: "input_json_delta", partial_json }));
    block(pieces, { ...used(call, place), input: {} }, json);
  }
  first.push(event("ping", {}));
  const end = {
    delta: { stop_reason: FINISH[answer.finish], stop_sequence: null },
    usage: { output_tokens: answer.output },
  };
  return { first, pieces, last: [event("message_delta", end), event("message_stop", {})] };
}

/** An error inside of a stream. */
export const errorEvent = () => event("error", { error: { type: "overloaded_error", message: "Overloaded" } });

/** A refusal. */
export function refusal(kind, seconds) {
  const names = {
    limited: "rate-limit",
    unauthorized: "authentication",
    context: "context-window",
    missing: "not-found",
    down: "server",
  };
  const { status, headers, body } = fixture("anthropic", `error-${names[kind]}`);
  return { status, headers: kind === "limited" ? { ...headers, "retry-after": String(seconds) } : headers, body };
}
