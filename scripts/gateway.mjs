// Runs the built Worker on workerd, with its storage in a local folder.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Log, LogLevel, Miniflare } from "miniflare";

import { checkRegularly } from "../npm/cli/checks.js";
import { openFront } from "./front.mjs";
import { pageFolder, root, workerFolder } from "./place.mjs";
import { workerSettings } from "./wrangler-toml.mjs";

/**
 * Starts the gateway on 127.0.0.1 and answers `{ url, stop, check }`; `check` is its cron trigger. `config` is the configuration as an object (none: as
 * KV has it), `variables` become bindings, `state` is the folder that KV and the Ledger live in, `log` gets each line
 * that the Worker logs; port 0 is any free one. A `bare` gateway serves no page and has none of Miniflare's own Workers
 * before it, which imitate Cloudflare's front: what is measured then is ours.
 */
export async function openGateway({ config, variables = {}, port = 0, state, bare = false, log = console.log }) {
  const host = "127.0.0.1";
  const { date, flags, objects } = workerSettings();
  const texts = Object.entries({ ...variables, TOLLGATE_LOOPBACK: "1" });
  const text = texts.map(([name, value]) => [name, { type: "text", value }]);
  const ledgers = objects.map(({ binding, className }) => [
    binding,
    { type: "durable-object", worker: "tollgate", exportName: className },
  ]);
  const worker = {
    name: "tollgate",
    compatibilityDate: date,
    compatibilityFlags: flags,
    manifest: {
      mainModule: "index.js",
      modulesRoot: workerFolder,
      modules: {
        "index.js": { type: "esm", contents: readFileSync(join(workerFolder, "index.js"), "utf8") },
        "index_bg.wasm": { type: "wasm", contents: readFileSync(join(workerFolder, "index_bg.wasm")) },
      },
    },
    env: {
      ...Object.fromEntries([...text, ...ledgers]),
      TOLLGATE_KV: { type: "kv", id: "tollgate" },
      ...(!bare && { ASSETS: { type: "assets" } }),
    },
    exports: Object.fromEntries(
      objects.map(({ className }) => [className, { type: "durable-object", storage: "sqlite" }]),
    ),
    ...(!bare && { assets: { directory: pageFolder, hasUserWorker: true } }),
  };
  const miniflare = new Miniflare({
    host,
    port: 0,
    cf: false,
    logRequests: false,
    telemetry: { enabled: false },
    resourcePersistencePath: state,
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: ({ message }) => log(message),
    workers: [{ config: worker, dev: { rootPath: root, ...(bare && { unsafeDirectSockets: [{ host, port }] }) } }],
  });
  try {
    const inner = await miniflare.ready;
    // Before the door opens: an instance that starts without a configuration would act on none for half a minute.
    if (config) {
      const kv = await miniflare.getKVNamespace("TOLLGATE_KV");
      await kv.put("config", JSON.stringify(config));
    }
    const front = bare
      ? { url: (await miniflare.unsafeGetDirectURL()).origin, stop: async () => {} }
      : await openFront({ host, port, target: Number(inner.port) });
    // What a cron trigger does on Cloudflare.
    const check = async () => (await miniflare.getWorker("tollgate")).scheduled({ cron: "* * * * *" });
    const { background_health_checks: wanted, health_check_interval: seconds = 300 } = config?.general_settings ?? {};
    const stopChecks = checkRegularly({ checkInterval: wanted === true ? seconds * 1000 : 0, checkDeployments: check });
    const stop = async () => {
      stopChecks();
      await front.stop();
      await miniflare.dispose();
    };
    return { url: front.url, stop, check };
  } catch (error) {
    await miniflare.dispose().catch(() => {});
    throw error;
  }
}
