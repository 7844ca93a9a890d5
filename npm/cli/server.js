// node:http before gateway.fetch: requests in, answers out at the pace of the client, and a client that leaves is told on.

import { once } from "node:events";
import { createServer } from "node:http";
import { Readable } from "node:stream";

// A body whose length is told and that is not longer is read at once: a stream costs more than the bytes.
const AT_ONCE = 1 << 20;

/** Opens a server on `host`:`port` (0: any free one); answers `{ url, stop(grace) }`. `page(path)` has the page's files. */
export async function openServer(gateway, { host, port, page = () => undefined }) {
  let stopping = false;
  const server = createServer({ keepAliveTimeout: 65_000 }, (incoming, outgoing) => {
    // A connection that is kept would hold the end back.
    if (stopping) outgoing.setHeader("connection", "close");
    outgoing.on("close", () => stopping && setImmediate(() => server.closeIdleConnections()));
    const file = (incoming.method === "GET" || incoming.method === "HEAD") && page(incoming.url.split("?")[0]);
    if (file) {
      const length = ["content-length", String(file.body.length)];
      outgoing.writeHead(200, [...file.headers, ...length]).end(incoming.method === "HEAD" ? undefined : file.body);
      return;
    }
    serve(gateway, incoming, outgoing).catch((error) => {
      console.error(JSON.stringify({ event: "server_failed", error: error.message }));
      outgoing.destroy();
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const name = host.includes(":") ? `[${host}]` : host;

  /** Takes no more connections, lets calls end for at most `grace` ms, then cuts those that are left. */
  async function stop(grace) {
    stopping = true;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    const late = setTimeout(() => server.closeAllConnections(), grace);
    await closed;
    clearTimeout(late);
    // What was cut is settled as a client that left.
    await gateway.close({ timeout: 1_000 });
  }

  return { url: `http://${name}:${server.address().port}`, stop };
}

async function serve(gateway, incoming, outgoing) {
  const left = new AbortController();
  outgoing.on("close", () => {
    if (!outgoing.writableFinished) left.abort();
  });
  let request;
  try {
    request = await toRequest(incoming, left.signal);
  } catch (error) {
    return refuse(outgoing, 400, `this is no request that can be answered: ${error.message}`);
  }
  // The client left while it sent its body.
  if (!request) return undefined;
  const response = await gateway.fetch(request);
  // What is not read of the body would be taken for the next request.
  if (!incoming.complete) outgoing.setHeader("connection", "close");
  const headers = [...response.headers].flat();
  if (incoming.method === "HEAD" || !response.body) {
    outgoing.writeHead(response.status, headers).end();
    return undefined;
  }
  if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
    const body = Buffer.from(await response.arrayBuffer());
    outgoing.writeHead(response.status, [...headers, "content-length", String(body.length)]).end(body);
    return undefined;
  }
  outgoing.writeHead(response.status, headers);
  return pump(response.body.getReader(), outgoing);
}

/** Writes as fast as the client reads. */
async function pump(reader, outgoing) {
  let wake;
  const left = () => {
    wake?.();
    // The read that waits ends with it.
    reader.cancel().catch(() => {});
  };
  outgoing.on("drain", () => wake?.()).on("close", left);
  if (outgoing.destroyed) left();
  for (;;) {
    // An answer that breaks off must not end as a whole one does.
    const { done, value } = await reader.read().catch(() => outgoing.destroy() && { done: true });
    if (outgoing.destroyed) return;
    if (done) return void outgoing.end();
    if (!outgoing.write(value)) await new Promise((resolve) => (wake = resolve));
  }
}

async function toRequest(incoming, signal) {
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at], incoming.rawHeaders[at + 1]);
  }
  const url = new URL(`http://${headers.get("host") ?? "localhost"}${incoming.url.replace(/^\/*/, "/")}`);
  const { method } = incoming;
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });
  if (Number(headers.get("content-length") ?? Infinity) > AT_ONCE) {
    const body = Readable.toWeb(incoming);
    return new Request(url, { method, headers, signal, body, duplex: "half" });
  }
  const parts = [];
  try {
    for await (const part of incoming) parts.push(part);
  } catch {
    return undefined;
  }
  return new Request(url, { method, headers, signal, body: Buffer.concat(parts) });
}

function refuse(outgoing, status, message) {
  const body = JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code: String(status) } });
  outgoing.writeHead(status, { "content-type": "application/json", connection: "close" }).end(body);
}
