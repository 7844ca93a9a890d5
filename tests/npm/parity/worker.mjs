// The cases of parity through the built Worker on workerd, each to the address that it has in the world.
//
// The Worker has its own clock and its own chance. What hangs on them is told apart: see `withoutChance`.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Log, LogLevel, Miniflare } from "miniflare";

import { root, workerFolder } from "../../../scripts/place.mjs";
import { workerSettings } from "../../../scripts/wrangler-toml.mjs";


/**
 * Shares cases out to Workers: a Worker has one configuration, in which a name has one meaning, and it keeps the tokens
 * that it has asked for. Answers `[{ config, cases }]`.
 */
function shared(cases) {
  const workers = [];
  for (const one of cases) {
    const [deployment] = one.config.model_list;
    const key = JSON.stringify(deployment);
    const names = [deployment.model_name, ...one.sent.slice(1).map(() => one.sent[0].body)];
    const fits = ({ known }) => names.every((name) => [undefined, key].includes(known.get(name)));
    let worker = workers.find(fits);
    if (!worker) workers.push((worker = { known: new Map(), list: new Map(), cases: [] }));
    for (const name of names) worker.known.set(name, one.sent.length > 1 ? "used" : key);
    worker.list.set(deployment.model_name, deployment);
    worker.cases.push(one);
  }
  return workers.map(({ list, cases }) => ({ config: { ...cases[0].config, model_list: [...list.values()] }, cases }));
}

const text = (hex) => Buffer.from(hex, "hex").toString();
const esm = (contents) => ({ type: "esm", contents: contents.toString() });

/** The built Worker, as wrangler.toml has it, with the internet of internet.js behind it. */
function gateway(name) {
  const { date, flags, objects } = workerSettings();
  const object = ({ binding, className }) => [binding, { type: "durable-object", worker: name, exportName: className }];
  const file = (path) => readFileSync(join(workerFolder, path));
  const worker = (exportName) => ({ type: "worker", worker: "world", exportName });
  return {
    config: {
      name,
      compatibilityDate: date,
      compatibilityFlags: flags,
      manifest: {
        mainModule: "index.js",
        modulesRoot: workerFolder,
        modules: { "index.js": esm(file("index.js")), "index_bg.wasm": { type: "wasm", contents: file("index_bg.wasm") } },
      },
      env: {
        ...Object.fromEntries(objects.map(object)),
        TOLLGATE_LOOPBACK: { type: "text", value: "1" },
        OPENAI_API_KEY: { type: "text", value: "sk-upstream-secret-key" },
        TOLLGATE_KV: { type: "kv", id: name },
        AI: worker("Models"),
      },
      exports: Object.fromEntries(objects.map(({ className }) => [className, { type: "durable-object", storage: "sqlite" }])),
    },
    dev: { rootPath: root, outboundService: worker("Internet") },
  };
}

function world(gateways) {
  const own = (name) => esm(readFileSync(new URL(name, import.meta.url)));
  return {
    config: {
      name: "world",
      compatibilityDate: workerSettings().date,
      manifest: {
        mainModule: "internet.js",
        modulesRoot: root,
        modules: { "internet.js": own("internet.js"), "ask.js": own("ask.js") },
      },
      env: Object.fromEntries(gateways.map((name) => [name, { type: "worker", worker: name }])),
    },
    dev: { rootPath: root },
  };
}

/** The cases through Workers, until the test `t` ends; answers the outcomes, with `seconds`, when each came about. */
export async function asked(t, cases) {
  const workers = shared(cases).map((worker, index) => ({ ...worker, name: `gateway-${index}` }));
  const names = workers.map(({ name }) => name);
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    log: new Log(LogLevel.ERROR),
    handleStructuredLogs: () => {},
    workers: [world(names), ...names.map(gateway)],
  });
  t.after(() => miniflare.dispose());
  const url = await miniflare.ready;
  for (const { name, config } of workers) {
    await (await miniflare.getKVNamespace("TOLLGATE_KV", name)).put("config", JSON.stringify(config));
  }
  const lines = workers.flatMap(({ name, cases }) => cases.map((one) => JSON.stringify({ gateway: name, ...one })));
  const answer = await fetch(url, { method: "POST", body: lines.join("\n") });
  const outcomes = (await answer.text()).split("\n").map((line) => JSON.parse(line));
  const byName = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  return cases.map(({ name }) => byName.get(name));
}

const DAY = 86_400;
const DURATIONS = ["x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms"];
// Of the connection, which is the platform's.
const HOPS = ["accept-encoding", "cf-worker", "content-length"];

/**
 * An outcome without what hangs on the clock and on chance: the call's id, its times, and AWS's signatures. `seconds` are
 * those between which it came about.
 */
export function withoutChance({ name, sent, status, headers, body, seconds }) {
  const id = headers.find(([field]) => field === "x-litellm-call-id")?.[1];
  const time = (number) => [0, DAY].find((later) => seconds[0] + later <= number && number <= seconds[1] + later);
  const plain = (words) =>
    words.replaceAll(id ?? "no id", "ID").replace(/\b\d{10}\b/g, (number) => (time(number) === undefined ? number : `NOW+${time(number)}`));
  const unsigned = ([field, value]) => [field, signed(field) ? value.replace(/\b(\d{8}(T\d{6}Z)?|[0-9a-f]{64})\b/g, "WHEN") : value];
  return {
    name,
    status,
    sent: sent.map(bound).map((one) => ({
      ...one,
      headers: one.headers.filter(([field]) => !HOPS.includes(field)).map(unsigned).sort(),
    })),
    headers: headers.map(([field, value]) => [field, DURATIONS.includes(field) ? "ms" : plain(value)]),
    body: Buffer.from(plain(text(body))).toString("hex"),
  };
}

const signed = (field) => ["authorization", "x-amz-date"].includes(field);

/** A request for a binding: its input is an object by then, and it has no headers. */
function bound(request) {
  if (!request.url.startsWith("binding:")) return request;
  return { ...request, headers: [], body: JSON.stringify(JSON.parse(text(request.body))) };
}
