import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../engine/clock.ts";
import type { StreamUsage } from "../engine/stream-reader.ts";
import {
  type Answer,
  type ReadingOrder,
  sendError,
  sendWhole,
  type WholeAnswer,
} from "./answer.ts";
import type { GatewayError } from "./errors.ts";
import { type HeaderList, headerObject } from "./header-list.ts";
import type { StreamDialect } from "./stream-dialect.ts";

export interface SilenceLimits {
  /** How long the status line is held back while nothing is there to send. */
  readonly statusHoldMs: number;
  /** Silence on an open stream after which a comment is sent. */
  readonly pingAfterMs: number;
  /** Longest wait for a client that does not read. */
  readonly clientStallMs: number;
}

export interface StreamAnswerOptions {
  readonly clock: Clock;
  readonly limits: SilenceLimits;
  /** Known before any engine is. */
  readonly earlyHeaders: HeaderList;
  readonly dialect: StreamDialect;
}

const STREAM_HEADERS: HeaderList = [
  "content-type",
  "text/event-stream; charset=utf-8",
  "cache-control",
  "no-cache",
  "x-accel-buffering",
  "no",
];

/**
 * A streamed answer. What the client is sent for the engine's bytes is the dialect's matter; what
 * closes the stream is the gateway's own, sent when the stream was good. The status line is held back until there is something
 * to send, so that an early error keeps its status; a client that waits long gets it early, then
 * comments as signs of life, and what the headers could not say in a last comment.
 */
export class StreamAnswer implements Answer {
  readonly #response: ServerResponse;
  readonly #options: StreamAnswerOptions;
  #lastWriteMs: number;
  #pingTimer: Timer | null = null;
  #stallTimer: Timer | null = null;
  #openedEarly = false;
  /** What came in this turn of the event loop: an engine's many small chunks cost one write. */
  #held: (Buffer | string)[] = [];
  #drained: () => void = () => {};
  #isBlocked = false;

  constructor(response: ServerResponse, options: StreamAnswerOptions) {
    this.#response = response;
    this.#options = options;
    this.#lastWriteMs = options.clock.nowMs();
    this.#wakeAfter(options.limits.statusHoldMs);
  }

  begin(): ReadingOrder {
    return this.#options.dialect.begin();
  }

  take(bytes: Buffer, headers: () => HeaderList, onDrain: () => void): boolean {
    const told = this.#options.dialect.tell(bytes);
    if (told.length === 0) return true;
    if (!this.#response.headersSent) this.#open(headers());
    this.#lastWriteMs = this.#options.clock.nowMs();
    this.#drained = onDrain;
    if (this.#held.push(told) === 1) queueMicrotask(() => this.#flush());
    return !this.#isBlocked;
  }

  complete(headers: () => HeaderList, usage: StreamUsage | null): void {
    if (!this.#response.headersSent) this.#open(headers());
    const comment = this.#openedEarly
      ? `: chimera ${JSON.stringify(headerObject(headers()))}\n\n`
      : "";
    this.#end(comment + this.#options.dialect.close(usage));
  }

  refuse(answer: WholeAnswer): void {
    this.#pingTimer?.cancel();
    const { errors } = this.#options.dialect;
    const body = errors.refusal(answer.status, answer.body);
    if (!this.#response.headersSent) return sendWhole(this.#response, { ...answer, body });
    this.#end(errors.event(oneLine(body)));
  }

  fail(error: GatewayError, headers: HeaderList): void {
    this.#pingTimer?.cancel();
    const { errors } = this.#options.dialect;
    if (!this.#response.headersSent) {
      return sendError(this.#response, error, { headers, format: errors });
    }
    // Nothing closes the stream: clients must not take a broken answer for a whole one.
    this.#end(errors.event(JSON.stringify(errors.body(error))));
  }

  release(): void {
    this.#pingTimer?.cancel();
    this.#stallTimer?.cancel();
  }

  #open(headers: HeaderList): void {
    this.#response.writeHead(200, [...STREAM_HEADERS, ...headers]);
  }

  /** Writes what is held. Where the client reads too slowly, the next `take` says so. */
  #flush(): void {
    if (this.#held.length === 0) return;
    const flows = this.#response.write(joined(this.#held));
    this.#held = [];
    if (flows || this.#isBlocked) return;
    this.#isBlocked = true;
    this.#watchStall();
    this.#response.once("drain", () => {
      this.#isBlocked = false;
      this.#stallTimer?.cancel();
      this.#drained();
    });
  }

  #end(text: string): void {
    this.#pingTimer?.cancel();
    this.#response.end(joined([...this.#held, text]));
    this.#held = [];
    if (this.#response.writableLength > 0) this.#watchStall();
  }

  /** A client that does not read for too long is cut off, and what it held is freed. */
  #watchStall(): void {
    this.#stallTimer?.cancel();
    const cutOff = (): void => void this.#response.destroy();
    this.#stallTimer = this.#options.clock.setTimer(cutOff, this.#options.limits.clientStallMs);
  }

  #wakeAfter(delayMs: number): void {
    this.#pingTimer = this.#options.clock.setTimer(() => this.#wake(), delayMs);
  }

  #wake(): void {
    const { clock, limits, earlyHeaders } = this.#options;
    const leftMs = this.#lastWriteMs + limits.pingAfterMs - clock.nowMs();
    if (this.#response.headersSent && leftMs > 0) return this.#wakeAfter(leftMs);
    if (!this.#response.headersSent) {
      this.#openedEarly = true;
      this.#open(earlyHeaders);
    }
    // A client that does not read needs no sign of life, and its buffer must not grow.
    if (!this.#response.writableNeedDrain) {
      this.#response.write(this.#options.dialect.ping);
    }
    this.#lastWriteMs = clock.nowMs();
    this.#wakeAfter(limits.pingAfterMs);
  }
}

function joined(pieces: readonly (Buffer | string)[]): Buffer | string {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)),
  );
}

function oneLine(body: Buffer): string {
  return body.toString("utf8").replaceAll(/[\r\n]+/g, " ");
}
