// Packs the built npm package, and says what is in it: SHA256SUMS, and notes with sizes and hashes.

import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { npmFolder, root } from "./place.mjs";
import { run } from "./process.mjs";
import { npm } from "./setup.mjs";
import { Problem } from "./steps.mjs";

const hash = (bytes, algorithm, encoding) => createHash(algorithm).update(bytes).digest(encoding);
const kb = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;

/** What publishes a packed release. */
export const publishLine = (path) => `npm publish --provenance --access public ${path}`;

/** The newest heading of a changelog and what stands under it. */
export function newest(changelog) {
  const [, found] = changelog.split(/^(?=## )/m);
  if (!found) throw new Problem("CHANGELOG.md has no heading `## VERSION`");
  return found.trim();
}

/** Sets the modes of all files: npm packs those that they have, which is the umask of whoever built. */
function evenModes(from) {
  const { bin } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  const programs = Object.values(bin).map((path) => join(from, path));
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) chmodSync(path, programs.includes(path) ? 0o755 : 0o644);
  }
}

/** Packs the package in `from` into `folder`; answers the paths `{ tarball, sums, notes }`. */
export async function packRelease(folder, from = npmFolder) {
  mkdirSync(folder, { recursive: true });
  evenModes(from);
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { code, output, stdout } = await npm(args, { cwd: from });
  if (code !== 0) throw new Problem("npm could not pack the package; its own message is above", output);
  const [{ filename, files, integrity, unpackedSize, version }] = JSON.parse(stdout);
  const tarball = join(folder, filename);
  const packed = readFileSync(tarball);
  const own = `sha512-${hash(packed, "sha512", "base64")}`;
  if (own !== integrity) throw new Problem(`npm says ${integrity} of ${filename}, and its bytes are ${own}: pack it again`);

  const wasm = files.map(({ path }) => path).filter((path) => path.endsWith(".wasm")).sort();
  const named = wasm.map((path) => ({ name: `package/${path}`, bytes: readFileSync(join(from, path)) }));
  const lines = [{ name: filename, bytes: packed }, ...named].map(({ name, bytes }) => `${hash(bytes, "sha256", "hex")}  ${name}\n`);
  const sums = join(folder, "SHA256SUMS");
  writeFileSync(sums, lines.join(""));

  const { stdout: rust } = await run("rustc", ["--version"]);
  const changes = newest(readFileSync(join(root, "CHANGELOG.md"), "utf8"));
  if (!changes.startsWith(`## ${version}`)) throw new Problem(`CHANGELOG.md begins with another version than ${version}`);
  const sizes = [
    `| ${filename} | ${kb(packed.length)} (${files.length} files, ${kb(unpackedSize)} unpacked) |`,
    ...named.map(({ name, bytes }) => `| ${name} | ${kb(bytes.length)} (gzip ${kb(gzipSync(bytes, { level: 9 }).length)}) |`),
  ];
  const table = ["| file | size |", "| --- | --- |", ...sizes].join("\n");
  const check = [`Built with ${rust.trim()}.`, "", "SHA-256:", "```text", lines.join("").trim(), "```", "npm's integrity of the tarball:", "```text", integrity, "```"];
  const notes = join(folder, "NOTES.md");
  writeFileSync(notes, `${[changes, "### Files", table, check.join("\n")].join("\n\n")}\n`);
  return { tarball, sums, notes, integrity };
}
