// tollgate in Cloudflare's workerd and other runtimes that import a .wasm file as a compiled module.

import module from "./tollgate.wasm";

import * as core from "../build/js/tollgate.js";
import { library, parseJson } from "./library.js";

core.initSync({ module });

// A Worker has no file beside it: tokens are estimated there, unless its assets have the vocabularies.
const platform = { parse: parseJson, vocabulary: async () => undefined, env: {} };

export const { Gateway, ConfigError, checkConfig } = library(core, platform);
export * from "./library/index.js";
