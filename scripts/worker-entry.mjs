// The Worker's door: hands Cloudflare's events to the wasm, and starts the wasm afresh after a panic.
//
// A panic on wasm is an abort: the instance's memory is not to be trusted any more, so the next event gets a new
// instance, and durable objects are built again from their storage. The build appends one exported class for each
// durable object that wrangler.toml names.

import { DurableObject } from "cloudflare:workers";

import * as wasm from "./index.js";

const state = wasm.__worker_init_state();

// Rust's futures run in microtasks, where no caller is left to see an abort.
addEventListener("error", (event) => note(event.error));

function note(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error("Critical", error);
  state.criticalError = true;
}

async function enter(call) {
  if (state.criticalError) {
    wasm.__wbg_reset_state();
    state.criticalError = false;
    state.instanceId += 1;
  }
  try {
    return await call();
  } catch (error) {
    note(error);
    throw error;
  }
}

const handlers = ["fetch", "scheduled", "queue"].filter((event) => event in wasm);
export default Object.fromEntries(
  handlers.map((event) => [event, (argument, env, ctx) => enter(() => wasm[event](argument, env, ctx))]),
);

/** The JavaScript class over a durable object of the wasm. */
export function durableObject(name) {
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
