// Size of what is deployed, and the start of an instance until its first answer above that of a Worker that does nothing.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { Log, LogLevel, Miniflare } from "miniflare";

import { root, workerFolder } from "../scripts/place.mjs";
import { workerSettings } from "../scripts/wrangler-toml.mjs";
import { line, median } from "./harness.mjs";

// design: ms of our own.
const BAR = 5;
const ROUNDS = 31;

// Starts a new isolate for each request, and tells how long its first answer took. Time stands still in a Worker while it
// computes, so the measuring is done outside.
const STARTER = `
import WASM from "./tollgate.bin";
const NULL_WORKER = "export default { fetch: () => new Response('{}') };";
// Tollgate's own entry, with a configuration instead of a KV namespace: another Worker's bindings cannot be lent.
const WITH_CONFIG = \`
import worker from "./index.js";
const config = JSON.stringify(CONFIG);
const kv = { get: async () => config, getWithMetadata: async () => ({ value: config }), put() {}, list() {}, delete() {} };
export * from "./index.js";
export default { fetch: (request, env, context) => worker.fetch(request, { ...env, TOLLGATE_KV: kv }, context) };
\`;
let count = 0;
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const ours = pathname === "/tollgate";
    const modules = ours
      ? {
          "main.js": WITH_CONFIG.replace("CONFIG", env.CONFIG),
          "index.js": env.SCRIPT,
          "index_bg.wasm": { wasm: WASM },
        }
      : { "main.js": NULL_WORKER };
    const worker = env.LOADER.get(String(count++), () => ({
      compatibilityDate: env.DATE,
      compatibilityFlags: ["enable_request_signal"],
      mainModule: "main.js",
      modules,
      env: { TOLLGATE_LOOPBACK: "1" },
    }));
    const body = '{"model":"echo","messages":[{"role":"user","content":"hello"}]}';
    const headers = { "content-type": "application/json" };
    const answer = await worker.getEntrypoint().fetch("http://x/v1/chat/completions", { method: "POST", headers, body });
    return new Response(await answer.text(), { status: answer.status });
  },
};`;

/** A configuration of the size of a small company's. */
function config() {
  const deployment = (_, index) => ({
    model_name: `model-${index}`,
    litellm_params: { model: "openai/gpt-4o-mini", api_key: "os.environ/OPENAI_API_KEY", rpm: 100 },
  });
  const echo = { model_name: "echo", litellm_params: { model: "mock/echo" } };
  return { model_list: [echo, ...Array.from({ length: 20 }, deployment)], general_settings: { disable_spend_logs: true } };
}

async function startStarter(script, wasm) {
  const { date, flags } = workerSettings();
  const text = (value) => ({ type: "text", value });
  const worker = {
    name: "starter",
    compatibilityDate: date,
    compatibilityFlags: flags,
    manifest: {
      mainModule: "index.js",
      modulesRoot: "/",
      modules: {
        "index.js": { type: "esm", contents: STARTER },
        "tollgate.bin": { type: "data", contents: wasm },
      },
    },
    env: {
      LOADER: { type: "worker-loader" },
      SCRIPT: text(script),
      CONFIG: text(JSON.stringify(config())),
      DATE: text(date),
    },
  };
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: () => {},
    workers: [{ config: worker, dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] } }],
  });
  await miniflare.ready;
  return miniflare;
}

/** The time in ms until the first answer of a new instance. */
async function first(origin, which) {
  const start = performance.now();
  const answer = await fetch(`${origin}/${which}`);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`a new instance answered ${answer.status}: ${text.slice(0, 300)}`);
  return performance.now() - start;
}

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  const wasm = readFileSync(join(workerFolder, "index_bg.wasm"));
  const script = readFileSync(join(workerFolder, "index.js"), "utf8");
  const kb = (bytes) => bytes / 1024;
  const { worker_wasm_gzip_kb: budget } = JSON.parse(readFileSync(join(root, "size-budget.json"), "utf8"));
  const lines = [
    line("Worker wasm, gzip", kb(gzipSync(wasm, { level: 9 }).length), "KB", budget, `${kb(wasm.length).toFixed(0)} KB raw`),
    line("Worker script, gzip", kb(gzipSync(script, { level: 9 }).length), "KB"),
  ];
  const starter = await startStarter(script, wasm);
  try {
    const { origin } = await starter.unsafeGetDirectURL();
    for (const which of ["null", "tollgate"]) await first(origin, which);
    const nulls = [];
    const above = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const nothing = await first(origin, "null");
      nulls.push(nothing);
      above.push((await first(origin, "tollgate")) - nothing);
    }
    const detail = `a null Worker: ${median(nulls).toFixed(1)} ms; 20 deployments, mock/echo`;
    lines.push(line("Start until the first answer, own share", median(above), "ms", BAR, detail));
  } finally {
    await starter.dispose();
  }
  return lines;
}
