// Routing on workerd: tags choose a deployment, a name stands for several models, and a dry run tells what would happen.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startGateway } from "./gateway.mjs";

const MASTER = "sk-master-key-for-tests";

/** A deployment that answers by itself. */
function entry(group, id, params = {}) {
  return {
    model_name: group,
    litellm_params: { model: "openai/gpt-4o-mini", mock_response: "ok", ...params },
    model_info: { id },
  };
}

const config = {
  model_list: [
    entry("m", "free", { tags: ["free"], weight: 3 }),
    entry("m", "paid", { tags: ["paid"], weight: 1 }),
    entry("m", "agents", { tag_regex: ["^User-Agent: claude-code/\\d+"] }),
    entry("m", "default", { tags: ["default"] }),
    entry("next", "next"),
  ],
  router_settings: {
    enable_tag_filtering: true,
    task_routing: { auto: [{ model: "next", keywords: ["compare"] }, { model: "m" }] },
    traffic_split: { chat: { sticky: "user", variants: [{ name: "a", model: "m" }, { name: "b", model: "next" }] } },
  },
  general_settings: { master_key: MASTER },
};

let gateway;
before(async () => (gateway = await startGateway({ config })));
after(() => gateway.stop());

function post(path, body, headers = {}) {
  const json = { "content-type": "application/json", authorization: `Bearer ${MASTER}` };
  return fetch(gateway.url + path, { method: "POST", headers: { ...json, ...headers }, body: JSON.stringify(body) });
}

const says = (model, text = "hi", rest = {}) => ({ model, messages: [{ role: "user", content: text }], ...rest });

async function answered(body, headers) {
  const answer = await post("/v1/chat/completions", body, headers);
  const { error } = await answer.json();
  return error ? `${answer.status} ${error.code}` : answer.headers.get("x-litellm-model-id");
}

test("tags of the body, of a header and of the client choose the deployment", async () => {
  for (const [wanted, body, headers] of [
    ["free", says("m", "hi", { metadata: { tags: ["free"] } })],
    ["paid", says("m"), { "x-litellm-tags": "paid" }],
    ["agents", says("m"), { "user-agent": "claude-code/2" }],
    ["default", says("m"), { "user-agent": "curl/8" }],
    ["401 no_deployments_with_tag_routing", says("m", "hi", { tags: ["&free", "&paid"] })],
  ]) {
    assert.equal(await answered(body, headers), wanted);
  }
});

test("a name stands for several models, and a split keeps a user's variant", async () => {
  assert.equal(await answered(says("auto", "compare the two")), "next");
  assert.equal(await answered(says("auto")), "default");
  const variants = new Set();
  for (let user = 0; user < 20; user += 1) {
    const ask = async () => {
      const answer = await post("/v1/chat/completions", says("chat", "hi", { user: `user-${user}` }));
      await answer.text();
      return answer.headers.get("x-litellm-variant");
    };
    const variant = await ask();
    assert.equal(await ask(), variant);
    variants.add(variant);
  }
  assert.deepEqual([...variants].sort(), ["a", "b"]);
});

test("a dry run tells deployments, reasons, probabilities and the most that it may cost", async () => {
  const answer = await post("/utils/route", says("auto", "hi", { tags: ["free", "paid"], max_tokens: 100 }));
  assert.equal(answer.status, 200);
  const told = await answer.json();
  assert.deepEqual([told.model, told.model_group, told.routing_strategy], ["auto", "m", "simple-shuffle"]);
  const [free, paid, agents] = told.deployments;
  assert.ok(Math.abs(free.probability - 0.75) < 0.01 && Math.abs(paid.probability - 0.25) < 0.01, JSON.stringify(told));
  assert.deepEqual([agents.probability, agents.filtered.reason], [0, "tags"]);
  assert.ok(told.max_cost > 0 && told.max_cost < 0.01, String(told.max_cost));
  const settings = await fetch(`${gateway.url}/router/settings`, { headers: { authorization: `Bearer ${MASTER}` } });
  assert.equal((await settings.json()).current_values.enable_tag_filtering, true);
});

test("a session stays with its deployment, and background checks are told and heeded", async () => {
  const broken = "http://127.0.0.1:1/v1";
  const own = await startGateway({
    config: {
      model_list: [
        ...[1, 2, 3, 4, 5, 6].map((at) => entry("m", `m${at}`)),
        entry("pair", "well"),
        { model_name: "pair", litellm_params: { model: "openai/x", api_key: "k", api_base: broken }, model_info: { id: "ill" } },
      ],
      router_settings: { optional_pre_call_checks: ["session_affinity"] },
      general_settings: { master_key: MASTER, background_health_checks: true, enable_health_check_routing: true },
    },
  });
  try {
    const headers = { "content-type": "application/json", authorization: `Bearer ${MASTER}` };
    const ask = async (model, more) => {
      const body = JSON.stringify(says(model, "hi", more));
      const answer = await fetch(`${own.url}/v1/chat/completions`, { method: "POST", headers, body });
      await answer.text();
      return answer.headers.get("x-litellm-model-id");
    };
    const seen = new Set();
    for (let turn = 0; turn < 12; turn += 1) seen.add(await ask("m", { metadata: { session_id: "one" } }));
    assert.equal(seen.size, 1);

    await own.check();
    const told = await (await fetch(`${own.url}/health`, { headers })).json();
    assert.deepEqual(told.unhealthy_endpoints.map((one) => one.model_id), ["ill"]);
    assert.equal(told.healthy_count, 7);
    assert.match(told.checked_at, /^\d{4}-\d\d-\d\dT/);
    assert.equal((await fetch(`${own.url}/health?model_id=ill`, { headers })).status, 503);
    const dry = await fetch(`${own.url}/utils/route`, { method: "POST", headers, body: JSON.stringify(says("pair")) });
    const chances = (await dry.json()).deployments.map(({ id, probability, filtered }) => [id, probability, filtered?.reason]);
    assert.deepEqual(chances, [["well", 1, undefined], ["ill", 0, "unhealthy"]]);
  } finally {
    await own.stop();
  }
});
