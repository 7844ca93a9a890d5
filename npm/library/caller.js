// One gateway, called as functions are: plain objects in, plain objects or an error out.

import { platform } from "./entry.js";
import { errorOf, linkOpenAI } from "./errors.js";
import { Notes, eventOf, tell } from "./notes.js";
import { Stream } from "./stream.js";

const ORIGIN = "http://tollgate";
const JSON_HEADERS = { "content-type": "application/json" };

// What a call may have beside the fields of its request.
const CALLBACKS = ["onSuccess", "onFailure", "onEvent"];
const EXTRAS = ["signal", ...CALLBACKS];

/** A gateway and its log. */
export class Caller {
  #notes = new Notes();
  #callbacks;

  /** `open(log)` makes the gateway; `callbacks()` answers what is called beside a call's own callbacks. */
  constructor(open, callbacks) {
    this.gateway = open(this.#notes.write);
    this.#callbacks = callbacks;
  }

  /** A question to the gateway: its answer's JSON. */
  async ask(path, body) {
    const init = body === undefined ? {} : { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body) };
    const response = await this.gateway.fetch(ORIGIN + path, init);
    const answer = await response.json();
    if (response.ok) return answer;
    throw await failed(response, answer, undefined, {});
  }

  /** A call of a model; `asked` is the request as its caller made it. */
  async call(type, path, request, asked = request) {
    const call = { type, request: asked, started: performance.now(), callbacks: [asked, this.#callbacks()] };
    try {
      const { signal } = asked;
      signal?.throwIfAborted();
      return request.stream ? await this.#stream(path, request, call) : await this.#whole(path, request, call);
    } catch (error) {
      if (!call.told) this.#tell(call, undefined, { error });
      throw error;
    }
  }

  async #send(path, request, signal) {
    const sent = { ...request };
    for (const name of EXTRAS) delete sent[name];
    const work = this.gateway.fetch(ORIGIN + path, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(sent), signal });
    return signal ? orAborted(work, signal) : work;
  }

  async #whole(path, request, call) {
    const response = await this.#send(path, request, call.request.signal);
    const line = this.#notes.take(response.headers.get("x-litellm-call-id"));
    const answer = await response.json();
    if (!response.ok) await this.#refuse(response, answer, line, call);
    const { headers } = response;
    Object.defineProperty(answer, "_hidden_params", { get: () => hidden(headers, line), configurable: true });
    this.#tell(call, line, { response: answer });
    return answer;
  }

  async #stream(path, request, call) {
    const controller = new AbortController();
    const { signal } = call.request;
    const leave = () => controller.abort(signal.reason);
    signal?.addEventListener("abort", leave, { once: true });
    const done = () => signal?.removeEventListener("abort", leave);
    const response = await this.#send(path, request, controller.signal).catch((error) => {
      done();
      throw error;
    });
    const id = response.headers.get("x-litellm-call-id");
    if (!response.ok) {
      done();
      await this.#refuse(response, await response.json(), this.#notes.take(id), call);
    }
    const { headers } = response;
    let line;
    const noted = this.#notes.wait(id).then((told) => {
      done();
      line = told;
    });
    return new Stream(response.body, controller, {
      hidden: () => hidden(headers, line),
      whole: () => noted.then(() => this.#tell(call, line, {})),
      left: () => noted.then(() => this.#tell(call, line, {})),
      broken: async (cause) => {
        await noted;
        const error = await failed(response, { error: bodyOf(cause) }, line, call.request);
        this.#tell(call, line, { error });
        return error;
      },
    });
  }

  async #refuse(response, answer, line, call) {
    const error = await failed(response, answer, line, call.request);
    this.#tell(call, line, { error });
    throw error;
  }

  #tell(call, line, outcome) {
    call.told = true;
    if (!call.callbacks.some((own) => own && CALLBACKS.some((name) => own[name]))) return;
    tell(call.callbacks, eventOf(call, line, outcome));
  }
}

/** What `work` comes to, or the reason of an abort, whichever is first. */
function orAborted(work, signal) {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    const then = (settle) => (value) => {
      signal.removeEventListener("abort", aborted);
      if (signal.aborted) reject(signal.reason);
      else settle(value);
    };
    work.then(then(resolve), then(reject));
  });
}

/** An error of OpenAI's shape for what broke a stream. */
const bodyOf = (cause) => (cause instanceof Error ? { message: `the stream broke: ${cause.message}`, code: "stream_cut" } : cause);

/** The error for an answer that is one. */
async function failed(response, answer, line, request) {
  await linkOpenAI(platform().openai);
  const { headers } = response;
  const seconds = Number.parseFloat(headers.get("retry-after"));
  const { error } = answer ?? {};
  // An error inside of a stream comes under the status of its beginning.
  const status = response.ok ? (line?.status ?? 500) : response.status;
  return errorOf(line?.error ?? (response.ok ? "APIConnectionError" : undefined), error, {
    status: status < 400 ? 500 : status,
    headers,
    llm_provider: line?.provider ?? null,
    model: request.model ?? null,
    retry_after: Number.isFinite(seconds) ? seconds : null,
    request_id: headers.get("x-litellm-call-id"),
    num_retries: line?.retries ?? 0,
    num_fallbacks: line?.fallbacks ?? 0,
  });
}

/** LiteLLM's `_hidden_params`: what is known of a call beside its answer. */
function hidden(headers, line) {
  const additional_headers = {};
  for (const [name, value] of headers) {
    if (name.startsWith("llm_provider-") || name.startsWith("x-ratelimit-")) additional_headers[name] = value;
  }
  const number = (name) => (headers.has(name) ? Number(headers.get(name)) : null);
  return {
    response_cost: line?.cost ?? number("x-litellm-response-cost"),
    cost_is_estimated: line?.estimated ?? null,
    litellm_call_id: headers.get("x-litellm-call-id"),
    model_id: headers.get("x-litellm-model-id"),
    model_group: headers.get("x-litellm-model-group"),
    api_base: headers.get("x-litellm-model-api-base"),
    custom_llm_provider: line?.provider ?? null,
    attempted_retries: number("x-litellm-attempted-retries"),
    attempted_fallbacks: number("x-litellm-attempted-fallbacks"),
    litellm_overhead_time_ms: number("x-litellm-overhead-duration-ms"),
    additional_headers,
  };
}
