// The pipe of a streamed answer: what the wasm writes comes out of a ReadableStream, at the pace of its reader.

/**
 * A stream with the writer that feeds it: `{ readable, writer }`. A write is done when the reader has taken its bytes;
 * `writer.closed` is rejected when the reader has left. A TransformStream is three streams, and costs as much.
 */
export function pipe() {
  let controller, served, writing, leave, end;
  let left = false;
  const closed = new Promise((resolve, reject) => ([end, leave] = [resolve, reject]));
  // Whoever does not watch is not to hear of it as an error.
  closed.catch(() => {});
  const serve = () => {
    if (!served || !writing) return;
    const [done, { bytes, written }] = [served, writing];
    served = writing = undefined;
    controller.enqueue(bytes);
    done();
    written();
  };
  const source = {
    start: (own) => void (controller = own),
    pull: () =>
      new Promise((resolve) => {
        served = resolve;
        serve();
      }),
    cancel(reason) {
      left = true;
      leave(reason);
      writing?.failed(reason);
    },
  };
  const readable = new ReadableStream(source, { highWaterMark: 0 });
  const write = (bytes) =>
    new Promise((written, failed) => {
      if (left) return failed();
      writing = { bytes, written, failed };
      serve();
    });
  const over = () => {
    served?.();
    end();
  };
  const close = async () => {
    if (!left) controller.close();
    over();
  };
  const abort = async () => {
    if (!left) controller.error(new DOMException("the answer was broken off", "AbortError"));
    over();
  };
  return { readable, writer: { write, close, abort, closed } };
}

/** The platform's own, where it has one: workerd's is native. */
export function nativePipe() {
  const { readable, writable } = new IdentityTransformStream();
  return { readable, writer: writable.getWriter() };
}
