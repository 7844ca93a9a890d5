// What the gateway's log says of each call: by it, answers know their cost and their attempts, and callbacks what was done.

/** Lines that nobody has asked for: of calls whose caller has left. */
const MOST_KEPT = 256;

/** The log of one gateway. Each call has one line; `x-litellm-call-id` names it. */
export class Notes {
  #lines = new Map();
  #waiting = new Map();

  /** Takes a line of the log: this is a gateway's `log`. */
  write = (line) => {
    // {"id":"…", …: the calls' lines begin so, and all others are an operator's.
    const id = line.startsWith('{"id":"') ? line.slice(7, line.indexOf('"', 7)) : undefined;
    if (id === undefined) return this.#other(line);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting) return waiting(JSON.parse(line));
    if (this.#lines.size >= MOST_KEPT) this.#lines.delete(this.#lines.keys().next().value);
    this.#lines.set(id, line);
  };

  /** A failure of the core: no line will come for the calls of its instance. */
  #other(line) {
    if (!line.startsWith('{"event":"core_failed"')) return;
    console.error(`tollgate: ${line}`);
    for (const told of this.#waiting.values()) told(undefined);
    this.#waiting.clear();
  }

  /** The line of a call that has its whole answer; undefined for what is no call. */
  take(id) {
    const line = this.#lines.get(id);
    this.#lines.delete(id);
    return line && JSON.parse(line);
  }

  /** The line of a call whose stream is still to end. */
  wait(id) {
    const line = this.take(id);
    return line ? Promise.resolve(line) : new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

const ENDS = { ok: "success", client_gone: "cancelled" };

function statusOf({ request: { signal } }, line, error) {
  if (!error) return ENDS[line?.end] ?? "success";
  return signal?.aborted && error === signal.reason ? "cancelled" : "failure";
}

/** What callbacks get of a call. */
export function eventOf(call, line, { response, error }) {
  const { prompt_tokens, completion_tokens } = line ?? {};
  const known = prompt_tokens !== undefined;
  const usage = known ? { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } : null;
  return {
    status: statusOf(call, line, error),
    id: line?.id ?? null,
    call_type: call.type,
    model: call.request.model ?? null,
    model_group: line?.group ?? null,
    model_id: line?.deployment ?? null,
    custom_llm_provider: line?.provider ?? null,
    upstream_model: line?.upstream_model ?? null,
    stream: Boolean(call.request.stream),
    usage,
    response_cost: line?.cost ?? null,
    cost_is_estimated: line?.estimated ?? null,
    latency: { total_ms: performance.now() - call.started, first_ms: line?.ms_first ?? null, headers_ms: line?.ms_headers ?? null },
    attempts: line?.attempts ?? 0,
    retries: line?.retries ?? 0,
    fallbacks: line?.fallbacks ?? 0,
    request: call.request,
    response: response ?? null,
    error: error ?? null,
  };
}

/** Calls the callbacks that are there: of the call, then of its gateway. What they throw is theirs, and ends no call. */
export function tell(callbacks, event) {
  const names = { success: "onSuccess", failure: "onFailure" };
  for (const own of callbacks) {
    for (const name of [names[event.status], "onEvent"]) {
      const callback = name && own?.[name];
      if (!callback) continue;
      Promise.resolve()
        .then(() => callback(event))
        .catch((problem) => console.error(`tollgate: ${name} failed:`, problem));
    }
  }
}
