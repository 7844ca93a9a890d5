// The official SDK for Python against `tollgate serve`.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { run } from "../../scripts/process.mjs";
import { environment, python } from "../worker/python/environment.mjs";
import { served } from "./command.mjs";

const PROGRAM = `
import os
from openai import OpenAI, NotFoundError

client = OpenAI(base_url=os.environ["TOLLGATE_URL"] + "/v1", api_key="sk-anything", max_retries=0)
messages = [{"role": "user", "content": "a b c"}]
answer = client.chat.completions.create(model="mock/echo", messages=messages)
assert answer.choices[0].message.content == "a b c", answer
stream = client.chat.completions.create(model="mock/echo", messages=messages, stream=True, stream_options={"include_usage": True})
chunks = list(stream)
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "a b c", chunks
assert chunks[-1].usage.total_tokens > 0, chunks
try:
    client.chat.completions.create(model="no/such", messages=messages)
    raise SystemExit("an unknown model was answered")
except NotFoundError as error:
    assert error.code == "model_not_found", error
print("done")
`;

test("the Python SDK", { skip: python ? false : "python3 is not installed" }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-python-"));
  writeFileSync(join(folder, "sdk.py"), PROGRAM);
  const gateway = await served(["--data", "memory"], { cwd: folder });
  t.after(async () => {
    gateway.child.kill("SIGKILL");
    await gateway.ended;
    rmSync(folder, { recursive: true });
  });
  const interpreter = await environment();
  const { output } = await run(interpreter, [join(folder, "sdk.py")], { env: { TOLLGATE_URL: gateway.url } });
  assert.equal(output.trim(), "done");
});
