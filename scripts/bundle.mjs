// Runs esbuild.

import { join } from "node:path";

import { packaged } from "./place.mjs";
import { run } from "./process.mjs";
import { Problem } from "./steps.mjs";

/** Runs esbuild in a folder. */
export async function esbuild(folder, args, onLine) {
  const exe = process.platform === "win32" ? "esbuild.exe" : join("bin", "esbuild");
  const program = packaged(`@esbuild/${process.platform}-${process.arch}`, exe);
  const { code, output } = await run(program, [...args, "--log-level=warning"], { cwd: folder, onLine });
  if (code !== 0) throw new Problem("esbuild failed; its own message is above", output);
}
