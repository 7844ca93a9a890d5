// tollgate init: a project that deploys the gateway as a Cloudflare Worker, from the wasm of this package.

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { Problem } from "../../scripts/steps.mjs";
import { readOptions } from "./options.js";

export const HELP = `tollgate init: writes a project that deploys the gateway as a Cloudflare Worker. It needs no Rust.

Usage: tollgate init [FOLDER]      (default: this folder)

It writes wrangler.toml, package.json, config.yaml and the built Worker (worker/, www/), and never over a file that is
there. Then:

  npm install
  npx wrangler login
  npx wrangler kv namespace create tollgate --binding TOLLGATE_KV --update-config
  npm run deploy
  npx tollgate push config.yaml
  npx wrangler secret put TOLLGATE_MASTER_KEY
`;

const CONFIG = `# LiteLLM's configuration file. Every provider whose key is a secret of the Worker also answers as provider/model.
model_list:
  - model_name: gpt-4o-mini
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: os.environ/OPENAI_API_KEY

general_settings:
  master_key: os.environ/TOLLGATE_MASTER_KEY
`;

const built = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The project's wrangler.toml: that of the tree, but for what only its own build needs. */
function settings(text) {
  return text
    .replace(/^#.*\n(?:#.*\n)?name = /, "# The gateway as Cloudflare runs it. Written by `tollgate init`.\nname = ")
    .replace('main = "build/worker/index.js"', 'main = "worker/index.js"')
    .replace(/^\[build\]\n(?:.+\n)*\n?/m, "")
    .replace("`npm run deploy` creates the namespace and adds its id.", "`wrangler kv namespace create` adds its id.");
}

export async function run(args) {
  const { rest } = readOptions(args, {}, 1);
  const folder = resolve(rest[0] ?? ".");
  const name = (folder.split(/[\\/]/).pop() || "tollgate").toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-");
  const scripts = { deploy: "wrangler deploy", dev: "wrangler dev", push: "tollgate push config.yaml" };
  const manifest = {
    name,
    private: true,
    scripts,
    devDependencies: { tollgate: `^${TOLLGATE_VERSION}`, wrangler: "^4.155.0" },
  };
  const files = {
    "wrangler.toml": settings(readFileSync(built("worker/wrangler.toml"), "utf8")),
    "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
    "config.yaml": CONFIG,
    ".gitignore": "/node_modules\n/.wrangler\n/.dev.vars\n/.env\n/.tollgate\n",
  };
  const taken = Object.keys(files).filter((file) => file === "wrangler.toml" && existsSync(join(folder, file)));
  if (taken.length) throw new Problem(`${taken.join(", ")} is there already: name an empty folder`);
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    if (existsSync(join(folder, file))) console.log(`  ${file} is there already, and stays as it is`);
    else writeFileSync(join(folder, file), text);
  }
  for (const part of ["index.js", "index_bg.wasm"]) {
    mkdirSync(join(folder, "worker"), { recursive: true });
    cpSync(built(`worker/${part}`), join(folder, "worker", part));
  }
  cpSync(built("worker/www"), join(folder, "www"), { recursive: true });
  cpSync(built("dist/vocab"), join(folder, "www", "vocab"), { recursive: true });
  const shown = relative(process.cwd(), folder) || ".";
  console.log(`The Worker's project is in ${shown}. ${HELP.slice(HELP.indexOf("Then:")).trimEnd()}`);
}
