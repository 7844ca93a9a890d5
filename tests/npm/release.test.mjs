// A release: packed twice it is the same to the byte, and its hashes are those of what is inside.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";

import { newest, packRelease, publishLine } from "../../scripts/pack.mjs";
import { npmFolder, root } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";

const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("the same files make the same tarball, wherever and whenever they were built", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-release-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const first = await packRelease(join(folder, "first"));
  const copy = join(folder, "elsewhere");
  cpSync(npmFolder, copy, { recursive: true });
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    utimesSync(path, 1e9, 1e9);
    // Who has another umask.
    if (entry.isFile()) chmodSync(path, 0o600);
  }
  const second = await packRelease(join(folder, "second"), copy);
  assert.equal(basename(second.tarball), basename(first.tarball));
  assert.equal(second.integrity, first.integrity);
  assert.equal(sha256(second.tarball), sha256(first.tarball));
  for (const name of ["sums", "notes"]) assert.equal(readFileSync(second[name], "utf8"), readFileSync(first[name], "utf8"));

  // What a user would do: unpack beside the sums, and compare.
  const { code, output } = await run("tar", ["-xzf", basename(first.tarball)], { cwd: join(folder, "first") });
  assert.equal(code, 0, output);
  const sums = readFileSync(first.sums, "utf8").trimEnd().split("\n").map((line) => line.split("  "));
  assert.equal(sums.length, 4);
  assert.ok(sums.some(([, name]) => name === "package/dist/tollgate.wasm"));
  for (const [sum, name] of sums) assert.equal(sha256(join(folder, "first", name)), sum, name);

  const notes = readFileSync(first.notes, "utf8");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.ok(notes.startsWith(`## ${version}\n`));
  for (const told of [first.integrity, ...sums.flat()]) assert.ok(notes.includes(told), told);
  assert.equal(publishLine("x.tgz"), "npm publish --provenance --access public x.tgz");
  const manifest = JSON.parse(readFileSync(join(folder, "first", "package", "package.json"), "utf8"));
  assert.deepEqual(manifest.publishConfig, { access: "public", provenance: true });
});

test("no file of it names a folder of this machine", () => {
  const folders = [root, homedir()].map((folder) => `${folder}/`);
  for (const entry of readdirSync(npmFolder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    for (const folder of folders) assert.ok(!bytes.includes(folder), `${entry.name} names ${folder}`);
  }
});

test("the notes have the newest version's changes alone", () => {
  assert.equal(newest("# Changelog\n\n## 2.0.0\n\n- New.\n\n## 1.0.0\n\n- Old.\n"), "## 2.0.0\n\n- New.");
  assert.throws(() => newest("# Changelog\n"), /no heading/);
});
