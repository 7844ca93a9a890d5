// LangChain.js and the Vercel AI SDK, on the package's gateway.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { generateText, streamText } from "ai";
import { z } from "zod";

import { staged, tollgate } from "./library.mjs";

const { providers, own } = await staged();
const entry = (model_name, model) => ({ model_name, litellm_params: { model, ...own(model) } });
const router = new tollgate.Router({
  num_retries: 0,
  model_list: [
    entry("claude", "anthropic/claude-haiku-4-5"),
    entry("first", "openai/gpt-4o--down"),
    entry("vectors", "openai/text-embedding-3-small"),
  ],
  fallbacks: [{ first: ["claude"] }],
});
after(() => router.dispose());

const { fetch } = router.gateway;
const baseURL = "http://tollgate/v1";
const langchain = { apiKey: "none", maxRetries: 0, configuration: { baseURL, fetch } };

test("LangChain.js: whole, streamed, through a fallback, with tools, embeddings", async () => {
  const model = new ChatOpenAI({ model: "first", ...langchain });
  const whole = await model.invoke("one two three");
  assert.ok(whole.content.length);
  assert.ok(whole.usage_metadata.total_tokens > 0);
  let text = "";
  for await (const part of await model.stream("one two three")) text += part.content;
  assert.equal(text, whole.content);
  const weather = tool(async () => "sunny", { name: "get_weather", description: "d", schema: z.object({ location: z.string() }) });
  await new ChatOpenAI({ model: "claude", ...langchain }).bindTools([weather]).invoke("hello");
  const [seen] = providers.of("claude-haiku-4-5").slice(-1);
  assert.equal(seen.json.tools[0].name, "get_weather");
  const vectors = new OpenAIEmbeddings({ model: "vectors", ...langchain });
  assert.ok((await vectors.embedQuery("a")).length > 1);
});

test("the Vercel AI SDK: whole and streamed", async () => {
  const provider = createOpenAICompatible({ name: "tollgate", baseURL, fetch, includeUsage: true });
  const whole = await generateText({ model: provider("first"), prompt: "one two three", maxRetries: 0 });
  assert.ok(whole.text.length && whole.usage.totalTokens > 0);
  const { textStream, usage } = streamText({ model: provider("claude"), prompt: "one two three", maxRetries: 0 });
  let text = "";
  for await (const part of textStream) text += part;
  assert.equal(text, whole.text);
  assert.ok((await usage).totalTokens > 0);
  await assert.rejects(generateText({ model: provider("nobody/x"), prompt: "a", maxRetries: 0 }), /does not exist/);
});
