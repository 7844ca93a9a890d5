// tollgate in Node, Deno and Bun, and in what speaks their modules.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { glue } from "../build/js/tollgate.js";
import { parseConfig } from "../scripts/config.mjs";
import { Core } from "./core.js";
import { library } from "./library.js";

const file = (name) => new URL(name, import.meta.url);
export const core = new Core(glue, new WebAssembly.Module(readFileSync(file("./tollgate.wasm"))));

export const platform = {
  parse: (text) => parseConfig(text),
  vocabulary: async (name) => gunzipSync(readFileSync(file(`./vocab/${name}.bin.gz`))),
  env: process.env,
  // Not ours to bring: where the program has it, errors are instances of its classes too.
  openai: () => import("openai"),
};

export const { Gateway, ConfigError, checkConfig } = library(core, platform);
export * from "./library/index.js";
export { sqliteStorage } from "./sqlite.js";
