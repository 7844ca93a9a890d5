import type { Config, Finding, Gateway } from "./index.js";

/** A part of a message: text, an image, a file, audio, … */
export interface ContentPart {
  readonly type: string;
  readonly [name: string]: unknown;
}

/** A message of a conversation, in OpenAI's shape. */
export interface Message {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool" | "function";
  readonly content?: string | null | readonly ContentPart[];
  readonly [name: string]: unknown;
}

/** A call of a tool that a model asks for. */
export interface ToolCall {
  id: string;
  type: string;
  function: {
    name: string;
    /** JSON text, as the model wrote it. */
    arguments: string;
  };
}

/** The tokens that a call has used. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details?: { cached_tokens?: number; [name: string]: unknown } | null;
  completion_tokens_details?: { reasoning_tokens?: number; [name: string]: unknown } | null;
  /** In the last chunk of a stream that was asked for usage: what the call cost, in USD. */
  cost?: number;
  [name: string]: unknown;
}

/** What is known of a call beside its answer. It is not enumerable: the answer prints and compares as OpenAI's object. */
export interface HiddenParams {
  /** USD; `null` where nobody knows the price. Of a stream: once it has ended. */
  response_cost: number | null;
  /** Whether the cost rests on an estimate. `null` where there is no cost. */
  cost_is_estimated: boolean | null;
  litellm_call_id: string | null;
  /** The deployment that answered. */
  model_id: string | null;
  /** The model group that answered: after a fallback another than was asked for. */
  model_group: string | null;
  /** Where it was sent, without the query. */
  api_base: string | null;
  custom_llm_provider: string | null;
  attempted_retries: number | null;
  attempted_fallbacks: number | null;
  /** The gateway's own part of the time, in ms. */
  litellm_overhead_time_ms: number | null;
  /** The provider's headers as `llm_provider-…`, and its `x-ratelimit-…`. */
  additional_headers: Record<string, string>;
}

/** A whole answer, in OpenAI's shape. */
export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  /** The model as the provider names it. */
  model: string;
  choices: Array<{
    index: number;
    finish_reason: string | null;
    message: {
      role: "assistant";
      content: string | null;
      tool_calls?: ToolCall[];
      /** What the model thought, where its provider tells. */
      reasoning_content?: string | null;
      refusal?: string | null;
      [name: string]: unknown;
    };
    logprobs?: unknown;
    [name: string]: unknown;
  }>;
  usage?: Usage;
  readonly _hidden_params: HiddenParams;
  [name: string]: unknown;
}

/** A piece of a streamed answer, in OpenAI's shape. */
export interface ChatCompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: Array<{
    index: number;
    finish_reason: string | null;
    delta: {
      role?: string;
      content?: string | null;
      reasoning_content?: string | null;
      tool_calls?: Array<{
        index: number;
        id?: string;
        type?: string;
        function?: { name?: string; arguments?: string };
      }>;
      [name: string]: unknown;
    };
    [name: string]: unknown;
  }>;
  usage?: Usage | null;
  [name: string]: unknown;
}

/** Embeddings, in OpenAI's shape. */
export interface EmbeddingResponse {
  object: "list";
  model: string;
  data: Array<{ object: "embedding"; index: number; embedding: number[] | string }>;
  usage?: { prompt_tokens: number; total_tokens: number; [name: string]: unknown };
  readonly _hidden_params: HiddenParams;
  [name: string]: unknown;
}

/** Documents by their relevance, in Cohere's shape, as LiteLLM answers. */
export interface RerankResponse {
  id?: string;
  results: Array<{ index: number; relevance_score: number; document?: unknown; [name: string]: unknown }>;
  meta?: unknown;
  readonly _hidden_params: HiddenParams;
  [name: string]: unknown;
}

/** What callbacks get of a call. */
export interface CallEvent {
  /** `cancelled`: its caller left before the end. */
  status: "success" | "failure" | "cancelled";
  /** The call's id: `litellm_call_id` of its answer. */
  id: string | null;
  call_type: "completion" | "embedding" | "rerank";
  /** The model as it was asked for. */
  model: string | null;
  model_group: string | null;
  model_id: string | null;
  custom_llm_provider: string | null;
  upstream_model: string | null;
  stream: boolean;
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null;
  /** USD; `null` where nobody knows. */
  response_cost: number | null;
  cost_is_estimated: boolean | null;
  latency: {
    /** The whole call, in ms. */
    total_ms: number;
    /** Until the first event of a stream, in ms. */
    first_ms: number | null;
    /** Until the head of the provider's answer, in ms. */
    headers_ms: number | null;
  };
  /** Requests that went to providers. */
  attempts: number;
  retries: number;
  fallbacks: number;
  /** The request, as it was given. */
  request: object;
  /** The answer; `null` for streams and failures. */
  response: ChatCompletion | EmbeddingResponse | RerankResponse | null;
  error: unknown;
}

/** Functions that hear of calls. They are called after the answer is there; what they throw is printed, and ends no call. */
export interface Callbacks {
  readonly onSuccess?: ((event: CallEvent) => unknown) | undefined;
  readonly onFailure?: ((event: CallEvent) => unknown) | undefined;
  /** Hears of every call, the cancelled ones too. */
  readonly onEvent?: ((event: CallEvent) => unknown) | undefined;
}

/** What every call may have beside the fields of its request. */
export interface CallOptions extends Callbacks {
  /** `provider/model`, or a bare name that is well known, such as `gpt-4o`. For a {@link Router}: a model group. */
  readonly model: string;
  /** Ends the call and closes the provider's connection. The call is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Models to go to when this one fails: names, or objects whose fields replace the request's (`api_key` too); without a
   * `model`, the same one.
   */
  readonly fallbacks?: ReadonlyArray<string | { readonly model?: string; readonly [name: string]: unknown }> | undefined;
  /** How often a model is tried again. Default: 2. */
  readonly num_retries?: number | undefined;
  /** Seconds for an attempt's whole answer, or for a stream's first event. */
  readonly timeout?: number | undefined;
  readonly stream_timeout?: number | undefined;
  /** Leaves out fields that the provider does not know, instead of refusing the call. */
  readonly drop_params?: boolean | undefined;
  /** Tags of the call. */
  readonly tags?: readonly string[] | undefined;
  /** Any other field of OpenAI's or of the provider's. */
  readonly [name: string]: unknown;
}

/** Credentials and places that belong to one call. A {@link Router} has them in its `model_list`. */
export interface Credentials {
  /** The key for this model, and for no fallback. Default: the provider's variable. */
  readonly api_key?: string | undefined;
  /** Where the provider's API is. */
  readonly api_base?: string | undefined;
  readonly base_url?: string | undefined;
  readonly api_version?: string | undefined;
  readonly organization?: string | undefined;
  readonly extra_headers?: Readonly<Record<string, string>> | undefined;
  /** The provider, where `model` does not name it. */
  readonly custom_llm_provider?: string | undefined;
}

/** A chat, in OpenAI's shape. */
export interface CompletionRequest extends CallOptions {
  readonly messages: readonly Message[];
  readonly stream?: boolean | undefined;
  readonly stream_options?: { readonly include_usage?: boolean; readonly [name: string]: unknown } | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly n?: number | null | undefined;
  readonly max_tokens?: number | null | undefined;
  readonly max_completion_tokens?: number | null | undefined;
  readonly stop?: string | readonly string[] | null | undefined;
  readonly tools?: ReadonlyArray<object> | undefined;
  readonly tool_choice?: string | object | undefined;
  readonly response_format?: object | undefined;
  readonly user?: string | undefined;
  /** Answers this text without a provider; or fails with an error of this name, such as `litellm.RateLimitError`. */
  readonly mock_response?: unknown;
}

/** Texts to embed, in OpenAI's shape. */
export interface EmbeddingRequest extends CallOptions {
  readonly input: string | readonly string[] | readonly number[] | ReadonlyArray<readonly number[]>;
  readonly dimensions?: number | undefined;
  readonly encoding_format?: "float" | "base64" | undefined;
}

/** Documents to rank by a query, in Cohere's shape. */
export interface RerankRequest extends CallOptions {
  readonly query: string;
  readonly documents: ReadonlyArray<string | object>;
  readonly top_n?: number | undefined;
  readonly return_documents?: boolean | undefined;
  readonly rank_fields?: readonly string[] | undefined;
}

/**
 * The chunks of one answer, for one `for await`. Leaving the loop early closes the provider's connection.
 *
 * A stream that breaks is an error, whatever came before: the loop throws.
 */
export class Stream<Chunk = ChatCompletionChunk> implements AsyncIterable<Chunk> {
  private constructor();
  /** `controller.abort()` ends the stream from outside of the loop. */
  readonly controller: AbortController;
  readonly _hidden_params: HiddenParams;
  [Symbol.asyncIterator](): AsyncGenerator<Chunk, void, void>;
  /** Two streams of the same chunks, each read at its own pace. What the slower one has not read is kept in memory. */
  tee(): [AsyncIterable<Chunk>, AsyncIterable<Chunk>];
  /** Server-sent events again: the body of a Response. */
  toReadableStream(): ReadableStream<Uint8Array>;
  /** Closes the provider's connection, where the stream has not ended: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A chat's functions: what comes back depends on `stream`. */
export interface Completion<Request> {
  (request: Request & { readonly stream: true }): Promise<Stream>;
  (request: Request & { readonly stream?: false | undefined }): Promise<ChatCompletion>;
  (request: Request): Promise<ChatCompletion | Stream>;
}

/**
 * Asks a model.
 *
 * @example
 * ```js
 * import { completion } from "tollgate";
 *
 * const answer = await completion({ model: "mock/echo", messages: [{ role: "user", content: "hello" }] });
 * console.log(answer.choices[0].message.content);
 *
 * const stream = await completion({ model: "mock/echo", messages: [{ role: "user", content: "hello" }], stream: true });
 * for await (const chunk of stream) console.log(chunk.choices[0]?.delta?.content ?? "");
 * ```
 * @throws {APIError} One of its classes, by what went wrong.
 */
export const completion: Completion<CompletionRequest & Credentials>;
/** As {@link completion}. */
export const acompletion: typeof completion;

/**
 * Embeds texts.
 *
 * @throws {APIError} One of its classes, by what went wrong.
 */
export function embedding(request: EmbeddingRequest & Credentials): Promise<EmbeddingResponse>;
/** As {@link embedding}. */
export const aembedding: typeof embedding;

/**
 * Ranks documents by their relevance to a query.
 *
 * @throws {APIError} One of its classes, by what went wrong.
 */
export function rerank(request: RerankRequest & Credentials): Promise<RerankResponse>;
/** As {@link rerank}. */
export const arerank: typeof rerank;

/** What all calls without a {@link Router} share. */
export interface Defaults extends Callbacks {
  /** The variables that hold keys. Default: `process.env` in Node, Deno and Bun, and none elsewhere. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Sends the requests to providers. Default: the platform's `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Unpacked vocabularies (`o200k_base`, `cl100k_base`), where the platform has none beside it: Workers. */
  readonly vocabulary?: ((name: string) => Promise<Uint8Array | undefined>) | undefined;
  /** `litellm_settings` of a configuration: `drop_params`, `request_timeout`, … */
  readonly litellm_settings?: Config["litellm_settings"] | undefined;
}

/**
 * Sets what all calls without a {@link Router} share; what is not named stays.
 *
 * @param options `openai`: the OpenAI class, or its module, whose error classes ours shall be instances of. Node, Deno and
 * Bun find an installed `openai` by themselves; a bundle does not.
 */
export function configure(options: Defaults & { readonly openai?: unknown }): void;

/** What a {@link Router} is made of: `model_list`, LiteLLM's `router_settings` beside it, and its other sections by name. */
export interface RouterOptions extends Defaults {
  /** Deployments: those of one `model_name` are a model group. */
  readonly model_list?: Config["model_list"];
  /** Model group to the groups that are tried after it: `[{ "gpt-4o": ["claude"] }]`. */
  readonly fallbacks?: ReadonlyArray<Readonly<Record<string, readonly string[]>>>;
  readonly context_window_fallbacks?: ReadonlyArray<Readonly<Record<string, readonly string[]>>>;
  readonly content_policy_fallbacks?: ReadonlyArray<Readonly<Record<string, readonly string[]>>>;
  readonly default_fallbacks?: readonly string[];
  readonly routing_strategy?: string;
  readonly num_retries?: number;
  /** Seconds. */
  readonly timeout?: number;
  readonly stream_timeout?: number;
  /** The least wait before a retry, in seconds. */
  readonly retry_after?: number;
  readonly allowed_fails?: number;
  /** Seconds. */
  readonly cooldown_time?: number;
  readonly enable_pre_call_checks?: boolean;
  readonly model_group_alias?: Readonly<Record<string, unknown>>;
  readonly general_settings?: Config["general_settings"];
  readonly environment_variables?: Config["environment_variables"];
  readonly [name: string]: unknown;
}

/**
 * Model groups with several deployments: load balancing, retries, cooldowns and fallbacks, by LiteLLM's settings.
 *
 * @example
 * ```js
 * import { Router } from "tollgate";
 *
 * const router = new Router({
 *   model_list: [
 *     { model_name: "chat", litellm_params: { model: "mock/echo" } },
 *     { model_name: "spare", litellm_params: { model: "mock/echo" } },
 *   ],
 *   fallbacks: [{ chat: ["spare"] }],
 * });
 * const answer = await router.completion({ model: "chat", messages: [{ role: "user", content: "hello" }] });
 * console.log(answer.choices[0].message.content);
 * await router.dispose();
 * ```
 */
export class Router {
  /** @throws {ConfigError} A setting is wrong: `findings` lists all that is. */
  constructor(options?: RouterOptions);
  /** Settings that have no effect. */
  readonly warnings: readonly Finding[];
  /** The gateway behind it: `router.gateway.fetch` serves SDKs by the same rules. */
  readonly gateway: Gateway;
  readonly completion: Completion<CompletionRequest>;
  readonly acompletion: Completion<CompletionRequest>;
  readonly embedding: (request: EmbeddingRequest) => Promise<EmbeddingResponse>;
  readonly aembedding: (request: EmbeddingRequest) => Promise<EmbeddingResponse>;
  readonly rerank: (request: RerankRequest) => Promise<RerankResponse>;
  readonly arerank: (request: RerankRequest) => Promise<RerankResponse>;
  /** Takes no more calls, and waits for those under way: see {@link Gateway.close}. */
  dispose(options?: { readonly timeout?: number }): Promise<void>;
  /** As {@link Router.dispose}, not waited for: for `using`. */
  [Symbol.dispose](): void;
  /** As {@link Router.dispose}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * What a call costs, in USD: of its answer, or of texts. `null` where nobody knows the price.
 *
 * @param asked `completion_response`: an answer, whose own cost counts where it has one. Or `model` with `messages` (or
 * `prompt`), `tools` and the text of a `completion`, whose tokens are counted.
 * @throws {NotFoundError} Nobody knows the model.
 */
export function completionCost(asked: {
  readonly completion_response?: object;
  readonly model?: string;
  readonly messages?: readonly Message[];
  readonly prompt?: string;
  readonly completion?: string;
  readonly tools?: ReadonlyArray<object>;
}): Promise<number | null>;
/** As {@link completionCost}. */
export const completion_cost: typeof completionCost;

/**
 * What tokens cost, in USD: `[of the prompt, of the completion]`; `null` where nobody knows the price. Cached and cache
 * writing tokens are counted within `prompt_tokens`, and reasoning tokens within `completion_tokens`.
 *
 * @throws {NotFoundError} Nobody knows the model.
 */
export function costPerToken(asked: {
  readonly model: string;
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly cache_read_input_tokens?: number;
  readonly cache_creation_input_tokens?: number;
  readonly reasoning_tokens?: number;
  readonly custom_llm_provider?: string;
}): Promise<[number | null, number | null]>;
/** As {@link costPerToken}. */
export const cost_per_token: typeof costPerToken;

/** A count of tokens. */
export interface TokenCount {
  total_tokens: number;
  /** Whether the model's own vocabulary was at hand: for OpenAI's models, but in Workers without `vocabulary`. */
  exact: boolean;
  /** How far an estimate may be off, in percent; 0 for an exact count. */
  error_percent: number;
  model_used: string;
  tokenizer_type: string;
}

/**
 * Counts the tokens of messages or of a text, as the model counts them.
 *
 * @throws {BadRequestError} Neither `messages` nor `text`.
 */
export function tokenCounter(asked: {
  readonly model: string;
  readonly messages?: readonly Message[];
  readonly text?: string | readonly string[];
  readonly tools?: ReadonlyArray<object>;
}): Promise<TokenCount>;
/** As {@link tokenCounter}. */
export const token_counter: typeof tokenCounter;

/** What is known of a model, in the words of LiteLLM's price map: prices in USD. */
export interface ModelInfo {
  /** Its name in the price table. */
  key: string;
  litellm_provider?: string;
  mode?: string;
  max_tokens?: number;
  max_input_tokens?: number;
  max_output_tokens?: number;
  input_cost_per_token?: number | null;
  output_cost_per_token?: number | null;
  supports_function_calling?: boolean;
  supports_vision?: boolean;
  supported_openai_params: string[] | null;
  [name: string]: unknown;
}

/** A model by its name, or with its provider beside it. */
export type ModelName = string | { readonly model: string; readonly custom_llm_provider?: string };

/**
 * What is known of a model: prices, limits, what it can do.
 *
 * @throws {NotFoundError} Nobody knows the model.
 */
export function getModelInfo(model: ModelName, custom_llm_provider?: string): Promise<ModelInfo>;
/** As {@link getModelInfo}. */
export const get_model_info: typeof getModelInfo;

/**
 * The request fields of OpenAI's that a model takes.
 *
 * @throws {NotFoundError} Nobody knows the model.
 */
export function supportedOpenAIParams(model: ModelName, custom_llm_provider?: string): Promise<string[]>;
/** As {@link supportedOpenAIParams}. */
export const supported_openai_params: typeof supportedOpenAIParams;
/** As {@link supportedOpenAIParams}. */
export const get_supported_openai_params: typeof supportedOpenAIParams;

/**
 * Whether the environment has what a model's provider asks for, and what is missing for the shortest way to it.
 *
 * @throws {NotFoundError} The name leads to no provider.
 */
export function validateEnvironment(
  model: string | { readonly model: string; readonly api_key?: string; readonly api_base?: string },
): Promise<{ keys_in_environment: boolean; missing_keys: string[] }>;
/** As {@link validateEnvironment}. */
export const validate_environment: typeof validateEnvironment;

/**
 * The request that would be sent, without sending it. Credentials are masked.
 *
 * @throws {APIError} What the call would be refused for before it is sent.
 */
export function transformRequest(
  request: CallOptions & Credentials & { readonly call_type?: "completion" | "embedding" },
): Promise<{
  raw_request_api_base: string;
  raw_request_body: Record<string, unknown> | null;
  raw_request_headers: Record<string, string>;
}>;
/** As {@link transformRequest}. */
export const transform_request: typeof transformRequest;

/**
 * The whole answer that the chunks of a stream make up; `null` for no chunks. Where no chunk has usage and `messages` are
 * given, tokens are counted, and `usage.estimated` says whether exactly.
 */
export function streamChunkBuilder(
  chunks: Iterable<ChatCompletionChunk>,
  options?: { readonly messages?: readonly Message[] },
): Promise<Omit<ChatCompletion, "_hidden_params"> | null>;
/** As {@link streamChunkBuilder}. */
export const stream_chunk_builder: typeof streamChunkBuilder;

/**
 * Tells prices and facts of models, in the words of LiteLLM's price map: `{ "openai/mine": { input_cost_per_token: 1e-6,
 * output_cost_per_token: 2e-6, litellm_provider: "openai" } }`. They hold for calls from now on, and for routers made
 * from now on, and win over the price table.
 */
export function registerModel(models: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void;
/** As {@link registerModel}. */
export const register_model: typeof registerModel;

/**
 * An error of a call. The classes below are its kinds; where `openai` is installed they are instances of its classes too.
 */
export class APIError extends Error {
  constructor(message: string, details?: Partial<ErrorDetails>);
  /** The HTTP status. */
  readonly status: number;
  /** As `status`. */
  readonly status_code: number;
  /** The provider's or the gateway's code, such as `context_length_exceeded`; else the status as text. */
  readonly code: string | null;
  readonly type: string | null;
  /** The field of the request that is at fault. */
  readonly param: string | null;
  readonly llm_provider: string | null;
  /** The model as it was asked for. */
  readonly model: string | null;
  /** Seconds after which it may go well. */
  readonly retry_after: number | null;
  /** The call's id. */
  readonly request_id: string | null;
  readonly requestID: string | null;
  readonly num_retries: number;
  readonly num_fallbacks: number;
  readonly headers: Headers | undefined;
  /** `error` of the body. */
  readonly error: unknown;
}
/** What an {@link APIError} is made of. */
export type ErrorDetails = Omit<APIError, "message" | "name" | "stack" | "cause">;
/** The request is wrong: 400. */
export class BadRequestError extends APIError {}
/** A field that the provider does not have; `drop_params` leaves it out. */
export class UnsupportedParamsError extends BadRequestError {}
/** More tokens than the model takes. */
export class ContextWindowExceededError extends BadRequestError {}
/** Refused for its content. */
export class ContentPolicyViolationError extends BadRequestError {}
/** The account has no money left: 402. */
export class PaymentRequiredError extends BadRequestError {}
/** Too large a body: 413. */
export class PayloadTooLargeError extends BadRequestError {}
/** No key, or a wrong one: 401. */
export class AuthenticationError extends APIError {}
/** The key may not do this: 403. */
export class PermissionDeniedError extends APIError {}
/** An unknown model: 404. */
export class NotFoundError extends APIError {}
/** 409. */
export class ConflictError extends APIError {}
/** 422. */
export class UnprocessableEntityError extends APIError {}
/** Too many requests: 429. */
export class RateLimitError extends APIError {}
/** A key's budget is spent: 429. */
export class BudgetExceededError extends RateLimitError {}
/** The provider failed: 500. */
export class InternalServerError extends APIError {}
/** What the provider said is no answer: 502. */
export class BadGatewayError extends InternalServerError {}
/** Not now: 503. */
export class ServiceUnavailableError extends InternalServerError {}
/** The provider was not reached, or its connection broke. */
export class APIConnectionError extends APIError {}
/** It took longer than it may: 408. */
export class Timeout extends APIConnectionError {}
