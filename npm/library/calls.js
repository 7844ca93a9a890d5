// Calls of models, by the names that LiteLLM's users know.

import { defaults } from "./gateways.js";
import { useOpenAI } from "./errors.js";

/** A call without a Router. */
function call(type, path, request) {
  if (request === null || typeof request !== "object") throw new TypeError(`${type} takes one object: { model, … }`);
  const [body, caller] = defaults.prepare(request);
  return caller.call(type, path, body, request);
}

export const completion = async (request) => call("completion", "/v1/chat/completions", request);
export const embedding = async (request) => call("embedding", "/v1/embeddings", request);
export const rerank = async (request) => call("rerank", "/v1/rerank", request);

/** Sets what all calls without a Router share. */
export function configure({ openai, ...options }) {
  if (openai) useOpenAI(openai);
  defaults.configure(options);
}
