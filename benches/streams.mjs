// Streams: time to the first token, and CPU against a Worker that hands the stream on as it comes.

import { CHUNKS } from "./upstream.mjs";
import { line, median, paired, sideBySide, stage } from "./harness.mjs";

// design: ms above a null Worker, and CPU as a multiple of its native pass.
const FIRST_BAR = 1;
const CPU_BAR = 3;

const STREAMS = { rounds: 5, warm: 150, count: 150, parallel: 24 };
// One at a time: what is measured is the way, and not the queue.
const FIRSTS = { rounds: 5, warm: 5, count: 10, parallel: 1 };

const config = (url) => ({
  general_settings: { disable_spend_logs: true },
  model_list: [
    {
      model_name: "openai",
      litellm_params: { model: "openai/gpt-4o-mini", api_base: `${url}/v1`, api_key: "sk-upstream" },
    },
    {
      model_name: "anthropic",
      litellm_params: { model: "anthropic/claude-haiku-4-5", api_base: url, api_key: "sk-upstream" },
    },
  ],
});

const PATHS = { openai: "/v1/chat/completions", anthropic: "/v1/messages" };

const cases = [
  { model: "openai", title: "same dialect" },
  { model: "openai", title: "same dialect, usage asked for", options: { include_usage: true } },
  { model: "anthropic", title: "Anthropic's to OpenAI's" },
];

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  return stage(config, async ({ nothing, gateway }) => {
    const lines = [];
    for (const { model, title, options } of cases) {
      const messages = [{ role: "user", content: "hello" }];
      const body = { model, messages, max_tokens: 100, stream: true, stream_options: options };
      const text = JSON.stringify(body);
      const whole = (end) => (got) => got.includes(end);
      const ways = [
        { url: nothing.url + PATHS[model], pid: nothing.pid, text, expected: () => true },
        { url: `${gateway.url}/v1/chat/completions`, pid: gateway.pid, text, expected: whole("data: [DONE]") },
      ];
      const results = await sideBySide(ways, STREAMS);
      const times = paired(results, (ours, nulls) => ours.cpu / nulls.cpu);
      const [nulls, ours] = results.map((rounds) => median(rounds.map(({ cpu }) => cpu)));
      const detail = `${ours.toFixed(0)} against ${nulls.toFixed(0)} µs`;
      lines.push(line(`CPU of a stream of ${CHUNKS} chunks: ${title}`, times, "×", CPU_BAR, detail));
      const firsts = await sideBySide(ways, FIRSTS);
      const above = paired(firsts, (ours, nulls) => ours.first - nulls.first);
      lines.push(line(`First token above a null Worker: ${title}`, above, "ms", FIRST_BAR));
    }
    return lines;
  });
}
