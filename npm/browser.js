// tollgate in browsers and bundlers for them: the wasm and the vocabularies are files beside this one.

import init, * as core from "../build/js/tollgate.js";
import { library, parseJson } from "./library.js";

await init({ module_or_path: fetch(new URL("./tollgate.wasm", import.meta.url)) });

const files = {
  o200k_base: new URL("./vocab/o200k_base.bin.gz", import.meta.url),
  cl100k_base: new URL("./vocab/cl100k_base.bin.gz", import.meta.url),
};

async function vocabulary(name) {
  const answer = await fetch(files[name]);
  if (!answer.ok) return undefined;
  return new Uint8Array(await new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

export const { Gateway, ConfigError, checkConfig } = library(core, { parse: parseJson, vocabulary, env: {} });
export * from "./library/index.js";
