// The package as it would be published: packed, installed in an empty project, and used from each kind of module.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { npmFolder, packaged } from "../../scripts/place.mjs";
import { ownWorker } from "./own-worker.mjs";
import { CHAT, packageFile, post } from "./package.mjs";
import { newProject } from "./project.mjs";

const { project, tarball, installed, npm, must, write } = await newProject();
const node = (name, text, args = []) => must(process.execPath, [...args, write(name, text)]);

test("it has no dependencies, no install scripts, its licences, and nothing of this machine", () => {
  const manifest = JSON.parse(readFileSync(installed("package.json"), "utf8"));
  for (const field of ["dependencies", "optionalDependencies", "peerDependencies", "scripts"]) {
    assert.equal(manifest[field], undefined, field);
  }
  assert.deepEqual(readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith(".")), ["tollgate"]);
  for (const file of ["LICENSE", "LICENSES.md", "README.md", "dist/tollgate.wasm", "dist/vocab/o200k_base.bin.gz"]) {
    assert.ok(tarball.files.includes(file), file);
  }
  assert.equal(tarball.files.filter((file) => file.startsWith("dist/") && file.endsWith(".wasm")).length, 1);
  for (const file of tarball.files.filter((file) => /\.(c?js|ts|cts|json|md)$/.test(file))) {
    assert.ok(!readFileSync(installed(file), "utf8").includes(dirname(dirname(npmFolder))), `${file} names a folder of here`);
  }
});

const TRY = `
  const gateway = new Gateway({ open: true });
  const body = JSON.stringify({ model: "mock/echo", messages: [{ role: "user", content: "hello" }] });
  gateway
    .fetch("http://x/v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" }, body })
    .then((answer) => answer.json())
    .then((answer) => console.log(answer.choices[0].message.content))
    .then(() => gateway.close());
`;

test("Node: ES modules and CommonJS", async () => {
  assert.equal(await node("esm.mjs", `import { Gateway } from "tollgate";\n${TRY}`), "hello\n");
  assert.equal(await node("cjs.cjs", `const { Gateway } = require("tollgate");\n${TRY}`), "hello\n");
  const own = "import { sqliteStorage } from 'tollgate/node'; sqliteStorage(':memory:').close(); console.log('ok');";
  assert.equal(await node("sqlite.mjs", own), "ok\n");
  const common = "const { sqliteStorage } = require('tollgate/node'); sqliteStorage(':memory:').close(); console.log('ok');";
  assert.equal(await node("sqlite.cjs", common), "ok\n");
  const wasm = "import { readFileSync } from 'node:fs'; const u = import.meta.resolve('tollgate/tollgate.wasm');";
  const magic = "console.log(readFileSync(new URL(u)).subarray(1, 4).toString());";
  assert.equal(await node("wasm.mjs", wasm + magic), "asm\n");
});

test("the program of `npx tollgate`", async () => {
  const program = join(project, "node_modules", ".bin", process.platform === "win32" ? "tollgate.cmd" : "tollgate");
  assert.ok(existsSync(program));
  const { version } = JSON.parse(readFileSync(installed("package.json"), "utf8"));
  assert.equal(await npm(["exec", "--offline", "--", "tollgate", "--version"]), `${version}\n`);
});

test("a Worker of one's own, bundled by esbuild, in workerd", async (t) => {
  const worker = `
    import { Gateway } from "tollgate";
    const gateway = new Gateway({ open: true, config: { model_list: [] } });
    export default { fetch: gateway.fetch };`;
  const url = await ownWorker(t, project, worker);
  for (const stream of [false, true]) {
    const body = { model: "mock/echo", messages: [{ role: "user", content: "hello" }], stream };
    const answer = await fetch(new URL(CHAT, url), post(body));
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), stream ? /hello[\s\S]*\[DONE\]/ : /"content":"hello"/);
  }
});

test("the types: TypeScript strict, for import and for require", async () => {
  const body = `
    const gateway = new Gateway({ config: { model_list: [{ model_name: "a", litellm_params: { model: "mock/echo" } }] } });
    const answer: Promise<Response> = gateway.fetch("http://x/v1/models");
    const handler: (request: Request) => Promise<Response> = gateway.fetch;
    const storage: SqlStorage = sqliteStorage(":memory:");
    const findings: readonly Finding[] = checkConfig({ model_list: [] });
    const closed: Promise<void> = gateway.close({ timeout: 1 });
    export async function use(): Promise<void> { await using other = new Gateway({ storage, log: (line: string) => void line }); }
    try { new Gateway({ config: "" }); } catch (error) { if (error instanceof ConfigError) void error.findings[0]?.path; }
    // @ts-expect-error a storage is no path
    new Gateway({ storage: "tollgate.db" });
    // @ts-expect-error model is missing
    new Gateway({ config: { model_list: [{ model_name: "a", litellm_params: {} }] } });
    void [answer, handler, findings, closed];`;
  const names = "Gateway, ConfigError, checkConfig, type Finding";
  const imports = `import { ${names} } from "tollgate";\nimport { sqliteStorage, type SqlStorage } from "tollgate/node";\n`;
  const files = [write("types/esm.mts", imports + body), write("types/cjs.cts", imports + body)];
  const flags = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom,esnext.disposable"];
  await must(process.execPath, [packaged("typescript", "bin", "tsc"), ...flags, "--exactOptionalPropertyTypes", ...files]);
});

test("publint and are-the-types-wrong find nothing", async () => {
  const { publint } = await import("publint");
  const { messages } = await publint({ pkgDir: npmFolder, strict: true });
  assert.deepEqual(messages, []);
  const { checkPackage, createPackageFromTarballData } = await import("@arethetypeswrong/core");
  const { problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball.path))), {
    excludeEntrypoints: ["./tollgate.wasm", "./package.json"],
  });
  // Node 10 knows no `exports`: its resolution finds no subpath, and no longer matters.
  const found = problems.filter(({ resolutionKind }) => resolutionKind !== "node10");
  assert.deepEqual(found, []);
});

test("its size is known", (t) => {
  const size = (path) => gzipSync(readFileSync(path), { level: 9 }).length / 1024;
  const wasm = size(packageFile("dist", "tollgate.wasm"));
  t.diagnostic(`tarball ${(tarball.bytes / 1024).toFixed(0)} KB, wasm gzip ${wasm.toFixed(0)} KB`);
  assert.ok(wasm < 1024, `${wasm} KB of wasm`);
});
