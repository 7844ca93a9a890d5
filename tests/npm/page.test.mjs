// tollgate serve: the page at `/`, beside the gateway's own routes.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { served } from "./command.mjs";

/** The status of a path that is sent as it is written. */
const raw = (url, path) =>
  new Promise((resolve, reject) => {
    const sent = request(`${url}`, { path, method: "GET" }, (answer) => answer.resume().on("end", () => resolve(answer.statusCode)));
    sent.on("error", reject).end();
  });

test("the page is served whole, with its policy, and nothing else of the disk", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "tollgate-page-"));
  const gateway = await served(["--data", "memory"], { cwd });
  try {
    const page = await fetch(`${gateway.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type"), /^text\/html/);
    assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
    const text = await page.text();
    const files = [...text.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => path);
    assert.ok(files.length >= 3, files.join());
    for (const path of [...files, "sw.js", "page/engine.js", "page/tollgate_bg.wasm", "page/full.mpt", "vocab/o200k_base.bin.gz"]) {
      const answer = await fetch(`${gateway.url}/${path}`, { method: path.endsWith(".gz") ? "HEAD" : "GET" });
      assert.equal(answer.status, 200, path);
    }
    assert.equal((await fetch(`${gateway.url}/health/liveliness`)).status, 200);
    for (const path of ["/page/../../package.json", "/page/%2e%2e/%2e%2e/package.json", "/page/..%2f..%2fpackage.json", "/_headers"]) {
      assert.notEqual(await raw(gateway.url, path), 200, path);
    }
  } finally {
    gateway.child.kill("SIGTERM");
    await gateway.ended;
    rmSync(cwd, { recursive: true, force: true });
  }
});
