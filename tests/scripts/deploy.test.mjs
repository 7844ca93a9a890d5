// npm run deploy does its steps in order on a recording stand-in for wrangler.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ID = "0123456789abcdef0123456789abcdef";
const CONFIG = "model_list:\n  - model_name: a\n    litellm_params: {model: openai/m, api_key: os.environ/SOME_KEY}\n";

/** Deploys with a wrangler that answers `answers[command]`; answers what it was asked, and what came out. */
function deploy(t, answers, config = CONFIG) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-deploy-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name) => join(folder, name);
  const stand = `
    import { appendFileSync, readFileSync } from "node:fs";
    const args = process.argv.slice(2, -2);
    const path = args.includes("--path") ? args[args.indexOf("--path") + 1] : undefined;
    const pushed = path && readFileSync(path, "utf8");
    const shown = args.map((arg) => (arg === path ? "FILE" : arg));
    appendFileSync(${JSON.stringify(at("calls"))}, JSON.stringify({ args: shown, pushed }) + "\\n");
    const answer = ${JSON.stringify(answers)}[args.slice(0, 3).join(" ")] ?? { out: "" };
    console.log(answer.out ?? "");
    console.error(answer.error ?? "");
    process.exit(answer.error ? 1 : 0);`;
  writeFileSync(at("wrangler.mjs"), stand);
  writeFileSync(at("config.yaml"), config);
  writeFileSync(at("wrangler.toml"), readFileSync(join(root, "wrangler.toml")));
  writeFileSync(at("calls"), "");
  const again = () => {
    writeFileSync(at("calls"), "");
    const env = { ...process.env, TOLLGATE_WRANGLER: at("wrangler.mjs"), TOLLGATE_WRANGLER_TOML: at("wrangler.toml") };
    const args = [join(root, "scripts", "deploy.mjs"), "--config", at("config.yaml")];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8", cwd: folder });
    const calls = readFileSync(at("calls"), "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return { status, stdout, stderr, calls, toml: readFileSync(at("wrangler.toml"), "utf8") };
  };
  return { ...again(), again };
}

const commands = (calls) => calls.map(({ args }) => args.join(" "));
const PUT = "kv key put config --path FILE --binding TOLLGATE_KV --remote";

test("a first deploy creates the namespace, pushes the config, deploys and names the secrets", (t) => {
  const first = deploy(t, {
    "kv namespace list": { out: "[]" },
    "kv namespace create": { out: `Add this to your configuration:\n{ "binding": "tollgate", "id": "${ID}" }` },
    deploy: { out: "Deployed\n  https://tollgate.someone.workers.dev" },
  });
  assert.equal(first.status, 0, first.stderr);
  assert.deepEqual(commands(first.calls), ["kv namespace list", "kv namespace create tollgate", PUT, "deploy"]);
  const pushed = JSON.parse(first.calls[2].pushed);
  assert.equal(pushed.model_list[0].litellm_params.api_key, "os.environ/SOME_KEY");
  assert.match(first.toml, new RegExp(`binding = "TOLLGATE_KV"\\nid = "${ID}"\\n`));
  assert.match(first.stdout, /npm run wrangler -- secret put SOME_KEY/);
  assert.match(first.stdout, /the deployed gateway will refuse every request/);
  assert.match(first.stdout, /https:\/\/tollgate\.someone\.workers\.dev/);

  const second = first.again();
  assert.deepEqual(commands(second.calls), [PUT, "deploy"]);
  assert.equal(second.toml, first.toml);
});

test("a namespace that exists is used", (t) => {
  const listed = JSON.stringify([{ title: "other", id: "1" }, { title: "tollgate", id: ID }]);
  const { calls, toml } = deploy(t, { "kv namespace list": { out: listed } });
  assert.deepEqual(commands(calls), ["kv namespace list", PUT, "deploy"]);
  assert.match(toml, new RegExp(`id = "${ID}"`));
});

test("without a login nothing is deployed, and the mend is named", (t) => {
  const { status, stderr, calls } = deploy(t, { "kv namespace list": { error: "You are not logged in." } });
  assert.equal(status, 1);
  assert.deepEqual(commands(calls), ["kv namespace list"]);
  assert.match(stderr, /error: KV namespaces failed: log in by `npm run wrangler -- login`/);
});

test("a config that cannot be read never reaches wrangler", (t) => {
  const { status, stderr, calls } = deploy(t, {}, "model_list: [\n");
  assert.equal(status, 1);
  assert.deepEqual(calls, []);
  assert.match(stderr, /config\.yaml:\d+: /);
});
