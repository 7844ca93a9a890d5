// Tells whether the inputs of a step have changed since it last succeeded.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

import { kept, root } from "./place.mjs";

function* files(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) return void (yield path);
  for (const name of readdirSync(path).sort()) yield* files(join(path, name));
}

/** One hash over the paths and contents of files and folders (relative to the tree) and over extra words. */
export function fingerprint(paths, words = []) {
  const hash = createHash("sha256").update(JSON.stringify(words));
  for (const path of paths) {
    for (const file of files(join(root, path))) {
      hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest("hex");
}

const stamp = (name) => join(kept, `${name}.stamp`);

/** Whether the step last succeeded with this fingerprint, and its outcome still exists. */
export function fresh(name, print, outcome) {
  return existsSync(outcome) && existsSync(stamp(name)) && readFileSync(stamp(name), "utf8") === print;
}

/** Remembers that the step succeeded with this fingerprint. */
export function remember(name, print) {
  mkdirSync(kept, { recursive: true });
  writeFileSync(stamp(name), print);
}

/** Forgets the step: it runs the next time. */
export function forget(name) {
  rmSync(stamp(name), { force: true });
}
