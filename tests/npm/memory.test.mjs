// What a call leaves in memory: nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { queryObjects } from "node:v8";

import { UPSTREAM_KEY, startProviders } from "../worker/upstream.mjs";
import { CHAT, Gateway, post } from "./package.mjs";

test("calls leave no closures of the wasm behind", async (t) => {
  const upstream = await startProviders();
  const params = { model: "openai/*", api_base: upstream.url, api_key: UPSTREAM_KEY };
  const gateway = new Gateway({ open: true, config: { model_list: [{ model_name: "*", litellm_params: params }] } });
  t.after(async () => {
    await gateway.close();
    await upstream.stop();
  });
  const functions = async (calls) => {
    for (let call = 0; call < calls; call += 1) {
      const body = { model: "gpt-4o", messages: [{ role: "user", content: "hello" }], stream: call % 2 === 0 };
      await (await gateway.fetch(`http://x${CHAT}`, post(body))).text();
    }
    while (gateway.active) await new Promise((resolve) => setImmediate(resolve));
    // It collects first.
    queryObjects(Function, { format: "count" });
    await new Promise((resolve) => setImmediate(resolve));
    upstream.requests.length = 0;
    return queryObjects(Function, { format: "count" });
  };
  await functions(100);
  const before = await functions(10);
  const after = await functions(200);
  // Waits that were never ended left four of each call.
  assert.ok(after - before < 400, `${after - before} more functions after 200 calls`);
});
