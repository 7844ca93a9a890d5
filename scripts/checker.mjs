// Checks a configuration by the same Rust code that the Worker runs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { Core } from "../npm/core.js";
import { readConfig } from "./config.mjs";
import { jsFolder } from "./place.mjs";
import { Problem } from "./steps.mjs";

/** Loads the JavaScript build of the core. */
export async function core() {
  const { glue } = await import(pathToFileURL(join(jsFolder, "tollgate.js")).href);
  return new Core(glue, new WebAssembly.Module(readFileSync(join(jsFolder, "tollgate_bg.wasm"))));
}

/** What is wrong with a configuration: `{ errors, warnings }`, each a list of lines `file:line: field: message`. */
export function check(built, { config, place }) {
  const found = JSON.parse(built.checkConfig(JSON.stringify(config)));
  const lines = (severity) =>
    found
      .filter((one) => one.severity === severity)
      .map(({ path, message }) => `${place(path)}: ${path ? `${path}: ` : ""}${message}`);
  return { errors: lines("error"), warnings: lines("warning") };
}

/**
 * Reads and checks a config file, prints what is wrong with it and fails on errors. `more` adds warnings of the
 * caller's, as lines, to those of the check. Answers `{ config, place, built }`.
 */
export async function checkedConfig(path, more = () => []) {
  const read = readConfig(path);
  const { names: built } = await core();
  const { errors, warnings } = check(built, read);
  for (const line of errors) console.error(line);
  for (const line of [...warnings, ...more({ ...read, built })]) console.error(`warning: ${line}`);
  if (errors.length) {
    throw new Problem(`${path} has ${errors.length} error${errors.length === 1 ? "" : "s"}: mend the above`);
  }
  return { ...read, built };
}
