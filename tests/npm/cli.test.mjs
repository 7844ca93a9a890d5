// The commands beside serve: check, cost, keys, init, push, and how a mistake in calling them is told.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { UPSTREAM_KEY, startProviders } from "../worker/upstream.mjs";
import { command, served } from "./command.mjs";
import { CHAT, post } from "./package.mjs";

const CONFIG = `model_list:
  - model_name: gpt
    litellm_params: {model: openai/gpt-4o, mock_response: "hello"}
general_settings: {master_key: sk-master-1}
`;

function folder(t, files = {}) {
  const path = mkdtempSync(join(tmpdir(), "tollgate-cli-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

test("help and version are short commands, and each command has its help", async () => {
  const help = await command(["--help"]);
  assert.equal(help.code, 0);
  assert.deepEqual(await command(["help"]), help);
  for (const name of ["serve", "check", "cost", "keys", "init", "push"]) {
    assert.match(help.stdout, new RegExp(`^  ${name} `, "m"));
    const own = await command([name, "--help"]);
    assert.equal(own.code, 0);
    assert.match(own.stdout, new RegExp(`^tollgate ${name}: [\\s\\S]*\\nUsage: tollgate `));
    assert.deepEqual(await command(["help", name]), own);
    assert.ok(own.stdout.split("\n").every((line) => line.length <= 125), `${name}: lines of a terminal`);
  }
  const { stdout } = await command(["--version"]);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test("a mistake in the call is one line with the near name, and exit code 2", async () => {
  for (const [args, said] of [
    [["--prot", "1"], "unknown option `--prot`; did you mean `--port`?"],
    [["--port", "http"], "--port takes a whole number from 0 to 65535"],
    [["--port"], "--port needs a value"],
    [["-x"], "unknown option `-x`"],
    [["--model", "gpt-4o", "-c", "config.yaml"], "--model or --config: one of them says what is served"],
    [["--api_base", "http://x"], "--api-base is for --model: name a model"],
    [["chek"], "unknown command `chek`; did you mean `check`?"],
    [["check", "a", "b"], "what is `b`?"],
    [["cost"], "name a model: tollgate cost MODEL < prompt"],
    [["keys"], "say what to do: tollgate keys generate|list|info|block|unblock|delete"],
    [["keys", "generat"], "unknown action `generat`; did you mean `generate`?"],
    [["keys", "info"], "name a key: tollgate keys info KEY"],
    [["keys", "list", "--url", "http://x", "--data", "y"], "--url or --data: a key lives in one place"],
    [["keys", "generate", "--budget", "much"], "--budget takes a number"],
  ]) {
    assert.deepEqual(await command(args), { code: 2, stdout: "", stderr: `error: ${said} (tollgate --help)\n` });
  }
});

test("one model without a configuration, and LiteLLM's spellings of options", async (t) => {
  const upstream = await startProviders();
  // A configuration beside it is not the one that is meant.
  const path = folder(t, { "config.yaml": CONFIG });
  const args = ["-m", "openai/gpt-4o", "--api_base", upstream.url, "--num_workers", "4", "--detailed_debug", "--data", "memory"];
  const { url, child, ended, said } = await served(args, { cwd: path, env: { OPENAI_API_KEY: UPSTREAM_KEY } });
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    await upstream.stop();
  });
  assert.match(said(), /warning: --num-workers has no effect: one process serves\n/);
  assert.match(said(), /with openai\/gpt-4o, data in memory/);
  for (const model of ["openai/gpt-4o", "gpt-4o", "whatever-my-client-says"]) {
    const answer = await fetch(url + CHAT, post({ model, messages: [{ role: "user", content: "hello" }] }));
    assert.equal((await answer.json()).choices[0].message.content, "You said: hello", model);
    assert.equal(upstream.requests.at(-1).json.model, "gpt-4o");
  }
});

test("check names line, field and mend", async (t) => {
  const cwd = folder(t, { "good.yaml": CONFIG, "bad.yaml": `${CONFIG}router_settings:\n  fallback: []\n` });
  const good = await command(["check", "good.yaml"], { cwd });
  assert.deepEqual(good, { code: 0, stdout: "good.yaml: no errors\n", stderr: "" });
  const bad = await command(["check", "bad.yaml"], { cwd });
  assert.match(bad.stderr + bad.stdout, /bad\.yaml:6: router_settings\.fallback: .*did you mean "fallbacks"\?/);
  const none = await command(["check"], { cwd });
  assert.deepEqual([none.code, none.stderr], [1, "error: config.yaml: no such file; name a config by --config FILE\n"]);
});

test("cost counts a prompt and prices it", async (t) => {
  const cwd = folder(t);
  const { code, stdout } = await command(["cost", "gpt-4o", "--output", "100", "--json"], { cwd, input: "hello world" });
  assert.equal(code, 0);
  const told = JSON.parse(stdout);
  assert.ok(told.exact && told.input_tokens === 9, stdout);
  assert.equal(told.cost, 9 * 0.0000025 + 100 * 0.00001);
  const shown = await command(["cost", "gpt-4o"], { cwd, input: "hello world" });
  assert.match(shown.stdout, /^gpt-4o \(openai\)\ninput {3}9 tokens {3}\$0\.0000225\ncost {4}\$0\.0000225\n$/);
  const about = await command(["cost", "anthropic/claude-haiku-4-5"], { cwd, input: "hello world" });
  assert.match(about.stdout, /about \d+ \(± \d+(\.\d+)? %\) tokens/);
  const messages = JSON.stringify({ messages: [{ role: "user", content: "hello world" }] });
  assert.equal(JSON.parse((await command(["cost", "gpt-4o", "--json"], { cwd, input: messages })).stdout).input_tokens, 9);
  const unknown = await command(["cost", "openai/no-such-model"], { cwd, input: "x" });
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^error: .*no-such-model/);
});

test("keys are made in the data of a gateway that does not run, and at one that does", async (t) => {
  const cwd = folder(t, { "config.yaml": CONFIG });
  const made = await command(["keys", "generate", "--data", ".tollgate", "--alias", "mine", "--budget", "2"], { cwd });
  assert.equal(made.code, 0, made.stderr);
  const key = made.stdout.trim();
  assert.match(key, /^sk-/);
  const gateway = await served([], { cwd });
  t.after(() => gateway.child.kill("SIGKILL"));
  const body = { model: "gpt", messages: [{ role: "user", content: "hi" }] };
  assert.equal((await fetch(gateway.url + CHAT, post(body, key))).status, 200);

  const taken = await command(["keys", "list", "--data", ".tollgate"], { cwd });
  assert.match(taken.stderr, /is in use by another gateway/);
  const at = ["--url", gateway.url];
  const listed = await command(["keys", "list", ...at], { cwd });
  assert.match(listed.stdout, /^[0-9a-f]{64}\t\$0\.0+\d+ of \$2\tmine\n$|^[0-9a-f]{64}\t\$[\d.e-]+ of \$2\tmine\n$/);
  const info = JSON.parse((await command(["keys", "info", key, ...at], { cwd })).stdout);
  assert.deepEqual([info.key_alias, info.max_budget], ["mine", 2]);
  assert.equal((await command(["keys", "block", key, ...at], { cwd })).stdout, "blocked\n");
  assert.equal((await fetch(gateway.url + CHAT, post(body, key))).status, 401);
  assert.equal((await command(["keys", "unblock", key, ...at], { cwd })).stdout, "unblocked\n");
  assert.equal((await fetch(gateway.url + CHAT, post(body, key))).status, 200);
  assert.equal((await command(["keys", "delete", key, ...at], { cwd })).stdout, "deleted\n");
  assert.equal((await fetch(gateway.url + CHAT, post(body, key))).status, 401);

  const wrong = await command(["keys", "list", ...at, "--master-key", "sk-wrong"], { cwd });
  assert.equal(wrong.code, 1);
  const nobody = await command(["keys", "list", "--url", "http://127.0.0.1:9"], { cwd });
  assert.match(nobody.stderr, /^error: no gateway answers at http:\/\/127\.0\.0\.1:9: start one by `tollgate serve`/);
});

test("init writes a project that wrangler can deploy, and push its configuration", async (t) => {
  const cwd = folder(t);
  const { code, stdout, stderr } = await command(["init", "edge"], { cwd });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /npx wrangler secret put TOLLGATE_MASTER_KEY/);
  const at = (...path) => join(cwd, "edge", ...path);
  const settings = readFileSync(at("wrangler.toml"), "utf8");
  assert.match(settings, /^main = "worker\/index\.js"$/m);
  assert.ok(!settings.includes("[build]") && !settings.includes("scripts/"), settings);
  const [, page] = settings.match(/^directory = "(.*)"$/m);
  for (const file of ["worker/index.js", "worker/index_bg.wasm", page, `${page}/vocab/o200k_base.bin.gz`, "config.yaml"]) {
    assert.ok(existsSync(at(file)), file);
  }
  assert.equal((await command(["check", at("config.yaml")], { cwd })).code, 0);
  const again = await command(["init", "edge"], { cwd });
  assert.match(again.stderr, /^error: wrangler\.toml is there already: name an empty folder\n$/);

  const recorder = join(cwd, "wrangler.mjs");
  writeFileSync(
    recorder,
    `import { readFileSync, writeFileSync } from "node:fs";
    const args = process.argv.slice(2);
    const file = args[args.indexOf("--path") + 1];
    writeFileSync(${JSON.stringify(join(cwd, "record.json"))}, JSON.stringify({ args, put: readFileSync(file, "utf8") }));`,
  );
  const env = { TOLLGATE_WRANGLER: recorder };
  const pushed = await command(["push"], { cwd: at(), env });
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stdout, /npx wrangler secret put OPENAI_API_KEY --config wrangler\.toml/);
  const { args, put } = JSON.parse(readFileSync(join(cwd, "record.json"), "utf8"));
  assert.equal(args.slice(0, 4).join(" "), "kv key put config");
  assert.equal(JSON.parse(put).model_list[0].model_name, "gpt-4o-mini");
  const nowhere = await command(["push"], { cwd, env });
  assert.match(nowhere.stderr, /^error: wrangler\.toml: no such file; `tollgate init` writes one/);
});
