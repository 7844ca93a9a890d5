// The official SDK for Python against the installed `npx tollgate`: all that it does with the Worker, and virtual keys.

import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { python } from "../worker/python/environment.mjs";
import { pythonTests } from "../worker/python/run.mjs";
import { npxTollgate } from "./installed.mjs";

const skip = python ? false : "python3 is not installed";
const serve = await npxTollgate();
const program = (path) => fileURLToPath(new URL(path, import.meta.url));

test("the Python SDK", { skip }, async (t) => {
  await pythonTests(t, program("../worker/python/sdk.py"), await serve(t), { name: "sdk", least: 12 });
});

test("the Python SDK with keys", { skip }, async (t) => {
  await pythonTests(t, program("python/keys.py"), await serve(t), { name: "sdk", least: 8 });
});
