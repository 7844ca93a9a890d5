// A provider of each dialect on one loopback server: checks what it is sent, and behaves by the model's name.
//
// `gpt-4o--cut-2--mine` is the model `gpt-4o` that cuts its stream after two pieces; `mine` only tells one test's
// requests from another's. The behaviours are listed at `BEHAVIOURS`.

import { once } from "node:events";

import { startUpstream } from "./gateway.mjs";
import * as anthropic from "./upstream/anthropic.mjs";
import { UPSTREAM_KEY, plan } from "./upstream/answer.mjs";
import * as bedrock from "./upstream/bedrock.mjs";
import * as cohere from "./upstream/cohere.mjs";
import * as gemini from "./upstream/gemini.mjs";
import * as ollama from "./upstream/ollama.mjs";
import * as openai from "./upstream/openai.mjs";

export { UPSTREAM_KEY };

const DIALECTS = { openai, anthropic, gemini, bedrock, cohere, ollama };

/** What a model's name may ask for; N is a number. Answers and streams are whole where nothing is asked. */
const BEHAVIOURS = {
  // N words, each a piece of the stream.
  chunks: stream,
  // Stops at the limit of its output.
  length: stream,
  // One piece each N ms.
  slow: stream,
  // After N pieces: nothing more, and the connection stays open.
  hold: stream,
  // After N pieces: the connection breaks.
  cut: stream,
  // After N pieces: the answer ends, but without its last word.
  end: stream,
  // After N pieces: an error inside of the stream.
  error: stream,
  // After one piece: waits until N requests of this model wait.
  barrier: stream,
  // Refuses with 429, and asks for N seconds of patience.
  limited: (call) => call.refuse("limited"),
  unauthorized: (call) => call.refuse("unauthorized"),
  context: (call) => call.refuse("context"),
  missing: (call) => call.refuse("missing"),
  down: (call) => call.refuse("down"),
  // Fails with 500 the first N times.
  flaky: (call) => (call.nth <= call.count ? call.refuse("down") : stream(call)),
  // Answers 429 with a wait of one second, once.
  patience: (call) => (call.nth === 1 ? call.refuse("limited", 1) : stream(call)),
  // Not even headers.
  silent: () => {},
  // Closes the connection without an answer.
  refuse: (call) => call.response.destroy(),
  // Headers, and then nothing.
  headers: (call) => call.head(),
  // A page that is no JSON.
  page: (call) => call.send(200, "text/html", "<html>It works</html>"),
  // JSON that is no answer.
  odd: (call) => call.send(200, "application/json", '{"hello":["world"]}'),
};

/**
 * Starts the providers and answers `{ url, requests, of(model), arrived(model), stop() }`.
 *
 * A request is `startUpstream`'s entry with `dialect`, `model`, `json` and `at` (ms, when it came). `of` lists those of
 * a model; `arrived` waits for the next one of a model, and fails after 10 s.
 */
export async function startProviders() {
  const counts = new Map();
  const barriers = new Map();
  const waiting = new Set();
  const upstream = await startUpstream(async (request, response, seen) => {
    seen.at = performance.now();
    const call = recognise(seen);
    if (!call) return response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
    call.response = response;
    const [name, behaviour, ...label] = call.model.split("--");
    call.nth = (counts.get(call.model) ?? 0) + 1;
    counts.set(call.model, call.nth);
    call.label = label;
    [call.kind, call.count] = behaviour ? [behaviour.split("-")[0], Number(behaviour.split("-")[1] ?? 0)] : ["text", 0];
    call.asked = { ...call, name };
    addMeans(call, barriers);
    for (const one of waiting) one(seen);
    const wrong = call.dialect.check(seen, call.asked);
    if (wrong) return call.send(wrong.status, "application/json", JSON.stringify(wrong.body));
    await (BEHAVIOURS[call.kind] ?? stream)(call);
  });
  const of = (model) => upstream.requests.filter((seen) => seen.model === model);
  const arrived = (model) =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no request for ${model} came within 10 s`)), 10_000);
      const look = (seen) => {
        if (seen.model !== model) return;
        clearTimeout(late);
        waiting.delete(look);
        resolve(seen);
      };
      waiting.add(look);
    });
  return { ...upstream, of, arrived };
}

/** Which dialect and model a request is for; `undefined` for a path that no provider has. */
function recognise(seen) {
  if (seen.method !== "POST") return undefined;
  for (const [name, dialect] of Object.entries(DIALECTS)) {
    const found = dialect.recognise(new URL(seen.path, "http://upstream"));
    if (!found) continue;
    let json;
    try {
      json = JSON.parse(seen.body);
    } catch {
      json = undefined;
    }
    const model = found.model ?? json?.model ?? "";
    Object.assign(seen, { dialect: name, model, json });
    return { dialect, model, json, endpoint: found.endpoint, streamed: found.streamed ?? json?.stream === true };
  }
  return undefined;
}

/** The ways to answer. */
function addMeans(call, barriers) {
  const { response, dialect } = call;
  call.send = (status, type, body, headers = {}) => {
    response.writeHead(status, { "content-type": type, "x-request-id": "req_mock", ...headers });
    response.end(body);
  };
  call.refuse = (kind, seconds = call.count) => {
    const { status, headers, body } = dialect.refusal(kind, seconds);
    call.send(status, "application/json", body, headers);
  };
  call.head = () => {
    const streams = dialect.STREAM ?? "text/event-stream; charset=utf-8";
    const type = call.streamed ? streams : "application/json";
    response.writeHead(200, {
      "content-type": type,
      "x-request-id": "req_mock",
      "x-ratelimit-remaining-requests": "99",
    });
    response.flushHeaders();
  };
  call.barrier = () =>
    new Promise((resolve) => {
      const all = barriers.get(call.model) ?? [];
      barriers.set(call.model, [...all, resolve]);
      if (all.length + 1 >= call.count) barriers.get(call.model).forEach((go) => go());
    });
}

/** Answers, whole or streamed, up to where the behaviour stops it. */
async function stream(call) {
  const { response, dialect, kind, count } = call;
  if (call.endpoint !== "chat") {
    return call.send(200, "application/json", JSON.stringify(dialect.embeddings(call.json, call.asked)));
  }
  const answer = plan(dialect.read(call.json), call);
  if (!call.streamed) return whole(call, JSON.stringify(dialect.whole(answer, call.asked)));
  const { first, pieces, last } = dialect.events(answer, call.asked, call.json);
  call.head();
  const stops = ["hold", "cut", "end", "error"].includes(kind);
  const events = stops ? [...first, ...pieces.slice(0, count)] : [...first, ...pieces, ...last];
  for (const [index, event] of events.entries()) {
    if (kind === "barrier" && index === first.length + 1) await call.barrier();
    if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, count));
    if (response.destroyed) return;
    if (!response.write(event)) await Promise.race([once(response, "drain"), once(response, "close")]);
  }
  if (kind === "hold") return;
  // What was written goes out before the connection breaks.
  if (kind === "cut") return void response.write("", () => setImmediate(() => response.socket?.destroy()));
  if (kind === "error") response.write(dialect.errorEvent());
  response.end();
}

async function whole(call, text) {
  const { response, kind } = call;
  if (kind === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    return void response.write(text.slice(0, text.length / 2), () => setImmediate(() => response.socket?.destroy()));
  }
  if (kind === "hold") return call.head();
  if (kind === "barrier") await call.barrier();
  if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, call.count));
  call.head();
  response.end(text);
}
