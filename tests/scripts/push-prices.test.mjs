// npm run prices:push hands a whole price table to a recording stand-in for wrangler, and nothing else.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FULL = join(root, "prices", "full.mpt");
const NAMESPACE = '[[kv_namespaces]]\nbinding = "TOLLGATE_KV"\nid = "0123456789abcdef0123456789abcdef"\n';

/** Pushes `bytes`, or the tree's own table, by a wrangler that exits with `code`. */
function push(t, { bytes, code = 0, toml = NAMESPACE } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-prices-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name) => join(folder, name);
  const stand = `
    import { appendFileSync, copyFileSync } from "node:fs";
    const args = process.argv.slice(2, -2);
    copyFileSync(args[args.indexOf("--path") + 1], ${JSON.stringify(at("pushed"))});
    appendFileSync(${JSON.stringify(at("calls"))}, args.join(" ") + "\\n");
    if (${code}) console.error("You are not logged in.");
    process.exit(${code});`;
  writeFileSync(at("wrangler.mjs"), stand);
  writeFileSync(at("wrangler.toml"), toml);
  if (bytes) writeFileSync(at("table.mpt"), bytes);
  const env = { ...process.env, TOLLGATE_WRANGLER: at("wrangler.mjs"), TOLLGATE_WRANGLER_TOML: at("wrangler.toml") };
  const args = [join(root, "scripts", "push-prices.mjs"), ...(bytes ? [at("table.mpt")] : [])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8", cwd: folder });
  const read = (name) => (existsSync(at(name)) ? readFileSync(at(name)) : undefined);
  return { status, stdout, stderr, calls: read("calls")?.toString() ?? "", pushed: read("pushed") };
}

test("the tree's full table goes into the key that the Worker reads", (t) => {
  const { status, stdout, stderr, calls, pushed } = push(t);
  assert.equal(status, 0, stderr);
  assert.equal(calls, `kv key put prices --path ${FULL} --binding TOLLGATE_KV --remote\n`);
  assert.deepEqual(pushed, readFileSync(FULL));
  assert.match(stdout, /takes the prices of 20\d\d-\d\d-\d\d within a minute/);
});

test("what is no whole table never reaches wrangler", (t) => {
  const whole = readFileSync(FULL);
  const damaged = Buffer.from(whole);
  damaged[9000] ^= 1;
  for (const [bytes, words] of [
    [Buffer.from("<html>"), /is no price table: build it with npm run prices/],
    [whole.subarray(0, 9000), /was cut or damaged/],
    [whole.subarray(0, 10), /was cut or damaged/],
    [damaged, /was cut or damaged/],
  ]) {
    const { status, stderr, calls } = push(t, { bytes });
    assert.equal(status, 1);
    assert.match(stderr, words);
    assert.equal(calls, "");
  }
});

test("without a namespace or a login nothing is claimed", (t) => {
  const none = push(t, { toml: '[[kv_namespaces]]\nbinding = "TOLLGATE_KV"\n' });
  assert.equal(none.status, 1);
  assert.match(none.stderr, /names no KV namespace yet: run npm run deploy first/);
  const refused = push(t, { code: 1 });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /the prices were not pushed/);
  assert.doesNotMatch(refused.stdout, /takes the prices/);
});
