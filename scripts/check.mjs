// npm run check: all that CI holds a change to. `-- --no-tests` leaves out what `npm test` has just run.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { run, which } from "./process.mjs";
import { root, target } from "./place.mjs";
import { npmPackages, rust, underModernNode, wasmTarget } from "./setup.mjs";
import { checkSize } from "./size.mjs";
import { Problem, main, step } from "./steps.mjs";
import { runTests, tell } from "./tests.mjs";
import { checkTree } from "./tree.mjs";
import { buildNpm } from "./npm.mjs";

const STRICT = ["--", "-D", "warnings"];

async function cargo(title, args) {
  const { code, output } = await step(title, (at) => run("cargo", args, { cwd: root, onLine: at }));
  if (code !== 0) throw new Problem(`${title} failed: \`cargo ${args.join(" ")}\` shows it again`, output);
}

/** rustfmt and clippy are components that a minimal Rust lacks. */
async function components() {
  for (const name of ["rustfmt", "clippy"]) {
    const { code } = await run("cargo", [name === "rustfmt" ? "fmt" : name, "--version"], { cwd: root });
    if (code === 0) continue;
    if (!which("rustup")) throw new Problem(`Rust's component ${name} is missing: install it with your system's Rust`);
    const added = await step(`Rust's ${name}`, (at) => run("rustup", ["component", "add", name], { onLine: at }));
    if (added.code !== 0) throw new Problem(`rustup could not add ${name}; its own message is above`, added.output);
  }
}

/** The features of Cargo.toml: each is a shell that must build alone. */
function features() {
  const manifest = readFileSync(join(root, "Cargo.toml"), "utf8");
  const table = manifest.split("[features]")[1]?.split(/^\[/m)[0] ?? "";
  return [...table.matchAll(/^(\w+) *=/gm)].map(([, name]) => name).filter((name) => name !== "default");
}

const checks = [
  ["format", () => cargo("format", ["fmt", "--all", "--check"])],
  ["clippy", () => cargo("clippy", ["clippy", "--locked", "--all-targets", ...STRICT])],
  ...features().map((name) => [
    `clippy, ${name}`,
    () => {
      const only = ["--no-default-features", "--features", name];
      return cargo(`clippy, ${name}`, ["clippy", "--locked", "--lib", "--target", target, ...only, ...STRICT]);
    },
  ]),
  ["wasm builds and the npm package", () => buildNpm()],
  ["size", () => checkSize()],
  ["tree", () => checkTree()],
];

await main(async () => {
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await rust();
  await components();
  await wasmTarget();
  const results = [];
  for (const [name, check] of checks) {
    try {
      await check();
      results.push({ name, passed: 1, failed: 0 });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.detail) console.error(error.detail.trimEnd());
      console.error(`error: ${error.message}`);
      results.push({ name, passed: 0, failed: 1 });
    }
  }
  if (!process.argv.includes("--no-tests")) results.push(...(await runTests()));
  return tell(results);
});
