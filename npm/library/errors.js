// What a call is rejected with: one class for each kind of error, by LiteLLM's names, and OpenAI's classes behind them.

// Two copies of this package (its ES module and its CommonJS file) know each other's errors by this.
const KINDS = Symbol.for("tollgate.error.kinds");

/** An error of a call: every class below is one, and so is what the same class of another copy of this package made. */
export class APIError extends Error {
  constructor(message, details = {}) {
    super(message);
    const { status, code = null, type = null, param = null, llm_provider = null, model = null } = details;
    const { retry_after = null, headers, error, request_id = null, num_retries = 0, num_fallbacks = 0 } = details;
    this.status = status;
    this.status_code = status;
    this.code = code;
    this.type = type;
    this.param = param;
    this.llm_provider = llm_provider;
    this.model = model;
    this.retry_after = retry_after;
    this.request_id = request_id;
    this.requestID = request_id;
    this.num_retries = num_retries;
    this.num_fallbacks = num_fallbacks;
    // Long, and of no use to whoever prints it.
    for (const [name, value] of [["headers", headers], ["error", error]]) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: false });
    }
  }

  static [Symbol.hasInstance](value) {
    const kinds = this.prototype[KINDS];
    // A class of the user's own that extends one of these goes by its prototype.
    if (!Object.hasOwn(this.prototype, KINDS)) return Function.prototype[Symbol.hasInstance].call(this, value);
    return Boolean(value?.[KINDS]?.includes(kinds.at(-1)));
  }
}

function named(Kind, kinds) {
  const name = { value: kinds.at(-1), writable: true, configurable: true };
  Object.defineProperties(Kind.prototype, { [KINDS]: { value: kinds }, name });
}

named(APIError, ["APIError"]);

function kind(name, Parent) {
  // A computed name stays the class's own in minified bundles.
  const Kind = { [name]: class extends Parent {} }[name];
  named(Kind, [...Parent.prototype[KINDS], name]);
  return Kind;
}

export const BadRequestError = kind("BadRequestError", APIError);
export const UnsupportedParamsError = kind("UnsupportedParamsError", BadRequestError);
export const ContextWindowExceededError = kind("ContextWindowExceededError", BadRequestError);
export const ContentPolicyViolationError = kind("ContentPolicyViolationError", BadRequestError);
export const PaymentRequiredError = kind("PaymentRequiredError", BadRequestError);
export const PayloadTooLargeError = kind("PayloadTooLargeError", BadRequestError);
export const AuthenticationError = kind("AuthenticationError", APIError);
export const PermissionDeniedError = kind("PermissionDeniedError", APIError);
export const NotFoundError = kind("NotFoundError", APIError);
export const ConflictError = kind("ConflictError", APIError);
export const UnprocessableEntityError = kind("UnprocessableEntityError", APIError);
export const RateLimitError = kind("RateLimitError", APIError);
export const BudgetExceededError = kind("BudgetExceededError", RateLimitError);
export const InternalServerError = kind("InternalServerError", APIError);
export const BadGatewayError = kind("BadGatewayError", InternalServerError);
export const ServiceUnavailableError = kind("ServiceUnavailableError", InternalServerError);
export const APIConnectionError = kind("APIConnectionError", APIError);
export const Timeout = kind("Timeout", APIConnectionError);

const CLASSES = {
  BadRequestError,
  UnsupportedParamsError,
  ContextWindowExceededError,
  ContentPolicyViolationError,
  PaymentRequiredError,
  PayloadTooLargeError,
  AuthenticationError,
  PermissionDeniedError,
  NotFoundError,
  ConflictError,
  UnprocessableEntityError,
  RateLimitError,
  BudgetExceededError,
  InternalServerError,
  BadGatewayError,
  ServiceUnavailableError,
  APIConnectionError,
  Timeout,
};

// Kinds that a code of the body tells, before the status does.
const OF_CODE = {
  context_length_exceeded: "ContextWindowExceededError",
  content_policy_violation: "ContentPolicyViolationError",
  unsupported_parameter: "UnsupportedParamsError",
  budget_exceeded: "BudgetExceededError",
};

const OF_STATUS = {
  401: "AuthenticationError",
  402: "PaymentRequiredError",
  403: "PermissionDeniedError",
  404: "NotFoundError",
  408: "Timeout",
  409: "ConflictError",
  413: "PayloadTooLargeError",
  422: "UnprocessableEntityError",
  429: "RateLimitError",
  502: "BadGatewayError",
  503: "ServiceUnavailableError",
  504: "Timeout",
};

function classOf(name, { status, code }) {
  const known = CLASSES[name] ?? CLASSES[OF_CODE[code]] ?? CLASSES[OF_STATUS[status]];
  return known ?? (status >= 500 ? InternalServerError : status >= 400 ? BadRequestError : APIError);
}

/**
 * The error for a body of OpenAI's shape. `name` is the kind as the gateway's log has it, where it is known; `details` is
 * what the body does not say.
 */
export function errorOf(name, error, details) {
  const told = { code: error?.code ?? null, type: error?.type ?? null, param: error?.param ?? null };
  const Kind = classOf(name, { status: details.status, code: told.code });
  return new Kind(error?.message ?? `the call failed with status ${details.status}`, { ...details, ...told, error });
}

// OpenAI's class behind each of ours: what its own SDK would throw. One that is not here stands on a class that is.
const OPENAI = {
  APIError: "APIError",
  BadRequestError: "BadRequestError",
  AuthenticationError: "AuthenticationError",
  PermissionDeniedError: "PermissionDeniedError",
  NotFoundError: "NotFoundError",
  ConflictError: "ConflictError",
  UnprocessableEntityError: "UnprocessableEntityError",
  RateLimitError: "RateLimitError",
  InternalServerError: "InternalServerError",
  APIConnectionError: "APIConnectionError",
  Timeout: "APIConnectionTimeoutError",
};

/**
 * Puts the classes of an `openai` package behind ours, so that `error instanceof OpenAI.RateLimitError` holds. Only our own
 * prototypes change.
 */
export function standOnOpenAI(openai) {
  for (const [name, theirs] of Object.entries(OPENAI)) {
    const Theirs = openai?.[theirs] ?? openai?.OpenAI?.[theirs] ?? openai?.default?.[theirs];
    if (typeof Theirs !== "function") throw new TypeError(`openai has no class ${theirs}: give the OpenAI class or its module`);
    Object.setPrototypeOf((CLASSES[name] ?? APIError).prototype, Theirs.prototype);
  }
}

let linked;

/** Looks once for an installed `openai`, by the entry's own means; without one, ours stand on Error alone. */
export function linkOpenAI(load) {
  linked ??= Promise.resolve()
    .then(() => load?.())
    .then((openai) => openai && standOnOpenAI(openai))
    .catch(() => {});
  return linked;
}

/** `openai` was given: nothing is looked for any more. */
export function useOpenAI(openai) {
  standOnOpenAI(openai);
  linked = Promise.resolve();
}
