import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { StreamUsage } from "../engine/stream-reader.ts";
import type { ErrorFormat } from "./error-format.ts";
import { type GatewayError, retryHeaders, statusOf } from "./errors.ts";

/** What an attempt's reader must do for the kind of answer that the client wants. */
export interface ReadingOrder {
  readonly hideUsage: boolean;
  /** Called with each event's JSON; absent where bytes only pass through. */
  readonly onEvent?: (event: unknown) => void;
}

/** A whole answer that was not ours to make: an engine's refusal. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/**
 * The client's side of one request. Exactly one of `complete`, `refuse` and `fail` ends it; `release`
 * follows when the response is closed.
 */
export interface Answer {
  /** A new attempt begins; whatever an earlier one gave is forgotten. Only before the first byte. */
  begin(): ReadingOrder;
  /** Whole events of the engine's stream. False: the client reads too slowly, wait for `onDrain`. */
  take(bytes: Buffer, headers: () => OutgoingHttpHeaders, onDrain: () => void): boolean;
  complete(headers: () => Readonly<Record<string, string>>, usage: StreamUsage | null): void;
  refuse(answer: WholeAnswer): void;
  fail(error: GatewayError, headers: OutgoingHttpHeaders): void;
  release(): void;
}

/** Up to here, in bytes, head and body go out as one text: one write costs less than two joined by the system. */
const ONE_WRITE_BYTES_MAX = 16 * 1024;

/** Sends a whole answer, once. */
export function sendWhole(response: ServerResponse, answer: WholeAnswer): void {
  response.writeHead(answer.status, {
    "content-type": "application/json",
    ...answer.headers,
    "content-length": answer.body.length,
  });
  if (answer.body.length > ONE_WRITE_BYTES_MAX) response.end(answer.body);
  // Latin-1 keeps each byte what it is.
  else response.end(answer.body.toString("latin1"), "latin1");
}

/** An error of ours, with the status line still to be had. */
export function sendError(
  response: ServerResponse,
  error: GatewayError,
  { headers, format }: { readonly headers: OutgoingHttpHeaders; readonly format: ErrorFormat },
): void {
  sendWhole(response, {
    status: statusOf(error),
    headers: { ...headers, ...retryHeaders(error) },
    body: Buffer.from(JSON.stringify(format.body(error))),
  });
}
