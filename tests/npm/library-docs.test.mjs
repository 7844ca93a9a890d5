// Every JavaScript snippet of docs/library.md, docs/from-litellm.md and the types runs as it is printed, against providers of
// this machine.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { npmFolder, packaged, root } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { UPSTREAM_KEY } from "../worker/upstream.mjs";
import { staged } from "./library.mjs";

const { providers } = await staged();
const folder = mkdtempSync(join(tmpdir(), "tollgate-library-docs-"));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "node_modules"));
for (const [name, path] of [["tollgate", npmFolder], ["openai", packaged("openai")]]) {
  symlinkSync(path, join(folder, "node_modules", name), "junction");
}

// What a reader has in the shell: keys. Where the providers are is this test's own.
const env = {
  ...process.env,
  OPENAI_API_KEY: UPSTREAM_KEY,
  ANTHROPIC_API_KEY: UPSTREAM_KEY,
  GEMINI_API_KEY: UPSTREAM_KEY,
  COHERE_API_KEY: UPSTREAM_KEY,
  GROQ_API_KEY: UPSTREAM_KEY,
  OPENAI_API_BASE: `${providers.url}/v1`,
  ANTHROPIC_API_BASE: providers.url,
  GEMINI_API_BASE: `${providers.url}/v1beta`,
  COHERE_API_BASE: providers.url,
  GROQ_API_BASE: `${providers.url}/openai/v1`,
};

for (const [path, fewest] of [
  ["docs/library.md", 12],
  ["docs/from-litellm.md", 9],
  ["npm/library.d.ts", 2],
  ["npm/index.d.ts", 1],
]) {
  const name = path.split("/").at(-1);
  // Comments of TypeScript lose their stars.
  const text = readFileSync(join(root, path), "utf8").replaceAll(/^ \* ?/gm, "");
  const snippets = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  assert.ok(snippets.length >= fewest, `${path}: ${snippets.length}`);
  for (const [index, code] of snippets.entries()) {
    test(`${name}: ${code.split("\n").find((line) => line.includes("await"))?.trim()}`, async () => {
      const file = join(folder, `${name}-${index}.mjs`);
      writeFileSync(file, code);
      const { code: status, output, stdout } = await run(process.execPath, ["--preserve-symlinks", file], { cwd: folder, env });
      assert.equal(status, 0, `${code}\n${output}`);
      assert.ok(stdout.trim().length, `it prints nothing:\n${code}`);
      assert.doesNotMatch(stdout, /undefined|\[object Object\]|NaN/, code);
    });
  }
}
