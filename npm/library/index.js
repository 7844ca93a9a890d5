// The names of the library: each in JavaScript's spelling, and in the one that LiteLLM's users know.

export {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadGatewayError,
  BadRequestError,
  BudgetExceededError,
  ConflictError,
  ContentPolicyViolationError,
  ContextWindowExceededError,
  InternalServerError,
  NotFoundError,
  PayloadTooLargeError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError,
  Timeout,
  UnprocessableEntityError,
  UnsupportedParamsError,
} from "./errors.js";
export { Router } from "./router.js";
export { Stream } from "./stream.js";
export {
  completion,
  completion as acompletion,
  configure,
  embedding,
  embedding as aembedding,
  rerank,
  rerank as arerank,
} from "./calls.js";
export { streamChunkBuilder, streamChunkBuilder as stream_chunk_builder } from "./chunks.js";
export {
  completionCost,
  completionCost as completion_cost,
  costPerToken,
  costPerToken as cost_per_token,
  getModelInfo,
  getModelInfo as get_model_info,
  registerModel,
  registerModel as register_model,
  supportedOpenAIParams,
  supportedOpenAIParams as get_supported_openai_params,
  supportedOpenAIParams as supported_openai_params,
  tokenCounter,
  tokenCounter as token_counter,
  transformRequest,
  transformRequest as transform_request,
  validateEnvironment,
  validateEnvironment as validate_environment,
} from "./prices.js";
