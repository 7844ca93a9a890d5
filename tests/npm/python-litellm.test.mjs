// LiteLLM's own package, which aider and others call models by, against the installed `npx tollgate`.

import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { python } from "../worker/python/environment.mjs";
import { pythonTests } from "../worker/python/run.mjs";
import { npxTollgate } from "./installed.mjs";

const serve = await npxTollgate();

test("LiteLLM as a client", { skip: python ? false : "python3 is not installed" }, async (t) => {
  const program = fileURLToPath(new URL("python/litellm_client.py", import.meta.url));
  await pythonTests(t, program, await serve(t), { name: "litellm", least: 10 });
});
