// The snippets of docs/server.md, of the package's README and of the README's part about it run as they are printed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";

import { npmFolder, packaged, root } from "../../scripts/place.mjs";
import { run, which } from "../../scripts/process.mjs";
import { CLI } from "./package.mjs";

const bash = which("bash");

/** The code blocks of a document: `{ language, code }`. */
const blocks = (text) => [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({ language, code }));

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A folder where `npx tollgate` is this package, and its name can be imported. */
function place(t) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-docs-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(npmFolder, join(folder, "node_modules", "tollgate"), "junction");
  symlinkSync(packaged("openai"), join(folder, "node_modules", "openai"), "junction");
  const npx = join(folder, "bin", "npx");
  writeFileSync(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${CLI}" "$@"\n`);
  chmodSync(npx, 0o755);
  return { folder, env: { ...process.env, PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}` } };
}

/** Runs the blocks one after the other; one that serves goes on behind those that follow. Answers what each printed. */
async function runAll(t, text) {
  const { folder, env } = place(t);
  const port = await freePort();
  let server;
  const stop = async () => {
    if (!server) return;
    server.kill("SIGKILL");
    await server.ended;
    server = undefined;
  };
  t.after(stop);
  const printed = [];
  for (const { language, code } of blocks(text)) {
    const own = code.replaceAll("4000", String(port));
    if (language === "js") {
      writeFileSync(join(folder, "snippet.mjs"), own);
      const { code: status, output, stdout } = await run(process.execPath, [join(folder, "snippet.mjs")], { cwd: folder, env });
      assert.equal(status, 0, `${code}\n${output}`);
      printed.push(stdout);
      continue;
    }
    if (language !== "sh") continue;
    const serves = /^npx tollgate(?: --config \S+)?(?: --port \d+)?\n/.test(own);
    const rest = serves ? own.split("\n").slice(1).join("\n") : own;
    if (serves) {
      await stop();
      server = spawn(process.execPath, [CLI, "--port", String(port)], { cwd: folder, env });
      server.ended = new Promise((resolve) => server.on("close", resolve));
      await new Promise((resolve, reject) => {
        server.stdout.on("data", (said) => /Tollgate serves/.test(said) && resolve());
        server.ended.then(() => reject(new Error(`${code} does not serve`)));
      });
    }
    if (!rest.trim()) continue;
    // Keys are asked of the gateway whose port is another one here.
    const script = rest.replaceAll(/npx tollgate keys (\w+)/g, `npx tollgate keys $1 --url http://127.0.0.1:${port}`);
    const { code: status, output, stdout } = await run(bash, ["-euc", script], { cwd: folder, env });
    assert.equal(status, 0, `${code}\n${output}`);
    printed.push(stdout);
  }
  return printed;
}

const skip = bash ? false : "bash is not installed";

test("docs/server.md", { skip }, async (t) => {
  const printed = await runAll(t, readFileSync(join(root, "docs", "server.md"), "utf8"));
  const [hello, checked, keys, cost, program, edge] = printed;
  assert.match(hello, /"content":"hello"/);
  assert.equal(checked, "config.yaml: no errors\n");
  assert.match(keys, /Hello from a mock\.[\s\S]*of \$5\tmy-app[\s\S]*"max_budget": 5[\s\S]*\nblocked\n$/);
  assert.match(cost, /^gpt-4o-mini \(openai\)\n/);
  assert.equal(program, "hello\n");
  assert.match(edge, /is in edge\. Then:/);
  assert.equal(printed.length, 6);
});

test("the package's README", { skip }, async (t) => {
  const printed = await runAll(t, readFileSync(join(root, "npm", "README.md"), "utf8"));
  assert.match(printed[0], /"content":"hello"/);
  assert.deepEqual(printed.slice(1), ["hello\n", "hello\n"]);
});

test("the README's part about the package", { skip }, async (t) => {
  const [, part] = readFileSync(join(root, "README.md"), "utf8").split(/^## In Node\n/m);
  const printed = await runAll(t, part.split(/^## /m)[0]);
  assert.equal(printed.at(-1), "hello\n");
});
