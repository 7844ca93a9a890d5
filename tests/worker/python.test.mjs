// The official SDK for Python, in a virtual environment of this tree's own: each of its tests is one of this file's.

import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { python } from "./python/environment.mjs";
import { pythonTests } from "./python/run.mjs";
import { MASTER_KEY, stage } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const scene = stage({
  model_list: (url) => [
    { model_name: "house", litellm_params: { model: "openai/gpt-4o", api_base: url, api_key: UPSTREAM_KEY } },
  ],
});

test("the Python SDK", { skip: python ? false : "python3 is not installed" }, async (t) => {
  const program = fileURLToPath(new URL("python/sdk.py", import.meta.url));
  await pythonTests(t, program, { url: scene.gateway.url, key: MASTER_KEY, upstream: scene.upstream }, { name: "sdk", least: 12 });
});
