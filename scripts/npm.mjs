// Makes the npm package in build/npm: the entries, the command, one wasm, types, and the Worker that `tollgate init` writes.

import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { esbuild } from "./bundle.mjs";
import { fingerprint, forget, fresh, remember } from "./fingerprint.mjs";
import { jsFolder, npmFolder, packaged, pageFolder, root, workerFolder } from "./place.mjs";
import { step } from "./steps.mjs";
import { buildAll } from "./wasm.mjs";

const INPUTS = ["npm", "scripts", "www", "package.json", "package-lock.json", "wrangler.toml", "build/js", "build/worker", "build/www"];

const read = (...path) => readFileSync(join(root, ...path), "utf8");

/** Builds the package where its inputs have changed. */
export async function buildNpm() {
  await buildAll();
  const print = fingerprint(INPUTS);
  if (fresh("npm-package", print, join(npmFolder, "package.json"))) return;
  forget("npm-package");
  await step("the npm package", build);
  remember("npm-package", print);
}

async function build(at) {
  rmSync(npmFolder, { recursive: true, force: true });
  const dist = join(npmFolder, "dist");
  mkdirSync(dist, { recursive: true });
  await bundles(dist, at);
  copyFileSync(join(jsFolder, "tollgate_bg.wasm"), join(dist, "tollgate.wasm"));
  cpSync(join(root, "www", "vocab"), join(dist, "vocab"), { recursive: true });
  for (const name of ["index", "library", "node"]) {
    const types = read("npm", `${name}.d.ts`);
    writeFileSync(join(dist, `${name}.d.ts`), types);
    writeFileSync(join(dist, `${name}.d.cts`), types.replaceAll(/"\.\/(index|library)\.js"/g, '"./$1.cjs"'));
  }
  const { version } = JSON.parse(read("package.json"));
  const manifest = { ...JSON.parse(read("npm", "package.json")), version };
  writeFileSync(join(npmFolder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  copyFileSync(join(root, "npm", "README.md"), join(npmFolder, "README.md"));
  copyFileSync(join(root, "LICENSE"), join(npmFolder, "LICENSE"));
  writeFileSync(join(npmFolder, "LICENSES.md"), licenses());
  worker(join(npmFolder, "worker"));
}

async function bundles(dist, at) {
  const { version } = JSON.parse(read("package.json"));
  const shared = ["--bundle", "--minify-syntax", "--minify-whitespace", `--define:TOLLGATE_VERSION=${JSON.stringify(version)}`];
  // Its build for Node is CommonJS, which asks for `process` by require.
  const yaml = `--alias:yaml=${packaged("yaml", "browser", "index.js")}`;
  const node = [...shared, "--platform=node", "--target=node20", "--external:openai", yaml];
  await esbuild(
    root,
    ["node=npm/node.js", "cli=npm/cli/main.js", ...node, "--format=esm", "--splitting", `--outdir=${dist}`],
    at,
  );
  // CommonJS has no import.meta: what stands for it is made of the file's name.
  const url = 'const __url = require("node:url").pathToFileURL(__filename).href;';
  // An import by require: who loads CommonJS has the CommonJS copy of an installed package.
  const cjs = ["--format=cjs", "--define:import.meta.url=__url", "--supported:dynamic-import=false", `--banner:js=${url}`];
  await esbuild(root, ["npm/node.js", ...node, ...cjs, `--outfile=${join(dist, "node.cjs")}`], at);
  const web = [...shared, "--target=es2022", "--format=esm"];
  const workerd = ["--platform=neutral", "--external:./tollgate.wasm", `--outfile=${join(dist, "workerd.js")}`];
  await esbuild(root, ["npm/workerd.js", ...web, ...workerd], at);
  await esbuild(root, ["npm/browser.js", ...web, "--platform=browser", `--outfile=${join(dist, "browser.js")}`], at);
}

/** What `tollgate init` copies: the built Worker, its settings and its page. */
function worker(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["index.js", "index_bg.wasm"]) copyFileSync(join(workerFolder, name), join(folder, name));
  // A project has its own namespace.
  const settings = read("wrangler.toml").replace(/^id = .*\n/m, "").replace('"build/www"', '"www"');
  writeFileSync(join(folder, "wrangler.toml"), settings);
  cpSync(pageFolder, join(folder, "www"), { recursive: true, filter: (path) => !path.includes("vocab") });
}

/** The licences of what is bundled. */
function licenses() {
  const parts = [
    ["yaml (in the Node entry and the command)", readFileSync(packaged("yaml", "LICENSE"), "utf8")],
    ["LiteLLM (data of the price table)", read("prices", "LICENSE.litellm")],
    ["genai-prices (data of the price table)", read("prices", "LICENSE.genai-prices")],
  ];
  const texts = parts.map(([name, text]) => `## ${name}\n\n\`\`\`text\n${text.trim()}\n\`\`\`\n`);
  return `# Licences of what this package contains\n\nThe vocabularies: see dist/vocab/README.md.\n\n${texts.join("\n")}`;
}
