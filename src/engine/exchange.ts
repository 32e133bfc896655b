import type { Dispatcher } from "undici";
import type { EngineTimeouts } from "./endpoint.ts";
import { errors } from "./undici.ts";
import type { Watchdog, Watched } from "./watchdog.ts";

export type EngineFailureKind =
  /** No connection came about; the engine has seen nothing. */
  | "connect"
  /** The connection broke after the request was written. */
  | "reset"
  | "headers-timeout"
  | "idle-timeout"
  | "total-timeout"
  /** We ended it: the caller aborted, or the client was destroyed. */
  | "aborted"
  /** What came was not HTTP, or not what was announced. */
  | "protocol";

export interface EngineFailure {
  readonly kind: EngineFailureKind;
  /** For people; holds no address of the engine. */
  readonly message: string;
}

/**
 * Takes what an engine answers: `headers` at most once, then chunks, then exactly one of `end` and
 * `failed`, exactly once. Nothing is called before `open` has returned.
 */
export interface EngineSink {
  headers(status: number, headers: EngineHeaders): void;
  /** The bytes belong to the sink: they are not written again. */
  chunk(bytes: Buffer): void;
  end(): void;
  failed(failure: EngineFailure): void;
}

/** Response headers, names in lower case. */
export type EngineHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The caller's hand on a request in flight; every method may be called at any time, also twice. */
export interface EngineExchange {
  /** Stops reading from the engine; at most one more chunk comes. Silence is not counted while paused. */
  pause(): void;
  resume(): void;
  /** Closes the engine's socket now; the sink is told `aborted` before this returns, unless it was over. */
  abort(): void;
}

const MESSAGES: Readonly<Record<EngineFailureKind, string>> = {
  connect: "the engine could not be reached",
  reset: "the engine closed the connection before the answer was complete",
  "headers-timeout": "the engine did not begin to answer in time",
  "idle-timeout": "the engine fell silent in the middle of its answer",
  "total-timeout": "the engine took too long to complete its answer",
  aborted: "the request to the engine was aborted",
  protocol: "the engine's answer was not valid HTTP",
};

/** One request on the wire: undici's handler, the caller's handle and the watchdog's item in one. */
export class Exchange implements Dispatcher.DispatchHandler, EngineExchange, Watched {
  private readonly sink: EngineSink;
  private readonly limits: EngineTimeouts;
  private readonly watchdog: Watchdog;
  private readonly signal: AbortSignal | null;
  private readonly openedMs: number;
  private activeMs: number;
  private phase: "connecting" | "headers" | "first-byte" | "body" | "over" = "connecting";
  private controller: Dispatcher.DispatchController | null = null;
  private paused = false;

  constructor(
    sink: EngineSink,
    limits: EngineTimeouts,
    watchdog: Watchdog,
    signal: AbortSignal | null,
  ) {
    this.sink = sink;
    this.limits = limits;
    this.watchdog = watchdog;
    this.signal = signal;
    this.openedMs = watchdog.nowMs;
    this.activeMs = watchdog.nowMs;
    watchdog.add(this);
    signal?.addEventListener("abort", this.onSignal);
  }

  private readonly onSignal = (): void => this.abort();

  /** False when it was ended, or its signal had fired, before anything was sent. */
  mayStart(): boolean {
    if (this.signal?.aborted === true) this.abort();
    return this.phase !== "over";
  }

  pause(): void {
    this.paused = true;
    this.controller?.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.activeMs = this.watchdog.nowMs;
    this.controller?.resume();
  }

  abort(): void {
    this.fail("aborted", null);
  }

  checkTimeouts(nowMs: number): void {
    const { headersMs, idleMs, totalMs } = this.limits;
    const silentMs = nowMs - this.activeMs;
    if (nowMs - this.openedMs > totalMs) {
      this.fail(this.phase === "connecting" ? "connect" : "total-timeout", null);
    } else if (this.paused) this.activeMs = this.watchdog.nowMs;
    else if (this.phase === "headers" && silentMs > headersMs) this.fail("headers-timeout", null);
    else if (this.phase === "first-byte" && silentMs > Math.max(headersMs, idleMs)) {
      this.fail("idle-timeout", null);
    } else if (this.phase === "body" && silentMs > idleMs) this.fail("idle-timeout", null);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    // It ended while the connection was being made.
    if (this.phase === "over") return controller.abort(new Error(MESSAGES.aborted));
    this.phase = "headers";
    this.activeMs = this.watchdog.nowMs;
    if (this.paused) controller.pause();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: EngineHeaders,
  ): void {
    if (this.phase === "over" || status < 200) return;
    this.phase = "first-byte";
    this.activeMs = this.watchdog.nowMs;
    this.sink.headers(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.phase === "over") return;
    this.phase = "body";
    this.activeMs = this.watchdog.nowMs;
    this.sink.chunk(bytes);
  }

  onResponseEnd(): void {
    if (this.phase === "over") return;
    this.settle();
    this.sink.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const code = "code" in error && typeof error.code === "string" ? error.code : null;
    const isParserError = error instanceof errors.HTTPParserError;
    this.fail(isParserError ? "protocol" : failureKind(this.phase === "connecting", code), code);
  }

  private fail(kind: EngineFailureKind, code: string | null): void {
    if (this.phase === "over") return;
    this.settle();
    const message = code === null ? MESSAGES[kind] : `${MESSAGES[kind]} (${code})`;
    this.controller?.abort(new Error(message));
    this.sink.failed({ kind, message });
  }

  private settle(): void {
    this.phase = "over";
    this.watchdog.remove(this);
    this.signal?.removeEventListener("abort", this.onSignal);
  }
}

function failureKind(connecting: boolean, code: string | null): EngineFailureKind {
  if (code === "UND_ERR_DESTROYED" || code === "UND_ERR_CLOSED") return "aborted";
  if (code !== null && /^UND_ERR_(INVALID|HEADERS_OVERFLOW|RE[QS]_)/.test(code)) {
    return "protocol";
  }
  return connecting ? "connect" : "reset";
}
