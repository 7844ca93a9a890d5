// LiteLLM's Router: model groups with their deployments, in a gateway of their own.

import { ConfigError } from "../gateway.js";
import { Caller } from "./caller.js";
import { findingsOf, openGateway } from "./entry.js";
import { defaults } from "./gateways.js";

// What a Router takes beside `router_settings`: the library's own, and LiteLLM's other sections.
const OWN = ["env", "fetch", "vocabulary", "onSuccess", "onFailure", "onEvent"];
const SECTIONS = ["model_list", "litellm_settings", "general_settings", "environment_variables", "custom_providers", "credential_list"];

const pick = (from, names) => Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));

export class Router {
  #caller;

  constructor(options = {}) {
    const { model_list = [], ...sections } = pick(options, SECTIONS);
    const others = [...OWN, ...SECTIONS];
    const router_settings = pick(options, Object.keys(options).filter((name) => !others.includes(name)));
    const config = { ...sections, model_list: model_list.map((deployment) => defaults.priced(deployment)), router_settings };
    const findings = findingsOf(config);
    // As LiteLLM's, which takes no argument that it does not know: a setting that is misspelled would be missed when it is needed.
    if (findings.some(({ severity }) => severity === "error")) throw new ConfigError(findings);
    const own = pick(options, OWN);
    this.#caller = new Caller((log) => openGateway(config, { ...pick(defaults.options, ["env", "fetch", "vocabulary"]), ...own, log }), () => own);
    /** Settings that have no effect. */
    this.warnings = findings;
  }

  /** The gateway behind it: `router.gateway.fetch` serves SDKs by the same rules. */
  get gateway() {
    return this.#caller.gateway;
  }

  completion = async (request) => this.#caller.call("completion", "/v1/chat/completions", request);
  acompletion = this.completion;
  embedding = async (request) => this.#caller.call("embedding", "/v1/embeddings", request);
  aembedding = this.embedding;
  rerank = async (request) => this.#caller.call("rerank", "/v1/rerank", request);
  arerank = this.rerank;

  /** Takes no more calls, and waits for those under way. */
  dispose(options) {
    return this.gateway.close(options);
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    void this.dispose();
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.dispose();
  }
}
