// Where things lie: the tree, what is built, what is kept between runs, and the tools that are shared by all clones.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the tree. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What is kept between runs: fingerprints and the local state. */
export const kept = join(root, ".tollgate");
/** The built Worker. */
export const workerFolder = join(root, "build", "worker");
/** The JavaScript build of the core. */
export const jsFolder = join(root, "build", "js");
/** The npm package. */
export const npmFolder = join(root, "build", "npm");
/** A release: the packed package, its hashes and its notes. */
export const releaseFolder = join(root, "build", "release");
/** The page, with what it runs: static files for the Worker, for the npm package, and for any other host. */
export const pageFolder = join(root, "build", "www");
/** The wasm target of both builds. */
export const target = "wasm32-unknown-unknown";

const exe = process.platform === "win32" ? ".exe" : "";

/** The folder of a built tool, shared by all clones of this user. */
export function toolFolder(name, version) {
  const local = process.platform === "win32" ? process.env.LOCALAPPDATA : undefined;
  const cache = process.env.XDG_CACHE_HOME || local || join(homedir(), ".cache");
  return join(cache, "tollgate", `${name}-${version}`);
}

/** The program of a built tool. */
export function toolProgram(name, version, program) {
  return join(toolFolder(name, version), "bin", program + exe);
}

/** The version of a crate in Cargo.lock. */
export function lockedVersion(crate) {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  return lock.match(new RegExp(`name = "${crate}"\\r?\\nversion = "([^"]+)"`))?.[1];
}

/** The path of a file in an npm package. */
export function packaged(name, ...path) {
  return join(root, "node_modules", ...name.split("/"), ...path);
}

/** A Node that wrangler accepts (22.12 or newer): this one, else the one that npm brought, if there is one. */
export function modernNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return process.execPath;
  const platform = process.platform === "win32" ? "win" : process.platform;
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  const brought = packaged(`${prefix}-${platform}-${process.arch}`, "bin", `node${exe}`);
  return existsSync(brought) ? brought : undefined;
}
