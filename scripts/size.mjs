// Holds the Worker's wasm against the size budget of size-budget.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { root, workerFolder } from "./place.mjs";
import { Problem } from "./steps.mjs";

/** Prints the built Worker's sizes; a size above the budget is a problem. */
export function checkSize() {
  const budget = JSON.parse(readFileSync(join(root, "size-budget.json"), "utf8")).worker_wasm_gzip_kb;
  const wasm = readFileSync(join(workerFolder, "index_bg.wasm"));
  const script = readFileSync(join(workerFolder, "index.js"));
  const kb = (bytes) => (bytes / 1024).toFixed(1);
  const gzipped = gzipSync(wasm, { level: 9 }).length;
  console.log(`Worker wasm: ${kb(wasm.length)} KB, gzip ${kb(gzipped)} KB (budget ${budget} KB)`);
  console.log(`Worker script: ${kb(script.length)} KB, gzip ${kb(gzipSync(script, { level: 9 }).length)} KB`);
  if (gzipped > budget * 1024) {
    throw new Problem(
      `the Worker's wasm is ${kb(gzipped - budget * 1024)} KB (gzip) above its budget: make it smaller, or argue for ` +
        "a new worker_wasm_gzip_kb in size-budget.json",
    );
  }
}
