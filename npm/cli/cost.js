// tollgate cost: the tokens of a prompt, and what they cost.

import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";

import { Problem } from "../../scripts/steps.mjs";
import { Gateway } from "../node.js";
import { number, readOptions } from "./options.js";
import { Usage } from "./options.js";
import { configured } from "./serve.js";

export const HELP = `tollgate cost: counts the tokens of a prompt, and says what it costs. Nothing is sent anywhere.

Usage: tollgate cost MODEL [options] < prompt

  MODEL            provider/model, a model of the price table, or one of the configuration
  --output N       tokens of the answer to count in (default 0)
  --config FILE    the configuration with models and prices of your own (default: config.yaml where there is one)
  --json           the numbers as JSON

The prompt is text, or JSON with "messages". A model without a known price is an error, never 0.
`;

/** Asks a gateway of this process; a refusal is a problem with its message. */
export async function ask(gateway, path, body) {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await (await gateway.fetch(`http://tollgate${path}`, init)).json();
  if (answer.error) throw new Problem(answer.error.message ?? String(answer.error));
  return answer;
}

/** The messages that standard input holds. */
function messages(input) {
  try {
    const read = JSON.parse(input);
    if (Array.isArray(read?.messages)) return read.messages;
  } catch {
    // Then it is text.
  }
  return [{ role: "user", content: input }];
}

export async function run(args) {
  const { options, rest } = readOptions(args, { output: "text", config: "text", json: "flag" }, 1);
  const [model] = rest;
  if (!model) throw new Usage("name a model: tollgate cost MODEL < prompt");
  const output = number(options, "output", 0, 2 ** 40, 0);
  const own = options.config ?? (existsSync("config.yaml") ? "config.yaml" : undefined);
  const { config } = own ? configured(own) : { config: {} };
  const gateway = new Gateway({ config: { ...config, general_settings: {} }, env: {}, open: true });
  if (process.stdin.isTTY) console.error("type the prompt, and end it with Ctrl-D");
  const input = await text(process.stdin);
  const counted = await ask(gateway, "/utils/token_counter", { model, messages: messages(input) });
  const tokens = { input_tokens: counted.total_tokens, output_tokens: output };
  const quote = await ask(gateway, "/cost/estimate", { model, ...tokens });
  if (quote.cost_per_request === null) throw new Problem(`nobody knows a price of ${model}: it is not 0, it is unknown`);
  const exact = counted.error_percent === 0;
  if (options.json) {
    const costs = { input_cost: quote.input_cost_per_request, output_cost: quote.output_cost_per_request };
    const told = { model, provider: quote.provider, ...tokens, exact, ...costs, cost: quote.cost_per_request };
    return console.log(JSON.stringify(told));
  }
  const dollars = (amount) => `$${amount.toFixed(12).replace(/(\.\d\d\d*?)0+$/, "$1")}`;
  const count = exact ? `${counted.total_tokens}` : `about ${counted.total_tokens} (± ${counted.error_percent} %)`;
  console.log(`${model} (${quote.provider})`);
  console.log(`input   ${count} tokens   ${dollars(quote.input_cost_per_request)}`);
  if (output) console.log(`output  ${output} tokens   ${dollars(quote.output_cost_per_request)}`);
  console.log(`cost    ${dollars(quote.cost_per_request)}`);
}
