// A request straight to the upstream, through a Worker that does nothing, and through the gateway, in one run.

import { load, startGateway, startNullWorker, startUpstream, table } from "./harness.mjs";

// As many as the answer of a short question has.
const CHUNKS = 52;
const STAMP = 1_700_000_000;

const whole = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: STAMP,
  model: "bench",
  choices: [{ index: 0, message: { role: "assistant", content: "word ".repeat(CHUNKS) }, finish_reason: "stop" }],
  usage: { prompt_tokens: 8, completion_tokens: CHUNKS, total_tokens: 8 + CHUNKS },
});

const chunk = (delta, finish = null) =>
  `data: ${JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: STAMP,
    model: "bench",
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`;

/** Sends one chunk a turn of the event loop, as a provider's tokens come: each is a write of its own. */
function stream(response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const next = () => {
    if (sent < CHUNKS) {
      response.write(chunk({ content: "word " }));
      sent += 1;
      setImmediate(next);
    } else {
      response.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
    }
  };
  next();
}

function answer(request, response, { body }) {
  if (JSON.parse(body).stream) return stream(response);
  response.writeHead(200, { "content-type": "application/json" }).end(whole);
}

const kinds = [
  { title: "Whole answers", stream: false, count: 3000, parallel: 8, expected: (text) => text.includes('"choices"') },
  { title: "Streams of 52 chunks", stream: true, count: 600, parallel: 8, expected: (text) => text.includes("[DONE]") },
];

/** Runs the bench and prints its tables. */
export default async function bench() {
  const upstream = await startUpstream(answer);
  const nothing = await startNullWorker(upstream.url);
  const params = { model: "openai/bench", api_base: `${upstream.url}/v1`, api_key: "none" };
  const config = { model_list: [{ model_name: "bench", litellm_params: params }] };
  const gateway = await startGateway({ config, bare: true });
  try {
    const ways = [
      { name: "direct", url: upstream.url },
      { name: "null Worker", url: nothing.url, pid: nothing.pid },
      { name: "Tollgate", url: gateway.url, pid: gateway.pid },
    ];
    for (const kind of kinds) {
      const body = { model: "bench", messages: [{ role: "user", content: "hello" }], stream: kind.stream };
      const rows = [];
      for (const { name, url, pid } of ways) {
        const { p50, p99, first, cpu } = await load({ ...kind, url: `${url}/v1/chat/completions`, body, pid });
        upstream.requests.length = 0;
        const above = cpu && rows.length > 1 ? cpu - rows[1]["CPU µs"] : undefined;
        const times = { "p50 ms": p50, "p99 ms": p99, "first byte ms": first };
        rows.push({ way: name, ...times, "CPU µs": cpu, "above null": above });
      }
      table(kind.title, rows);
      console.log(`  CPU against the null Worker: ${(rows[2]["CPU µs"] / rows[1]["CPU µs"]).toFixed(2)} ×`);
    }
  } finally {
    await Promise.all([gateway.stop(), nothing.stop()]);
    await upstream.stop();
  }
}
