// npm run release: builds the npm package anew and packs it into build/release/, with hashes and notes. It publishes nothing.

import { readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";

import { buildNpm } from "./npm.mjs";
import { packRelease, publishLine } from "./pack.mjs";
import { jsFolder, npmFolder, pageFolder, releaseFolder, root, workerFolder } from "./place.mjs";
import { run, which } from "./process.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { Problem, main } from "./steps.mjs";

/** A release is made of what is committed: a problem where something else lies in the tree. */
async function committed() {
  const git = which("git");
  const { code, stdout } = git ? await run(git, ["status", "--porcelain"], { cwd: root }) : { code: 1 };
  if (code !== 0) throw new Problem("git cannot tell whether the tree is clean: a release is made of a clone");
  if (stdout) throw new Problem("there are changes that are not committed: commit them first, or stash them", stdout);
}

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await committed();
  for (const folder of [jsFolder, workerFolder, pageFolder, npmFolder, releaseFolder]) rmSync(folder, { recursive: true, force: true });
  await buildNpm();
  const { tarball, notes } = await packRelease(releaseFolder);
  console.log(`\n${readFileSync(notes, "utf8")}`);
  console.log(`To publish, in a CI job that npm trusts (it signs where the package was built; nowhere else is there provenance):\n`);
  console.log(`  ${publishLine(relative(root, tarball))}\n`);
  return 0;
});
