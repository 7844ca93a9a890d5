/**
 * An LLM gateway in your process: one OpenAI-compatible door to every provider, with virtual keys, hard budgets and the
 * cost of every call.
 *
 * @packageDocumentation
 */

export * from "./library.js";

/** A mapping as JSON or YAML has it. */
export interface ConfigObject {
  readonly [name: string]: unknown;
}

/** LiteLLM's `config.yaml`, as an object. */
export interface Config {
  /** The models that clients may ask for, and where each is sent. */
  readonly model_list?: ReadonlyArray<{
    /** What clients call it; `*` stands for any part of a name. */
    readonly model_name: string;
    /** Where it is sent: `model` is `provider/model`; `api_key` may be `os.environ/NAME`. */
    readonly litellm_params: { readonly model: string; readonly [name: string]: unknown };
    readonly model_info?: ConfigObject;
    readonly [name: string]: unknown;
  }>;
  readonly router_settings?: ConfigObject;
  readonly litellm_settings?: ConfigObject;
  readonly general_settings?: ConfigObject;
  readonly environment_variables?: ConfigObject;
  readonly [name: string]: unknown;
}

/** Something that is wrong with a configuration, or has no effect. */
export interface Finding {
  readonly severity: "error" | "warning";
  /** The field, such as `router_settings.fallbacks` or `model_list[0].model_name`. */
  readonly path: string;
  /** What is wrong, and how to mend it. */
  readonly message: string;
}

/** A value of a row of SQLite. */
export type SqlValue = string | number | null;

/**
 * A SQLite for keys, budgets and spend: `sqliteStorage` of `tollgate/node`, or one of your own over any binding that is
 * asked synchronously. One storage belongs to one gateway, and its file to one process.
 */
export interface SqlStorage {
  /** Runs one statement with its values, and answers the rows of a `SELECT` as arrays (`[]` for any other). */
  run(query: string, values: readonly SqlValue[]): SqlValue[][];
  /** Begins a step. Steps do not nest. */
  begin(): void;
  /** Ends the step: what it wrote becomes durable as a whole. */
  end(): void;
  /** Takes back all that the step wrote. */
  undo(): void;
  /** Resolves when every step that has ended is on the disk; rejects when it cannot be. */
  durable(): Promise<void>;
  /** Closes the file. Called by {@link Gateway.close}. */
  close(): void;
}

/** What a {@link Gateway} is made of. */
export interface GatewayOptions {
  /** The configuration: an object, or its text in YAML (Node, Deno and Bun) or JSON. Default: none. */
  readonly config?: Config | string;
  /** Sends the requests to providers. Default: the platform's `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Where keys, budgets and spend live. Default: in memory, gone with the process. */
  readonly storage?: SqlStorage;
  /** Unpacked vocabularies (`o200k_base`, `cl100k_base`). Default: the package's own, and none in Workers. */
  readonly vocabulary?: (name: string) => Promise<Uint8Array | undefined>;
  /** The variables that hold keys. Default: `process.env` in Node, Deno and Bun, and none elsewhere. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Answers without a key where the configuration has no master key. Right for a program that calls its own gateway;
   * leave it `false` where others can reach it. Default: `false`.
   */
  readonly open?: boolean;
  /** Gets one line of JSON for each call, and for what needs an operator. No prompts, no keys. Default: nowhere. */
  readonly log?: (line: string) => void;
  /** The clock, in Unix ms: for tests. Default: `Date.now`. */
  readonly now?: () => number;
  /** Numbers from 0 up to 1 for choices, never for secrets: for tests. Default: the platform's randomness. */
  readonly random?: () => number;
}

/** What a runtime brings to keep a call's work alive: the third argument of a Worker's `fetch`. */
export interface CallContext {
  waitUntil(promise: Promise<unknown>): void;
}

/**
 * A gateway.
 *
 * @example
 * ```js
 * import OpenAI from "openai";
 * import { Gateway } from "tollgate";
 *
 * const gateway = new Gateway({ open: true });
 * const client = new OpenAI({ fetch: gateway.fetch, baseURL: "http://tollgate/v1", apiKey: "none" });
 * const answer = await client.chat.completions.create({
 *   model: "mock/echo",
 *   messages: [{ role: "user", content: "hello" }],
 * });
 * console.log(answer.choices[0].message.content);
 * await gateway.close();
 * ```
 */
export class Gateway {
  /**
   * @throws {ConfigError} The configuration is not valid.
   * @throws {Error} The storage cannot be used.
   */
  constructor(options?: GatewayOptions);

  /**
   * Answers a request by its path, whatever its host is: `/v1/chat/completions`, `/v1/embeddings`, `/key/generate`, …
   * Errors are answers in OpenAI's shape. When the request's `signal` is aborted, the provider's connection is closed
   * and what was used is settled. It is bound to the gateway: hand it on as `gateway.fetch`.
   */
  readonly fetch: (
    input: Request | string | URL,
    init?: RequestInit | object,
    context?: CallContext | object,
  ) => Promise<Response>;

  /** How many calls are under way, their streams and their bookkeeping included. */
  readonly active: number;

  /** How often `general_settings` want {@link Gateway.checkDeployments} to be called, in ms; 0: never. */
  readonly checkInterval: number;

  /**
   * Asks the deployments that take part in background health checks for a short answer each, as `GET /health` does: real
   * calls. Answers whether it asked; it does not while `checkInterval` is 0, or has not half passed since the last time.
   */
  checkDeployments(): Promise<boolean>;

  /**
   * Takes no more calls, waits until those under way have ended, and closes the storage.
   *
   * @param options `timeout`: the longest wait in ms (default 10,000). What is open after it is cut off: its provider's
   * connection is closed, what was used is settled, and whoever reads its body gets an error.
   */
  close(options?: { readonly timeout?: number }): Promise<void>;

  /** As {@link Gateway.close}: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A configuration that is not valid. */
export class ConfigError extends Error {
  /** All that is wrong, and all that has no effect. */
  readonly findings: readonly Finding[];
}

/** Checks a configuration without making a gateway of it. */
export function checkConfig(config: Config): Finding[];
