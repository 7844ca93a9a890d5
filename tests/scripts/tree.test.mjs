// The tree's rules find what breaks them, and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";

import { namedIn } from "../../scripts/tree.mjs";

const lines = (text) => namedIn("src/x.rs", text, ["groq", "azure_ai"]).map((found) => found.split(": names")[0]);

test("a provider's name is found as a string and as a model's prefix", () => {
  assert.deepEqual(lines('let a = "groq";\nlet b = 1;\nlet c = "azure_ai/deepseek";\n'), ["src/x.rs:1", "src/x.rs:3"]);
});

test("a comment, a longer word and the tests at the foot may name one", () => {
  const text = '/// Like "groq".\nlet a = "groq_like"; // "groq"\n#[cfg(test)]\nmod tests {\n    "groq"\n}\n';
  assert.deepEqual(lines(text), []);
});
