// A virtual key with a budget beside the master key: what reserve and settle add, and how many a Ledger takes.

import { line, median, paired, sideBySide, stage } from "./harness.mjs";

const MASTER = "sk-master-key-for-the-bench";

const ALONE = { rounds: 7, warm: 200, count: 150, parallel: 1 };
const MANY = { rounds: 3, warm: 200, count: 1000, parallel: 64 };

const config = (url) => ({
  model_list: [
    {
      model_name: "openai",
      litellm_params: { model: "openai/gpt-4o-mini", api_base: `${url}/v1`, api_key: "sk-upstream" },
    },
  ],
  // The master key's calls are compared without any books.
  general_settings: { master_key: MASTER, disable_spend_logs: true },
});

async function makeKey(url) {
  const headers = { authorization: `Bearer ${MASTER}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/key/generate`, { method: "POST", headers, body: '{"max_budget":1000000}' });
  if (answer.status !== 200) throw new Error(`no key was made: ${await answer.text()}`);
  return (await answer.json()).key;
}

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  return stage(config, async ({ gateway }) => {
    const key = await makeKey(gateway.url);
    const text = JSON.stringify({ model: "openai", messages: [{ role: "user", content: "hello" }], max_tokens: 100 });
    const way = (key) => ({
      url: `${gateway.url}/v1/chat/completions`,
      pid: gateway.pid,
      text,
      headers: { authorization: `Bearer ${key}` },
      expected: (got) => got.includes("choices"),
    });
    const alone = await sideBySide([way(MASTER), way(key)], ALONE);
    const [many] = await sideBySide([way(key)], MANY);
    const [master] = alone.map((rounds) => median(rounds.map(({ p50 }) => p50)));
    const inOne = "gateway, Ledger and disk in one workerd";
    return [
      line("A key with a budget: latency above the master key", paired(alone, (one, other) => one.p50 - other.p50), "ms", undefined, `master key: ${master.toFixed(2)} ms`),
      line("A key with a budget: CPU above the master key", paired(alone, (one, other) => one.cpu - other.cpu), "µs", undefined, inOne),
      line("Reserve and settle on one Ledger, 64 clients", median(many.map(({ rate }) => rate)), "calls/s", undefined, inOne),
    ];
  });
}
