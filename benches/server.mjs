// `npx tollgate` beside the Worker: the same configuration, the same upstream, both asked directly; and the package's sizes.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { npmFolder } from "../scripts/place.mjs";
import { run } from "../scripts/process.mjs";
import { served } from "../tests/npm/command.mjs";
import { line, median, nodeCpu, paired, sideBySide, stage } from "./harness.mjs";

const LOAD = { rounds: 7, warm: 1500, count: 500, parallel: 8 };

// The spend log of the master key's calls is written by a Durable Object there, and into SQLite here.
const config = (url) => ({
  general_settings: { disable_spend_logs: true },
  model_list: [{ model_name: "m", litellm_params: { model: "openai/gpt-4o-mini", api_base: `${url}/v1`, api_key: "sk-upstream" } }],
});

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-bench-"));
  try {
    return [...(await beside(folder)), ...(await sizes(folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function beside(folder) {
  return stage(config, async ({ upstream, gateway }) => {
    writeFileSync(join(folder, "config.yaml"), JSON.stringify(config(upstream.url)));
    const command = await served(["--data", "memory"], { cwd: folder });
    try {
      const body = { model: "m", messages: [{ role: "user", content: "hello" }] };
      const answers = { text: JSON.stringify(body), expected: (got) => got.includes("choices") };
      const path = "/v1/chat/completions";
      const spent = () => nodeCpu(command.child.pid);
      const ways = [
        { url: gateway.url + path, pid: gateway.pid, ...answers },
        { url: command.url + path, spent, ...answers },
      ];
      const results = await sideBySide(ways, LOAD);
      const [worker, node] = results.map((rounds) => ["p50", "cpu", "rate"].map((name) => median(rounds.map((it) => it[name]))));
      const told = ([p50, cpu, rate]) => `p50 ${p50.toFixed(2)} ms, ${cpu.toFixed(0)} µs CPU, ${rate.toFixed(0)} requests/s`;
      const ratio = paired(results, (ours, theirs) => ours.cpu / theirs.cpu);
      const detail = `${told(node)} against ${told(worker)}, at 8 in parallel`;
      return [line("npx tollgate: CPU of a request against the Worker's", ratio, "×", undefined, detail)];
    } finally {
      command.child.kill("SIGTERM");
      await command.ended;
    }
  });
}

/** The package as it is packed, and its wasm. */
async function sizes(folder) {
  const { code, stdout, output } = await run("npm", ["pack", "--json", "--pack-destination", folder, npmFolder]);
  if (code !== 0) throw new Error(output);
  const [{ filename }] = JSON.parse(stdout);
  const wasm = readFileSync(join(npmFolder, "dist", "tollgate.wasm"));
  const kb = (bytes) => bytes / 1024;
  const raw = `${kb(wasm.length).toFixed(0)} KB raw`;
  return [
    line("npm: the package as it is packed", kb(statSync(join(folder, filename)).size), "KB"),
    line("npm: its wasm, gzip", kb(gzipSync(wasm, { level: 9 }).length), "KB", undefined, raw),
  ];
}
