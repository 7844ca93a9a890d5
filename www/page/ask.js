// Asks the engine, which works in a worker: the page stays free to draw.

// A worker that is made of a blob has the page's own policy on every host: it cannot reach any other origin either.
const source = `import ${JSON.stringify(new URL("engine.js", import.meta.url).href)}`;
const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
const waiting = new Map();
let last = 0;

worker.onmessage = ({ data: { id, value, error, findings, share } }) => {
  const asked = waiting.get(id);
  if (!asked) return;
  if (share !== undefined) return asked.tell?.(share);
  waiting.delete(id);
  if (error === undefined) asked.resolve(value);
  else asked.reject(Object.assign(new Error(error), { findings }));
};
worker.onerror = () => {
  for (const { reject } of waiting.values()) reject(new Error("the engine could not be loaded: reload the page"));
  waiting.clear();
};

/** Asks the engine for a method; `tell` hears a share from 0 to 1 of what takes long. */
export function ask(method, args, tell) {
  const id = ++last;
  worker.postMessage({ id, method, args });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject, tell }));
}
