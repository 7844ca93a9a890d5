// The gateway starts, restarts on the same port, and leaves nothing behind.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";

import { startGateway, startUpstream } from "./gateway.mjs";

const refused = (url) => assert.rejects(fetch(url), "the port still answers");

test("the page is served at the root", async (t) => {
  const gateway = await startGateway();
  t.after(() => gateway.stop());
  const answer = await fetch(gateway.url);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /<h1>What will this prompt cost\?<\/h1>/);
});

test("a killed gateway restarts on its port and stops without a trace", async () => {
  const gateway = await startGateway();
  const { url, state } = gateway;
  assert.equal((await fetch(`${url}/health/liveliness`)).status, 200);
  await gateway.kill();
  await refused(url);
  await gateway.restart();
  assert.equal(gateway.url, url);
  assert.equal((await fetch(`${url}/health/liveliness`)).status, 200);
  await gateway.stop();
  await refused(url);
  assert.equal(existsSync(state), false);
});

test("the upstream tells a client that left from one that stayed", async (t) => {
  const upstream = await startUpstream((request, response) => {
    response.write("first ");
    if (request.url === "/whole") response.end("last");
  });
  t.after(() => upstream.stop());
  assert.equal(await (await fetch(`${upstream.url}/whole`, { method: "POST", body: "asked" })).text(), "first last");
  const control = new AbortController();
  await fetch(`${upstream.url}/endless`, { signal: control.signal });
  control.abort();
  const [whole, endless] = upstream.requests;
  assert.deepEqual([whole.method, whole.path, whole.body], ["POST", "/whole", "asked"]);
  assert.equal(await whole.closed, "finished");
  assert.equal(await endless.closed, "aborted");
});
