import {
  type StreamEnd,
  type StreamFormat,
  StreamReader,
  type StreamReaderOptions,
  type StreamUsage,
} from "./stream-reader.ts";
import { WholeReader } from "./whole-reader.ts";

/** How an engine answers: with a stream, or with one JSON object. */
export type AnswerFormat = StreamFormat | "whole";

/** Reads an engine's answer as it passes through. */
export interface AnswerReader {
  /** The bytes to pass on now; null when there are none. */
  push(chunk: Buffer): Buffer | null;
  /** What the end of the bytes means. */
  finish(): StreamEnd;
  /** Output tokens so far. */
  readonly tokens: number;
  readonly firstTokenSeen: boolean;
  readonly usage: StreamUsage | null;
  /** The engine has said that nothing follows. */
  readonly done: boolean;
  readonly errorMessage: string | null;
}

export function createAnswerReader(
  format: AnswerFormat,
  options: StreamReaderOptions,
): AnswerReader {
  return format === "whole" ? new WholeReader() : new StreamReader({ ...options, format });
}

/** What the headers of a good answer say that it is. */
export function mediaTypeOf(format: AnswerFormat): string {
  return format === "whole" ? "application/json" : "text/event-stream";
}
