import type {
  EngineExchange,
  EngineFailure,
  EngineHeaders,
  EngineRequest,
  EngineSink,
} from "../engine/client.ts";
import {
  type AnswerFormat,
  type AnswerReader,
  createAnswerReader,
  mediaTypeOf,
} from "../engine/answer-reader.ts";
import { engineTraits } from "../engine/endpoint.ts";
import type { StreamEnd, StreamUsage } from "../engine/stream-reader.ts";
import type { ReadingOrder, WholeAnswer } from "./answer.ts";
import type { AttemptMeasure, EngineLink } from "./engine-link.ts";
import { refusalBody } from "./engine-refusal.ts";
import { type GatewayError, gatewayError } from "./errors.ts";

export type AttemptResult =
  | { readonly result: "completed"; readonly usage: StreamUsage | null }
  /** The client's mistake; the engine's answer is passed on. */
  | { readonly result: "refused"; readonly answer: WholeAnswer }
  | { readonly result: "full"; readonly error: GatewayError }
  | { readonly result: "failed"; readonly error: GatewayError };

/** Whoever asked for the attempt. Nothing is called after `settled` or `abandon`. */
export interface AttemptOwner {
  /** Whole events to pass on. False: no more until `resume`. */
  onEvents(bytes: Buffer): boolean;
  settled(result: AttemptResult): void;
}

export interface AttemptOptions {
  readonly link: EngineLink;
  readonly request: EngineRequest;
  readonly format: AnswerFormat;
  readonly order: ReadingOrder;
  /** Choices that the client asked for. */
  readonly choices: number;
  readonly eventBytesMax: number;
}

/** The part of an engine's refusal that is read. */
const REFUSAL_BYTES_MAX = 256 * 1024;

const DONE_MARK = "[DONE]";
const BLANK_LINE: Buffer = Buffer.from("\n\n");

/** One try of one request on one engine, from dispatch to result. */
export class Attempt implements EngineSink {
  readonly #link: EngineLink;
  readonly #owner: AttemptOwner;
  readonly #format: AnswerFormat;
  readonly #reader: AnswerReader;
  readonly #exchange: EngineExchange;
  readonly #refusal: Buffer[] = [];
  #refusalBytes = 0;
  readonly #sentMs: number;
  #firstTokenMs: number | null = null;
  #sequenceMsAtFirst = 0;
  #status = 0;
  #headers: EngineHeaders = {};
  #over = false;

  constructor(options: AttemptOptions, owner: AttemptOwner) {
    const { link, request, format, order, choices, eventBytesMax } = options;
    const { client } = link;
    this.#link = link;
    this.#owner = owner;
    this.#format = format;
    const { kind } = client.endpoint;
    this.#reader = createAnswerReader(format, { ...order, kind, choices, eventBytesMax });
    this.#sentMs = link.nowMs;
    link.count(1);
    this.#exchange = client.open(request, this);
  }

  /** Output tokens so far. */
  get tokens(): number {
    return this.#reader.tokens;
  }

  resume(): void {
    if (!this.#over) this.#exchange.resume();
  }

  /** Stops the engine's work; the owner hears nothing more. */
  abandon(): void {
    if (this.#over) return;
    this.#finish();
    this.#exchange.abort();
  }

  headers(status: number, headers: EngineHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (!isGood(status)) return;
    const type = headers["content-type"];
    if (typeof type === "string" && type.startsWith(mediaTypeOf(this.#format))) return;
    const detail = `It did not answer with ${mediaTypeOf(this.#format)}.`;
    this.#fail(gatewayError("engine_failed", { detail }));
  }

  chunk(bytes: Buffer): void {
    if (this.#over) return;
    if (!isGood(this.#status)) return this.#collectRefusal(bytes);
    const wasDone = this.#reader.done;
    const events = this.#reader.push(bytes);
    if (this.#firstTokenMs === null && this.#reader.firstTokenSeen) {
      this.#firstTokenMs = this.#link.nowMs;
      this.#sequenceMsAtFirst = this.#link.sequenceMs;
    }
    const { errorMessage } = this.#reader;
    if (errorMessage !== null) return this.#fail(this.#reported(errorMessage));
    if (events !== null && !wasDone) this.#pass(events);
  }

  end(): void {
    if (this.#over) return;
    this.#finish();
    if (isGood(this.#status)) this.#endStream();
    else this.#endRefusal();
  }

  failed(failure: EngineFailure): void {
    if (this.#over) return;
    this.#finish();
    this.#owner.settled({ result: "failed", error: errorOfFailure(failure) });
    this.#link.failed(failure.kind);
  }

  #fail(error: GatewayError): void {
    this.#finish();
    this.#exchange.abort();
    this.#owner.settled({ result: "failed", error });
  }

  #finish(): void {
    this.#over = true;
    this.#link.count(-1);
  }

  #collectRefusal(bytes: Buffer): void {
    this.#refusalBytes += bytes.length;
    if (this.#refusalBytes <= REFUSAL_BYTES_MAX) this.#refusal.push(bytes);
  }

  /**
   * The owner hears of the end first. The link may find by it that the engine is dead, and then the
   * request would be placed anew while this attempt still had a result to tell.
   */
  #endStream(): void {
    const end: StreamEnd = this.#reader.finish();
    if (end.good) {
      if (end.rest !== null) this.#passRest(end.rest);
      const measure = this.#measure();
      this.#owner.settled({ result: "completed", usage: this.#reader.usage });
      this.#link.succeeded(measure);
      return;
    }
    if (end.reason === "error-event") {
      this.#owner.settled({ result: "failed", error: this.#reported(end.message) });
      return;
    }
    this.#owner.settled({ result: "failed", error: gatewayError("engine_incomplete") });
    // A process that is killed may close its socket as cleanly as one that is done.
    this.#link.failed("reset");
  }

  #endRefusal(): void {
    const result = this.#statusResult();
    this.#owner.settled(result);
    if (result.result === "refused") this.#link.succeeded(null);
  }

  #statusResult(): AttemptResult {
    const status = this.#status;
    if (
      status === 429 ||
      engineTraits(this.#link.client.endpoint.kind).fullStatuses.includes(status)
    ) {
      return {
        result: "full",
        error: gatewayError("engine_full", { retryAfterMs: retryAfterMsOf(this.#headers) }),
      };
    }
    if (isClientsMistake(status)) {
      const body = refusalBody(status, Buffer.concat(this.#refusal));
      return { result: "refused", answer: { status, headers: [], body } };
    }
    const detail = `It answered with status ${status}.`;
    return { result: "failed", error: gatewayError("engine_failed", { detail }) };
  }

  /** Whether the stream was good is not said by its `[DONE]`: whoever owns the attempt closes it. */
  #pass(events: Buffer): void {
    const passed = this.#reader.done ? withoutDone(events) : events;
    if (passed.length > 0 && !this.#owner.onEvents(passed)) this.#exchange.pause();
  }

  #passRest(rest: Buffer): void {
    this.#pass(this.#format === "whole" ? rest : Buffer.concat([rest, BLANK_LINE]));
  }

  #measure(): AttemptMeasure | null {
    const { usage } = this.#reader;
    if (usage === null || this.#firstTokenMs === null) return null;
    return {
      promptTokens: Math.max(0, usage.promptTokens - (usage.cachedTokens ?? 0)),
      outputTokens: usage.completionTokens,
      heldTokens: usage.promptTokens + usage.completionTokens / 2,
      sentMs: this.#sentMs,
      firstTokenMs: this.#firstTokenMs,
      sequenceMsAtFirst: this.#sequenceMsAtFirst,
    };
  }

  /** An engine's own words, unless they tell where it is. */
  #reported(message: string): GatewayError {
    const { host, hostname } = new URL(this.#link.client.endpoint.url);
    const tellsAddress = message.includes(host) || message.includes(hostname);
    const detail = tellsAddress ? null : `It said: ${message}`;
    return gatewayError("engine_failed", { detail });
  }
}

/** The events before the closing `[DONE]`, without whatever an engine sends behind it. */
function withoutDone(events: Buffer): Buffer {
  const mark = events.lastIndexOf(DONE_MARK);
  const start = mark < 0 ? -1 : events.lastIndexOf("data:", mark);
  return start < 0 ? events : events.subarray(0, start);
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

/** 401, 403 and 407 are about the gateway's own key: nothing that the client could mend. */
function isClientsMistake(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 403, 407, 408].includes(status);
}

function errorOfFailure(failure: EngineFailure): GatewayError {
  const detail = `Reason: ${failure.message}.`;
  switch (failure.kind) {
    case "headers-timeout":
    case "idle-timeout":
    case "total-timeout":
      return gatewayError("engine_timeout", { detail });
    case "connect":
    case "reset":
    case "aborted":
    case "protocol":
      return gatewayError("engine_failed", { detail });
  }
}

/** `Retry-After` in ms, or null where it is absent or says nothing. A date is read against the engine's own `Date`. */
function retryAfterMsOf(headers: EngineHeaders): number | null {
  const { "retry-after": retryAfter, date } = headers;
  if (typeof retryAfter !== "string") return null;
  if (/^\d{1,9}$/.test(retryAfter.trim())) return Number(retryAfter) * 1000;
  const ms = typeof date === "string" ? Date.parse(retryAfter) - Date.parse(date) : Number.NaN;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
