// Finds the variables that a configuration needs, in the places where LiteLLM's users keep them.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseEnv } from "node:util";

import { root } from "./place.mjs";

const REFERENCE = "os.environ/";
// A name that could not be a binding is no variable.
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Bindings of the Worker itself.
const TAKEN = new Set(["TOLLGATE_KV", "TOLLGATE_LOOPBACK", "LEDGER", "DIRECTORY", "ASSETS"]);

// Where Google's own tools take the path of a key file: a Worker has no files, so its text becomes the value.
const KEY_FILES = new Set(["GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_CREDENTIALS", "VERTEX_CREDENTIALS"]);

function withoutFile(name, value) {
  return KEY_FILES.has(name) && value.endsWith(".json") && existsSync(value) ? readFileSync(value, "utf8") : value;
}

/** Each `os.environ/NAME` of a configuration as `{ name, path }`. */
export function references(value, path = "") {
  if (typeof value === "string") {
    return value.startsWith(REFERENCE) ? [{ name: value.slice(REFERENCE.length), path }] : [];
  }
  if (Array.isArray(value)) return value.flatMap((inner, index) => references(inner, `${path}[${index}]`));
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => references(inner, path ? `${path}.${key}` : key));
}

/**
 * Resolves variables: `{ found, missing }`. `found` maps each name that has a value to it; `missing` lists the config's
 * references that have none. `names` are looked up besides. The first that has it wins: `environment_variables`, the
 * shell, then `.env` and `.dev.vars` beside the config, then in the tree (or in `folders`).
 */
export function resolveVariables(config, names, configPath, shell = process.env, folders = [root]) {
  const files = [...new Set([dirname(resolve(configPath)), ...folders])]
    .flatMap((folder) => [join(folder, ".env"), join(folder, ".dev.vars")])
    .filter((path) => existsSync(path))
    .map((path) => parseEnv(readFileSync(path, "utf8")));
  const own = config.environment_variables ?? {};
  const outside = (name) => [shell, ...files].map((place) => place[name]).find((value) => value);
  const lookUp = (name) => {
    const value = own[name];
    if (typeof value !== "string" || !value.startsWith(REFERENCE)) return value ?? outside(name);
    return outside(value.slice(REFERENCE.length));
  };
  const wanted = references(config);
  const found = {};
  for (const name of [...Object.keys(own), ...wanted.map((one) => one.name), ...names]) {
    const value = NAME.test(name) && !TAKEN.has(name) ? lookUp(name) : undefined;
    if (value !== undefined && value !== "") found[name] = withoutFile(name, String(value));
  }
  return { found, missing: wanted.filter(({ name }) => !(name in found)) };
}
