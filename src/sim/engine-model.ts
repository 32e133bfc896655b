import { assert } from "../core/assert.ts";
import { EngineBatch } from "./engine-batch.ts";
import {
  EngineQueue,
  newSequence,
  sortsBefore,
  type EngineRequest,
  type Sequence,
} from "./engine-queue.ts";
import { endOfIteration, iterationAt, type Iterations } from "./iterations.ts";
import { PrefixCache } from "./prefix-cache.ts";

/** What an engine is. Times in ms, memory in KV tokens. */
export interface EngineModelSpec {
  readonly maxSequences: number;
  readonly kvTokens: number;
  /** Tokens that one iteration computes at most, decoding ones included. */
  readonly chunkTokens: number;
  readonly baseMs: number;
  readonly perSequenceMs: number;
  readonly perKvTokenMs: number;
  readonly perPromptTokenMs: number;
  readonly prefixCache: boolean;
}

export interface EngineModelPolicy {
  /** recompute: a waiting request that sorts before a running one takes its place. */
  readonly preemption: "none" | "recompute";
  /** S in iterations; 0 switches aging off. */
  readonly starvationThreshold: number;
  /** Q in iterations that make a token. */
  readonly starvationQuantum: number;
  /** Whether every iteration is made visible, with the tokens it made (needed to stream them). */
  readonly tokenEvents: boolean;
}

export type EngineEvent<R extends EngineRequest> =
  /** First admitted. */
  | { readonly type: "started"; readonly sequence: Sequence<R> }
  /** Lost its place; what it made is computed again as prompt. */
  | { readonly type: "preempted"; readonly sequence: Sequence<R> }
  /** Made a token in the iteration that ended (only with tokenEvents). */
  | { readonly type: "token"; readonly sequence: Sequence<R> }
  /** Made its last token and left. */
  | { readonly type: "ended"; readonly sequence: Sequence<R> };

/**
 * One engine with iteration-level continuous batching: chunked prompts, a KV budget with preemption
 * by recompute, a prefix cache. Time is an argument. Between two iterations it decides; iterations
 * cannot be interrupted. At one instant a driver first lets all engines `finish`, then brings what has
 * arrived, then lets all engines `begin`.
 *
 * Iterations that can only decode are taken in one leap whose end has a closed form; an arrival
 * inside it is seen at the end of the iteration in which it falls, as if each had been taken alone.
 */
export class EngineModel<R extends EngineRequest = EngineRequest> {
  readonly spec: EngineModelSpec;
  readonly policy: EngineModelPolicy;
  readonly #queue: EngineQueue<R>;
  readonly #cache = new PrefixCache();
  readonly #sequences = new Map<string, Sequence<R>>();
  readonly #batch: EngineBatch<R>;
  #leap: Iterations | null = null;
  /** Iterations begun before the leap that is under way. */
  #begun = 0;
  #events: EngineEvent<R>[] = [];
  promptTokensComputed = 0;
  outputTokensMade = 0;
  cachedTokensUsed = 0;
  preemptions = 0;

  constructor(spec: EngineModelSpec, policy: EngineModelPolicy) {
    this.spec = spec;
    this.policy = policy;
    this.#queue = new EngineQueue<R>(policy.starvationThreshold > 0);
    this.#batch = new EngineBatch<R>(spec.kvTokens);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  get running(): number {
    return this.#batch.size;
  }

  /** KV tokens of the running requests. */
  get heldTokens(): number {
    return this.#batch.heldTokens;
  }

  /** KV tokens kept for later stages. */
  get keptTokens(): number {
    return this.#cache.keptTokens;
  }

  /** When the iterations under way end; Infinity when the engine is between two or idle. */
  nextEventMs(): number {
    return this.#leap === null
      ? Number.POSITIVE_INFINITY
      : endOfIteration(this.#leap, this.#leap.count);
  }

  /** A request joins the queue; it is considered when the next decision is made. */
  enqueue(request: R, nowMs: number): void {
    assert(!this.#sequences.has(request.id), "an id names one unfinished request of an engine");
    const sequence = newSequence(request);
    this.#sequences.set(request.id, sequence);
    this.#queue.join(sequence, this.#begunAt(nowMs));
    if (this.#couldTakePlace(sequence)) this.#cutLeap(nowMs);
  }

  /** Forgets a request: at once when it waits, at the end of its iteration when it runs. False when it is unknown. */
  cancel(id: string, nowMs: number): boolean {
    const sequence = this.#sequences.get(id);
    if (sequence === undefined) return false;
    this.#sequences.delete(id);
    sequence.cancelled = true;
    if (sequence.heapIndex >= 0) {
      this.#queue.remove(sequence);
      // Who waited behind it may fit.
      if (this.#batch.size < this.spec.maxSequences) this.#cutLeap(nowMs);
    } else if (this.#leap === null) {
      this.#batch.remove(sequence);
    } else {
      this.#cutLeap(nowMs);
    }
    return true;
  }

  /** Ends the iterations that are over by now and answers what came of them, to be read at once. */
  finish(nowMs: number): readonly EngineEvent<R>[] {
    const leap = this.#leap;
    if (leap === null || this.nextEventMs() > nowMs) return [];
    this.#forgetEvents();
    this.#leap = null;
    this.#begun += leap.count;
    // As the last decision inside the leap would have left it.
    this.#cache.trim(this.#batch.freeTokens - this.#batch.decoding * (leap.count - 1));
    for (const sequence of this.#batch.sequences) this.#advance(sequence, leap);
    this.#batch.drop((sequence) => this.#endIfOver(sequence));
    return this.#events;
  }

  /** Decides, and begins iterations if there is work and none are under way; the answer as of `finish`. */
  begin(nowMs: number): readonly EngineEvent<R>[] {
    if (this.#leap !== null) return [];
    if (this.#batch.size === 0 && this.#queue.size === 0) return [];
    this.#forgetEvents();
    this.#cache.trim(this.#batch.freeTokens);
    const { starvationThreshold, preemption } = this.policy;
    if (starvationThreshold > 0) this.#queue.promote(this.#begun, starvationThreshold);
    if (preemption === "recompute") this.#preemptByOrder(nowMs);
    while (this.#batch.isShort()) this.#preempt(this.#batch.last());
    this.#admit(nowMs);
    this.#leap = this.#iterate(nowMs);
    return this.#events;
  }

  /** What was answered stays as it is; nothing, the rule, needs no new list. */
  #forgetEvents(): void {
    if (this.#events.length > 0) this.#events = [];
  }

  /** Iterations begun by an instant. */
  #begunAt(nowMs: number): number {
    return this.#leap === null ? this.#begun : this.#begun + iterationAt(this.#leap, nowMs);
  }

  /** Whether a waiting request might be admitted before the iterations under way are over. */
  #couldTakePlace(sequence: Sequence<R>): boolean {
    const { preemption, starvationThreshold } = this.policy;
    if (preemption === "recompute") return true;
    if (this.#batch.size >= this.spec.maxSequences) return false;
    // With aging one that is not the first may come to be it.
    return starvationThreshold > 0 || this.#queue.first() === sequence;
  }

  #cutLeap(nowMs: number): void {
    const leap = this.#leap;
    if (leap === null || leap.count === 1) return;
    const { startMs, firstMs, growthMs } = leap;
    this.#leap = { startMs, firstMs, growthMs, count: iterationAt(leap, nowMs) };
  }

  #advance(sequence: Sequence<R>, leap: Iterations): void {
    const chunk = sequence.chunkTokens;
    const made = this.#batch.advance(sequence, leap.count);
    this.promptTokensComputed += chunk;
    this.outputTokensMade += made;
    if (made === 0) return;
    if (sequence.firstTokenMs === null) sequence.firstTokenMs = endOfIteration(leap, 1);
    const { starvationQuantum, tokenEvents } = this.policy;
    const served = sequence.madeTokens - sequence.promotedAtTokens;
    if (sequence.level < 0 && served >= starvationQuantum) sequence.level = 0;
    if (tokenEvents && !sequence.cancelled) this.#events.push({ type: "token", sequence });
  }

  /** Whether a running request is done or cancelled; then its memory is free. */
  #endIfOver(sequence: Sequence<R>): boolean {
    const { request } = sequence;
    const done = sequence.madeTokens >= request.outputTokens;
    if (!done && !sequence.cancelled) return false;
    this.#batch.release(sequence);
    if (sequence.cancelled) return true;
    this.#sequences.delete(request.id);
    if (this.spec.prefixCache && request.workflowId !== null) {
      this.#cache.keep(request.workflowId, request.promptTokens + sequence.madeTokens);
    }
    this.#events.push({ type: "ended", sequence });
    return true;
  }

  /** While the first that waits cannot just be admitted, it takes the place of a running one that sorts after it. */
  #preemptByOrder(nowMs: number): void {
    for (;;) {
      const first = this.#queue.first();
      if (first === undefined || this.#batch.size === 0) return;
      if (this.#batch.size < this.spec.maxSequences && this.#batch.fits(first)) return;
      const last = this.#batch.last();
      if (!sortsBefore(first, last)) return;
      this.#preempt(last);
      this.#start(first, nowMs);
    }
  }

  #admit(nowMs: number): void {
    const batch = this.#batch;
    const budget = this.spec.chunkTokens - batch.decoding;
    while (batch.size < this.spec.maxSequences && batch.promptLeft < budget) {
      const first = this.#queue.first();
      if (first === undefined) return;
      if (batch.size > 0 && !batch.fits(first)) return;
      this.#start(first, nowMs);
    }
  }

  /** Back to the queue: it keeps what it has made, and must compute it again as prompt. */
  #preempt(sequence: Sequence<R>): void {
    this.#batch.remove(sequence);
    sequence.preemptions++;
    this.preemptions++;
    this.#queue.join(sequence, this.#begun);
    this.#events.push({ type: "preempted", sequence });
  }

  #start(sequence: Sequence<R>, nowMs: number): void {
    this.#queue.remove(sequence);
    const { request } = sequence;
    if (sequence.startedMs === null) {
      sequence.cachedTokens = this.#cachedFor(request);
      sequence.startedMs = nowMs;
      this.#events.push({ type: "started", sequence });
      sequence.promptLeft = request.promptTokens - sequence.cachedTokens;
    } else {
      sequence.promptLeft = request.promptTokens + sequence.madeTokens;
    }
    this.#batch.add(sequence);
    this.#cache.trim(this.#batch.freeTokens);
  }

  /** What the cache holds of its prompt; the last token is always computed. */
  #cachedFor(request: R): number {
    if (!this.spec.prefixCache || request.workflowId === null) return 0;
    const cached = Math.min(this.#cache.take(request.workflowId), request.promptTokens - 1);
    this.cachedTokensUsed += cached;
    return cached;
  }

  #iterate(nowMs: number): Iterations {
    const { spec } = this;
    const batch = this.#batch;
    const computed = batch.handOutChunk(spec.chunkTokens - batch.decoding);
    const firstMs =
      spec.baseMs +
      spec.perSequenceMs * batch.decoding +
      spec.perKvTokenMs * batch.heldTokens +
      spec.perPromptTokenMs * computed;
    const growthMs = spec.perKvTokenMs * batch.decoding;
    const single = batch.promptLeft > 0 || this.policy.tokenEvents;
    return { startMs: nowMs, firstMs, growthMs, count: single ? 1 : this.#iterationsAlike() };
  }

  /** How many iterations from now on differ in nothing: nobody ends, joins, leaves or changes level. */
  #iterationsAlike(): number {
    const { preemption, starvationThreshold, starvationQuantum } = this.policy;
    const preempts = preemption === "recompute";
    // The first that waits may lack nothing but a share of the chunk; memory that fills up changes that.
    const lacksChunk = this.#queue.size > 0 && this.spec.chunkTokens <= this.#batch.size;
    if (preempts && lacksChunk) return 1;
    let count = this.#batch.iterationsAlike(starvationQuantum);
    if (preempts || this.#batch.size < this.spec.maxSequences) {
      const promotionAt = this.#queue.oldestJoinedAt() + starvationThreshold;
      count = Math.min(count, promotionAt - this.#begun);
    }
    return Math.max(1, count);
  }
}
