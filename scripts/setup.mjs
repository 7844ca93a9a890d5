// Brings what is missing: npm packages, the wasm target, wasm-bindgen. Needs no package itself.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { fingerprint, forget, fresh, remember } from "./fingerprint.mjs";
import { handOver, run, which } from "./process.mjs";
import { lockedVersion, modernNode, packaged, root, target, toolFolder, toolProgram } from "./place.mjs";
import { Problem, step } from "./steps.mjs";

/** Installs the npm packages where they are missing or the lock has changed. */
export async function npmPackages() {
  const print = fingerprint(["package.json", "package-lock.json"], [process.platform, process.arch]);
  if (fresh("npm", print, packaged("miniflare", "package.json"))) return;
  forget("npm");
  // No package needs its install script: the platforms' binaries are packages of their own.
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=http"];
  const { code, output } = await step("npm packages", (at) => npm(args, { onLine: (line) => at(fetched(line)) }));
  if (code !== 0) throw new Problem("npm could not install the packages; its own message is above", output);
  remember("npm", print);
}

/** The package in npm's line about a download. */
function fetched(line) {
  return line.match(/([^/ ]+)\.tgz/)?.[1] ?? "";
}

/** Runs npm in a folder, and answers as `run` does. */
export async function npm(args, { cwd = root, onLine } = {}) {
  // `npm run` names its own script, which needs no shell; without it npm's script lies beside Node.
  const beside = join(dirname(process.execPath), "node_modules", "npm", "bin", "npm-cli.js");
  const script = [process.env.npm_execpath, beside].find((path) => path?.endsWith("npm-cli.js") && existsSync(path));
  if (script) return run(process.execPath, [script, ...args], { cwd, onLine });
  const program = which("npm");
  if (!program || program.endsWith(".cmd")) {
    throw new Problem("npm is missing: start this by `npm start`, or install Node with npm");
  }
  return run(program, args, { cwd, onLine });
}

/** Runs this script again under a Node that wrangler accepts, where this one is older; answers whether it did. */
export async function underModernNode() {
  const node = modernNode();
  if (node === process.execPath) return false;
  if (!node) {
    throw new Problem(
      `Node ${process.versions.node} is too old for wrangler, and npm has no newer one for ` +
        `${process.platform}-${process.arch}: install Node 22.12 or newer`,
    );
  }
  process.exitCode = await handOver(node, process.argv.slice(1));
  return true;
}

/** Checks that Rust is there and new enough, and answers rustc's version line. */
export async function rust() {
  if (!which("cargo") || !which("rustc")) {
    throw new Problem("Rust is missing: install it from https://rustup.rs, open a new terminal and try again");
  }
  const { code, stdout, output } = await run("rustc", ["--version"], { cwd: root });
  if (code !== 0) throw new Problem("rustc does not start; its own message is above", output);
  const version = stdout.trim();
  const has = version.match(/ (\d+)\.(\d+)/)?.slice(1).map(Number) ?? [0, 0];
  const manifest = readFileSync(join(root, "Cargo.toml"), "utf8");
  const needs = manifest.match(/^rust-version = "(\d+)\.(\d+)/m).slice(1).map(Number);
  if (has[0] < needs[0] || (has[0] === needs[0] && has[1] < needs[1])) {
    throw new Problem(`${version} is too old: Tollgate needs Rust ${needs.join(".")}; run \`rustup update stable\``);
  }
  return version;
}

/** Adds Rust's wasm target where it is missing. */
export async function wasmTarget() {
  const { stdout } = await run("rustc", ["--print", "target-libdir", "--target", target], { cwd: root });
  if (existsSync(stdout.trim())) return;
  const mend =
    `add Rust's target ${target}: \`rustup target add ${target}\`; where rustup's server is out of reach, build it ` +
    "from the rust-src package of the same version: `RUSTC_BOOTSTRAP=1 cargo build --release --locked -p sysroot " +
    `--target ${target}\` in its library folder, then copy the rlibs to ${stdout.trim()}`;
  if (!which("rustup")) throw new Problem(mend);
  const args = ["target", "add", target];
  const added = await step(`Rust's target ${target}`, (at) => run("rustup", args, { onLine: at, cwd: root }));
  if (added.code !== 0) throw new Problem(mend, added.output);
}

/** Builds wasm-bindgen in the version of Cargo.lock where it is missing, and answers the program's path. */
export async function wasmBindgen() {
  const version = lockedVersion("wasm-bindgen");
  const program = toolProgram("wasm-bindgen-cli", version, "wasm-bindgen");
  if (existsSync(program)) return program;
  const installed = which("wasm-bindgen");
  if (installed) {
    const { stdout } = await run(installed, ["--version"]);
    if (stdout.trim() === `wasm-bindgen ${version}`) return installed;
  }
  // Not --locked: the lock inside that package names versions that were withdrawn.
  const args = ["install", "wasm-bindgen-cli", "--version", `=${version}`, "--debug", "--bin", "wasm-bindgen"];
  const folder = toolFolder("wasm-bindgen-cli", version);
  const { code, output } = await step(`wasm-bindgen ${version} (once for all clones)`, (at) =>
    run("cargo", [...args, "--root", folder], { onLine: at }),
  );
  if (code !== 0) throw new Problem(cargoProblem(output, "wasm-bindgen could not be built"), output);
  return program;
}

/** Finds the mend for what stands in cargo's output. */
export function cargoProblem(output, otherwise) {
  if (/linker `?(cc|link\.exe)`? not found/.test(output)) {
    return "Rust has no linker: install a C compiler (Debian: build-essential; macOS: xcode-select --install; " +
      "Windows: the Visual Studio build tools) and try again";
  }
  if (/No space left on device/.test(output)) return "the disk is full: make room (about 2 GB) and try again";
  if (/failed to (download|get|fetch)|Could not resolve host|spurious network error/.test(output)) {
    return "cargo cannot reach its registry: check the network or the proxy (HTTPS_PROXY) and try again";
  }
  return `${otherwise}; cargo's own message is above`;
}
