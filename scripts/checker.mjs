// Checks a configuration by the same Rust code that the Worker runs.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { jsFolder } from "./place.mjs";

/** Loads the JavaScript build of the core. */
export async function core() {
  const built = await import(pathToFileURL(join(jsFolder, "tollgate.js")).href);
  built.initSync({ module: readFileSync(join(jsFolder, "tollgate_bg.wasm")) });
  return built;
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
