// npm run bench: runs the benches of benches/ and prints what they measured beside its bar. `-- NAME` runs one.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { buildNpm } from "./npm.mjs";
import { root } from "./place.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { Problem, main, step } from "./steps.mjs";

const BENCHES = ["requests", "streams", "keys", "start", "tokens", "page", "library", "server"];

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await buildNpm();
  const [only] = process.argv.slice(2);
  if (only && !BENCHES.includes(only)) throw new Problem(`there is no bench ${only}; there is ${BENCHES.join(", ")}`);
  const load = (name) => import(pathToFileURL(join(root, "benches", `${name}.mjs`)).href);
  const lines = [];
  for (const name of only ? [only] : BENCHES) {
    const bench = await load(name);
    try {
      lines.push(...(await step(`bench ${name}`, () => bench.default())));
    } catch (error) {
      throw new Problem(`the bench ${name} stopped: ${error.message}`);
    }
  }
  const { report } = await load("report");
  console.log(`\n${report(lines)}`);
});
