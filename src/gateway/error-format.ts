import { errorBody, type GatewayError } from "./errors.ts";

/** How one API tells its clients of an error. */
export interface ErrorFormat {
  /** Response headers that carry the request's id. */
  readonly idHeaders: readonly string[];
  body(error: GatewayError): object;
  /** The body for an engine's refusal that has the shape of an OpenAI error object. */
  refusal(status: number, body: Buffer): Buffer;
  /** The event that ends a stream whose status line is spent; `body` is one line of JSON. */
  event(body: string): string;
}

export const openAiErrors: ErrorFormat = {
  idHeaders: ["x-request-id"],
  body: errorBody,
  refusal: (_status, body) => body,
  event: (body) => `data: ${body}\n\n`,
};

/** The headers of a request id, under each name that the API's clients read. */
export function idHeadersOf(format: ErrorFormat, requestId: string): Record<string, string> {
  return Object.fromEntries(format.idHeaders.map((name) => [name, requestId]));
}
