// The gateways behind the functions: one for all calls that bring nothing of their own, and one for each set of credentials
// that calls bring. A client of the gateway's HTTP door may not say where keys go; whoever calls this library owns them.

import { Caller } from "./caller.js";
import { openGateway } from "./entry.js";

// Fields of a call that belong to a deployment: credentials, where they go, and prices.
const OWN_FIELDS = new Set([
  ..."api_base api_key api_version base_url custom_llm_provider extra_headers headers organization".split(" "),
  ..."account_id client_id client_secret project_id region_name space_id tenant_id token zen_api_key".split(" "),
]);
const OWN_PREFIXES = /^(aws|azure|vertex|watsonx)_|_cost_per_|_token_cost$/;

/** Whether a field of a call is its deployment's, and no client's of a gateway. */
const isOwn = (name) => OWN_FIELDS.has(name) || OWN_PREFIXES.test(name);

/** How many gateways of calls with credentials of their own are kept. */
const MOST_KEPT = 32;

/** What calls without a Router share: `configure` and `registerModel` change it. */
export class Defaults {
  #options = {};
  #models = new Map();
  #callers = new Map();

  get callbacks() {
    return this.#options;
  }

  get options() {
    return this.#options;
  }

  configure(options) {
    this.#options = { ...this.#options, ...options };
    this.#callers.clear();
  }

  register(models) {
    for (const [name, facts] of Object.entries(models)) {
      if (facts === null || typeof facts !== "object") throw new TypeError(`registerModel: ${name} must be an object of prices and facts`);
      this.#models.set(name, { ...this.#models.get(name), ...facts });
    }
    this.#callers.clear();
  }

  /** What is registered for a model: by its name, or by its name with its provider. */
  registered(model) {
    return this.#models.get(model);
  }

  /** A deployment with what is registered for its model. */
  priced(deployment) {
    const facts = this.#models.get(deployment.litellm_params?.model);
    return facts ? { ...deployment, model_info: { ...facts, ...deployment.model_info } } : deployment;
  }

  /** A configuration with these deployments, the registered models, and every model that can be named. */
  config(own = []) {
    const listed = [...this.#models].map(([name, { litellm_provider: provider }]) => {
      const model = provider && !name.includes("/") ? `${provider}/${name}` : name;
      return { model_name: name, litellm_params: { model }, model_info: this.#models.get(name) };
    });
    return {
      model_list: [...own, ...listed, { model_name: "*", litellm_params: { model: "*" } }],
      // Each call names its model: there is nothing else to go to while one rests.
      router_settings: { disable_cooldowns: true },
      litellm_settings: this.#options.litellm_settings ?? {},
    };
  }

  /** The gateway for calls with these deployments of their own. */
  caller(own = []) {
    const key = own.length ? JSON.stringify(own) : "";
    const kept = this.#callers.get(key);
    if (kept) {
      // The one that was used last is the last to go.
      this.#callers.delete(key);
      this.#callers.set(key, kept);
      return kept;
    }
    if (this.#callers.size >= MOST_KEPT) this.#callers.delete([...this.#callers.keys()].find((other) => other !== ""));
    const { env, fetch, vocabulary } = this.#options;
    const caller = new Caller((log) => openGateway(this.config(own), { env, fetch, vocabulary, log }), () => this.#options);
    this.#callers.set(key, caller);
    return caller;
  }

  /** `request` as a gateway takes it, and the gateway that knows what the request brought of its own. */
  prepare(request) {
    const own = [];
    const [body, params] = split(request);
    if (params) own.push(this.#deployment(request.model, request.model, params));
    const fallbacks = request.fallbacks?.map?.((fallback, index) => {
      if (fallback === null || typeof fallback !== "object") return fallback;
      // Without a model it is the same one in another way: with another key, at another place.
      const { model = request.model, ...fields } = fallback;
      const [rest, credentials] = split(fields);
      if (!credentials) return { ...rest, model };
      const name = `${model}#${index + 1}`;
      own.push(this.#deployment(name, model, credentials));
      return { ...rest, model: name };
    });
    return [fallbacks ? { ...body, fallbacks } : body, this.caller(own)];
  }

  #deployment(name, model, { base_url, headers, ...params }) {
    const api_base = params.api_base ?? base_url;
    const extra_headers = params.extra_headers ?? headers;
    const litellm_params = { ...params, model, ...(api_base && { api_base }), ...(extra_headers && { extra_headers }) };
    const registered = this.#models.get(model);
    return { model_name: name, litellm_params, ...(registered && { model_info: registered }) };
  }
}

/** A call's fields, and those that are its deployment's where there are any. */
function split(request) {
  let own;
  let rest = request;
  for (const name of Object.keys(request)) {
    if (request[name] === undefined || request[name] === null || !isOwn(name)) continue;
    if (!own) [own, rest] = [{}, { ...request }];
    own[name] = request[name];
    delete rest[name];
  }
  return [rest, own];
}

/** What the functions share. */
export const defaults = new Defaults();
