// tollgate in browsers and bundlers for them: the wasm and the vocabularies are files beside this one.

import { glue } from "../build/js/tollgate.js";
import { Core } from "./core.js";
import { library, parseJson } from "./library.js";

const core = await Core.fetched(glue, new URL("./tollgate.wasm", import.meta.url));

const files = {
  o200k_base: new URL("./vocab/o200k_base.bin.gz", import.meta.url),
  cl100k_base: new URL("./vocab/cl100k_base.bin.gz", import.meta.url),
};

async function vocabulary(name) {
  const answer = await fetch(files[name]);
  if (!answer.ok) return undefined;
  const packed = await answer.arrayBuffer();
  // Some servers (Vite's in development) say that a .gz is an encoding: then the browser has unpacked it.
  const [first, second] = new Uint8Array(packed);
  if (first !== 0x1f || second !== 0x8b) return new Uint8Array(packed);
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

export const { Gateway, ConfigError, checkConfig } = library(core, { parse: parseJson, vocabulary, env: {} });
export * from "./library/index.js";
