import type { StreamUsage } from "../engine/stream-reader.ts";
import type { ReadingOrder } from "./answer.ts";
import { type ErrorFormat, openAiErrors } from "./error-format.ts";
import type { Collector } from "./json-answer.ts";

/** What a streamed answer says in one API's words. */
export interface StreamDialect {
  readonly errors: ErrorFormat;
  /** A sign of life. */
  readonly ping: string;
  begin(): ReadingOrder;
  /** What the client is sent for whole events of the engine; may be empty. */
  tell(bytes: Buffer): Buffer | string;
  /** What closes a good stream. */
  close(usage: StreamUsage | null): string;
}

const PING = ": ping\n\n";
const DONE = "data: [DONE]\n\n";

/** The engine's own events, byte by byte. */
export function passingDialect(wantsUsage: boolean): StreamDialect {
  return {
    errors: openAiErrors,
    ping: PING,
    begin: () => ({ hideUsage: !wantsUsage }),
    tell: (bytes) => bytes,
    close: () => DONE,
  };
}

/** Makes another API's answer of the events of a chat completion, for a stream or as a whole. */
export interface Translation extends Collector {
  /** The text of the events that came of it since the last call. */
  take(): string;
  /** The last events, with the usage that the stream's reader made of all. */
  close(usage: StreamUsage | null): string;
}

/** Events of another API, made anew for each attempt. */
export function translatingDialect(
  errors: ErrorFormat,
  ping: string,
  create: () => Translation,
): StreamDialect {
  let translation = create();
  return {
    errors,
    ping,
    begin: () => {
      const current = create();
      translation = current;
      return { hideUsage: false, onEvent: (event) => current.add(event) };
    },
    tell: () => translation.take(),
    close: (usage) => translation.close(usage),
  };
}
