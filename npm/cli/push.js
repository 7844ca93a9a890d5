// tollgate push: a checked configuration into the KV of a deployed Worker.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Problem } from "../../scripts/steps.mjs";
import { references } from "../../scripts/variables.mjs";
import { readOptions } from "./options.js";
import { configured } from "./serve.js";

export const HELP = `tollgate push: puts a configuration into the KV of a deployed Worker, which takes it within a minute or two.

Usage: tollgate push [FILE] [options]      (default config.yaml)

  --wrangler FILE  the wrangler.toml of the Worker (default wrangler.toml), whose KV binding is TOLLGATE_KV

It calls wrangler: the one in node_modules, else by npx. Log in first: npx wrangler login.
`;

/** Calls wrangler, on this terminal. */
export function wrangler(args) {
  const own = process.env.TOLLGATE_WRANGLER ?? join("node_modules", "wrangler", "bin", "wrangler.js");
  const [program, before] = existsSync(own) ? [process.execPath, [own]] : ["npx", ["--yes", "wrangler@4"]];
  const { status, error } = spawnSync(program, [...before, ...args], { stdio: "inherit", shell: false });
  if (error) throw new Problem(`wrangler does not start: ${error.message}`);
  if (status !== 0) throw new Problem("wrangler failed: its own message is above");
}

export async function run(args) {
  const { options, rest } = readOptions(args, { wrangler: "text" }, 1);
  const settings = options.wrangler ?? "wrangler.toml";
  if (!existsSync(settings)) {
    throw new Problem(`${settings}: no such file; \`tollgate init\` writes one, or name it by --wrangler FILE`);
  }
  const { config } = configured(rest[0] ?? "config.yaml");
  const folder = mkdtempSync(join(tmpdir(), "tollgate-push-"));
  try {
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    wrangler(["kv", "key", "put", "config", "--path", file, "--binding", "TOLLGATE_KV", "--remote", "--config", settings]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const names = [...new Set(references(config).map(({ name }) => name))].sort();
  if (names.length) {
    console.log("\nThe configuration needs these secrets. Set each once (wrangler asks for the value):\n");
    for (const name of names) console.log(`  npx wrangler secret put ${name} --config ${settings}`);
  }
}
