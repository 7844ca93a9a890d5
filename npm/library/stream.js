// A streamed answer: OpenAI's chunks, one after the other.

/** Reads server-sent events: a function from the next text to the data of the events that it ends. */
function reader() {
  let rest = "";
  let data = [];
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    const ended = [];
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      if (line !== "" || !data.length) continue;
      ended.push(data.join("\n"));
      data = [];
    }
    return ended;
  };
}

/**
 * The chunks of one answer, for one `for await`. Leaving the loop, or `controller.abort()`, closes the provider's connection.
 */
export class Stream {
  #reader;
  #ended;
  #read = false;
  #hidden;

  /**
   * `ended` has what becomes of a stream: `hidden` (what is known at its beginning), `whole()`, `broken(error)` and `left()`,
   * each of which answers a promise.
   */
  constructor(body, controller, ended) {
    this.#reader = body.getReader();
    this.#ended = ended;
    this.#hidden = ended.hidden;
    this.controller = controller;
    // No property of the answer's own: it prints as what it is.
    Object.defineProperty(this, "controller", { enumerable: false });
  }

  /** What the gateway knows of the call; `response_cost` once the stream has ended. */
  get _hidden_params() {
    return this.#hidden();
  }

  async *[Symbol.asyncIterator]() {
    if (this.#read) throw new TypeError("a stream is read once: use tee() for two readers");
    this.#read = true;
    let over = false;
    try {
      const decoder = new TextDecoder();
      const read = reader();
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        for (const data of read(decoder.decode(value, { stream: true }))) {
          if (data === "[DONE]") {
            over = true;
            await this.#whole();
            return;
          }
          const chunk = JSON.parse(data);
          if (chunk.error) {
            over = true;
            throw await this.#ended.broken(chunk.error);
          }
          yield chunk;
        }
      }
      over = true;
      throw await this.#ended.broken({ message: "the stream ended before its last event", code: "stream_cut" });
    } catch (error) {
      if (over) throw error;
      over = true;
      if (!this.controller.signal.aborted) throw await this.#ended.broken(error);
      await this.#ended.left();
      throw this.controller.signal.reason;
    } finally {
      if (!over) this.#leave();
    }
  }

  /** The last event is read; that the connection closes after it is waited for by nobody. */
  async #whole() {
    this.#reader.read().catch(() => {});
    await this.#ended.whole();
  }

  #leave() {
    this.#reader.cancel().catch(() => {});
    this.controller.abort();
    void this.#ended.left();
  }

  /** Two streams of the same chunks, each read at its own pace; what the slower one has not read is kept. */
  tee() {
    const source = this[Symbol.asyncIterator]();
    const queues = [[], []];
    const pull = (queue) => {
      if (!queue.length) {
        const next = source.next();
        for (const own of queues) own.push(next);
      }
      return queue.shift();
    };
    return queues.map((queue) => ({
      controller: this.controller,
      [Symbol.asyncIterator]: () => ({ next: () => pull(queue) }),
    }));
  }

  /** Server-sent events again: the body of a Response for a browser. */
  toReadableStream() {
    const source = this[Symbol.asyncIterator]();
    const encoder = new TextEncoder();
    return new ReadableStream({
      async pull(out) {
        const { done, value } = await source.next();
        out.enqueue(encoder.encode(`data: ${done ? "[DONE]" : JSON.stringify(value)}\n\n`));
        if (done) out.close();
      },
      cancel: () => source.return(),
    });
  }

  /** Closes the provider's connection, where the stream has not ended. */
  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    if (this.#read) return this.controller.abort();
    this.#read = true;
    this.#leave();
  }
}
