// For tests of the library: the built package, and calls to the providers of tests/worker/upstream.mjs.

import { after } from "node:test";
import { pathToFileURL } from "node:url";

import { UPSTREAM_KEY, startProviders } from "../worker/upstream.mjs";
import { packageFile } from "./package.mjs";

/** The package, as Node imports it. */
export const tollgate = await import(pathToFileURL(packageFile("dist", "node.js")).href);

/** The messages of a question. */
export const says = (content) => [{ role: "user", content }];

/** Starts the providers for the tests of a file, and answers them with a maker of requests to them. */
export async function staged() {
  const providers = await startProviders();
  after(() => providers.stop());
  const bases = { openai: `${providers.url}/v1`, groq: `${providers.url}/openai/v1`, anthropic: providers.url, gemini: `${providers.url}/v1beta` };
  const own = (model) => ({ api_base: bases[model.split("/")[0]], api_key: UPSTREAM_KEY });
  const to = (model, rest) => ({ model, messages: says("one two three"), ...own(model), num_retries: 0, ...rest });
  return { providers, own, to };
}

/** The texts of a stream. */
export async function textOf(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  return text;
}

/** What a promise is rejected with. */
export async function thrown(promise) {
  return promise.then(
    () => Promise.reject(new Error("it was not rejected")),
    (error) => error,
  );
}

/** Hears of calls: `{ onSuccess, onFailure, onEvent, heard }`, with the names of the callbacks beside the events. */
export function listener() {
  const heard = [];
  const on = (name) => (event) => void heard.push([name, event]);
  return { onSuccess: on("success"), onFailure: on("failure"), onEvent: on("event"), heard };
}

/** Waits until `holds` answers something. */
export async function until(holds) {
  for (let turn = 0; turn < 500; turn += 1) {
    const found = holds();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("it never came to pass");
}
