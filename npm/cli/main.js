#!/usr/bin/env node
// The command `tollgate`.

import { Problem } from "../../scripts/steps.mjs";
import { Usage, unknown } from "./options.js";

const HELP = `tollgate: an LLM gateway: one OpenAI-compatible address in front of all providers, with keys, hard budgets and cost.

Usage: tollgate [command] [options]

Commands
  serve              serves the gateway (what happens without a command)
  check [FILE]       checks a configuration, and names line, field and mend of each mistake
  cost MODEL         counts the tokens of a prompt from standard input, and what it costs
  keys ACTION        makes, lists, shows, blocks and deletes virtual keys
  init [FOLDER]      writes a project that deploys the gateway as a Cloudflare Worker; no Rust needed
  push [FILE]        puts a configuration into the KV of a deployed Worker, by wrangler
  help COMMAND       shows a command's options
  --version          shows the version

Try it, without a key, a network or a configuration:
  npx tollgate
  curl http://127.0.0.1:4000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model": "mock/echo", "messages": [{"role": "user", "content": "hello"}]}'

For a real model, set its provider's key (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, …) in the shell or in .env,
and ask for openai/gpt-4o-mini, anthropic/claude-haiku-4-5, gemini/gemini-2.5-flash, …
`;

const COMMANDS = {
  serve: () => import("./serve.js"),
  check: () => import("./check.js"),
  cost: () => import("./cost.js"),
  keys: () => import("./keys.js"),
  init: () => import("./init.js"),
  push: () => import("./push.js"),
};

async function main([first, ...others]) {
  if (first === "--version" || first === "-v") return console.log(TOLLGATE_VERSION);
  if (first === "--help" || first === "-h" || (first === "help" && !others.length)) return console.log(HELP);
  const help = first === "help" || others.includes("--help") || others.includes("-h");
  const name = first === "help" ? others[0] : first;
  const isCommand = name !== undefined && !name.startsWith("-");
  if (isCommand && !Object.hasOwn(COMMANDS, name)) throw unknown("command", name, [...Object.keys(COMMANDS), "help"]);
  const command = await COMMANDS[isCommand ? name : "serve"]();
  if (help) return console.log(command.HELP);
  return command.run(isCommand ? others : [first, ...others].filter((arg) => arg !== undefined));
}

// What SQLite's binding says of itself at each start is no news to whoever runs this.
const warn = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).startsWith("SQLite is an experimental")) warn.call(process, warning, ...rest);
};

try {
  process.exitCode = (await main(process.argv.slice(2))) ?? 0;
} catch (error) {
  if (error instanceof Usage) {
    console.error(`error: ${error.message} (tollgate --help)`);
    process.exitCode = 2;
  } else if (error instanceof Problem) {
    if (error.detail) console.error(error.detail.trimEnd());
    console.error(`error: ${error.message}`);
    process.exitCode = 1;
  } else {
    console.error(process.env.TOLLGATE_DEBUG ? error.stack : `error: ${error.message}`);
    process.exitCode = 1;
  }
}
