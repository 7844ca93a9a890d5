// Counts tokens in wasm: MB/s of the exact counter on this repository's own prose and code, and what loading it takes.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { core } from "../scripts/checker.mjs";
import { root } from "../scripts/place.mjs";

const ROUNDS = 7;
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** About a megabyte of a file, over and over. */
const megabyte = (path) => {
  const text = readFileSync(join(root, path), "utf8");
  return text.repeat(Math.ceil(1e6 / text.length)).slice(0, 1e6);
};

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  const { Vocabulary } = (await core()).names;
  const lines = [];
  for (const encoding of ["o200k_base", "cl100k_base"]) {
    const planes = gunzipSync(readFileSync(join(root, "www/vocab", `${encoding}.bin.gz`)));
    const started = performance.now();
    const vocabulary = new Vocabulary(encoding, planes);
    lines.push({ what: `Loading ${encoding} in wasm`, value: performance.now() - started, unit: "ms", detail: "once" });
    for (const [what, path] of [["prose", "README.md"], ["Rust", "src/openai/chunk.rs"]]) {
      const text = megabyte(path);
      const bytes = Buffer.byteLength(text);
      vocabulary.count(text);
      const speeds = Array.from({ length: ROUNDS }, () => {
        const start = performance.now();
        vocabulary.count(text);
        return bytes / 1e6 / ((performance.now() - start) / 1e3);
      });
      lines.push({ what: `Counting ${what}, ${encoding}, wasm`, value: median(speeds), unit: "MB/s", detail: "exact" });
    }
  }
  return lines;
}
