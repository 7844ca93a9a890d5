// CPU of a whole request above a Worker that does nothing, for each dialect, a short and a long prompt, and the mock.

import { ITSELF, line, median, paired, sideBySide, stage } from "./harness.mjs";

// design: what a request may cost of our own, in µs.
const BAR = 120;

const LOAD = { rounds: 7, warm: 1500, count: 500, parallel: 8 };

const words = (bytes) => "lorem ipsum ".repeat(Math.ceil(bytes / 12)).slice(0, bytes);

/** A conversation of about `bytes` bytes, as an application sends it. */
function prompt(bytes) {
  return [
    { role: "system", content: "Answer in one sentence." },
    { role: "user", content: words(bytes - 180) },
  ];
}

const deployment = (name, model, base) => ({
  model_name: name,
  litellm_params: { model, api_base: base, api_key: "sk-upstream" },
});

// The spend log of the master key's calls is written by a Durable Object: it has lines of its own.
const config = (url) => ({
  general_settings: { disable_spend_logs: true },
  model_list: [
    deployment("openai", "openai/gpt-4o-mini", `${url}/v1`),
    deployment("anthropic", "anthropic/claude-haiku-4-5", url),
    deployment("gemini", "gemini/gemini-2.5-flash", url),
    { model_name: "echo", litellm_params: { model: "mock/echo" } },
  ],
});

const UPSTREAM_PATHS = {
  openai: "/v1/chat/completions",
  anthropic: "/v1/messages",
  gemini: "/v1beta/models/gemini-2.5-flash:generateContent",
  echo: ITSELF,
};

const cases = [
  { model: "openai", title: "OpenAI's dialect, 300 bytes", bytes: 300 },
  { model: "openai", title: "OpenAI's dialect, 100 KB", bytes: 100_000 },
  { model: "anthropic", title: "Anthropic's dialect, 300 bytes", bytes: 300 },
  { model: "anthropic", title: "Anthropic's dialect, 100 KB", bytes: 100_000 },
  { model: "gemini", title: "Gemini's dialect, 300 bytes", bytes: 300 },
  { model: "gemini", title: "Gemini's dialect, 100 KB", bytes: 100_000 },
  { model: "echo", title: "mock/echo, 300 bytes", bytes: 300 },
];

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  return stage(config, async ({ nothing, gateway }) => {
    const lines = [];
    for (const { model, title, bytes } of cases) {
      const text = JSON.stringify({ model, messages: prompt(bytes), temperature: 0.2, max_tokens: 100, user: "u-1" });
      const ways = [
        { url: nothing.url + UPSTREAM_PATHS[model], pid: nothing.pid, text, expected: () => true },
        { url: `${gateway.url}/v1/chat/completions`, pid: gateway.pid, text, expected: (got) => got.includes("choices") },
      ];
      const results = await sideBySide(ways, LOAD);
      const above = paired(results, (ours, nulls) => ours.cpu - nulls.cpu);
      const [nulls, ours] = results.map((rounds) => median(rounds.map(({ cpu }) => cpu)));
      const latency = paired(results, (ours, nulls) => ours.p50 - nulls.p50);
      const detail = `${ours.toFixed(0)} against ${nulls.toFixed(0)} µs; p50 +${latency.toFixed(2)} ms at 8 in parallel`;
      lines.push(line(`CPU above a null Worker: ${title}`, above, "µs", BAR, detail));
    }
    return lines;
  });
}
