// What is cheaper said in JavaScript: each crossing between wasm and JavaScript costs about as much as parsing a short
// event, and a header costs several. Header fields cross as one text: name, line feed, value, line feed.

/** The fields of a Headers object as one text. */
export function fields(headers) {
  let text = "";
  for (const [name, value] of headers) text += `${name}\n${value}\n`;
  return text;
}

function pairs(text) {
  const parts = text.split("\n");
  const list = [];
  for (let at = 0; at + 1 < parts.length; at += 2) list.push([parts[at], parts[at + 1]]);
  return list;
}

/** Leaves out what HTTP cannot carry. */
function carried(list) {
  return list.filter(([name, value]) => {
    try {
      return new Headers([[name, value]]);
    } catch {
      return false;
    }
  });
}

/** Calls `told` when a signal is aborted; `unlisten` takes it back. */
export const listen = (signal, told) => signal.addEventListener("abort", told);
export const unlisten = (signal, told) => signal.removeEventListener("abort", told);

/** An answer with `body`, a stream, bytes or none. */
export function respond(body, status, text) {
  const headers = pairs(text);
  try {
    return new Response(body, { status, headers });
  } catch {
    return new Response(body, { status, headers: carried(headers) });
  }
}

/**
 * Sends a request, by a fetch of the embedder's own where it has given one. A redirect would carry the credential to
 * wherever it points: it is an answer like any other.
 */
export function send(fetcher = fetch, url, method, text, body, signal) {
  return fetcher(url, { method, headers: pairs(text), body, signal, redirect: "manual" });
}

/**
 * A fetcher that asks a Worker's AI binding, if it has one. The URL is `binding:NAME/model`, the body the model's
 * input; the answer is a Response as Workers AI gives it, a refusal and a stream among them.
 */
export function bound(env, name) {
  const ai = env[name];
  if (!ai) return undefined;
  return async (url, { body, signal }) => {
    const input = JSON.parse(new TextDecoder().decode(body));
    const answer = await ai.run(url.slice(`binding:${name}/`.length), input, { returnRawResponse: true });
    // What is no longer wanted is told to the model by closing its stream.
    if (!answer.body) return answer;
    return new Response(answer.body.pipeThrough(new IdentityTransformStream(), { signal }), answer);
  };
}

/** A gzipped file of the assets, unpacked; nothing where it is missing. */
export async function unpacked(assets, path) {
  const answer = await assets?.fetch(`https://assets${path}`);
  if (!answer?.ok) return undefined;
  return new Uint8Array(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

// One piece of a body whose length is not told: most answers fit into the first, and few need a third.
const PIECES = [16 << 10, 256 << 10];

/**
 * Reads a body to its end: its bytes, or nothing when it has more than `bound`. With `told`, the message has said its
 * length, and that is within the bound.
 */
export async function whole(message, bound, told) {
  if (told) return new Uint8Array(await message.arrayBuffer());
  if (!message.body) return new Uint8Array();
  if (!globalThis.IdentityTransformStream) return bounded(message.body.getReader(), bound);
  const reader = message.body.getReader({ mode: "byob" });
  const parts = [];
  let length = 0;
  for (;;) {
    const size = PIECES[Math.min(parts.length, PIECES.length - 1)];
    // Answers with less than it was asked for only at the end.
    const { done, value } = await reader.readAtLeast(size, new Uint8Array(size));
    if (!done) {
      parts.push(value);
      length += value.length;
    }
    if (length > bound) return undefined;
    if (done || value.length < size) return joined(parts, length);
  }
}

/** The same by the means that all platforms have. */
async function bounded(reader, bound) {
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts, length);
    parts.push(value);
    length += value.length;
    if (length > bound) return undefined;
  }
}

function joined(parts, length) {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const RS256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/**
 * Signs with a private RSA key in PKCS#8. The key is imported each time: a token that is signed for lives an hour.
 * The arguments are views of wasm's memory, which may move or be freed before a promise is kept.
 */
export async function signRs256(pkcs8, message) {
  const [bytes, text] = [pkcs8.slice(), message.slice()];
  const key = await crypto.subtle.importKey("pkcs8", bytes, RS256, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(RS256.name, key, text));
}

/** Reads the next piece of a stream: `ok` gets its bytes, or nothing at the end. */
export function read(reader, ok, failed) {
  reader.read().then(({ value }) => ok(value), failed);
}

/** The platform's own pipe, as `{ readable, writer }`: `writer.closed` is rejected when the reader has left. */
export function pipe() {
  const { readable, writable } = new IdentityTransformStream();
  return { readable, writer: writable.getWriter() };
}

/** The bytes that this data centre's cache holds under a URL; nothing where it has none, or where there is no cache. */
export async function cached(url) {
  try {
    const answer = await caches.default.match(url);
    return answer && new Uint8Array(await answer.arrayBuffer());
  } catch {
    return undefined;
  }
}

/** Puts bytes into this data centre's cache for so many seconds; does nothing where there is no cache. */
export async function cache(url, bytes, seconds) {
  const answer = new Response(bytes.slice(), { headers: { "cache-control": `max-age=${seconds}` } });
  try {
    await caches.default.put(url, answer);
  } catch {}
}
