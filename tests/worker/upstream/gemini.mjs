// Gemini's side: generateContent and embedContent (https://ai.google.dev/api/generate-content).

import { UPSTREAM_KEY, fixture, picture, vector } from "./answer.mjs";

/** The signature on the first call of every turn of Gemini 3, which wants it back. */
export const SIGNATURE = "CpMBAdHtim9cW2mUuPqVuL5n3zZ0w8eRk1Y7b+Qk/1xQ5zT8m2c=";

const KNOWN = {
  chat: "contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent".split(" "),
  embeddings: "model content requests taskType title outputDimensionality".split(" "),
};

/** `/v1beta/models/{model}:{method}` and `/v1/…`. */
export function recognise({ pathname }) {
  const path =
    /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent|embedContent|batchEmbedContents)$/;
  const [, model, method] = decodeURIComponent(pathname).match(path) ?? [];
  if (!method) return undefined;
  const chat = method.endsWith("enerateContent");
  return { model, endpoint: chat ? "chat" : "embeddings", streamed: method === "streamGenerateContent" };
}

const refused = (message, status = 400, name = "INVALID_ARGUMENT") => ({
  status,
  body: { error: { code: status, message, status: name } },
});

/** What Gemini would refuse, or `undefined`. */
export function check({ headers, path, json }, { name, endpoint, streamed }) {
  const query = new URL(path, "http://upstream").searchParams;
  if ((headers["x-goog-api-key"] ?? query.get("key")) !== UPSTREAM_KEY) {
    return refused("API key not valid. Please pass a valid API key.");
  }
  if (streamed && query.get("alt") !== "sse") return refused("this mock streams SSE only: alt=sse");
  if (!/^application\/json/.test(headers["content-type"] ?? "") || !json)
    return refused("Invalid JSON payload received.");
  const odd = Object.keys(json).find((field) => !KNOWN[endpoint].includes(field));
  if (odd) return refused(`Invalid JSON payload received. Unknown name "${odd}": Cannot find field.`);
  return endpoint === "chat" ? checkContents(json.contents, name.startsWith("gemini-3")) : undefined;
}

function checkContents(contents, signed) {
  if (!Array.isArray(contents) || !contents.length) return refused("contents is not specified");
  let calls = 0;
  for (const { role, parts } of contents) {
    if (!["user", "model"].includes(role)) return refused("Please use a valid role: user, model.");
    if (!parts?.length) return refused("Unable to submit request because it must have at least one parts field");
    const answers = parts.filter((part) => part.functionResponse).length;
    if (answers !== calls) {
      return refused(
        "Please ensure that the number of function response parts is equal to the number of function call parts.",
      );
    }
    const called = parts.filter((part) => part.functionCall);
    calls = called.length;
    if (signed && calls && called[0].thoughtSignature !== SIGNATURE) {
      return refused("Function call is missing a thought_signature in functionCall parts.");
    }
  }
  return undefined;
}

/** What a request asks for. */
export function read(body) {
  const { parts } = body.contents.at(-1);
  const said = ({ response }) => response.output ?? response.result ?? JSON.stringify(response);
  const { responseJsonSchema, responseSchema } = body.generationConfig ?? {};
  const none = body.toolConfig?.functionCallingConfig?.mode === "NONE";
  const declared = (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []);
  return {
    text: parts.map((part) => part.text ?? "").join(""),
    images: parts.filter((part) => part.inlineData ?? part.fileData).map(image),
    results: parts.filter((part) => part.functionResponse).map((part) => said(part.functionResponse)),
    tools: none ? [] : declared.map((one) => ({ name: one.name, schema: one.parametersJsonSchema ?? one.parameters })),
    schema: responseJsonSchema ?? responseSchema,
    thinking: body.generationConfig?.thinkingConfig?.includeThoughts === true,
  };
}

function image({ inlineData, fileData }) {
  return inlineData ? picture(inlineData.mimeType, inlineData.data) : { url: fileData.fileUri };
}

const FINISH = { stop: "STOP", length: "MAX_TOKENS", tool: "STOP" };

function called({ name, args }, index, asked) {
  const three = asked.name.startsWith("gemini-3");
  const part = { functionCall: { name, args, ...(three && { id: `fc_${index}` }) } };
  // Of parallel calls the first is signed.
  return three && index === 0 ? { ...part, thoughtSignature: SIGNATURE } : part;
}

function response(asked, answer, parts, finishReason) {
  const content = { parts, role: "model" };
  return {
    candidates: [{ content, ...(finishReason && { finishReason }), index: 0 }],
    usageMetadata: {
      promptTokenCount: answer.input,
      candidatesTokenCount: answer.output,
      totalTokenCount: answer.input + answer.output,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: answer.input }],
    },
    modelVersion: asked.model,
    responseId: "resp_mock",
  };
}

const thought = ({ thinking }) => (thinking ? [{ text: thinking, thought: true }] : []);

/** A whole answer. */
export function whole(answer, asked) {
  const calls = answer.calls.map((call, index) => called(call, index, asked));
  const parts = [...thought(answer), { text: answer.words.join("") }, ...calls];
  return response(asked, answer, parts, FINISH[answer.finish]);
}

/** The events of a stream: none before the first word, one for each piece, and the one that ends it. */
export function events(answer, asked) {
  const event = (parts, finish) => `data: ${JSON.stringify(response(asked, answer, parts, finish))}\r\n\r\n`;
  const calls = answer.calls.map((call, index) => event([called(call, index, asked)]));
  return {
    first: thought(answer).map((part) => event([part])),
    pieces: [...answer.words.map((text) => event([{ text }])), ...calls],
    last: [event([{ text: "" }], FINISH[answer.finish])],
  };
}

/** An error inside of a stream. */
export const errorEvent = () =>
  `data: ${JSON.stringify(refused("The model is overloaded.", 503, "UNAVAILABLE").body)}\r\n\r\n`;

/** A refusal. */
export function refusal(kind, seconds) {
  if (kind === "down") {
    const { status, body } = refused("An internal error has occurred.", 500, "INTERNAL");
    return { status, headers: {}, body: JSON.stringify(body) };
  }
  const names = {
    limited: "rate-limit",
    unauthorized: "authentication",
    context: "context-window",
    missing: "not-found",
  };
  const { status, headers, body } = fixture("gemini", `error-${names[kind]}`);
  return {
    status,
    headers,
    body: kind === "limited" ? body.replace(/"retryDelay": "\d+s"/, `"retryDelay": "${seconds}s"`) : body,
  };
}

/** The answer to `embedContent` or `batchEmbedContents`. */
export function embeddings(body) {
  const one = ({ content, outputDimensionality }) => ({
    values: vector(content.parts.map((part) => part.text).join(""), outputDimensionality),
  });
  return body.requests ? { embeddings: body.requests.map(one) } : { embedding: one(body) };
}
