import type { ErrorFormat } from "./error-format.ts";
import { errorBody, statusOf } from "./errors.ts";
import { isObject, parseJson } from "./inbound.ts";

/** The types that the API's clients know, by status; the rest by its hundred. */
const TYPES: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
};

/** The error object of the Anthropic API: `{"type":"error","error":{"type","message"}}`. */
export const anthropicErrors: ErrorFormat = {
  idHeaders: ["x-request-id", "request-id"],
  body: (error) => anthropicError(statusOf(error), errorBody(error).error.message),
  refusal: (status, body) => Buffer.from(JSON.stringify(anthropicError(status, wordsOf(body)))),
  event: (body) => `event: error\ndata: ${body}\n\n`,
};

function anthropicError(status: number, message: string): object {
  const type = TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { type: "error", error: { type, message } };
}

/** The engine's own words, which libraries may recognise. */
function wordsOf(body: Buffer): string {
  const value = parseJson(body)?.value;
  const error = isObject(value) ? value["error"] : null;
  const message = isObject(error) ? error["message"] : null;
  return typeof message === "string" ? message : "The engine refused the request.";
}
