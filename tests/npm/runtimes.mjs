// Bun and Deno: as npm brings them, in the versions of runtimes/package-lock.json, else those on the PATH.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { fingerprint } from "../../scripts/fingerprint.mjs";
import { kept } from "../../scripts/place.mjs";
import { which } from "../../scripts/process.mjs";
import { npm } from "../../scripts/setup.mjs";

const { arch, platform } = process;
const exe = platform === "win32" ? ".exe" : "";
const BROUGHT = {
  bun: [`@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`, "bin", `bun${exe}`],
  deno: [`@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`, `deno${exe}`],
};
const FILES = ["package.json", "package-lock.json"];
const PRINT = fingerprint(FILES.map((name) => `tests/npm/runtimes/${name}`), [platform, arch]).slice(0, 16);

/** Installs what the lock names, once for each lock. Test files run side by side: who is second throws its own away. */
async function installed() {
  const folder = join(kept, "runtimes", PRINT);
  if (existsSync(folder)) return folder;
  const own = join(kept, "staged", `runtimes-${process.pid}`);
  mkdirSync(own, { recursive: true });
  mkdirSync(dirname(folder), { recursive: true });
  for (const name of FILES) copyFileSync(new URL(`runtimes/${name}`, import.meta.url), join(own, name));
  const { code, output } = await npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: own });
  assert.equal(code, 0, output);
  for (const former of readdirSync(dirname(folder)).filter((name) => name !== PRINT)) {
    rmSync(join(dirname(folder), former), { recursive: true, force: true });
  }
  try {
    renameSync(own, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(own, { recursive: true });
  }
  return folder;
}

/** How each starts a file: `{ bun, deno }`, each `{ program, args }`; no program where there is none for this machine. */
export async function runtimes() {
  const folder = await installed();
  const found = (name) => [join(folder, "node_modules", ...BROUGHT[name])].find((path) => existsSync(path)) ?? which(name);
  return {
    bun: { program: found("bun"), args: [] },
    // It asks for nothing, and leaves no lock.
    deno: { program: found("deno"), args: ["run", "-A", "--cached-only", "--no-lock", "--node-modules-dir=manual"] },
  };
}
