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
import { number, readOptions } from "./options.js";
import { openPage } from "./page.js";
import { openServer } from "./server.js";

export const HELP = `tollgate serve: serves the gateway on this machine.

Usage: tollgate [serve] [options]

  --config FILE    the configuration, as LiteLLM's config.yaml (default: config.yaml where there is one; else every
                   provider whose key is set answers as provider/model)
  --port N         the port (default 4000; 0: any free one)
  --host HOST      the address to listen on (default 127.0.0.1: this machine alone). On another one every request needs
                   a key: set general_settings.master_key
  --data PATH      where keys, budgets and spend live: a file, or a folder for tollgate.db (default .tollgate);
                   "memory" forgets them at the end
  --grace SECONDS  how long calls may go on after SIGTERM or Ctrl-C (default 30)

Variables come from environment_variables of the configuration, the shell, then .env and .dev.vars beside it.
`;

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
 * Reads a configuration (`undefined`: config.yaml where there is one) and the variables that it needs, and prints what is
 * wrong: `{ path, config, found }`. Errors of it are a problem.
 */
export function configured(given) {
  const path = given ?? (existsSync("config.yaml") ? "config.yaml" : undefined);
  const read = path ? readConfig(path) : { config: {}, place: (field) => field };
  const { errors, warnings } = check(core.names, read);
  for (const line of errors) console.error(line);
  for (const line of warnings) console.error(`warning: ${line}`);
  if (errors.length) throw new Problem(`${path} has ${errors.length} error${errors.length > 1 ? "s" : ""}: mend the above`);
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
  const known = { config: "text", port: "text", host: "text", data: "text", grace: "text" };
  const { options } = readOptions(args, known);
  const port = number(options, "port", 0, 65535, 4000);
  const grace = number(options, "grace", 0, 86_400, 30) * 1000;
  const host = options.host ?? "127.0.0.1";
  const { path, config, found } = configured(options.config);
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
  console.log(`\nTollgate serves ${server.url} with ${path ?? "no configuration"}, ${where} (Ctrl-C stops it). Try:\n`);
  console.log(`${example(server.url, config, found, key)}\n`);
  await asked;
  stopChecks();
  if (gateway.active) console.error(`stopping: ${gateway.active} calls are under way`);
  await server.stop(grace);
}
