import type { Outcome } from "../core/types.ts";

/** What the clients' libraries sort errors by, beside the status. */
export type ErrorType =
  | "invalid_request_error"
  | "rate_limit_error"
  | "timeout_error"
  | "server_error";

export type ErrorCode =
  | "invalid_json"
  | "invalid_request"
  | "invalid_api_key"
  | "model_not_found"
  | "unknown_url"
  | "unknown_workflow"
  | "unknown_decision"
  | "method_not_allowed"
  | "queue_timeout"
  | "body_too_large"
  | "unsupported_encoding"
  | "queue_full"
  | "rate_limit_exceeded"
  | "concurrency_exceeded"
  | "too_many_listeners"
  | "internal_error"
  | "engine_failed"
  | "engine_incomplete"
  | "engine_full"
  | "no_engine"
  | "shed"
  | "deadline_unreachable"
  | "shutting_down"
  | "engine_timeout";

export type ErrorStatus = 400 | 401 | 404 | 405 | 408 | 413 | 415 | 429 | 500 | 502 | 503 | 504;

export interface ErrorKind {
  readonly status: ErrorStatus;
  readonly type: ErrorType;
  /** Whether the same request may succeed later; if not, libraries are told to stop trying. */
  readonly retryable: boolean;
  readonly message: string;
}

/** Every error that the gateway itself answers with. docs/errors.md explains each; a test keeps the two equal. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorKind>> = {
  invalid_json: {
    status: 400,
    type: "invalid_request_error",
    retryable: false,
    message: "The request body is not valid JSON.",
  },
  invalid_request: {
    status: 400,
    type: "invalid_request_error",
    retryable: false,
    message: "The request is not valid.",
  },
  invalid_api_key: {
    status: 401,
    type: "invalid_request_error",
    retryable: false,
    message: "This needs an API key that the gateway knows.",
  },
  model_not_found: {
    status: 404,
    type: "invalid_request_error",
    retryable: false,
    message: "No model of that name is configured.",
  },
  unknown_url: {
    status: 404,
    type: "invalid_request_error",
    retryable: false,
    message: "There is nothing at this path.",
  },
  unknown_workflow: {
    status: 404,
    type: "invalid_request_error",
    retryable: false,
    message: "No such workflow or request is remembered for this key.",
  },
  unknown_decision: {
    status: 404,
    type: "invalid_request_error",
    retryable: false,
    message: "No decision about such a request is remembered for this key.",
  },
  method_not_allowed: {
    status: 405,
    type: "invalid_request_error",
    retryable: false,
    message: "This path does not take that method.",
  },
  queue_timeout: {
    status: 408,
    type: "timeout_error",
    retryable: false,
    message: "The request waited longer for an engine than its limit allows.",
  },
  body_too_large: {
    status: 413,
    type: "invalid_request_error",
    retryable: false,
    message: "The request body is larger than the gateway accepts.",
  },
  unsupported_encoding: {
    status: 415,
    type: "invalid_request_error",
    retryable: false,
    message: "Compressed request bodies are not accepted.",
  },
  queue_full: {
    status: 429,
    type: "rate_limit_error",
    retryable: true,
    message: "Too many requests are waiting for an engine.",
  },
  rate_limit_exceeded: {
    status: 429,
    type: "rate_limit_error",
    retryable: true,
    message: "The API key has used what it may use per minute.",
  },
  concurrency_exceeded: {
    status: 429,
    type: "rate_limit_error",
    retryable: true,
    message: "Too many requests of the API key are unfinished.",
  },
  too_many_listeners: {
    status: 429,
    type: "rate_limit_error",
    retryable: true,
    message: "Too many listen to the cluster's events already.",
  },
  internal_error: {
    status: 500,
    type: "server_error",
    retryable: false,
    message: "The gateway failed on this request.",
  },
  engine_failed: {
    status: 502,
    type: "server_error",
    retryable: false,
    message: "The engine that served the request failed.",
  },
  engine_incomplete: {
    status: 502,
    type: "server_error",
    retryable: false,
    message: "The engine ended its answer before it was complete.",
  },
  engine_full: {
    status: 503,
    type: "server_error",
    retryable: true,
    message: "The engines that serve this model have no room.",
  },
  no_engine: {
    status: 503,
    type: "server_error",
    retryable: true,
    message: "No engine that serves this model is available.",
  },
  shed: {
    status: 503,
    type: "server_error",
    retryable: true,
    message: "The queue was full and a request came that stands before this one.",
  },
  deadline_unreachable: {
    status: 503,
    type: "server_error",
    retryable: true,
    message: "No engine could begin with the request in time.",
  },
  shutting_down: {
    status: 503,
    type: "server_error",
    retryable: true,
    message: "The gateway is shutting down.",
  },
  engine_timeout: {
    status: 504,
    type: "timeout_error",
    retryable: false,
    message: "The engine that served the request fell silent.",
  },
};

/** An error of the catalogue as it is told to one client. */
export interface GatewayError {
  readonly code: ErrorCode;
  /** More precise than the catalogue's sentence, or null. Never holds an engine's address. */
  readonly detail: string | null;
  /** Name of the offending field, or null. */
  readonly param: string | null;
  /** When trying again makes sense; null leaves it open. */
  readonly retryAfterMs: number | null;
}

/** The error object of the OpenAI API. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** Longest foreign text (a model's name, a field) that an error repeats, in characters. */
const QUOTED_CHARS_MAX = 200;

export function gatewayError(
  code: ErrorCode,
  more: Partial<Omit<GatewayError, "code">> = {},
): GatewayError {
  return { code, detail: null, param: null, retryAfterMs: null, ...more };
}

export function statusOf(error: GatewayError): ErrorStatus {
  return ERRORS[error.code].status;
}

export function errorBody(error: GatewayError): ErrorBody {
  const kind = ERRORS[error.code];
  const message = error.detail === null ? kind.message : `${kind.message} ${error.detail}`;
  return { error: { message, type: kind.type, param: error.param, code: error.code } };
}

/**
 * `Retry-After` (whole seconds, rounded up) where a later try makes sense, else
 * `x-should-retry: false` on the statuses that the clients' libraries retry by themselves.
 */
export function retryHeaders(error: GatewayError): Record<string, string> {
  const { status, retryable } = ERRORS[error.code];
  if (error.retryAfterMs !== null) {
    return { "retry-after": String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))) };
  }
  const retriedByLibraries = status === 408 || status === 429 || status >= 500;
  return retriedByLibraries && !retryable ? { "x-should-retry": "false" } : {};
}

/** Foreign text, cut to a length that an error may repeat. */
export function quoted(text: string): string {
  return JSON.stringify(
    text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}...` : text,
  );
}

/** Outcomes in which the client gets an error of ours; the others have an answer, or nobody to tell. */
const ERROR_OF_OUTCOME: Readonly<Partial<Record<Outcome, ErrorCode>>> = {
  "engine-failed": "engine_failed",
  "queue-timeout": "queue_timeout",
  "queue-full": "queue_full",
  "no-engine": "no_engine",
  shed: "shed",
  deadline: "deadline_unreachable",
};

export function errorOfOutcome(outcome: Outcome, retryAfterMs: number | null): GatewayError {
  return gatewayError(ERROR_OF_OUTCOME[outcome] ?? "internal_error", { retryAfterMs });
}
