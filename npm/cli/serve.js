// tollgate serve: the gateway on a port of this machine, with its data in a file.

import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { check } from "../../scripts/checker.mjs";
import { readConfig } from "../../scripts/config.mjs";
import { example, masterKey } from "../../scripts/example.mjs";
import { Problem } from "../../scripts/steps.mjs";
import { resolveVariables } from "../../scripts/variables.mjs";
import { Gateway, core, sqliteStorage } from "../node.js";
import { checkRegularly } from "./checks.js";
import { Usage, number, readOptions } from "./options.js";
import { openPage } from "./page.js";
import { openServer } from "./server.js";

export const HELP = `tollgate serve: serves the gateway on this machine.

Usage: tollgate [serve] [options]

  --config FILE    the configuration, as LiteLLM's config.yaml (default: config.yaml where there is one; else every
                   provider whose key is set answers as provider/model)
  --model MODEL    serves this one model, by its own name and any other, instead of a configuration: ollama/llama3.2,
                   gpt-4o, …; --api-base URL says where it is, if not at its provider
  --port N         the port (default 4000; 0: any free one)
  --host HOST      the address to listen on (default 127.0.0.1: this machine alone). On another one every request needs
                   a key: set general_settings.master_key
  --data PATH      where keys, budgets and spend live: a file, or a folder for tollgate.db (default .tollgate);
                   "memory" forgets them at the end
  --grace SECONDS  how long calls may go on after SIGTERM or Ctrl-C (default 30)

Variables come from environment_variables of the configuration, the shell, then .env and .dev.vars beside it.
-c and -m are --config and --model. Of LiteLLM's other options --debug, --detailed_debug and --num_workers have no effect.
`;

/** Options of LiteLLM's command that are there in many scripts, and why they do nothing here. */
const WITHOUT_EFFECT = {
  debug: "each call is one line of the log",
  "detailed-debug": "each call is one line of the log",
  "num-workers": "one process serves",
};

/** A configuration of one model, which answers to every name. */
function single(model, api_base) {
  const litellm_params = { model, ...(api_base && { api_base }) };
  return { model_list: [model, "*"].map((model_name) => ({ model_name, litellm_params })) };
}

export const LOCAL = new Set(["127.0.0.1", "localhost", "::1"]);

/** The file of the data; `undefined` for memory. */
export function dataFile(given = ".tollgate") {
  if (given === "memory") return undefined;
  const isFile = existsSync(given) ? statSync(given).isFile() : /\.(db|sqlite3?)$/.test(given);
  const path = resolve(isFile ? given : join(given, "tollgate.db"));
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

/**
 * Reads a configuration (`undefined`: config.yaml where there is one; or `made` of options) and the variables that it needs,
 * and prints what is wrong: `{ path, config, found }`. Errors of it are a problem.
 */
export function configured(given, made) {
  const path = made ? undefined : (given ?? (existsSync("config.yaml") ? "config.yaml" : undefined));
  const read = path ? readConfig(path) : { config: made ?? {}, place: (field) => field };
  const { errors, warnings } = check(core.names, read);
  for (const line of errors) console.error(line);
  for (const line of warnings) console.error(`warning: ${line}`);
  if (errors.length) throw new Problem(`${path ?? "the configuration"} has ${errors.length} error${errors.length > 1 ? "s" : ""}: mend the above`);
  const names = JSON.parse(core.names.variables());
  const folder = path ? dirname(resolve(path)) : process.cwd();
  const { found, missing } = resolveVariables(read.config, names, join(folder, "config.yaml"), process.env, [process.cwd()]);
  for (const { name, path: field } of missing) {
    console.error(`warning: ${read.place(field)}: ${field}: ${name} is not set; export it, or write ${name}=… into .env`);
  }
  return { path, config: read.config, found };
}

/** Opens the storage in a file; `undefined` for memory. */
export function openStorage(file) {
  try {
    return file && sqliteStorage(file);
  } catch (error) {
    const mend = error.message.startsWith("sqliteStorage needs") ? ", or --data memory" : "";
    throw new Problem(error.message + mend);
  }
}

/** Ends as soon as something asks this process to. */
const interrupted = () =>
  new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.once(signal, () => {
        resolve(signal);
        // Whoever asks twice does not want to wait.
        process.once(signal, () => process.exit(130));
      });
    }
  });

export async function run(args) {
  const known = { config: "text", model: "text", "api-base": "text", port: "text", host: "text", data: "text", grace: "text" };
  const litellm = { debug: "flag", "detailed-debug": "flag", "num-workers": "text" };
  const { options } = readOptions(args, { ...known, ...litellm }, 0, { c: "config", m: "model" });
  const { model, "api-base": base } = options;
  if (model !== undefined && options.config) throw new Usage("--model or --config: one of them says what is served");
  if (base !== undefined && model === undefined) throw new Usage("--api-base is for --model: name a model");
  for (const [name, why] of Object.entries(WITHOUT_EFFECT)) {
    if (options[name] !== undefined) console.error(`warning: --${name} has no effect: ${why}`);
  }
  const port = number(options, "port", 0, 65535, 4000);
  const grace = number(options, "grace", 0, 86_400, 30) * 1000;
  const host = options.host ?? "127.0.0.1";
  const { path, config, found } = configured(options.config, model && single(model, base));
  const file = dataFile(options.data);
  const local = LOCAL.has(host);
  const storage = openStorage(file);
  const gateway = new Gateway({ config, env: found, open: local, storage, log: console.log });
  const key = masterKey(config, found);
  if (!key && local) console.error("warning: no general_settings.master_key: anyone on this machine may call the gateway");
  if (!key && !local) console.error(`warning: no general_settings.master_key: on ${host} the gateway refuses every request`);
  let server;
  try {
    server = await openServer(gateway, { host, port, page: openPage() });
  } catch (error) {
    await gateway.close();
    if (error.code === "EADDRINUSE") throw new Problem(`port ${port} is in use by another program; try --port ${port + 1}`);
    if (error.code === "EACCES") throw new Problem(`port ${port} needs more rights than you have; try --port 4000`);
    throw error;
  }
  const asked = interrupted();
  const stopChecks = checkRegularly(gateway);
  const where = file ? `data in ${file}` : "data in memory";
  console.log(`\nTollgate serves ${server.url} with ${path ?? model ?? "no configuration"}, ${where} (Ctrl-C stops it). Try:\n`);
  console.log(`${example(server.url, config, found, key)}\n`);
  await asked;
  stopChecks();
  if (gateway.active) console.error(`stopping: ${gateway.active} calls are under way`);
  await server.stop(grace);
}
