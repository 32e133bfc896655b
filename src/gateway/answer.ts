import type { ServerResponse } from "node:http";
import type { StreamUsage } from "../engine/stream-reader.ts";
import type { ErrorFormat } from "./error-format.ts";
import { type GatewayError, retryHeaders, statusOf } from "./errors.ts";
import { type HeaderList, headerList } from "./header-list.ts";

/** What an attempt's reader must do for the kind of answer that the client wants. */
export interface ReadingOrder {
  readonly hideUsage: boolean;
  /** Called with each event's JSON; absent where bytes only pass through. */
  readonly onEvent?: (event: unknown) => void;
}

/** A whole answer that was not ours to make: an engine's refusal. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: HeaderList;
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
  take(bytes: Buffer, headers: () => HeaderList, onDrain: () => void): boolean;
  complete(headers: () => HeaderList, usage: StreamUsage | null): void;
  refuse(answer: WholeAnswer): void;
  fail(error: GatewayError, headers: HeaderList): void;
  release(): void;
}

/** Up to here, in bytes, head and body go out as one text: one write costs less than two joined by the system. */
const ONE_WRITE_BYTES_MAX = 16 * 1024;

/** Sends a whole answer, once. A text is sent as UTF-8. */
export function sendWhole(
  response: ServerResponse,
  answer: Omit<WholeAnswer, "body"> & { readonly body: Buffer | string },
): void {
  const { status, headers, body } = answer;
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  const list = ["content-type", "application/json", ...headers, "content-length", String(length)];
  response.writeHead(status, list);
  // Latin-1 keeps each byte what it is, and each character of a text that has none but ASCII.
  if (typeof body === "string" && length === body.length) response.end(body, "latin1");
  else if (typeof body === "string") response.end(body);
  else if (length > ONE_WRITE_BYTES_MAX) response.end(body);
  else response.end(body.toString("latin1"), "latin1");
}

/** An error of ours, with the status line still to be had. */
export function sendError(
  response: ServerResponse,
  error: GatewayError,
  { headers, format }: { readonly headers: HeaderList; readonly format: ErrorFormat },
): void {
  sendWhole(response, {
    status: statusOf(error),
    headers: [...headers, ...headerList(retryHeaders(error))],
    body: JSON.stringify(format.body(error)),
  });
}
