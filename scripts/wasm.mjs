// Builds the core for wasm: the Worker (build/worker) and the JavaScript build (build/js).

import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import { esbuild } from "./bundle.mjs";
import { fingerprint, forget, fresh, remember } from "./fingerprint.mjs";
import { run } from "./process.mjs";
import { buildPage } from "./page.mjs";
import { jsFolder, kept, packaged, root, target, workerFolder } from "./place.mjs";
import { cargoProblem, rust, wasmBindgen, wasmTarget } from "./setup.mjs";
import { Problem, step } from "./steps.mjs";
import { workerSettings } from "./wrangler-toml.mjs";

const CORE = ["src", "Cargo.toml", "Cargo.lock", "build.rs", "data", "prices", ".cargo"];
const GLUE = ["package-lock.json", "scripts/wasm.mjs", "scripts/js-entry.mjs"];

// What the instruction set of Rust's wasm target holds; binaryen would refuse the module without them.
const FEATURES = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "bulk-memory", "multivalue"];
const MORE_FEATURES = ["reference-types", "exception-handling", "simd"];

/** Builds the Worker, the JavaScript build and the page that runs it, where their inputs have changed. `force` builds them anyway. */
export async function buildAll({ worker = true, js = true, force = false } = {}) {
  const workerPrint = fingerprint([...CORE, ...GLUE, "scripts/worker-entry.mjs"], workerSettings().objects);
  const jsPrint = fingerprint([...CORE, ...GLUE]);
  const workerDue = worker && (force || !fresh("worker", workerPrint, join(workerFolder, "index.js")));
  const jsDue = js && (force || !fresh("js", jsPrint, join(jsFolder, "tollgate.js")));
  if (workerDue || jsDue) {
    await rust();
    await wasmTarget();
    const bindgen = await wasmBindgen();
    if (workerDue) {
      forget("worker");
      await buildWorker(bindgen);
      remember("worker", workerPrint);
    }
    if (jsDue) {
      forget("js");
      await buildJs(bindgen);
      remember("js", jsPrint);
    }
  }
  if (js) await buildPage();
}

async function buildWorker(bindgen) {
  const wasm = await cargo("the Worker", ["--features", "worker"]);
  const folder = staged("worker");
  await step("JavaScript around the Worker", async (at) => {
    // The flags make the module restartable after a panic: see worker-entry.mjs.
    const restartable = ["--experimental-reset-state-function", "--force-enable-abort-handler"];
    await bind(bindgen, wasm, folder, ["--target", "module", "--out-name", "index", ...restartable], at);
    writeWorkerEntry(folder);
    await bundle(folder, ["entry.js", "--external:./index_bg.wasm", "--external:cloudflare:*"], at);
    await optimise(join(folder, "index_bg.wasm"), at);
  });
  mkdirSync(workerFolder, { recursive: true });
  copyFileSync(join(folder, "index_bg.wasm"), join(workerFolder, "index_bg.wasm"));
  copyFileSync(join(folder, "bundle.js"), join(workerFolder, "index.js"));
}

async function buildJs(bindgen) {
  const wasm = await cargo("the JavaScript build", ["--features", "js"]);
  const folder = staged("js");
  await step("JavaScript around the JavaScript build", async (at) => {
    // Whoever loads the module says where the wasm lies: a bundler must not look for it.
    const flags = ["--target", "web", "--out-name", "tollgate", "--omit-default-module-path"];
    await bind(bindgen, wasm, folder, flags, at);
    await writeJsEntry(folder, at);
    await bundle(folder, ["entry.js"], at);
    await optimise(join(folder, "tollgate_bg.wasm"), at);
  });
  mkdirSync(jsFolder, { recursive: true });
  copyFileSync(join(folder, "tollgate_bg.wasm"), join(jsFolder, "tollgate_bg.wasm"));
  copyFileSync(join(folder, "bundle.js"), join(jsFolder, "tollgate.js"));
}

async function cargo(what, features) {
  const args = ["build", "--release", "--locked", "--lib", "--no-default-features", "--target", target, ...features];
  // Symbols that keep the types of generic code, for `npm run size-parts`; the built file has no symbols.
  const flags = ["-Csymbol-mangling-version=v0", ...(await remapped())];
  args.push("--config", `target.${target}.rustflags = ${JSON.stringify(flags)}`);
  const { code, output } = await step(`Rust: ${what}`, (at) => run("cargo", args, { cwd: root, onLine: at }));
  if (code !== 0) throw new Problem(cargoProblem(output, `${what} could not be built`), output);
  const folder = process.env.CARGO_TARGET_DIR || join(root, "target");
  const built = join(folder, target, "release", "tollgate.wasm");
  if (!existsSync(built)) {
    throw new Problem(`cargo put no file at ${built}: unset build.target-dir in cargo's own configuration`);
  }
  // Both builds have the same name: the second would overwrite the first.
  const copy = join(staged(`${features.at(-1)}-cargo`), "tollgate.wasm");
  copyFileSync(built, copy);
  return copy;
}

/** Flags by which the wasm names no folder of this machine (in messages of panics): it is the same on every other one. */
async function remapped() {
  // What is not fetched yet has no folder yet.
  await run("cargo", ["fetch", "--locked", "--target", target], { cwd: root });
  const sources = join(process.env.CARGO_HOME || join(homedir(), ".cargo"), "registry", "src");
  const folders = existsSync(sources) ? readdirSync(sources).sort() : [];
  return folders.map((name) => `--remap-path-prefix=${join(sources, name)}=crates`);
}

/** An empty folder for what is not finished. */
function staged(name) {
  const folder = join(kept, "staged", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function bind(bindgen, wasm, folder, flags, onLine) {
  const { code, output } = await run(bindgen, [wasm, "--out-dir", folder, "--no-typescript", ...flags], { onLine });
  if (code !== 0) throw new Problem("wasm-bindgen failed; its own message is above", output);
}

function writeWorkerEntry(folder) {
  // `import source` is a proposal; Cloudflare's `import` of a .wasm file gives the same compiled module.
  const index = join(folder, "index.js");
  writeFileSync(index, readFileSync(index, "utf8").replaceAll("import source ", "import "));
  const classes = workerSettings().objects.map(({ className }) => className);
  const exported = classes.map((name) => `export const ${name} = durableObject("${name}");\n`).join("");
  const entry = readFileSync(join(root, "scripts", "worker-entry.mjs"), "utf8");
  writeFileSync(join(folder, "entry.js"), entry + exported);
}

/** Puts wasm-bindgen's glue into a function, and its instance behind guards: see js-entry.mjs. */
async function writeJsEntry(folder, at) {
  const path = join(folder, "tollgate.js");
  const parts = readFileSync(path, "utf8").split("wasm = instance.exports;");
  if (parts.length !== 2) throw new Problem("wasm-bindgen's glue has another form: writeJsEntry in scripts/wasm.mjs must follow it");
  writeFileSync(path, parts.join("wasm = guarded(instance.exports);"));
  await bundle(folder, ["tollgate.js", "--global-name=names"], at, "iife");
  const glue = readFileSync(join(folder, "bundle.js"), "utf8");
  const entry = readFileSync(join(root, "scripts", "js-entry.mjs"), "utf8");
  writeFileSync(join(folder, "entry.js"), entry.replace("GLUE;", () => glue));
}

/** Bundles an entry with what it imports into `bundle.js`; `entry` is esbuild's arguments. */
async function bundle(folder, entry, onLine, format = "esm") {
  const args = [...entry, "--bundle", `--format=${format}`, "--minify", "--outfile=bundle.js", "--allow-overwrite"];
  await esbuild(folder, args, onLine);
}

async function optimise(path, onLine) {
  onLine("wasm-opt");
  await wasmOpt(path, `${path}.opt`);
  renameSync(`${path}.opt`, path);
}

/** Optimises a module into another file. `more` are further flags of wasm-opt's. */
export async function wasmOpt(from, to, more = []) {
  const flags = [...FEATURES, ...MORE_FEATURES].map((feature) => `--enable-${feature}`);
  const script = packaged("binaryen", "bin", "wasm-opt");
  // Inlining a function at its one call makes the module smaller, and 7 % larger once it is compressed.
  const args = [script, from, "-o", to, "-Oz", "--skip-pass=inlining-optimizing", ...flags, ...more];
  const { code, output } = await run(process.execPath, args);
  if (code !== 0) throw new Problem("wasm-opt failed; its own message is above", output);
}
