// What the SDK tests share: one gateway before the providers, and an OpenAI client of it.

import { after, before } from "node:test";

import OpenAI from "openai";

import { startGateway } from "./gateway.mjs";
import { UPSTREAM_KEY, startProviders } from "./upstream.mjs";

/** A model of each dialect as a client names it, by provider. */
export const MODELS = {
  openai: "openai/gpt-4o",
  anthropic: "anthropic/claude-sonnet-4-5",
  gemini: "gemini/gemini-2.5-flash",
};

/** The same and Bedrock, which has a form of its own for each and binary frames. */
export const SPOKEN = { ...MODELS, bedrock: "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0" };

/** The key of the gateway itself. */
export const MASTER_KEY = "sk-master-1234";

/** Deployments for every model of these providers, at `url`. */
export const wildcards = (url) =>
  Object.keys(SPOKEN).map((provider) => {
    const base = provider === "bedrock" ? "aws_bedrock_runtime_endpoint" : "api_base";
    const params = { model: `${provider}/*`, [base]: url, api_key: UPSTREAM_KEY };
    return { model_name: `${provider}/*`, litellm_params: params };
  });

/**
 * Starts providers and a gateway for all tests of a file, and stops them after. The object that it answers is filled
 * before the first test: `{ gateway, upstream, client, call(path, init) }`. `rest` is more of the configuration; its
 * `model_list(url)` comes before the wildcards.
 */
export function stage({ model_list: own = () => [], ...rest } = {}) {
  const scene = {};
  before(async () => {
    scene.upstream = await startProviders();
    const list = [...own(scene.upstream.url), ...wildcards(scene.upstream.url)];
    // Retries belong to the tests that are about them.
    const config = {
      model_list: list,
      router_settings: { num_retries: 0 },
      general_settings: { master_key: MASTER_KEY },
      ...rest,
    };
    scene.gateway = await startGateway({ config });
    scene.client = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${scene.gateway.url}/v1`, maxRetries: 0 });
    scene.call = (path, { headers, ...init } = {}) =>
      fetch(scene.gateway.url + path, { headers: { authorization: `Bearer ${MASTER_KEY}`, ...headers }, ...init });
    scene.chat = (body, init = {}) =>
      scene.call("/v1/chat/completions", {
        method: "POST",
        body: JSON.stringify(body),
        ...init,
        headers: { "content-type": "application/json", ...init.headers },
      });
  });
  after(async () => {
    await scene.gateway?.stop();
    await scene.upstream?.stop();
  });
  return scene;
}

/** One message of a user. */
export const says = (content) => [{ role: "user", content }];

/** Fails with `what` where `promise` takes longer than `ms`. */
export async function within(ms, promise, what) {
  let late;
  const over = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, over]).finally(() => clearTimeout(late));
}

/** Waits until `condition()` is true, at most 5 s. */
export async function until(condition, what) {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > 5000) throw new Error(`${what}: not within 5 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
