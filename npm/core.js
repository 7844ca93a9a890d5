// The wasm: one instance for all gateways of a program, and a new one after a failure.

/** The instances of a module, one after the other. `glue` is that of build/js. */
export class Core {
  #glue;
  #module;
  #present;

  constructor(glue, module) {
    this.#glue = glue;
    this.#module = module;
  }

  /** The instance that works: started when it is first asked for, and anew after a failure. */
  present() {
    if (!this.#present || this.#present.failure) {
      const instance = new Instance(this.#glue);
      instance.names.initSync({ module: this.#module });
      this.#present = instance;
    }
    return this.#present;
  }

  /** The wasm behind a URL. Its first instance is started without holding up the thread, as browsers want it. */
  static async fetched(glue, url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url} could not be loaded (${answer.status})`);
    // A server that does not know what a .wasm file is has no stream to compile.
    const told = answer.headers.get("content-type")?.startsWith("application/wasm");
    const module = await (told ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer()));
    const core = new Core(glue, module);
    const instance = new Instance(glue);
    await instance.names.default({ module_or_path: module });
    core.#present = instance;
    return core;
  }

  /** What the wasm exports (src/js/), of the present instance. */
  get names() {
    return this.present().names;
  }
}

/** An instance, for as long as it has not failed. */
class Instance {
  /** The exception that left the wasm in the middle of something; whoever waits for the instance waits in vain. */
  failure;
  #waiting = new Set();

  constructor(glue) {
    this.names = glue((failure) => this.#fail(failure));
  }

  /** What `promise` comes to, or a rejection as soon as the instance fails. */
  outliving(promise) {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      const forget = this.onFailure(reject);
      const then = (settle) => (value) => {
        forget();
        settle(value);
      };
      promise.then(then(resolve), then(reject));
    });
  }

  /** Calls `told` with the failure, when it comes; answers what forgets it. */
  onFailure(told) {
    this.#waiting.add(told);
    return () => this.#waiting.delete(told);
  }

  #fail(failure) {
    this.failure = failure;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const told of waiting) told(failure);
  }
}
