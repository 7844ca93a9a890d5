// Streams under stress: clients that leave, fifty at once, time-outs, and upstreams that break off.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { MASTER_KEY, MODELS, says, stage, within } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const scene = stage({
  model_list: (url) => [
    {
      model_name: "hasty",
      litellm_params: { model: "openai/gpt-4o--silent--hasty", api_base: url, api_key: UPSTREAM_KEY, timeout: 0.3 },
    },
    {
      model_name: "hasty-stream",
      litellm_params: {
        model: "openai/gpt-4o--hold-0--hasty",
        api_base: url,
        api_key: UPSTREAM_KEY,
        stream_timeout: 0.3,
      },
    },
  ],
});
const upstreamName = (model) => model.slice(model.indexOf("/") + 1);

/** The data of the last event of a raw stream. */
const lastEvent = (text) => JSON.parse(text.trimEnd().split("data: ").at(-1));

/** The upstream of `model` sees its connection closed within a second of `from`. */
async function closesWithinASecond(model, from) {
  const [seen] = scene.upstream.of(model);
  assert.equal(await within(1000, seen.closed, "the upstream's connection closes"), "aborted");
  assert.ok(performance.now() - from < 1000);
}

for (const [provider, model] of Object.entries(MODELS)) {
  test(`${provider}: words come while the upstream still speaks`, async () => {
    const holding = `${model}--hold-3--early`;
    const stream = await scene.client.chat.completions.create({
      model: holding,
      messages: says("a b c d"),
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) {
      text += chunk.choices[0].delta.content ?? "";
      if (text === "You said: a") break;
    }
    // Leaving the loop is how the SDK's users abort.
    await closesWithinASecond(upstreamName(holding), performance.now());
  });

  test(`${provider}: an abort in mid-stream closes the upstream within a second`, async () => {
    const holding = `${model}--hold-1--abort`;
    const control = new AbortController();
    const stream = await scene.client.chat.completions.create(
      { model: holding, messages: says("a"), stream: true },
      { signal: control.signal },
    );
    let left;
    const reading = (async () => {
      for await (const chunk of stream) {
        if (!chunk.choices[0].delta.content) continue;
        left = performance.now();
        control.abort();
      }
    })();
    await within(5000, reading, "the stream ends");
    await closesWithinASecond(upstreamName(holding), left);
  });

  for (const stream of [true, false]) {
    const what = stream ? "a streamed" : "a whole";
    for (const behaviour of ["silent", "headers"]) {
      test(`${provider}: an abort of ${what} answer before it begins closes the upstream (${behaviour})`, async () => {
        const silent = `${model}--${behaviour}--abort${stream}`;
        const control = new AbortController();
        const arrived = scene.upstream.arrived(upstreamName(silent));
        const asked = scene.client.chat.completions.create(
          { model: silent, messages: says("a"), stream },
          { signal: control.signal },
        );
        const refused = assert.rejects(asked, OpenAI.APIUserAbortError);
        await arrived;
        control.abort();
        await closesWithinASecond(upstreamName(silent), performance.now());
        await refused;
      });
    }
  }

  test(`${provider}: fifty streams at once all complete, each with its own words`, async () => {
    const crowd = `${model}--barrier-50--crowd`;
    const one = async (index) => {
      const messages = says(`number ${index} of fifty`);
      const stream = await scene.client.chat.completions.create({ model: crowd, messages, stream: true });
      let text = "";
      for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
      assert.equal(text, `You said: number ${index} of fifty`);
    };
    await within(20_000, Promise.all(Array.from({ length: 50 }, (_, index) => one(index))), "fifty streams");
    const seen = scene.upstream.of(upstreamName(crowd));
    assert.equal(seen.length, 50);
    assert.ok((await Promise.all(seen.map(({ closed }) => closed))).every((end) => end === "finished"));
  });

  for (const [behaviour, why] of [
    ["cut-2", "breaks off"],
    ["end-2", "ends without its last word"],
    ["error-2", "tells an error"],
  ]) {
    test(`${provider}: an upstream that ${why} in mid-stream gives an error event and no [DONE]`, async () => {
      const body = { model: `${model}--${behaviour}`, messages: says("a b c"), stream: true };
      const answer = await scene.chat(body);
      assert.equal(answer.status, 200);
      const text = await within(5000, answer.text(), "the answer ends");
      assert.ok(text.includes('"You"') && text.includes('" said:"'), text);
      assert.ok(!text.includes("[DONE]") && !/"finish_reason":"/.test(text), text);
      const { error } = lastEvent(text);
      assert.ok(error.message && error.type, text);
      const reading = async () => {
        for await (const chunk of await scene.client.chat.completions.create(body)) assert.ok(chunk);
      };
      await assert.rejects(reading(), OpenAI.APIError);
    });
  }

  for (const behaviour of ["cut-0", "end-0", "error-0"]) {
    test(`${provider}: a stream that fails before its first word is refused with a status (${behaviour})`, async () => {
      const body = { model: `${model}--${behaviour}`, messages: says("a"), stream: true };
      await assert.rejects(scene.client.chat.completions.create(body), OpenAI.InternalServerError);
    });
  }

  test(`${provider}: a whole answer that is cut in its middle is an error`, async () => {
    const asked = scene.client.chat.completions.create({ model: `${model}--cut-1`, messages: says("a") });
    await assert.rejects(asked, OpenAI.InternalServerError);
  });

  test(`${provider}: a client's own time-out closes the upstream`, async () => {
    const silent = `${model}--silent--impatient`;
    const client = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${scene.gateway.url}/v1`, maxRetries: 0, timeout: 300 });
    const arrived = scene.upstream.arrived(upstreamName(silent));
    const asked = client.chat.completions.create({ model: silent, messages: says("a") });
    await assert.rejects(asked, OpenAI.APIConnectionTimeoutError);
    await arrived;
    await closesWithinASecond(upstreamName(silent), performance.now());
  });

  test(`${provider}: a thousand chunks come in order`, async () => {
    const stream = await scene.client.chat.completions.create({
      model: `${model}--chunks-1000`,
      messages: says("a"),
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
    assert.equal(text, Array.from({ length: 1000 }, (_, index) => `w${index} `).join(""));
  });
}

test("a deployment's timeout ends a silent upstream with 408", async () => {
  const asked = scene.client.chat.completions.create({ model: "hasty", messages: says("a") });
  const error = await within(
    5000,
    asked.catch((error) => error),
    "the time-out",
  );
  assert.ok(error instanceof OpenAI.APIError, error);
  assert.deepEqual([error.status, error.type], [408, "timeout_error"]);
  await closesWithinASecond("gpt-4o--silent--hasty", performance.now());
});

test("stream_timeout bounds the wait for the first word", async () => {
  const asked = scene.client.chat.completions.create({ model: "hasty-stream", messages: says("a"), stream: true });
  const error = await within(
    5000,
    asked.catch((error) => error),
    "the time-out",
  );
  assert.equal(error.status, 408);
  await closesWithinASecond("gpt-4o--hold-0--hasty", performance.now());
});

test("fifty whole answers at once are not mixed", async () => {
  const one = async (index) => {
    const model = Object.values(MODELS)[index % 3];
    const { choices } = await scene.client.chat.completions.create({ model, messages: says(`number ${index}`) });
    assert.equal(choices[0].message.content, `You said: number ${index}`);
  };
  await within(20_000, Promise.all(Array.from({ length: 50 }, (_, index) => one(index))), "fifty answers");
});
