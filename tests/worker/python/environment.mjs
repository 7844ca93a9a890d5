// Virtual environments of this tree's own with pinned packages for Python: made once for each list of versions.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { kept } from "../../../scripts/place.mjs";
import { run, which } from "../../../scripts/process.mjs";

/** The Python of this machine; `undefined` where there is none. */
export const python = which("python3") ?? which("python");

/**
 * The interpreter of an environment: `sdk` (the official SDK), `clients` (LangChain and llm), `litellm` (whose SDK is of
 * another version). One test file makes one environment: two at once would be in each other's way.
 */
export async function environment(name = "sdk") {
  const requirements = join(import.meta.dirname, `${name}.txt`);
  const versions = readFileSync(requirements, "utf8").trim().split("\n");
  const folder = join(kept, "python", versions.map((line) => line.replace("==", "-")).join("-"));
  const inside = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  if (existsSync(join(folder, "complete"))) return join(folder, ...inside);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(kept, "python"), { recursive: true });
  const must = async (command, args) => {
    const { code, output } = await run(command, args);
    assert.equal(code, 0, `${command} ${args.join(" ")}\n${output}`);
  };
  await must(python, ["-m", "venv", folder]);
  // Compiling what is never imported takes half of the time.
  const quiet = ["--quiet", "--disable-pip-version-check", "--no-compile"];
  await must(join(folder, ...inside), ["-m", "pip", "install", ...quiet, "-r", requirements]);
  mkdirSync(join(folder, "complete"));
  return join(folder, ...inside);
}
