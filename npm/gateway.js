// The class that people see: a gateway that answers Requests, over the wasm and what its platform brings.

import { nativePipe, pipe } from "./pipe.js";

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

const FAILED = "the gateway failed while it worked on this request; it has restarted, so try again";

// Tells that nobody reads an answer any more. Where there is none, upstreams are not closed when the wasm fails.
const unread = globalThis.FinalizationRegistry && new FinalizationRegistry((forget) => forget());

/**
 * Sends for the wasm's present instance: when that fails, the upstream is closed. What `upstream` throws, or
 * answers that is no Response, is a rejection; inside of the wasm it would be a failure of the instance.
 */
const sender = (upstream, core) => async (url, init) => {
  // Looked up late: a fetch that is replaced meanwhile (by a tracer, by a test) is the one meant.
  const send = async () => (upstream ?? globalThis.fetch)(url, init);
  const check = (answer) => {
    if (typeof answer?.status === "number" && answer.headers) return answer;
    throw new TypeError("fetch answered with no Response");
  };
  if (!unread) return check(await send());
  const cut = new AbortController();
  init.signal.addEventListener("abort", () => cut.abort(), { once: true });
  init.signal = cut.signal;
  const forget = core.present().onFailure(() => cut.abort());
  try {
    const answer = check(await send());
    unread.register(answer, forget);
    return answer;
  } catch (problem) {
    forget();
    throw problem;
  }
};

/** A timer that ends with the instance: it would keep the process alive for nobody. */
function timed(instance, ms, done) {
  const forget = instance.onFailure(() => clearTimeout(timer));
  const timer = setTimeout(() => {
    forget();
    done();
  }, ms);
  return {
    cancel() {
      forget();
      clearTimeout(timer);
    },
  };
}

/** A log that never throws. */
const writer = (log) => (line) => {
  try {
    log(line);
  } catch (problem) {
    console.error("tollgate: log failed:", problem);
  }
};

/** A storage that knows whether a step is open: `cut` takes it back. */
function stepwise(storage) {
  let open = false;
  const ended = (end) => () => {
    open = false;
    end.call(storage);
  };
  return {
    run: (query, values) => storage.run(query, values),
    begin() {
      storage.begin();
      open = true;
    },
    end: ended(storage.end),
    undo: ended(storage.undo),
    durable: () => storage.durable(),
    cut() {
      if (!open) return;
      open = false;
      storage.undo();
    },
  };
}

/**
 * The class Gateway on one platform: `core` is a Core (core.js), `platform` has `parse(text)` for configurations,
 * `vocabulary(name)` and `env`.
 */
export function gatewayOn(core, platform) {
  return class Gateway {
    #config;
    #world;
    #storage;
    /** The gateway inside of the wasm: `{ instance, inside }`, anew after a failure of the instance. */
    #live;
    #forget = () => {};
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
      const merges = vocabulary ?? platform.vocabulary;
      this.#config = JSON.stringify(read);
      this.#storage = storage;
      this.#world = {
        fetch: sender(upstream, core),
        now: now ?? Date.now,
        random: random ?? (() => undefined),
        // Looked up when it is needed: a key that the program sets later counts too.
        variable: (name) => (name in own ? own : env)[name] || undefined,
        log: writer(log ?? (() => {})),
        timer: (ms, done) => timed(core.present(), ms, done),
        cancel: (timer) => timer.cancel(),
        vocabulary: async (name) => merges(name),
        wake: (at) => this.#wake(at),
        pipe: () => this.#pipe(),
        storage: storage && stepwise(storage),
      };
      try {
        this.#enter();
      } catch (problem) {
        throw failure(problem);
      }
      if (storage) taken.add(storage);
      this.fetch = this.fetch.bind(this);
    }

    /** The gateway in the wasm's present instance. After a failure it is a new one, of the configuration and the storage. */
    #enter() {
      const instance = core.present();
      if (this.#live?.instance === instance) return this.#live;
      this.#live = undefined;
      this.#forget();
      const { storage } = this.#world;
      // At once: a step that is half done would be committed with those that are whole.
      if (storage) this.#forget = instance.onFailure(() => this.#cut(storage));
      this.#live = { instance, inside: new instance.names.Gateway(this.#config, this.#world) };
      return this.#live;
    }

    #cut(storage) {
      try {
        storage.cut();
      } catch (problem) {
        this.#world.log(JSON.stringify({ event: "storage_failed", error: problem.message }));
      }
    }

    async fetch(input, init, context) {
      if (this.#closing) return refusal(503, "service_unavailable", "the gateway is shutting down: try another one");
      const request = requested(input, init);
      const until = context?.waitUntil ? context : init;
      const cut = new AbortController();
      if (request.signal.aborted) cut.abort();
      else request.signal.addEventListener("abort", () => cut.abort(), { once: true });
      let live;
      try {
        live = this.#enter();
        const { instance, inside } = live;
        const work = inside.fetch(request, cut.signal, (promise) => {
          const after = instance.outliving(promise);
          this.#track(after, cut);
          if (typeof until?.waitUntil === "function") until.waitUntil(after);
        });
        return await this.#track(instance.outliving(work), cut);
      } catch (problem) {
        if (live && !live.instance.failure) throw problem;
        this.#note(live, problem);
        return refusal(500, "internal_server_error", FAILED);
      }
    }

    /** Writes a failure of the wasm to the log, once. */
    #note(live, problem) {
      if (live?.noted) return;
      if (live) live.noted = true;
      const { message, stack } = failure(problem);
      this.#world.log(JSON.stringify({ event: "core_failed", error: message, stack }));
    }

    /** A pipe that breaks when the wasm's instance fails: its reader must not wait for what nobody will write. */
    #pipe() {
      const live = this.#live;
      const made = globalThis.IdentityTransformStream ? nativePipe() : pipe();
      const forget = live.instance.onFailure((problem) => {
        this.#note(live, problem);
        made.writer.abort().catch(() => {});
      });
      made.writer.closed.then(forget, forget);
      return made;
    }

    /** How many calls are under way, streams included. */
    get active() {
      return this.#working.size;
    }

    get checkInterval() {
      return this.#enter().inside.checkInterval();
    }

    async checkDeployments() {
      if (this.#closing) return false;
      try {
        const { instance, inside } = this.#enter();
        return await this.#track(instance.outliving(inside.check()), new AbortController());
      } catch (problem) {
        throw failure(problem);
      }
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
      this.#forget();
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
      return promise;
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
      let live;
      try {
        live = this.#enter();
        live.inside.alarm();
        await this.#storage?.durable();
      } catch (problem) {
        if (live?.instance.failure) this.#note(live, problem);
        else {
          live?.inside.forget();
          this.#world.log(JSON.stringify({ event: "storage_failed", error: failure(problem).message }));
        }
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
