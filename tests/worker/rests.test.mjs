// Rests on workerd: an instance tells others by the cache of its data centre, and a new process reads it there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startGateway, startUpstream } from "./gateway.mjs";

let gateway;
let upstream;

before(async () => {
  upstream = await startUpstream((request, response) => {
    const full = request.url.startsWith("/a0/");
    response.writeHead(full ? 429 : 200, { "content-type": "application/json", ...(full && { "retry-after": "50" }) });
    const message = { role: "assistant", content: "hello" };
    const answer = { id: "1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, message }] };
    response.end(JSON.stringify(full ? { error: { message: "slow down" } } : answer));
  });
  const entry = (group, id) => ({
    model_name: group,
    litellm_params: { model: "openai/gpt-4o", api_key: "sk-upstream", api_base: `${upstream.url}/${id}/v1` },
    model_info: { id },
  });
  const config = { model_list: [entry("a", "a0"), entry("a", "a1"), entry("b", "b0"), entry("b", "b1")] };
  gateway = await startGateway({ config });
});

after(async () => {
  await gateway.stop();
  await upstream.stop();
});

async function ask(model) {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body });
  assert.equal(answer.status, 200, await answer.text());
}

const failures = () => upstream.requests.filter(({ path }) => path.startsWith("/a0/")).length;

test("a rest that one process has found out is known to the next", async () => {
  for (let calls = 0; failures() === 0; calls += 1) {
    assert.ok(calls < 60, "one of two deployments is never tried");
    await ask("a");
  }
  for (let calls = 0; calls < 20; calls += 1) await ask("a");
  assert.equal(failures(), 1, "it rests in its own instance");

  await gateway.restart();
  // Beside this request the new instance reads what the old one has written.
  await ask("b");
  for (let calls = 0; calls < 20; calls += 1) await ask("a");
  assert.equal(failures(), 1, "it rests in the next one");
});
