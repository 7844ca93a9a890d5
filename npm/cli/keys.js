// tollgate keys: virtual keys, at a running gateway or in the data of one that does not run.

import { Problem } from "../../scripts/steps.mjs";
import { Gateway } from "../node.js";
import { Usage, readOptions, unknown } from "./options.js";
import { configured, dataFile, openStorage } from "./serve.js";

export const HELP = `tollgate keys: makes, lists, shows, blocks and deletes virtual keys.

Usage: tollgate keys ACTION [KEY] [options]

  generate         makes a key and prints it, the only time that it is shown
  list             lists all keys
  info KEY         shows a key: its limits and what it has spent
  block KEY        refuses it from now on; unblock KEY takes it again
  delete KEY       deletes it

KEY is the key itself or its hash (the "token" of a list).

Options of generate
  --alias NAME     a name for it
  --models A,B     the models that it may call (default: all)
  --budget USD     what it may spend; with --duration 30d, 24h, … in each such time
  --rpm N          requests in a minute;  --tpm N  tokens in a minute
  --team ID, --user ID

Where
  --url URL        a running gateway (default http://127.0.0.1:4000), with its master key from --master-key, or from
                   general_settings.master_key of --config FILE, or LITELLM_MASTER_KEY
  --data PATH      instead: the data of a gateway that does not run now, as for \`tollgate serve\`
`;

const OPTIONS = {
  alias: "text",
  models: "list",
  budget: "text",
  duration: "text",
  rpm: "text",
  tpm: "text",
  team: "text",
  user: "text",
  url: "text",
  "master-key": "text",
  config: "text",
  data: "text",
};

/** What the options of `generate` are called in a request; a number is sent as one, so that what is none is refused. */
function limits(options) {
  const text = (name) => options[name];
  const amount = (name) => {
    if (options[name] === undefined) return undefined;
    const value = Number(options[name]);
    if (options[name].trim() === "" || Number.isNaN(value)) throw new Usage(`--${name} takes a number`);
    return value;
  };
  return {
    key_alias: text("alias"),
    models: options.models,
    max_budget: amount("budget"),
    budget_duration: text("duration"),
    rpm_limit: amount("rpm"),
    tpm_limit: amount("tpm"),
    team_id: text("team"),
    user_id: text("user"),
  };
}

const query = (parameters) => `?${new URLSearchParams(parameters)}`;

const ACTIONS = {
  generate: { call: (_, options) => ["POST", "/key/generate", limits(options)], print: (answer) => answer.key },
  list: { call: () => ["GET", `/key/list${query({ return_full_object: "true", size: "100" })}`], print: listed },
  info: { key: true, call: (key) => ["GET", `/key/info${query({ key })}`], print: (answer) => pretty(answer.info) },
  block: { key: true, call: (key) => ["POST", "/key/block", { key }], print: () => "blocked" },
  unblock: { key: true, call: (key) => ["POST", "/key/unblock", { key }], print: () => "unblocked" },
  delete: { key: true, call: (key) => ["POST", "/key/delete", { keys: [key] }], print: () => "deleted" },
};

const pretty = (value) => JSON.stringify(value, null, 2);

function listed({ keys, total_count: total }) {
  const lines = keys.map(({ token, key_alias: alias, spend, max_budget: budget, blocked }) => {
    const money = `$${spend ?? 0}${budget == null ? "" : ` of $${budget}`}`;
    return [token, money, alias ?? "", blocked ? "blocked" : ""].join("\t").trimEnd();
  });
  if (total > keys.length) lines.push(`(${total - keys.length} more)`);
  return lines.length ? lines.join("\n") : "no keys";
}

export async function run(args) {
  const { options, rest } = readOptions(args, OPTIONS, 2);
  const [name, key] = rest;
  if (!name) throw new Usage(`say what to do: tollgate keys ${Object.keys(ACTIONS).join("|")}`);
  if (!Object.hasOwn(ACTIONS, name)) throw unknown("action", name, Object.keys(ACTIONS));
  const action = ACTIONS[name];
  if (action.key && !key) throw new Usage(`name a key: tollgate keys ${name} KEY`);
  if (!action.key && key) throw new Usage(`what is \`${key}\`?`);
  if (options.url && options.data) throw new Usage("--url or --data: a key lives in one place");
  const [method, path, body] = action.call(key, options);
  const request = { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) };
  const answer = await (options.data ? inData(options, path, request) : atServer(options, path, request));
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(told.error?.message ?? `the gateway answered with status ${answer.status}`);
  console.log(action.print(told));
}

/** The master key and the variables; a configuration is read where one is named, or is there. */
function secrets(options) {
  const { config, found } = configured(options.config);
  const setting = config.general_settings?.master_key;
  const resolved = String(setting ?? "").startsWith("os.environ/") ? found[setting.slice(11)] : setting;
  const key = options["master-key"] ?? resolved ?? process.env.LITELLM_MASTER_KEY;
  return { config, found, key };
}

async function atServer(options, path, request) {
  const url = (options.url ?? "http://127.0.0.1:4000").replace(/\/+$/, "");
  const { key } = secrets(options);
  if (key) request.headers.authorization = `Bearer ${key}`;
  try {
    return await fetch(url + path, request);
  } catch {
    throw new Problem(`no gateway answers at ${url}: start one by \`tollgate serve\`, or name its data by --data PATH`);
  }
}

async function inData(options, path, request) {
  const file = dataFile(options.data);
  if (!file) throw new Usage("memory holds no keys: name a file or a folder");
  const { config, found, key } = secrets(options);
  const general = { ...config.general_settings, ...(key && { master_key: key }) };
  const storage = openStorage(file);
  const gateway = new Gateway({ config: { ...config, general_settings: general }, env: found, open: true, storage });
  try {
    if (key) request.headers.authorization = `Bearer ${key}`;
    const answer = await gateway.fetch(`http://tollgate${path}`, request);
    return new Response(await answer.text(), { status: answer.status });
  } finally {
    await gateway.close();
  }
}
