// The door of the local gateway: passes bytes between clients and workerd, and tells workerd when a client has left.
//
// workerd's own listener takes a client's close (FIN) for half of a conversation that goes on: it notices only a reset,
// or that a later write fails. An upstream that is silent would stay open for a client that is long gone. On Cloudflare
// the edge stands here. Like other proxies, this one takes a client that has closed its sending side for one that left.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Listens on `host`:`port` (0: any free one) for the server on `target` of the same host; answers `{ url, stop }`. */
export async function openFront({ host, port, target }) {
  const open = new Set();
  const keep = (socket) => {
    open.add(socket);
    // An error is followed by a close, which is all that matters here.
    socket.on("error", () => {}).on("close", () => open.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const inner = connect({ host, port: target, noDelay: true, allowHalfOpen: true });
    keep(client);
    keep(inner);
    client.pipe(inner, { end: false });
    inner.pipe(client);
    const left = () => inner.resetAndDestroy();
    client.on("end", left).on("close", left);
    inner.on("close", () => client.destroySoon());
  });
  server.listen(port, host);
  await once(server, "listening");
  async function stop() {
    server.close();
    for (const socket of open) socket.destroy();
    if (server.listening) await once(server, "close");
  }
  return { url: `http://${host}:${server.address().port}`, stop };
}
