// npm run prices:push [-- FILE]: the full price table into the KV of the deployed Worker, which takes it within a minute.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { packaged, root } from "./place.mjs";
import { run } from "./process.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { Problem, main, step } from "./steps.mjs";
import { namespaceId } from "./wrangler-toml.mjs";

const BINDING = "TOLLGATE_KV";
const KEY = "prices";
/** The gateway takes no larger one. */
const LARGEST = 4 << 20;
const DAY_AT = 14;
const MS_PER_DAY = 86_400_000;

/** The program that does Cloudflare's part; a test names a recording one. */
const wrangler = process.env.TOLLGATE_WRANGLER ?? packaged("wrangler", "bin", "wrangler.js");
const settings = process.env.TOLLGATE_WRANGLER_TOML ?? join(root, "wrangler.toml");

/** The day of a table's prices. What is no table, or a cut one, does not leave this machine. */
function checkedDay(path) {
  const bytes = readFileSync(path);
  const refuse = (what) => new Problem(`${path} ${what}: build it with npm run prices`);
  if (bytes.toString("latin1", 0, 4) !== "MPT1") throw refuse("is no price table");
  if (bytes.length > LARGEST) throw refuse(`is larger than ${LARGEST} bytes`);
  let sum = 0xcbf29ce484222325n;
  for (const byte of bytes.subarray(DAY_AT)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  if (bytes.length < DAY_AT + 4 || bytes.readBigUInt64LE(6) !== sum) throw refuse("was cut or damaged");
  return new Date(bytes.readUInt32LE(DAY_AT) * MS_PER_DAY).toISOString().slice(0, 10);
}

await main(async () => {
  const path = resolve(process.argv[2] ?? join(root, "prices", "full.mpt"));
  const day = checkedDay(path);
  if (!namespaceId(readFileSync(settings, "utf8"), BINDING)) {
    throw new Problem("wrangler.toml names no KV namespace yet: run npm run deploy first");
  }
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  const args = ["kv", "key", "put", KEY, "--path", path, "--binding", BINDING, "--remote", "--config", settings];
  // wrangler asks no questions where it believes that no one is there to answer.
  const { code, output } = await step(`prices of ${day}`, (at) =>
    run(process.execPath, [wrangler, ...args], { cwd: root, onLine: at, env: { CI: "1" } }),
  );
  if (code !== 0) throw new Problem("the prices were not pushed: wrangler's own message is above", output);
  console.log(`\nThe deployed gateway takes the prices of ${day} within a minute.`);
});
