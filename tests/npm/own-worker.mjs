// For tests of the package in a Worker of one's own: bundled by esbuild, run by workerd.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Log, LogLevel, Miniflare } from "miniflare";

import { packaged } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { workerSettings } from "../../scripts/wrangler-toml.mjs";

/** Runs esbuild in a project; answers what it warned of. */
export async function esbuild(project, args) {
  const exe = process.platform === "win32" ? "esbuild.exe" : join("bin", "esbuild");
  const program = packaged(`@esbuild/${process.platform}-${process.arch}`, exe);
  const { code, output } = await run(program, [...args, "--log-level=warning"], { cwd: project });
  assert.equal(code, 0, output);
  return output;
}

/** Bundles a program in a project that has the package, and runs it until the test `t` ends; answers its URL. */
export async function ownWorker(t, project, program) {
  writeFileSync(join(project, "worker.mjs"), program);
  const args = ["--bundle", "--conditions=workerd", "--format=esm", "--loader:.wasm=copy", "--asset-names=[name]"];
  await esbuild(project, ["worker.mjs", ...args, "--outdir=worker"]);
  const file = (name) => readFileSync(join(project, "worker", name));
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.ERROR),
    workers: [
      {
        config: {
          name: "own",
          compatibilityDate: workerSettings().date,
          compatibilityFlags: ["enable_request_signal"],
          manifest: {
            mainModule: "worker.js",
            modulesRoot: join(project, "worker"),
            modules: {
              "worker.js": { type: "esm", contents: file("worker.js").toString() },
              "tollgate.wasm": { type: "wasm", contents: file("tollgate.wasm") },
            },
          },
        },
        dev: { rootPath: project },
      },
    ],
  });
  t.after(() => miniflare.dispose());
  return miniflare.ready;
}
