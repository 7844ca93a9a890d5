// The class that people see: a gateway that answers Requests, over the wasm and what its platform brings.

/** A configuration that is not valid. `findings` lists all that is wrong: `{ severity, path, message }`. */
export class ConfigError extends Error {
  constructor(findings) {
    const errors = findings.filter(({ severity }) => severity === "error");
    const lines = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
    super(`the configuration is not valid: ${lines.join("; ")}`);
    this.name = "ConfigError";
    this.findings = findings;
  }
}

// What a RequestInit may have that says what is asked: Bun, Deno and Workers hand other things on as second arguments.
const INIT = ["method", "headers", "body", "signal"];

/** The request that `fetch` was called with. */
function requested(input, init) {
  const says = init && typeof init === "object" && INIT.some((name) => name in init && init[name] != null);
  if (input instanceof Request) return says ? new Request(input, init) : input;
  if (!says) return new Request(input);
  // Node asks for it where a body is a stream.
  return new Request(input, init.body ? { duplex: "half", ...init } : init);
}

/** The error of OpenAI's shape for what goes wrong outside of the wasm. */
function refusal(status, type, message) {
  return Response.json({ error: { message, type, param: null, code: String(status) } }, { status });
}

// How long calls that were cut off may take to settle.
const SETTLING_MS = 2_000;

// A storage that two gateways write would be true for neither.
const taken = new WeakSet();

/**
 * The class Gateway on one platform: `core` is the loaded wasm, `platform` has `parse(text)` for configurations,
 * `vocabulary(name)` and `env`.
 */
export function gatewayOn(core, platform) {
  return class Gateway {
    #core;
    #world;
    #storage;
    /** What is under way, and what cuts it off. */
    #working = new Map();
    #closing;
    #alarm;

    constructor({ config = {}, fetch: upstream, storage, env = platform.env, open = false, log, now, random, vocabulary } = {}) {
      const read = typeof config === "string" ? platform.parse(config) : config;
      if (read === null || typeof read !== "object" || Array.isArray(read)) {
        throw new TypeError("config must be an object, or the text of one in YAML or JSON");
      }
      if (typeof storage === "string") throw new TypeError("storage must be a storage, such as sqliteStorage(path)");
      if (storage && taken.has(storage)) throw new Error("the storage belongs to another gateway: open one for each");
      const own = { TOLLGATE_LOOPBACK: open ? "1" : undefined };
      this.#storage = storage;
      this.#world = {
        // Called later than it is given: a fetch that is replaced meanwhile (by a tracer, by a test) is the one meant.
        fetch: upstream ?? ((...given) => globalThis.fetch(...given)),
        now: now ?? Date.now,
        random: random ?? (() => undefined),
        // Looked up when it is needed: a key that the program sets later counts too.
        variable: (name) => (name in own ? own : env)[name] || undefined,
        log: log ?? (() => {}),
        timer: (ms, done) => setTimeout(done, ms),
        cancel: (timer) => clearTimeout(timer),
        vocabulary: vocabulary ?? platform.vocabulary,
        wake: (at) => this.#wake(at),
        storage,
      };
      try {
        this.#core = new core.Gateway(JSON.stringify(read), this.#world);
      } catch (problem) {
        throw failure(problem);
      }
      if (storage) taken.add(storage);
      this.fetch = this.fetch.bind(this);
    }

    async fetch(input, init, context) {
      if (this.#closing) return refusal(503, "service_unavailable", "the gateway is shutting down: try another one");
      const request = requested(input, init);
      const until = context?.waitUntil ? context : init;
      const cut = new AbortController();
      if (request.signal.aborted) cut.abort();
      else request.signal.addEventListener("abort", () => cut.abort(), { once: true });
      const work = this.#core.fetch(request, cut.signal, (promise) => {
        this.#track(promise, cut);
        if (typeof until?.waitUntil === "function") until.waitUntil(promise);
      });
      this.#track(work, cut);
      return work;
    }

    /** How many calls are under way, streams included. */
    get active() {
      return this.#working.size;
    }

    close({ timeout = 10_000 } = {}) {
      this.#closing ??= this.#close(timeout);
      return this.#closing;
    }

    [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
      return this.close();
    }

    async #close(timeout) {
      await this.#idle(timeout);
      for (const cut of this.#working.values()) cut.abort();
      // Who is cut off settles what it has used.
      await this.#idle(SETTLING_MS);
      clearTimeout(this.#alarm);
      await this.#storage?.close?.();
    }

    /** Returns when nothing is under way, at most after so many ms. */
    async #idle(ms) {
      let late;
      const over = new Promise((resolve) => (late = setTimeout(resolve, ms)));
      // A call may begin work that outlives its answer, so once is not enough.
      const done = async () => {
        while (this.#working.size) await Promise.allSettled(this.#working.keys());
      };
      await Promise.race([done(), over]);
      clearTimeout(late);
    }

    #track(promise, cut) {
      this.#working.set(promise, cut);
      const forget = () => this.#working.delete(promise);
      promise.then(forget, forget);
    }

    /** Sees to it that the ledgers do what is due at that time; 0 is never. */
    #wake(at) {
      clearTimeout(this.#alarm);
      if (!at || this.#closing) return;
      const ms = Math.min(Math.max(at - this.#world.now(), 0), 2 ** 31 - 1);
      this.#alarm = setTimeout(() => this.#due(), ms);
      // It is no reason for a program to go on that has nothing else to do.
      this.#alarm.unref?.();
    }

    async #due() {
      try {
        this.#core.alarm();
        await this.#storage?.durable();
      } catch (problem) {
        this.#core.forget();
        this.#world.log(JSON.stringify({ event: "storage_failed", error: failure(problem).message }));
        this.#wake(this.#world.now() + 5000);
      }
    }
  };
}

/** What the wasm throws is a text: a list of findings, or a reason. */
function failure(problem) {
  if (typeof problem !== "string") return problem;
  return problem.startsWith("[") ? new ConfigError(JSON.parse(problem)) : new Error(`the storage failed: ${problem}`);
}
