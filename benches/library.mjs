// The npm package in Node: `completion` above a bare fetch of the same upstream, and a program's start until its first answer.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { npmFolder } from "../scripts/place.mjs";
import { run } from "../scripts/process.mjs";
import { startUpstream } from "../tests/worker/gateway.mjs";
import { line, median } from "./harness.mjs";
import { answer } from "./upstream.mjs";

// design: ms.
const BAR = 0.1;
const ROUNDS = 15;
const COUNT = 200;
const STARTS = 11;

const NODE = pathToFileURL(join(npmFolder, "dist", "node.js")).href;

// Times of one new program.
const START = `
  const start = performance.now();
  const { completion } = await import(${JSON.stringify(NODE)});
  const imported = performance.now();
  await completion({ model: "mock/echo", messages: [{ role: "user", content: "hello" }] });
  console.log(JSON.stringify([imported - start, performance.now() - imported]));
`;

async function times(work) {
  const list = [];
  for (let turn = 0; turn < COUNT; turn += 1) {
    const start = performance.now();
    await work();
    list.push(performance.now() - start);
  }
  return median(list);
}

/** Runs the bench and answers the lines of its report. */
export default async function bench() {
  const { completion } = await import(NODE);
  const upstream = await startUpstream((request, response, seen) => {
    // Nobody reads what was asked, and it would fill the memory.
    upstream.requests.length = 0;
    return answer(request, response, seen);
  });
  const url = `${upstream.url}/v1`;
  const request = { model: "gpt-4o-mini", messages: [{ role: "user", content: "hello" }] };
  const headers = { "content-type": "application/json", authorization: "Bearer sk-bench" };
  const bare = async () => {
    const response = await fetch(`${url}/chat/completions`, { method: "POST", headers, body: JSON.stringify(request) });
    const { choices } = await response.json();
    if (!choices[0].message.content) throw new Error("no answer");
  };
  const ours = async () => {
    const { choices } = await completion({ ...request, custom_llm_provider: "openai", api_base: url, api_key: "sk-bench" });
    if (!choices[0].message.content) throw new Error("no answer");
  };
  const rounds = [];
  try {
    for (const warm of [bare, ours]) await times(warm);
    for (let round = 0; round < ROUNDS; round += 1) rounds.push([await times(bare), await times(ours)]);
  } finally {
    await upstream.stop();
  }
  const [fetched, called] = [0, 1].map((way) => median(rounds.map((round) => round[way])));
  const starts = [];
  for (let turn = 0; turn < STARTS; turn += 1) {
    const { code, stdout, output } = await run(process.execPath, ["--input-type=module", "-e", START]);
    if (code !== 0) throw new Error(output);
    starts.push(JSON.parse(stdout));
  }
  const beside = `p50 ${called.toFixed(2)} ms, bare fetch ${fetched.toFixed(2)} ms: ${(called / fetched).toFixed(2)} ×`;
  return [
    line("npm: completion above bare fetch, in Node", median(rounds.map(([one, other]) => other - one)), "ms", BAR, beside),
    line("npm: import", median(starts.map(([imported]) => imported)), "ms"),
    line("npm: the first call after it (mock/echo)", median(starts.map(([, first]) => first)), "ms"),
  ];
}
