// The engine: the gateway's own wasm in a worker of its own, with memory for storage and no network.

import { glue } from "../../build/js/tollgate.js";
import { Core } from "../../npm/core.js";
import { ConfigError, gatewayOn } from "../../npm/gateway.js";
import { variables } from "./variables.js";

const here = (name) => new URL(name, import.meta.url);
const planes = new Map();
/** What the wasm exports, the gateway's class over it, and the estimator of all that is asked. */
let wasm, Gateway, estimator;

/** Bytes of a file beside this one; `tell(share)` hears how far it is. */
async function bytes(url, tell = () => {}) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname.split("/").pop()} could not be loaded (${answer.status})`);
  const length = Number(answer.headers.get("content-length"));
  const parts = [];
  let done = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { value, done: over } = await reader.read();
    if (over) break;
    parts.push(value);
    done += value.length;
    if (length) tell(Math.min(done / length, 1));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function vocabulary(name, tell) {
  if (!planes.has(name)) {
    const packed = await bytes(here(`../vocab/${name}.bin.gz`), tell);
    // A host that knows what gzip is unpacks on the way.
    const isPacked = packed[0] === 0x1f && packed[1] === 0x8b;
    const unpacked = () => new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    planes.set(name, isPacked ? new Uint8Array(await new Response(unpacked()).arrayBuffer()) : packed);
  }
  return planes.get(name);
}

/** The gateway of the npm package, with no network: what goes upstream is answered by `upstream`. */
function gateway(config, upstream) {
  const refuse = async () => {
    throw new TypeError("the page sends nothing");
  };
  const own = variables(config, JSON.parse(wasm.variables()));
  return new Gateway({ config, fetch: upstream ?? refuse, open: true, env: own });
}

/** A configuration as the page tries it: nobody has to log in to a gateway that only they can reach. */
function unlocked(config) {
  const general = { ...config.general_settings };
  for (const name of ["master_key", "database_url", "litellm_key_header_name"]) delete general[name];
  return { ...config, general_settings: general };
}

let open = { key: "{}", gateway: undefined };

/** The gateway of a configuration; kept until another one is asked for. */
function gatewayOf(config = {}) {
  const key = JSON.stringify(config);
  if (open.key !== key || !open.gateway) open = { key, gateway: gateway(unlocked(config)) };
  return open.gateway;
}

async function post(target, path, body) {
  const request = new Request(`http://page${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const answer = await target.fetch(request);
  const text = await answer.text();
  return { status: answer.status, headers: [...answer.headers], text, body: parsed(text) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const methods = {
  /** All models with what is known of them. */
  models(expected) {
    estimator.takeExpected(JSON.stringify(expected));
    return JSON.parse(estimator.models());
  },

  /** The numbers of all models for a request (its text, where it has changed) and what is expected of the call. */
  numbers({ request, expected }) {
    if (request !== undefined) estimator.takeRequest(request);
    estimator.takeExpected(JSON.stringify(expected));
    return estimator.numbers();
  },

  curves({ models, lengths }) {
    return models.map((index) => estimator.curve(index, Float64Array.from(lengths)));
  },

  async exact(names, tell) {
    for (const [at, name] of names.entries()) {
      const merges = await vocabulary(name, (share) => tell((at + share) / names.length));
      estimator.takeVocabulary(new wasm.Vocabulary(name, merges));
    }
    open.gateway = undefined;
  },

  /** The table of all models in place of the core one. */
  async fullTable(_, tell) {
    estimator.takeTable(await bytes(here("full.mpt"), tell));
  },

  async sources() {
    return JSON.parse(new TextDecoder().decode(await bytes(here("sources.json"))));
  },

  /** Asks a route of the gateway itself. */
  async ask({ method = "POST", path, body, config }) {
    if (method === "POST") return post(gatewayOf(config), path, body);
    const answer = await gatewayOf(config).fetch(new Request(`http://page${path}`));
    return { status: answer.status, body: parsed(await answer.text()) };
  },

  /** The gateway's answer to a chat call whose upstream answers with this text. */
  async replay({ request, config, answer, type, status }) {
    let sent;
    const upstream = async (input, init) => {
      const asked = new Request(input, init);
      sent = asked.url;
      return new Response(answer, { status, headers: { "content-type": type } });
    };
    const made = gateway(config ?? {}, upstream);
    const reply = await post(made, "/v1/chat/completions", request);
    return { ...reply, sent };
  },

  /** Reads a configuration and says what is wrong with it: findings with lines, the configuration, `error` of its YAML. */
  async check(text) {
    const { readText } = await import("./yaml.js");
    let read;
    try {
      read = readText(text, "line");
    } catch (problem) {
      const [, line, message] = problem.message.match(/^line:(\d+): (.*)$/s) ?? [];
      return { findings: [{ severity: "error", path: "", message: message ?? problem.message, line: Number(line) || 1 }] };
    }
    const line = (path) => Number(read.place(path).split(":")[1]) || 1;
    const found = JSON.parse(wasm.checkConfig(JSON.stringify(read.config)));
    return { config: read.config, findings: found.map((one) => ({ ...one, line: line(one.path) })) };
  },
};

const started = (async () => {
  const core = await Core.fetched(glue, here("tollgate_bg.wasm"));
  wasm = core.names;
  Gateway = gatewayOn(core, { parse: JSON.parse, vocabulary: async (name) => planes.get(name), env: {} });
  estimator = new wasm.Estimator();
})();

self.onmessage = async ({ data: { id, method, args } }) => {
  try {
    await started;
    const value = await methods[method](args, (share) => self.postMessage({ id, share }));
    // A big array is handed over rather than copied.
    self.postMessage({ id, value }, value instanceof Float64Array ? [value.buffer] : []);
  } catch (problem) {
    const text = typeof problem === "string" ? problem : problem.message;
    const findings = problem instanceof ConfigError ? problem.findings : undefined;
    self.postMessage({ id, error: text, findings });
  }
};
