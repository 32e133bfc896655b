import type { Clock, Timer } from "../engine/clock.ts";
import { EngineModel, type EngineEvent, type EngineModelSpec } from "./engine-model.ts";
import type { EngineRequest, Sequence } from "./engine-queue.ts";

/** Where the tokens of a request go. */
export interface TokenSink {
  /** A token was made, numbered from 0. Answers whether the rest is wanted. */
  token(index: number): boolean;
}

export interface EmulatedRequest extends EngineRequest {
  /** How it will end if nothing happens to it. */
  readonly finishReason: "stop" | "length";
  readonly sink: TokenSink;
}

/** Requests by how they ended. */
export interface RequestCounts {
  stop: number;
  length: number;
  abort: number;
  error: number;
  /** Refused because the queue was full. */
  rejected: number;
}

/** A count and a sum of seconds, as a client of the engine would measure them. */
export interface Durations {
  count: number;
  seconds: number;
}

export interface EmulatedEngineSpec extends EngineModelSpec {
  /** Virtual ms in one real ms. */
  readonly speedup: number;
  /** Requests that may wait; at least 1. */
  readonly queueRequestsMax: number;
}

/** As in vLLM, a later request never takes the place of a running one; only want of memory does. */
const POLICY = {
  preemption: "none",
  starvationThreshold: 0,
  starvationQuantum: 0,
  tokenEvents: true,
} as const;

/**
 * The engine model in real time: `speedup` virtual ms pass in one real ms. One timer waits for the
 * end of the iteration under way. When it is late, every iteration that was due is taken at its own
 * time before anything else is looked at, so the virtual course does not depend on the event loop.
 */
export class EmulatedEngine {
  readonly #model: EngineModel<EmulatedRequest>;
  readonly #clock: Clock;
  readonly #speedup: number;
  readonly #startMs: number;
  readonly #queueRequestsMax: number;
  readonly #delayed = new Set<Delayed>();
  #timer: Timer | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #created = 0;
  /** Prompt tokens that were looked up in the prefix cache. */
  queriedTokens = 0;
  readonly queueTime: Durations = { count: 0, seconds: 0 };
  readonly timeToFirstToken: Durations = { count: 0, seconds: 0 };
  readonly latency: Durations = { count: 0, seconds: 0 };

  readonly counts: RequestCounts = { stop: 0, length: 0, abort: 0, error: 0, rejected: 0 };

  constructor(spec: EmulatedEngineSpec, clock: Clock) {
    this.#model = new EngineModel<EmulatedRequest>(spec, POLICY);
    this.#clock = clock;
    this.#speedup = spec.speedup;
    this.#queueRequestsMax = spec.queueRequestsMax;
    this.#startMs = clock.nowMs();
  }

  /** The engine model, brought up to the present. For reading only. */
  observe(): EngineModel<EmulatedRequest> {
    this.#catchUp();
    return this.#model;
  }

  /** Whether the queue takes one more request; a refusal is counted. */
  admits(): boolean {
    this.#catchUp();
    const admits = this.#model.waiting < this.#queueRequestsMax;
    if (!admits) this.counts.rejected++;
    return admits;
  }

  /** Takes a request in and answers its id in the engine. */
  submit(request: Omit<EmulatedRequest, "id" | "created" | "readyMs">): string {
    const nowMs = this.#catchUp();
    const created = this.#created++;
    const id = String(created);
    this.#model.enqueue({ ...request, id, created, readyMs: nowMs }, nowMs);
    this.#tell(this.#model.begin(nowMs), nowMs);
    this.#setTimer();
    return id;
  }

  /** Frees the place of a request whose client has left, if it is still there. */
  cancel(id: string): void {
    if (this.#model.cancel(id, this.#catchUp())) this.counts.abort++;
    this.#setTimer();
  }

  /** Runs something after so many virtual ms. */
  after(delayMs: number, run: () => void): Timer {
    const delayed = { dueMs: this.#nowMs() + delayMs, run };
    this.#delayed.add(delayed);
    this.#setTimer();
    return { cancel: () => void this.#delayed.delete(delayed) };
  }

  #nowMs(): number {
    return (this.#clock.nowMs() - this.#startMs) * this.#speedup;
  }

  /** Takes all that was due by now, each at its own time, and answers the present. */
  #catchUp(): number {
    const nowMs = this.#nowMs();
    for (;;) {
      const endMs = this.#model.nextEventMs();
      if (endMs > nowMs) break;
      this.#tell(this.#model.finish(endMs), endMs);
      this.#tell(this.#model.begin(endMs), endMs);
    }
    return nowMs;
  }

  #tell(events: readonly EngineEvent<EmulatedRequest>[], nowMs: number): void {
    for (const { type, sequence } of events) {
      if (type === "started") {
        this.#count(this.queueTime, sequence, nowMs);
        this.queriedTokens += sequence.request.promptTokens;
      } else if (type === "ended") {
        this.#count(this.latency, sequence, nowMs);
        this.counts[sequence.request.finishReason]++;
      } else if (type === "token") {
        this.#passOn(sequence, nowMs);
      }
    }
  }

  #passOn(sequence: Sequence<EmulatedRequest>, nowMs: number): void {
    const index = sequence.madeTokens - 1;
    if (index === 0) this.#count(this.timeToFirstToken, sequence, nowMs);
    const { id, sink } = sequence.request;
    if (!sink.token(index) && this.#model.cancel(id, nowMs)) this.counts.error++;
  }

  #count(durations: Durations, { request }: Sequence<EmulatedRequest>, nowMs: number): void {
    durations.count++;
    durations.seconds += (nowMs - request.readyMs) / this.#speedup / 1000;
  }

  #setTimer(): void {
    let dueMs = this.#model.nextEventMs();
    for (const delayed of this.#delayed) dueMs = Math.min(dueMs, delayed.dueMs);
    if (this.#timer !== null && this.#timerDueMs === dueMs) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.ceil((dueMs - this.#nowMs()) / this.#speedup);
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.setTimer(
      () => this.#wake(),
      Math.min(Math.max(0, delayMs), TIMER_MS_MAX),
    );
  }

  #wake(): void {
    this.#timer = null;
    const nowMs = this.#catchUp();
    for (const delayed of this.#delayed) {
      if (delayed.dueMs > nowMs) continue;
      this.#delayed.delete(delayed);
      delayed.run();
    }
    this.#setTimer();
  }
}

interface Delayed {
  readonly dueMs: number;
  readonly run: () => void;
}

/** What Node's timers can hold; a longer wait is taken in parts. */
const TIMER_MS_MAX = 2_147_483_647;
