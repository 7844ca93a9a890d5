// Makes the page in build/www: what www/ holds, its modules in two bundles, the wasm, and the full price table.

import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

import { esbuild } from "./bundle.mjs";
import { fingerprint, forget, fresh, remember } from "./fingerprint.mjs";
import { jsFolder, packaged, pageFolder, root } from "./place.mjs";
import { step } from "./steps.mjs";

const INPUTS = [
  "www", "npm/core.js", "npm/gateway.js", "npm/pipe.js", "scripts/page.mjs", "scripts/config.mjs", "scripts/bundle.mjs", "prices",
  "package-lock.json", "build/js",
];
// Loaded when they are asked for, and kept from then on; all else is there offline after the first load.
const LAZY = [/^vocab\//, /^page\/full\.mpt$/, /^page\/sources\.json$/, /^_headers$/, /^sw\.js$/, /\.md$/];

/** Builds the page where its inputs have changed. */
export async function buildPage() {
  const print = fingerprint(INPUTS);
  if (fresh("page", print, join(pageFolder, "sw.js"))) return;
  forget("page");
  await step("the page", (at) => build(print, at));
  remember("page", print);
}

async function build(print, at) {
  rmSync(pageFolder, { recursive: true, force: true });
  const own = join(root, "www", "page");
  const isSource = (path) => path.startsWith(own) && path.endsWith(".js");
  cpSync(join(root, "www"), pageFolder, { recursive: true, filter: (path) => !isSource(path) });
  const folder = join(pageFolder, "page");
  mkdirSync(folder, { recursive: true });
  // The reader of configurations is the scripts' own: what it would do with files is never asked here.
  const none = join(root, "www", "page", "none.js");
  const files = ["node:fs", "node:path"].map((name) => `--alias:${name}=${none}`);
  const bundled = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--platform=browser"];
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const words = [`--define:TOLLGATE_VERSION=${JSON.stringify(version)}`, "--define:process.stdout.isTTY=false"];
  const yaml = `--alias:yaml=${packaged("yaml", "browser", "index.js")}`;
  await esbuild(
    root,
    [...["main", "engine", "yaml"].map((name) => `www/page/${name}.js`), ...bundled, ...words, ...files, yaml, "--external:./yaml.js", `--outdir=${folder}`],
    at,
  );
  copyFileSync(join(jsFolder, "tollgate_bg.wasm"), join(folder, "tollgate_bg.wasm"));
  copyFileSync(join(root, "prices", "full.mpt"), join(folder, "full.mpt"));
  writeFileSync(join(folder, "sources.json"), JSON.stringify(sources()));
  const worker = join(pageFolder, "sw.js");
  const kept = filesOf(pageFolder).filter((path) => !LAZY.some((lazy) => lazy.test(path)));
  const text = readFileSync(worker, "utf8");
  writeFileSync(worker, text.replace("VERSION_OF_BUILD", print.slice(0, 16)).replace('["FILES_OF_BUILD"]', JSON.stringify(kept)));
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)).split(sep).join("/"))
    .sort();
}

/** Where each price comes from: the source of most, and the names of the models of each other one. */
function sources() {
  const lines = readFileSync(join(root, "prices", "models.jsonl"), "utf8").trim().split("\n");
  const [head, ...models] = lines.map((line) => JSON.parse(line));
  const others = {};
  for (const { id, src } of models) if (src !== "litellm") (others[src] ??= []).push(id);
  return { date: head.date, most: "litellm", others };
}
