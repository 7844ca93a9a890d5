// Streams to try, in the shapes that the providers' documents give.

const sse = (events) => events.map(([event, data]) => `${event ? `event: ${event}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`).join("");

const claude = sse([
  ["message_start", { type: "message_start", message: { id: "msg_01", type: "message", role: "assistant", model: "claude-sonnet-4-5-20250929", content: [], stop_reason: null, usage: { input_tokens: 472, output_tokens: 2 } } }],
  ["content_block_start", { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }],
  ["content_block_delta", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Let me look" } }],
  ["content_block_delta", { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: " that up." } }],
  ["content_block_stop", { type: "content_block_stop", index: 0 }],
  ["content_block_start", { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "toolu_01", name: "get_weather", input: {} } }],
  ["content_block_delta", { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"city": ' } }],
  ["content_block_delta", { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '"Paris"}' } }],
  ["content_block_stop", { type: "content_block_stop", index: 1 }],
  ["message_delta", { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: { output_tokens: 54 } }],
  ["message_stop", { type: "message_stop" }],
]);

const gemini = sse([
  ["", { candidates: [{ content: { parts: [{ text: "Paris is" }], role: "model" }, index: 0 }], modelVersion: "gemini-2.5-flash", responseId: "r1", usageMetadata: { promptTokenCount: 12, totalTokenCount: 12 } }],
  ["", { candidates: [{ content: { parts: [{ text: " sunny today." }], role: "model" }, finishReason: "STOP", index: 0 }], modelVersion: "gemini-2.5-flash", responseId: "r1", usageMetadata: { promptTokenCount: 12, candidatesTokenCount: 6, totalTokenCount: 18 } }],
]);

const chunk = (delta, more = {}) => ({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1795000000, model: "gpt-4o-mini-2024-07-18", choices: [{ index: 0, delta, finish_reason: null, ...more }] });
const openai = sse([
  ["", chunk({ role: "assistant", content: "" })],
  ["", chunk({ content: "Hello" })],
  ["", chunk({ content: " there." })],
  ["", chunk({}, { finish_reason: "stop" })],
  ["", { ...chunk({}), choices: [], usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } }],
  ["", "[DONE]"],
]);

/** `[name, model, stream]` of each. */
export const SAMPLES = [
  ["Anthropic: text and a tool", "anthropic/claude-sonnet-4-5", claude],
  ["Anthropic: broken off", "anthropic/claude-sonnet-4-5", claude.slice(0, claude.indexOf("event: content_block_stop"))],
  ["Gemini", "gemini/gemini-2.5-flash", gemini],
  ["OpenAI", "openai/gpt-4o-mini", openai],
];
