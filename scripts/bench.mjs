// npm run bench: runs each bench of benches/ and prints its tables. `-- NAME` runs one.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { root } from "./place.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { Problem, main } from "./steps.mjs";
import { buildAll } from "./wasm.mjs";

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await buildAll();
  const all = readdirSync(join(root, "benches"))
    .filter((name) => name.endsWith(".mjs") && name !== "harness.mjs")
    .map((name) => name.slice(0, -".mjs".length))
    .sort();
  const [only] = process.argv.slice(2);
  if (only && !all.includes(only)) throw new Problem(`there is no bench ${only}; there is ${all.join(", ")}`);
  for (const name of only ? [only] : all) {
    const bench = await import(pathToFileURL(join(root, "benches", `${name}.mjs`)).href);
    try {
      await bench.default();
    } catch (error) {
      throw new Problem(`the bench ${name} stopped: ${error.message}`);
    }
  }
});
