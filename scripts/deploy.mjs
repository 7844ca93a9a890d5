// npm run deploy: the KV namespace, the configuration and the Worker, on the account that wrangler is logged in to.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { kept, packaged, root } from "./place.mjs";
import { run } from "./process.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { checkSize } from "./size.mjs";
import { Problem, main, step } from "./steps.mjs";
import { buildAll } from "./wasm.mjs";
import { namespaceId, withNamespaceId } from "./wrangler-toml.mjs";

const BINDING = "TOLLGATE_KV";
const TITLE = "tollgate";

/** The program that does Cloudflare's part; a test names a recording one. */
const wrangler = process.env.TOLLGATE_WRANGLER ?? packaged("wrangler", "bin", "wrangler.js");
const settings = process.env.TOLLGATE_WRANGLER_TOML ?? join(root, "wrangler.toml");

async function cloudflare(title, args) {
  const all = [wrangler, ...args, "--config", settings];
  // wrangler asks no questions where it believes that no one is there to answer.
  const { code, stdout, output } = await step(title, (at) =>
    run(process.execPath, all, { cwd: root, onLine: at, env: { CI: "1" } }),
  );
  if (code === 0) return stdout;
  const mend = /not (logged in|authenticated)|CLOUDFLARE_API_TOKEN|Authentication error/i.test(output)
    ? "log in by `npm run wrangler -- login`, or set CLOUDFLARE_API_TOKEN, and try again"
    : "wrangler's own message is above";
  throw new Problem(`${title} failed: ${mend}`, output);
}

/** Makes sure that the namespace exists and that wrangler.toml has its id. */
async function namespace() {
  const text = readFileSync(settings, "utf8");
  if (namespaceId(text, BINDING)) return;
  const listed = await cloudflare("KV namespaces", ["kv", "namespace", "list"]);
  let id = JSON.parse(listed.slice(listed.indexOf("["))).find(({ title }) => title === TITLE)?.id;
  if (!id) {
    const created = await cloudflare("a KV namespace", ["kv", "namespace", "create", TITLE]);
    id = created.match(/\bid"?\s*[=:]\s*"([0-9a-f]{32})"/)?.[1];
    if (!id) throw new Problem("wrangler named no id of the new KV namespace; its own message is above", created);
  }
  writeFileSync(settings, withNamespaceId(text, BINDING, id));
  console.log(`  wrangler.toml now names the KV namespace ${id}: commit it`);
}

/** The secrets that the configuration names: wrangler asks for each one's value, this script never does. */
function secrets(config, references) {
  const names = [...new Set(references.map(({ name }) => name))].sort();
  if (names.length) {
    console.log("\nThe configuration needs these secrets. Set each once (wrangler asks for the value):\n");
    for (const name of names) console.log(`  npm run wrangler -- secret put ${name}`);
  }
  if (!config.general_settings?.master_key) {
    console.log("\nwarning: no general_settings.master_key: the deployed gateway will refuse every request");
  }
}

function configPath() {
  try {
    return parseArgs({ options: { config: { type: "string", default: "config.yaml" } } }).values.config;
  } catch (error) {
    throw new Problem(`${error.message.split("\n")[0]} (npm run deploy -- [--config FILE])`);
  }
}

await main(async () => {
  const path = configPath();
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await buildAll();
  checkSize();
  const { checkedConfig } = await import("./checker.mjs");
  const { references } = await import("./variables.mjs");
  const { config } = await checkedConfig(path);
  const folder = join(kept, "deploy");
  mkdirSync(folder, { recursive: true });
  const json = join(folder, "config.json");
  writeFileSync(json, JSON.stringify(config));

  await namespace();
  // The configuration first: a new Worker never meets an old one.
  await cloudflare("configuration", ["kv", "key", "put", "config", "--path", json, "--binding", BINDING, "--remote"]);
  const deployed = await cloudflare("Worker", ["deploy"]);
  const address = deployed.match(/https:\/\/\S+\.workers\.dev/)?.[0];
  if (address) console.log(`\nThe gateway is at ${address}`);
  secrets(config, references(config));
});
