// Promise 8: the same request, configuration, clock and seed give the same bytes upstream, the same decisions and the same
// cost in the npm package as natively, over all fixtures.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { root } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { Gateway } from "./package.mjs";

const NOW = 1_700_000_000_000;

/** What tests/parity.rs saw. */
async function natively() {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-parity-"));
  try {
    const file = join(folder, "parity.jsonl");
    const { code, output } = await run("cargo", ["test", "--locked", "--test", "parity"], {
      cwd: root,
      env: { PARITY_OUT: file },
    });
    assert.equal(code, 0, output);
    return readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The numbers that tests/gateway/host.rs draws. */
function draws() {
  let state = 1n;
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state & ~0x7ffn) / 2 ** 64;
  };
}

const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** Fields as the platform shows them: sorted, those of one name joined. */
function fields(pairs) {
  const headers = new Headers();
  for (const [name, value] of pairs) headers.append(name, value);
  return [...headers];
}

/** The same case through the package. */
async function here({ config, path, request, upstream }) {
  const sent = [];
  const gateway = new Gateway({
    config,
    open: true,
    env: { OPENAI_API_KEY: "sk-upstream-secret-key" },
    now: () => NOW,
    random: draws(),
    fetch: async (url, { method, headers, body }) => {
      const own = headers.filter(([name]) => name !== "accept-encoding");
      sent.push({ method, url, headers: own, body: hex(body ?? []) });
      const answer = Buffer.from(upstream.body, "hex");
      return new Response(answer, { status: upstream.status, headers: upstream.headers });
    },
  });
  const headers = { "content-type": "application/json" };
  const answer = await gateway.fetch(`http://127.0.0.1:4000${path}`, { method: "POST", headers, body: request });
  const body = hex(await answer.arrayBuffer());
  await gateway.close();
  return { sent, status: answer.status, headers: [...answer.headers], body };
}

test("the package and the native core do the same with every fixture", async () => {
  const cases = await natively();
  assert.ok(cases.length > 300, `only ${cases.length} cases`);
  let went = 0;
  for (const wanted of cases) {
    const got = await here(wanted);
    went += got.sent.length;
    const { name, sent, status, headers, body } = wanted;
    assert.deepEqual(got.sent, sent, `${name}: what goes upstream`);
    assert.deepEqual(got.status, status, `${name}: the status`);
    assert.deepEqual(got.headers, fields(headers), `${name}: the headers, and so the decision and the cost`);
    assert.equal(Buffer.from(got.body, "hex").toString(), Buffer.from(body, "hex").toString(), `${name}: the body`);
  }
  assert.ok(went > cases.length * 0.8, `only ${went} requests went upstream`);
});
