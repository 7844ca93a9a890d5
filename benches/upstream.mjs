// What the upstream of a bench answers, in each provider's dialect: whole, or a stream of chunks that come one by one.

/** As many as the answer of a short question has. */
export const CHUNKS = 52;

// Long enough that each chunk is read by itself, as a model's tokens are.
const PACE_MS = 2;

const STAMP = 1_700_000_000;
const TEXT = "word ".repeat(CHUNKS);
const openaiUsage = { prompt_tokens: 8, completion_tokens: CHUNKS, total_tokens: 8 + CHUNKS };

const WHOLE = {
  openai: {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: STAMP,
    model: "gpt-4o-mini",
    choices: [{ index: 0, message: { role: "assistant", content: TEXT }, finish_reason: "stop" }],
    usage: openaiUsage,
  },
  anthropic: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5",
    content: [{ type: "text", text: TEXT }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 8, output_tokens: CHUNKS },
  },
  gemini: {
    candidates: [{ index: 0, content: { role: "model", parts: [{ text: TEXT }] }, finishReason: "STOP" }],
    usageMetadata: { promptTokenCount: 8, candidatesTokenCount: CHUNKS, totalTokenCount: 8 + CHUNKS },
    modelVersion: "gemini-2.5-flash",
    responseId: "r1",
  },
};

const sse = (data, name) => `${name ? `event: ${name}\n` : ""}data: ${JSON.stringify(data)}\n\n`;

const openaiChunk = (delta, rest) =>
  sse({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: STAMP,
    model: "gpt-4o-mini",
    choices: [{ index: 0, delta, finish_reason: null }],
    ...rest,
  });

const anthropicEvent = (type, fields) => sse({ type, ...fields }, type);

const STREAM = {
  openai: {
    chunk: openaiChunk({ content: "word " }),
    end:
      openaiChunk({}, { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
      openaiChunk({}, { choices: [], usage: openaiUsage }) +
      "data: [DONE]\n\n",
  },
  anthropic: {
    start:
      anthropicEvent("message_start", {
        message: { ...WHOLE.anthropic, content: [], stop_reason: null, usage: { input_tokens: 8, output_tokens: 1 } },
      }) + anthropicEvent("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    chunk: anthropicEvent("content_block_delta", { index: 0, delta: { type: "text_delta", text: "word " } }),
    end:
      anthropicEvent("content_block_stop", { index: 0 }) +
      anthropicEvent("message_delta", {
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: { output_tokens: CHUNKS },
      }) +
      anthropicEvent("message_stop", {}),
  },
};

/** The dialect that a path belongs to. */
function dialectOf(path) {
  if (path.includes("/messages")) return "anthropic";
  return path.includes(":generateContent") ? "gemini" : "openai";
}

/** A handler for `startUpstream`: answers what the path's dialect answers, as a stream where the body asks for one. */
export function answer(request, response, { path, body }) {
  const dialect = dialectOf(path);
  // Parsed by nobody: the upstream shares its process with the load.
  if (!body.includes('"stream":true')) {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(WHOLE[dialect]));
    return;
  }
  const { start = "", chunk, end } = STREAM[dialect];
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const next = () => {
    if (response.destroyed) return;
    if (sent === CHUNKS) return void response.end(end);
    response.write(sent ? chunk : start + chunk);
    sent += 1;
    setTimeout(next, PACE_MS);
  };
  next();
}
