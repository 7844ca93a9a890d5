// npm start: sets up what is missing, builds what has changed, and serves the gateway on this machine.

import { createServer } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { kept } from "./place.mjs";
import { onInterrupt } from "./process.mjs";
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

async function serve({ config: path, port }) {
  const { checkedConfig } = await import("./checker.mjs");
  const { example, masterKey } = await import("./example.mjs");
  const { resolveVariables } = await import("./variables.mjs");
  let found;
  const { config } = await checkedConfig(path, ({ config, place, built }) => {
    const resolved = resolveVariables(config, JSON.parse(built.variables()), path);
    found = resolved.found;
    return resolved.missing.map(
      ({ name, path }) => `${place(path)}: ${path}: ${name} is not set; export it, or write ${name}=… into .env`,
    );
  });
  const key = masterKey(config, found);
  if (!key) console.error("warning: no general_settings.master_key: anyone on this machine may call the gateway");
  const { openGateway } = await import("./gateway.mjs");
  const gateway = await openGateway({ config, variables: found, port, state: join(kept, "state") });
  const stopped = new Promise((resolve) => onInterrupt(resolve));
  console.log(`\nTollgate serves ${gateway.url} with ${path} (Ctrl-C stops it). Try:\n`);
  console.log(`${example(gateway.url, config, found, key)}\n`);
  await stopped;
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
    const { checkedConfig } = await import("./checker.mjs");
    await checkedConfig(given.config);
    console.log(`${given.config}: no errors`);
  } else {
    await serve(given);
  }
});
