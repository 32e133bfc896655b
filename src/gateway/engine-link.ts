import type { Speed } from "../core/types.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Clock } from "../engine/clock.ts";
import type { EngineFailureKind } from "../engine/exchange.ts";
import { initialSpeed, observeSpeed, type SpeedState, speedOf } from "../engine/speed.ts";

export interface EngineLinkOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  /** What is believed of its speed before anything was measured: a profile, or a guess. */
  readonly speed: Speed;
  readonly requestSucceeded: () => void;
  readonly requestFailed: (kind: EngineFailureKind) => void;
  readonly speedChanged: (speed: Speed) => void;
}

/** What a finished attempt tells of the engine's speed. Lengths in tokens. */
export interface AttemptMeasure {
  /** Those that the engine had to compute, and those that it made. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** KV tokens that it held, a mean over its output. */
  readonly heldTokens: number;
  readonly sentMs: number;
  readonly firstTokenMs: number;
  /** Reading of `sequenceMs` at the first token. */
  readonly sequenceMsAtFirst: number;
}

/** Measured requests between two reports of the speed; the first one is reported at once. */
const REQUESTS_PER_REPORT = 8;

/** One engine as the gateway uses it: the way to it, what runs there now, how fast it was seen to be. */
export class EngineLink {
  readonly client: EngineClient;
  readonly #options: EngineLinkOptions;
  #speed: SpeedState;
  #running = 0;
  #sequenceMs = 0;
  #readMs: number;

  constructor(options: EngineLinkOptions) {
    this.client = options.client;
    this.#options = options;
    this.#speed = initialSpeed(options.speed);
    this.#readMs = options.clock.nowMs();
  }

  get nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** Sequences times ms since the start: its growth over a span, divided by the span, is the mean batch. */
  get sequenceMs(): number {
    const now = this.nowMs;
    this.#sequenceMs += this.#running * (now - this.#readMs);
    this.#readMs = now;
    return this.#sequenceMs;
  }

  /** An attempt begins (+1) or ends (-1) here. */
  count(change: 1 | -1): void {
    void this.sequenceMs;
    this.#running += change;
  }

  failed(kind: EngineFailureKind): void {
    this.#options.requestFailed(kind);
  }

  /** An attempt was answered; null where nothing can be measured by it. */
  succeeded(measure: AttemptMeasure | null): void {
    this.#options.requestSucceeded();
    if (measure === null) return;
    const before = this.#speed;
    const decodeMs = this.nowMs - measure.firstTokenMs;
    const meanBatch = decodeMs > 0 ? (this.sequenceMs - measure.sequenceMsAtFirst) / decodeMs : 1;
    this.#speed = observeSpeed(before, {
      promptTokens: measure.promptTokens,
      outputTokens: measure.outputTokens,
      firstTokenMs: measure.firstTokenMs - measure.sentMs,
      decodeMs,
      meanBatch,
      // The others are taken to hold as much as this one.
      meanHeldTokens: meanBatch * measure.heldTokens,
    });
    const { observations } = this.#speed;
    const isNew = observations > before.observations;
    if (!isNew || observations % REQUESTS_PER_REPORT !== 1) return;
    this.#options.speedChanged(speedOf(this.#speed).speed);
  }
}
