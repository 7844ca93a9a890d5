// npm start: sets up what is missing, builds what has changed, and serves the gateway on this machine.

import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { kept } from "./place.mjs";
import { npmPackages, underModernNode } from "./setup.mjs";
import { Problem, main } from "./steps.mjs";
import { buildAll } from "./wasm.mjs";

const USAGE = "npm start -- [--config FILE] [--port N] [--check]";

function options() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        config: { type: "string" },
        port: { type: "string", default: "4000" },
        check: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (positionals.length > (values.check ? 1 : 0)) throw new Error(`what is "${positionals.at(-1)}"?`);
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error("--port takes a number from 1 to 65535");
    return { ...values, port, config: values.config ?? positionals[0] ?? "config.yaml" };
  } catch (error) {
    throw new Problem(`${error.message.split("\n")[0]} (${USAGE})`);
  }
}

/** Fails where another program listens on the port: told before the build, not after it. */
async function portIsFree(port) {
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", ({ code }) => {
      const why = code === "EACCES" ? "needs more rights than you have" : "is in use by another program";
      reject(new Problem(`port ${port} ${why}; try \`npm start -- --port ${port === 4000 ? 4001 : 4000}\``));
    });
    server.listen(port, "127.0.0.1", () => server.close(resolve));
  });
}

async function checked(path, variables) {
  const { check, core } = await import("./checker.mjs");
  const { readConfig } = await import("./config.mjs");
  const { resolveVariables } = await import("./variables.mjs");
  const read = readConfig(path);
  const built = await core();
  const { errors, warnings } = check(built, read);
  const { found, missing } = resolveVariables(read.config, JSON.parse(built.variables()), path);
  if (variables) {
    for (const { name, path: field } of missing) {
      warnings.push(`${read.place(field)}: ${field}: ${name} is not set; export it, or put ${name}=… into .env`);
    }
  }
  for (const line of errors) console.error(line);
  for (const line of warnings) console.error(`warning: ${line}`);
  if (errors.length) {
    throw new Problem(`${path} has ${errors.length === 1 ? "an error" : `${errors.length} errors`}; nothing was started`);
  }
  return { config: read.config, found };
}

async function serve({ config: path, port }) {
  const { config, found } = await checked(path, true);
  const { example, masterKey } = await import("./example.mjs");
  const key = masterKey(config, found);
  if (!key) console.error("warning: no general_settings.master_key: anyone on this machine may call the gateway");
  const { openGateway } = await import("./gateway.mjs");
  const gateway = await openGateway({ config, variables: found, port, state: join(kept, "state") });
  console.log(`\nTollgate serves ${gateway.url} with ${path} (Ctrl-C stops it). Try:\n`);
  console.log(`${example(gateway.url, config, found, key)}\n`);
  await new Promise((resolve) => process.once("SIGINT", resolve).once("SIGTERM", resolve));
  await gateway.stop();
}

await main(async () => {
  const given = options();
  if (given.help) return console.log(USAGE);
  if (!given.check) await portIsFree(given.port);
  await npmPackages();
  if (await underModernNode()) return process.exitCode;
  await buildAll({ worker: !given.check });
  if (given.check) {
    await checked(given.config, false);
    console.log(`${given.config}: no errors`);
  } else {
    await serve(given);
  }
});
