// What every bench needs: a Worker that does nothing beside a gateway, load, and the CPU time of a workerd.

import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";

import { Log, LogLevel, Miniflare } from "miniflare";

import { workerSettings } from "../scripts/wrangler-toml.mjs";
import { startGateway, startUpstream } from "../tests/worker/gateway.mjs";
import { answer } from "./upstream.mjs";

const NULL_WORKER = `export default {
  async fetch(request, env) {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/itself") return new Response(await request.arrayBuffer());
    return fetch(env.UPSTREAM + pathname + search, request);
  },
};`;

/** Where a Worker that does nothing answers by itself; every other path goes to the upstream and comes back. */
export const ITSELF = "/itself";

async function startNullWorker(upstream) {
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

/**
 * Starts an upstream, a Worker that does nothing and a gateway on `config(upstream's URL)`, hands
 * `{ upstream, nothing, gateway }` to `work`, and stops all three.
 */
export async function stage(config, work) {
  const upstream = await startUpstream((request, response, seen) => {
    // Nobody reads what was asked, and it would fill the memory.
    upstream.requests.length = 0;
    return answer(request, response, seen);
  });
  const nothing = await startNullWorker(upstream.url);
  const gateway = await startGateway({ config: config(upstream.url), bare: true });
  try {
    return await work({ upstream, nothing, gateway });
  } finally {
    await Promise.all([gateway.stop(), nothing.stop()]);
    await upstream.stop();
  }
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

/** The CPU time in ms that a process of Node's has used so far. */
export function nodeCpu(pid) {
  if (process.platform !== "linux") return psTime(spawnSync("ps", ["-o", "time=", "-p", String(pid)], { encoding: "utf8" }).stdout);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const psTime = (text) => text.trim().split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;

function psCpu(pid) {
  const { stdout } = spawnSync("ps", ["-A", "-o", "ppid=,time=,comm="], { encoding: "utf8" });
  let total = 0;
  for (const line of (stdout ?? "").split("\n")) {
    const [parent, time, name] = line.trim().split(/\s+/);
    if (Number(parent) !== pid || !name?.endsWith("workerd")) continue;
    total += psTime(time);
  }
  return total;
}

/** Sends one request and answers `{ first, total, status, text }`: ms to the first byte of the body and to its end. */
function once({ url, text: body, headers }, agent) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let first;
    let text = "";
    const all = { "content-type": "application/json", "content-length": Buffer.byteLength(body), ...headers };
    const sent = httpRequest(url, { method: "POST", agent, headers: all }, (answer) => {
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

/** The value in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * Sends `count` equal requests, `parallel` at a time, and answers `{ p50, first, cpu, rate }`: ms, ms to the first byte
 * (both at the median), µs of CPU for a request (of the workerd that `pid` has started, else of what `spent` tells in ms;
 * `undefined` without both), and requests a second. An answer
 * that `expected` does not accept ends the bench.
 */
async function load({ count, parallel, pid, spent = pid && (() => workerdCpu(pid)), expected, ...what }) {
  const agent = new Agent({ keepAlive: true, maxSockets: parallel });
  const results = [];
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      const result = await once(what, agent);
      if (result.status !== 200 || !expected(result.text)) {
        throw new Error(`${what.url} answered ${result.status}: ${result.text.slice(0, 300)}`);
      }
      results.push(result);
    }
  };
  const before = spent?.();
  const start = performance.now();
  await Promise.all(Array.from({ length: parallel }, lane));
  const seconds = (performance.now() - start) / 1000;
  const cpu = spent && ((spent() - before) * 1000) / count;
  agent.destroy();
  const at = (field) => median(results.map((result) => result[field]));
  return { p50: at("total"), first: at("first"), cpu, rate: count / seconds };
}

/**
 * Measures ways beside each other: a warm-up of each, then `rounds` in which each has its turn, so that what else runs on
 * the machine meets all alike. Answers for each way its rounds.
 */
export async function sideBySide(ways, { rounds, warm, ...settings }) {
  for (const way of ways) await load({ ...settings, ...way, count: warm });
  const results = ways.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, way] of ways.entries()) results[index].push(await load({ ...settings, ...way }));
  }
  return results;
}

/** The median over the rounds of what `compare` makes of the results of both ways in the same round. */
export function paired([one, other], compare) {
  return median(other.map((result, round) => compare(result, one[round])));
}

/** One line of the report: `value` is held against `bar`, both in `unit`; without a bar it is only told. */
export function line(what, value, unit, bar, detail = "") {
  return { what, value, unit, bar, detail };
}
