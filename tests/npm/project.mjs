// For tests of the package as it would be published: an empty project that has installed it.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after } from "node:test";

import { npmFolder } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import * as setup from "../../scripts/setup.mjs";

/**
 * Packs the package and installs it in an empty project, until the tests of the file end. `installed` answers the path of a
 * file of the package, `write` writes a file of the project, `must` runs a program in it to success and answers what it
 * printed, `npm` runs npm so, and `tarball` is `{ path, files, bytes }`.
 */
export async function newProject() {
  const project = mkdtempSync(join(tmpdir(), "tollgate-package-"));
  after(() => rmSync(project, { recursive: true, force: true }));

  async function must(program, args, options) {
    const { code, output, stdout } = await run(program, args, { cwd: project, ...options });
    assert.equal(code, 0, `${program} ${args.join(" ")}\n${output}`);
    return stdout;
  }

  async function npm(args, options) {
    const { code, output, stdout } = await setup.npm(args, { cwd: project, ...options });
    assert.equal(code, 0, `npm ${args.join(" ")}\n${output}`);
    return stdout;
  }

  function write(name, text) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
    return join(project, name);
  }

  const [packed] = JSON.parse(await npm(["pack", "--json", "--pack-destination", project], { cwd: npmFolder }));
  const tarball = { path: join(project, packed.filename), files: packed.files.map(({ path }) => path), bytes: packed.size };
  write("package.json", '{"name": "empty", "private": true}');
  await npm(["install", "--offline", "--no-audit", "--no-fund", tarball.path]);
  const installed = (...path) => join(project, "node_modules", "tollgate", ...path);
  return { project, tarball, installed, npm, must, write };
}
