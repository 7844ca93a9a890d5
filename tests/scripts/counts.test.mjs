// The sums of `npm test` are those of the runners.

import assert from "node:assert/strict";
import { test } from "node:test";

import { cargoCounts, nodeCounts } from "../../scripts/tests.mjs";
import { namespaceId, withNamespaceId } from "../../scripts/wrangler-toml.mjs";

test("all of cargo's summaries are summed", () => {
  const output = [
    "test result: ok. 37 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.06s",
  ];
  assert.deepEqual(cargoCounts(output.join("\n")), [38, 2]);
  assert.deepEqual(cargoCounts("error: could not compile"), [0, 0]);
});

test("a test that node cancelled has failed", () => {
  assert.deepEqual(nodeCounts("TAP version 13\n# tests 4\n# pass 2\n# fail 1\n# cancelled 1\n"), [2, 2]);
});

test("an id is written behind its own binding and replaced there", () => {
  const other = '[[kv_namespaces]]\nbinding = "OTHER"\nid = "1"\n';
  const text = `${other}\n[[kv_namespaces]]\nbinding = "OURS"\n\n[assets]\nid = "x"\n`;
  assert.equal(namespaceId(text, "OURS"), undefined);
  const once = withNamespaceId(text, "OURS", "2");
  assert.equal(once, text.replace('"OURS"\n', '"OURS"\nid = "2"\n'));
  assert.equal(namespaceId(once, "OURS"), "2");
  assert.equal(withNamespaceId(once, "OURS", "3"), once.replace('"2"', '"3"'));
});
