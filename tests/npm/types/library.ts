// What a program in strict TypeScript may write, and what it may not: compiled by library-types.test.mjs, never run.

import OpenAI from "openai";
import {
  APIError,
  BadRequestError,
  ContextWindowExceededError,
  Gateway,
  RateLimitError,
  Router,
  Stream,
  Timeout,
  completion,
  completionCost,
  completion_cost,
  configure,
  costPerToken,
  embedding,
  getModelInfo,
  registerModel,
  rerank,
  streamChunkBuilder,
  supportedOpenAIParams,
  tokenCounter,
  transformRequest,
  validateEnvironment,
  type CallEvent,
  type ChatCompletion,
  type ChatCompletionChunk,
  type CompletionRequest,
} from "tollgate";

const messages = [{ role: "user", content: "hello" }] as const;

export async function calls(signal: AbortSignal): Promise<void> {
  const answer = await completion({ model: "gpt-4o", messages, temperature: 0, signal, api_key: "sk-1" });
  const text: string | null | undefined = answer.choices[0]?.message.content;
  const cost: number | null = answer._hidden_params.response_cost;
  const stream = await completion({ model: "gpt-4o", messages, stream: true, fallbacks: ["a", { model: "b", api_key: "k" }] });
  for await (const chunk of stream) {
    const piece: string | null | undefined = chunk.choices[0]?.delta.content;
    if (piece) stream.controller.abort();
  }
  const either = await completion({ model: "gpt-4o", messages, stream: Math.random() > 0.5 });
  if (either instanceof Stream) for await (const chunk of either) void (chunk satisfies ChatCompletionChunk);
  else void (either satisfies ChatCompletion);
  await using closed = stream;
  const vectors = await embedding({ model: "text-embedding-3-small", input: ["a"] });
  const first: number[] | string | undefined = vectors.data[0]?.embedding;
  const ranked = await rerank({ model: "cohere/rerank-v3.5", query: "q", documents: ["a"], top_n: 1 });
  const score: number | undefined = ranked.results[0]?.relevance_score;
  void [text, cost, closed, first, score];
  // @ts-expect-error messages are missing
  await completion({ model: "gpt-4o" });
  // @ts-expect-error a model is missing
  await completion({ messages });
  // @ts-expect-error no such role
  await completion({ model: "gpt-4o", messages: [{ role: "robot", content: "x" }] });
  // @ts-expect-error a number of retries
  await completion({ model: "gpt-4o", messages, num_retries: "2" });
}

/** OpenAI's own objects go in, and what comes out is OpenAI's. */
export async function openai(request: OpenAI.ChatCompletionCreateParamsNonStreaming): Promise<string | null | undefined> {
  const sent: CompletionRequest = { model: request.model, messages: [{ role: "user", content: "a" }], tools: request.tools };
  const answer = await completion({ ...sent, stream: false });
  const usage: Pick<OpenAI.CompletionUsage, "prompt_tokens" | "completion_tokens" | "total_tokens"> | undefined = answer.usage;
  void usage;
  return answer.choices[0]?.message.content;
}

export async function routers(): Promise<void> {
  await using router = new Router({
    model_list: [{ model_name: "chat", litellm_params: { model: "openai/gpt-4o", api_key: "k" } }],
    fallbacks: [{ chat: ["spare"] }],
    routing_strategy: "simple-shuffle",
    onSuccess: (event: CallEvent) => void event.usage?.total_tokens,
  });
  const answer = await router.completion({ model: "chat", messages });
  const stream = await router.acompletion({ model: "chat", messages, stream: true });
  const gateway: Gateway = router.gateway;
  void [answer.choices, stream.controller, gateway.fetch, router.warnings[0]?.path];
  {
    using short = new Router();
    void short;
  }
  // @ts-expect-error the model is missing
  new Router({ model_list: [{ model_name: "chat", litellm_params: {} }] });
}

export async function questions(answer: ChatCompletion, chunks: ChatCompletionChunk[]): Promise<void> {
  const cost: number | null = await completionCost({ completion_response: answer });
  const same: number | null = await completion_cost({ model: "gpt-4o", messages, completion: "x" });
  const [prompt, output]: [number | null, number | null] = await costPerToken({ model: "gpt-4o", prompt_tokens: 1 });
  const { total_tokens, exact }: { total_tokens: number; exact: boolean } = await tokenCounter({ model: "gpt-4o", text: "x" });
  const info = await getModelInfo("gpt-4o");
  const params: string[] = await supportedOpenAIParams({ model: "gpt-4o", custom_llm_provider: "openai" });
  const { missing_keys } = await validateEnvironment("gpt-4o");
  const { raw_request_headers } = await transformRequest({ model: "gpt-4o", messages });
  const built = await streamChunkBuilder(chunks, { messages });
  registerModel({ "openai/mine": { input_cost_per_token: 1e-6 } });
  configure({ openai: OpenAI, litellm_settings: { drop_params: true }, onFailure: ({ error }) => console.error(error) });
  void [cost, same, prompt, output, total_tokens, exact, info.max_input_tokens, params, missing_keys, raw_request_headers, built?.choices];
  // @ts-expect-error a cost may be unknown
  const sure: number = await completionCost({ completion_response: answer });
  void sure;
}

export function errors(error: unknown): string {
  if (error instanceof ContextWindowExceededError || error instanceof BadRequestError) return String(error.param);
  if (error instanceof RateLimitError) return `${error.llm_provider} ${error.retry_after?.toFixed()}`;
  if (error instanceof Timeout) return error.message;
  if (error instanceof APIError) return `${error.status} ${error.code} ${error.headers?.get("x-litellm-call-id")}`;
  return "another";
}
