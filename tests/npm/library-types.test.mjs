// The library's types, as strict TypeScript reads them: from ES modules and from CommonJS.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { npmFolder, packaged, root } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { tollgate } from "./library.mjs";

test("what a program may write compiles, and what it may not does not", async (t) => {
  const project = mkdtempSync(join(tmpdir(), "tollgate-types-"));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  mkdirSync(join(project, "node_modules"));
  for (const [name, path] of [["tollgate", npmFolder], ["openai", packaged("openai")]]) {
    symlinkSync(path, join(project, "node_modules", name), "junction");
  }
  const source = join(root, "tests", "npm", "types", "library.ts");
  for (const name of ["esm.mts", "cjs.cts"]) cpSync(source, join(project, name));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "dom", "dom.asynciterable", "esnext.disposable"],
    types: [],
  };
  const compile = async (name, files, options) => {
    const config = join(project, `${name}.json`);
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...compilerOptions, ...options }, files }));
    const { code, output } = await run(process.execPath, [packaged("typescript", "bin", "tsc"), "-p", config], { cwd: project });
    assert.equal(code, 0, output);
  };
  // openai's own declarations are its own affair; ours are checked by themselves.
  await compile("programs", ["esm.mts", "cjs.cts"], { skipLibCheck: true });
  const dist = ["node.d.ts", "node.d.cts"].map((name) => join(npmFolder, "dist", name));
  await compile("declarations", dist, {});
});

test("the types name all that is there, and nothing else", () => {
  const text = ["index", "library", "node"].map((name) => readFileSync(join(npmFolder, "dist", `${name}.d.ts`), "utf8")).join("\n");
  const typed = [...text.matchAll(/^export (?:class|function|const) (\w+)/gm)].map(([, name]) => name);
  const own = Object.keys(tollgate).filter((name) => !["core", "platform"].includes(name));
  assert.deepEqual([...new Set(typed)].sort(), own.sort());
});
