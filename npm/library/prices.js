// What calls cost, how long prompts are, what models can do, and what would be sent: questions to the gateway.

import { Caller } from "./caller.js";
import { openGateway, platform } from "./entry.js";
import { NotFoundError } from "./errors.js";
import { defaults } from "./gateways.js";

const ask = (path, body) => defaults.caller().ask(path, body);

/** A model with its provider. */
const named = (model, provider) => (provider && !model.startsWith(`${provider}/`) ? `${provider}/${model}` : model);

/** The model of an answer, by the name that its price is found by. */
const servedBy = (response) => named(response.model ?? "", response._hidden_params?.custom_llm_provider);

export async function completionCost(asked) {
  const { completion_response: response, model, messages, prompt, completion, tools } = asked;
  if (response) {
    const told = model === undefined ? response._hidden_params?.response_cost : undefined;
    if (typeof told === "number") return told;
    return (await ask("/spend/calculate", { model: model ?? servedBy(response), completion_response: response })).cost;
  }
  if (!model) throw new TypeError("completionCost takes { completion_response } or { model, messages, completion }");
  const input = messages || prompt ? await tokenCounter({ model, messages, text: prompt, tools }) : { total_tokens: 0 };
  const output = completion ? await tokenCounter({ model, text: completion }) : { total_tokens: 0 };
  const counts = { input_tokens: input.total_tokens, output_tokens: output.total_tokens };
  return (await ask("/cost/estimate", { model, ...counts })).cost_per_request;
}

export async function costPerToken(asked) {
  const { model, prompt_tokens = 0, completion_tokens = 0, custom_llm_provider: provider } = asked;
  const { cache_read_input_tokens, cache_creation_input_tokens, reasoning_tokens } = asked;
  const told = await ask("/cost/estimate", {
    model: named(model, provider),
    input_tokens: prompt_tokens,
    output_tokens: completion_tokens,
    cache_read_input_tokens,
    cache_creation_input_tokens,
    reasoning_tokens,
  });
  return [told.input_cost_per_request, told.output_cost_per_request];
}

export async function tokenCounter({ model, messages, text, tools }) {
  const prompt = messages ? undefined : Array.isArray(text) ? text.join("") : text;
  const told = await ask("/utils/token_counter", { model, messages, prompt, tools });
  const { total_tokens, model_used, tokenizer_type, error_percent } = told;
  return { total_tokens, exact: tokenizer_type === "openai_tokenizer", error_percent, model_used, tokenizer_type };
}

/** A configuration's first model, as `/v1/model/info` shows it; undefined where its name leads to no provider. */
async function infoOf(model) {
  const registered = defaults.registered(model);
  const own = registered?.litellm_provider && !model.includes("/") ? `${registered.litellm_provider}/${model}` : model;
  const entry = { model_name: model, litellm_params: { model: own }, model_info: registered };
  let caller;
  try {
    caller = new Caller((log) => openGateway({ model_list: [entry] }, { env: {}, log }), () => undefined);
  } catch (problem) {
    if (problem.name === "ConfigError") return undefined;
    throw problem;
  }
  const { data } = await caller.ask("/v1/model/info");
  return data[0]?.model_info;
}

export async function getModelInfo(asked, custom_llm_provider) {
  const { model, custom_llm_provider: provider = custom_llm_provider } = typeof asked === "string" ? { model: asked } : asked;
  const name = named(model, provider);
  const { id: _, db_model: __, ...info } = (await infoOf(name)) ?? {};
  const known = info.key || defaults.registered(name) ? info : (await ask("/public/litellm_model_cost_map"))[name];
  if (!known) {
    const message = `the price table does not have ${name}: registerModel({ "${name}": { … } }) tells what it costs and can do`;
    throw new NotFoundError(message, { status: 404, code: "model_not_found", param: "model", model: name });
  }
  const supported_openai_params = await supportedOpenAIParams(name).catch(() => null);
  // What is registered has a name of its own; all else the one in the table.
  return { ...known, key: (!defaults.registered(name) && known.key) || name, supported_openai_params };
}

export async function supportedOpenAIParams(asked, custom_llm_provider) {
  const { model, custom_llm_provider: provider = custom_llm_provider } = typeof asked === "string" ? { model: asked } : asked;
  const told = await ask(`/utils/supported_openai_params?model=${encodeURIComponent(named(model, provider))}`);
  return told.supported_openai_params;
}

export async function transformRequest({ call_type, ...request }) {
  const type = call_type ?? (request.messages === undefined && request.input !== undefined ? "embedding" : "completion");
  const [request_body, caller] = defaults.prepare(request);
  const { error: _, ...told } = await caller.ask("/utils/transform_request", { call_type: type, request_body });
  return told;
}

export async function validateEnvironment(asked) {
  const { model, api_key, api_base } = typeof asked === "string" ? { model: asked } : asked;
  const env = defaults.options.env ?? platform().env;
  const needs = JSON.parse(platform().needs(model));
  if (!needs) throw new NotFoundError(`no provider is known by ${model}: name it as provider/model`, { status: 404, param: "model", model });
  const is = (names) => names.some((name) => env[name]);
  // Any one way in is enough; of several, the one is told that lacks least.
  const given = (names) => is(names) || (api_key && names.some((name) => needs.keys.includes(name))) || (api_base && names.some((name) => needs.bases.includes(name)));
  const lacking = needs.ways.map((way) => way.filter((names) => !given(names)).map(([first]) => first));
  const missing_keys = lacking.sort((one, other) => one.length - other.length)[0] ?? [];
  return { keys_in_environment: missing_keys.length === 0, missing_keys };
}

export function registerModel(models) {
  defaults.register(models);
}
