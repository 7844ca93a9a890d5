// tollgate in Cloudflare's workerd and other runtimes that import a .wasm file as a compiled module.

import module from "./tollgate.wasm";

import { glue } from "../build/js/tollgate.js";
import { Core } from "./core.js";
import { library, parseJson } from "./library.js";

// A Worker has no file beside it: tokens are estimated there, unless its assets have the vocabularies.
const platform = { parse: parseJson, vocabulary: async () => undefined, env: {} };

export const { Gateway, ConfigError, checkConfig } = library(new Core(glue, module), platform);
export * from "./library/index.js";
