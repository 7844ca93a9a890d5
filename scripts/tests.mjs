// Runs the test runners one after the other and counts: cargo, then node for each folder of *.test.mjs in tests/.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { run } from "./process.mjs";
import { kept, root } from "./place.mjs";

/** Runs all tests and answers `[{ name, passed, failed }]`. */
export async function runTests() {
  const results = [await cargoTests()];
  for (const folder of readdirSync(join(root, "tests")).sort()) {
    const files = testFiles(join(root, "tests", folder));
    if (files.length) results.push(await nodeTests(`tests/${folder}`, files));
  }
  return results;
}

function testFiles(folder) {
  if (!existsSync(folder) || folder.includes(".")) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join(folder, name))
    .sort();
}

/** The results and their sum, as `N passed, N failed` in the last line; answers the exit code. */
export function tell(results) {
  console.log("");
  for (const { name, passed, failed } of results) console.log(`${name}: ${passed} passed, ${failed} failed`);
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
  return sum("failed") ? 1 : 0;
}

const print = (line) => console.log(line);

/** A runner that ends badly without a failed test (it did not compile, or crashed) counts as one failure. */
function counted(name, code, passed, failed) {
  return { name, passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

async function cargoTests() {
  console.log("\n- cargo test");
  const { code, output } = await run("cargo", ["test", "--locked", "--no-fail-fast"], { cwd: root, onLine: print });
  return counted("cargo test", code, ...cargoCounts(output));
}

/** `[passed, failed]` over all of cargo's summaries. */
export function cargoCounts(output) {
  const found = [...output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed;/gm)];
  return [1, 2].map((group) => found.reduce((total, match) => total + Number(match[group]), 0));
}

async function nodeTests(name, files) {
  console.log(`\n- ${name}`);
  mkdirSync(kept, { recursive: true });
  const record = join(kept, "tests.tap");
  rmSync(record, { force: true });
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
  const recorder = ["--test-reporter=tap", `--test-reporter-destination=${record}`];
  const args = ["--test", "--test-timeout=120000", ...reporters, ...recorder, ...files];
  const { code } = await run(process.execPath, args, { cwd: root, onLine: print });
  return counted(name, code, ...nodeCounts(existsSync(record) ? readFileSync(record, "utf8") : ""));
}

/** `[passed, failed]` of node's TAP summary; a test that was cancelled did not pass. */
export function nodeCounts(tap) {
  const count = (word) => Number(tap.match(new RegExp(`^# ${word} (\\d+)$`, "m"))?.[1] ?? 0);
  return [count("pass"), count("fail") + count("cancelled")];
}
