// What every bench needs: an upstream, a Worker that does nothing, load, and the CPU time of a workerd.

import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";

import { Log, LogLevel, Miniflare } from "miniflare";

import { workerSettings } from "../scripts/wrangler-toml.mjs";

export { startGateway, startUpstream } from "../tests/worker/gateway.mjs";

const NULL_WORKER = `export default {
  fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    return fetch(env.UPSTREAM + pathname + search, request);
  },
};`;

/** Starts a Worker that hands each request to the upstream and its answer back: `{ url, pid, stop() }`. */
export async function startNullWorker(upstream) {
  const { date, flags } = workerSettings();
  const config = {
    name: "null",
    compatibilityDate: date,
    compatibilityFlags: flags,
    manifest: {
      mainModule: "index.js",
      modulesRoot: "/",
      modules: { "index.js": { type: "esm", contents: NULL_WORKER } },
    },
    env: { UPSTREAM: { type: "text", value: upstream } },
  };
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.ERROR),
    // Miniflare's own Workers do not stand before it: see `bare` in scripts/gateway.mjs.
    workers: [{ config, dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] } }],
  });
  await miniflare.ready;
  // Its workerd is a child of this process; a gateway's is a child of the gateway's own process.
  const { origin } = await miniflare.unsafeGetDirectURL();
  return { url: origin, pid: process.pid, stop: () => miniflare.dispose() };
}

/** The CPU time in ms that the workerd started by the process `pid` has used so far. */
export function workerdCpu(pid) {
  return process.platform === "linux" ? linuxCpu(pid) : psCpu(pid);
}

function linuxCpu(pid) {
  let ticks = 0;
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    let stat;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, "utf8");
    } catch {
      // It ended between the listing and the reading.
      continue;
    }
    // The name stands in brackets and may hold anything; the fields behind it are numbers.
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const [, parent, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(parent) === pid && name === "workerd") ticks += Number(rest[9]) + Number(rest[10]);
  }
  // The kernel tells user space 100 ticks a second, whatever it counts itself.
  return ticks * 10;
}

function psCpu(pid) {
  const { stdout } = spawnSync("ps", ["-A", "-o", "ppid=,time=,comm="], { encoding: "utf8" });
  let total = 0;
  for (const line of (stdout ?? "").split("\n")) {
    const [parent, time, name] = line.trim().split(/\s+/);
    if (Number(parent) !== pid || !name?.endsWith("workerd")) continue;
    total += time.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;
  }
  return total;
}

/** Sends one request and answers `{ first, total, status, text }`: ms to the first byte of the body and to its end. */
function once(url, body, agent) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let first;
    let text = "";
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = httpRequest(url, { method: "POST", agent, headers }, (answer) => {
      answer.setEncoding("utf8").on("data", (part) => {
        first ??= performance.now() - start;
        text += part;
      });
      answer.on("end", () => resolve({ first, total: performance.now() - start, status: answer.statusCode, text }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

/**
 * Sends `count` equal requests, `parallel` at a time, after a warm-up, and answers `{ p50, p99, first, cpu }`: ms, ms,
 * ms to the first byte at the median, and µs of workerd's CPU for a request (`undefined` without a `pid`). An answer
 * that `expected` does not accept ends the bench.
 */
export async function load({ url, body, count, parallel, pid, expected }) {
  const agent = new Agent({ keepAlive: true, maxSockets: parallel });
  const text = JSON.stringify(body);
  const send = async (times) => {
    const results = [];
    let left = times;
    const lane = async () => {
      while (left-- > 0) {
        const result = await once(url, text, agent);
        if (result.status !== 200 || !expected(result.text)) {
          throw new Error(`${url} answered ${result.status}: ${result.text.slice(0, 200)}`);
        }
        results.push(result);
      }
    };
    await Promise.all(Array.from({ length: parallel }, lane));
    return results;
  };
  await send(Math.ceil(count / 5));
  const before = pid && workerdCpu(pid);
  const results = await send(count);
  const cpu = pid && ((workerdCpu(pid) - before) * 1000) / count;
  agent.destroy();
  const sorted = (field) => results.map((result) => result[field]).sort((a, b) => a - b);
  const total = sorted("total");
  return { p50: quantile(total, 0.5), p99: quantile(total, 0.99), first: quantile(sorted("first"), 0.5), cpu };
}

/** Prints rows of equal keys as a table. */
export function table(title, rows) {
  const names = Object.keys(rows[0]);
  const cell = (value) => (typeof value === "number" ? value.toFixed(value < 10 ? 2 : 0) : (value ?? "-"));
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, index) => Math.max(...lines.map((line) => line[index].length)));
  console.log(`\n${title}`);
  for (const line of lines) {
    const padded = line.map((text, index) => (index ? text.padStart(widths[index]) : text.padEnd(widths[0])));
    console.log(`  ${padded.join("  ")}`);
  }
}
