// A virtual environment of this tree's own with the pinned SDK for Python: made once for each version of it.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { kept } from "../../../scripts/place.mjs";
import { run, which } from "../../../scripts/process.mjs";

const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url));

/** The Python of this machine; `undefined` where there is none. */
export const python = which("python3") ?? which("python");

/** The interpreter of the environment. */
export async function environment() {
  const [version] = readFileSync(requirements, "utf8").trim().split("\n");
  const folder = join(kept, "python", version.replace("==", "-"));
  const inside = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
  if (existsSync(join(folder, "complete"))) return join(folder, ...inside);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(kept, "python"), { recursive: true });
  const must = async (command, args) => {
    const { code, output } = await run(command, args);
    assert.equal(code, 0, `${command} ${args.join(" ")}\n${output}`);
  };
  await must(python, ["-m", "venv", folder]);
  const quiet = ["--quiet", "--disable-pip-version-check"];
  await must(join(folder, ...inside), ["-m", "pip", "install", ...quiet, "-r", requirements]);
  mkdirSync(join(folder, "complete"));
  return join(folder, ...inside);
}
