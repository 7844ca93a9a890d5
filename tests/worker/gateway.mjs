// For tests of the built Worker: a gateway on workerd in a process of its own, and an upstream that remembers.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("gateway-process.mjs", import.meta.url));

/**
 * Starts the built Worker on workerd and answers `{ url, pid, logs, stop(), kill(), restart(changes), check() }`.
 *
 * `config` is the configuration as an object, `vars` become bindings, port 0 is any free one; for `bare` see
 * scripts/gateway.mjs. The storage lives in a folder of this gateway's own (`state`) and survives `restart`, which
 * keeps the port and takes a new `config` or new `vars`. `kill` ends workerd without warning, as a crash does;
 * `restart` works after it. `stop` removes the storage.
 */
export async function startGateway({ config = {}, vars = {}, port = 0, bare = false } = {}) {
  const state = mkdtempSync(join(tmpdir(), "tollgate-test-"));
  const gateway = { url: "", pid: 0, state, logs: [], stop, kill, restart, check };
  let options = { config, variables: vars, port, state, bare };
  let child;
  let checked;

  async function open() {
    // A process group of its own, so that workerd can be killed with it.
    child = spawn(process.execPath, [PROGRAM], { detached: true, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const opened = new Promise((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the gateway ended with code ${code} before it served`)));
      child.on("message", ({ url, log, error, checked: done }) => {
        if (done) checked();
        if (url) resolve(url);
        if (error) reject(new Error(error));
        if (log !== undefined) gateway.logs.push(log);
      });
    });
    child.send(options);
    gateway.url = await opened;
    gateway.pid = child.pid;
    options = { ...options, port: Number(new URL(gateway.url).port) };
  }

  async function ended() {
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once("exit", done));
  }

  async function close() {
    if (child.connected) child.send("stop");
    await ended();
  }

  async function kill() {
    if (process.platform === "win32") spawnSync("taskkill", ["/pid", String(child.pid), "/t", "/f"]);
    else process.kill(-child.pid, "SIGKILL");
    await ended();
  }

  /** The cron trigger goes off; returns when its work is done. */
  async function check() {
    const done = new Promise((resolve) => (checked = resolve));
    child.send("check");
    await done;
  }

  async function restart({ config, vars } = {}) {
    await close();
    options = { ...options, config: config ?? options.config, variables: vars ?? options.variables };
    await open();
  }

  async function stop() {
    await close();
    rmSync(state, { recursive: true, force: true });
  }

  await open();
  return gateway;
}

/** Lets pages of other origins ask, as providers do that may be asked from a page. */
function allowPages(request, response) {
  response.setHeader("access-control-allow-origin", request.headers.origin);
  response.setHeader("access-control-allow-headers", request.headers["access-control-request-headers"] ?? "");
  response.setHeader("access-control-expose-headers", "*");
}

/**
 * Starts an HTTP upstream on 127.0.0.1 and answers `{ url, requests, stop() }`.
 *
 * `handler(request, response, seen)` is node:http's, with `seen` the entry of `requests`: `{ method, path, headers,
 * body, closed }`. `body` is the whole body as text; `closed` is a promise that resolves to `"finished"` when the
 * answer was sent whole, or to `"aborted"` when the other side hung up before.
 */
export async function startUpstream(handler) {
  const requests = [];
  const server = createServer((request, response) => {
    if (request.headers.origin) allowPages(request, response);
    if (request.method === "OPTIONS") return response.writeHead(204).end();
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const { method, url: path, headers } = request;
      const closed = new Promise((resolve) => {
        response.on("close", () => resolve(response.writableFinished ? "finished" : "aborted"));
      });
      const seen = { method, path, headers, body: Buffer.concat(parts).toString("utf8"), closed };
      requests.push(seen);
      Promise.resolve(handler(request, response, seen)).catch((error) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error));
      });
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${server.address().port}`, requests, stop };
}
