// Health checks in the background: the timer of a server, and what a program calls itself.

import assert from "node:assert/strict";
import { test } from "node:test";

import { checkRegularly } from "../../npm/cli/checks.js";
import { Gateway } from "./package.mjs";

/** A timer that a test winds: `due` holds what it was given. */
function winder() {
  const due = [];
  const timer = (call, ms) => due.push({ call, ms }) && due.at(-1);
  return { due, timer, clear: (one) => due.splice(due.indexOf(one), due.includes(one) ? 1 : 0) };
}

test("deployments are asked at once, then at each interval, whatever goes wrong, until it is ended", async () => {
  const { due, timer, clear } = winder();
  const lines = [];
  let rounds = 0;
  const gateway = {
    checkInterval: 60_000,
    async checkDeployments() {
      rounds += 1;
      if (rounds === 2) throw new Error("the directory is away");
    },
  };
  const stop = checkRegularly(gateway, { log: (line) => lines.push(line), timer, clear });
  await Promise.resolve();
  for (const wanted of [1, 2, 3]) {
    await new Promise(setImmediate);
    assert.deepEqual([rounds, due.length, due[0].ms], [wanted, 1, 60_000]);
    const [{ call }] = due.splice(0);
    await call();
  }
  assert.deepEqual(lines, ["warning: health checks: the directory is away"]);
  stop();
  assert.equal(due.length, 0);
  assert.equal(rounds, 4);
});

test("nobody is asked where the configuration wants no checks", async () => {
  const { due, timer, clear } = winder();
  checkRegularly({ checkInterval: 0, checkDeployments: () => assert.fail("asked") }, { timer, clear })();
  assert.equal(due.length, 0);
});

test("a gateway asks its deployments when it is told to, and GET /health tells what was found", async () => {
  let now = 1_700_000_000_000;
  const asked = [];
  const upstream = async (request) => {
    asked.push(new URL(request.url ?? request).hostname);
    return Response.json({ error: { message: "no" } }, { status: 401 });
  };
  const model = (id, mock) => ({
    model_name: "m",
    litellm_params: { model: "openai/x", api_key: "k", api_base: `https://${id}.test/v1`, ...mock },
    model_info: { id },
  });
  const config = {
    model_list: [model("well", { mock_response: "ok" }), model("ill")],
    general_settings: { background_health_checks: true, health_check_interval: 30 },
  };
  const gateway = new Gateway({ config, open: true, fetch: upstream, now: () => now });
  try {
    assert.equal(gateway.checkInterval, 30_000);
    assert.equal(await gateway.checkDeployments(), true);
    assert.deepEqual(asked, ["ill.test"]);
    const told = await (await gateway.fetch("http://tollgate/health")).json();
    assert.deepEqual([told.healthy_endpoints[0].model_id, told.unhealthy_endpoints[0].model_id], ["well", "ill"]);
    assert.equal(told.checked_at, "2023-11-14T22:13:20Z");
    assert.equal(await gateway.checkDeployments(), false, "it has just asked");
    now += 30_000;
    assert.equal(await gateway.checkDeployments(), true);
    assert.equal(asked.length, 2);
  } finally {
    await gateway.close();
  }
  const silent = new Gateway({ open: true });
  assert.deepEqual([silent.checkInterval, await silent.checkDeployments()], [0, false]);
  await silent.close();
});
