// The Worker's door: hands Cloudflare's events to the wasm, and starts the wasm afresh after a panic.
//
// A panic on wasm is an abort: the instance's memory is not to be trusted any more, so the next event gets a new
// instance, and durable objects are built again from their storage. The build appends one exported class for each
// durable object that wrangler.toml names.

import { DurableObject } from "cloudflare:workers";

import * as wasm from "./index.js";

const state = wasm.__worker_init_state();

// What waits for the present instance: an abort leaves nobody in it to answer, so they are answered from here.
const waiting = new Set();

// Rust's futures run in microtasks, where no caller is left to see an abort.
addEventListener("error", (event) => note(event.error));

function note(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error("Critical", error);
  state.criticalError = true;
  for (const reject of waiting) reject(error);
  waiting.clear();
}

// Each step of each future in Rust passes here. workerd's own function makes a call of its API of each; a promise's
// reaction is far cheaper, and what it throws is seen at once.
const settled = Promise.resolve();
globalThis.queueMicrotask = (task) => {
  settled.then(() => {
    try {
      task();
    } catch (error) {
      note(error);
    }
  });
};

function enter(call) {
  if (state.criticalError) {
    wasm.__wbg_reset_state();
    state.criticalError = false;
    state.instanceId += 1;
  }
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    // `then` makes a rejection of what `call` throws at once.
    Promise.resolve()
      .then(call)
      .then(resolve, (error) => {
        note(error);
        reject(error);
      })
      .finally(() => waiting.delete(reject));
  });
}

/** OpenAI's error for a request whose instance aborted. */
function aborted(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  const message = "the gateway failed while it worked on this request; it has restarted, so try again";
  return Response.json({ error: { message, type: "internal_server_error", param: null, code: null } }, { status: 500 });
}

const handler = (event) => (argument, env, context) => enter(() => wasm[event](argument, env, context));
const events = ["fetch", "scheduled", "queue"].filter((event) => event in wasm);
const handlers = Object.fromEntries(events.map((event) => [event, handler(event)]));

export default { ...handlers, fetch: (request, env, context) => handlers.fetch(request, env, context).catch(aborted) };

/** The JavaScript class over a durable object of the wasm. */
function durableObject(name) {
  class Shell extends DurableObject {
    #object;
    #instance;

    /** The object in the wasm's present instance. */
    live() {
      if (this.#instance !== state.instanceId) {
        this.#object = new wasm[name](this.ctx, this.env);
        this.#instance = state.instanceId;
      }
      return this.#object;
    }
  }
  for (const method of Object.getOwnPropertyNames(wasm[name].prototype)) {
    if (method === "constructor" || method === "free" || method.startsWith("__")) continue;
    Shell.prototype[method] = function (...given) {
      return enter(() => this.live()[method](...given));
    };
  }
  return Shell;
}
