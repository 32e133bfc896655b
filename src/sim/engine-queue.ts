import { assert } from "../core/assert.ts";

/** What a request asks of an engine. Whoever enqueues it has computed its priority (core/order.ts). */
export interface EngineRequest {
  /** Unique among the unfinished requests of the engine. */
  readonly id: string;
  /** Identity for the prefix cache, or null when the request shares nothing. */
  readonly workflowId: string | null;
  /** Whole input, history included; at least 1. */
  readonly promptTokens: number;
  /** At least 1. */
  readonly outputTokens: number;
  /** Smaller is sooner. */
  readonly priority: number;
  readonly readyMs: number;
  /** Number of its creation, unique in the whole run: the last word in every tie. */
  readonly created: number;
}

/** A request inside an engine. Owned by the engine model, which alone changes it. */
export interface Sequence<R extends EngineRequest> {
  readonly request: R;
  /** Starvation level: 0, or -1 once it was promoted. */
  level: number;
  /** Tokens it had made when it was promoted. */
  promotedAtTokens: number;
  madeTokens: number;
  /** Prompt tokens (after a lost place: made ones too) that are still to compute. */
  promptLeft: number;
  /** Prompt tokens that the current iteration computes. */
  chunkTokens: number;
  /** Prompt tokens found in the prefix cache. */
  cachedTokens: number;
  /** Iterations that the engine had begun when it joined the queue, this time. */
  joinedAt: number;
  /** Place in the heap, -1 outside the queue. */
  heapIndex: number;
  cancelled: boolean;
  preemptions: number;
  /** First admission and first token; null before them. */
  startedMs: number | null;
  firstTokenMs: number | null;
}

/** A request that has not yet joined. Its lengths are whole numbers from 1. */
export function newSequence<R extends EngineRequest>(request: R): Sequence<R> {
  assert(request.promptTokens >= 1 && request.outputTokens >= 1, "a request has tokens to compute");
  return {
    request,
    level: 0,
    promotedAtTokens: 0,
    madeTokens: 0,
    promptLeft: 0,
    chunkTokens: 0,
    cachedTokens: 0,
    joinedAt: 0,
    heapIndex: -1,
    cancelled: false,
    preemptions: 0,
    startedMs: null,
    firstTokenMs: null,
  };
}

/** Order of queue and running: level, priority, ready time, creation. Total. */
export function sortsBefore<R extends EngineRequest>(a: Sequence<R>, b: Sequence<R>): boolean {
  if (a.level !== b.level) return a.level < b.level;
  const x = a.request;
  const y = b.request;
  if (x.priority !== y.priority) return x.priority < y.priority;
  if (x.readyMs !== y.readyMs) return x.readyMs < y.readyMs;
  return x.created < y.created;
}

/**
 * The waiting requests of one engine: a binary heap that knows where each request lies, and a line
 * of joiners for aging. Every operation is O(log n); promotion never looks at a request twice.
 */
export class EngineQueue<R extends EngineRequest> {
  private readonly heap: Sequence<R>[] = [];
  /** Joiners at level 0 in the order of joining; the left ones are skipped when they come first. */
  private joiners: { readonly sequence: Sequence<R>; readonly joinedAt: number }[] = [];
  private firstJoiner = 0;
  private readonly ages: boolean;

  constructor(ages: boolean) {
    this.ages = ages;
  }

  get size(): number {
    return this.heap.length;
  }

  first(): Sequence<R> | undefined {
    return this.heap[0];
  }

  /** `begun`: iterations that the engine has begun so far; must not fall from call to call. */
  join(sequence: Sequence<R>, begun: number): void {
    sequence.joinedAt = begun;
    if (this.ages && sequence.level === 0) this.joiners.push({ sequence, joinedAt: begun });
    this.heap.push(sequence);
    this.raise(sequence, this.heap.length - 1);
  }

  remove(sequence: Sequence<R>): void {
    const index = sequence.heapIndex;
    const last = this.heap.pop();
    if (last === undefined || index < 0) throw new Error("engine queue: not a waiting request");
    sequence.heapIndex = -1;
    if (last === sequence) return;
    this.raise(last, index);
    this.lower(last, last.heapIndex);
  }

  /** Promotes every request that has seen `threshold` iterations begin since it joined. */
  promote(begun: number, threshold: number): void {
    for (;;) {
      const joinedAt = this.oldestJoinedAt();
      if (begun - joinedAt < threshold) return;
      const sequence = this.joiners[this.firstJoiner++]?.sequence;
      if (sequence === undefined) return;
      sequence.level = -1;
      sequence.promotedAtTokens = sequence.madeTokens;
      this.raise(sequence, sequence.heapIndex);
    }
  }

  /** When the longest waiting request of level 0 joined; Infinity when there is none. */
  oldestJoinedAt(): number {
    for (; this.firstJoiner < this.joiners.length; this.firstJoiner++) {
      const joiner = this.joiners[this.firstJoiner];
      if (joiner === undefined) break;
      const { sequence, joinedAt } = joiner;
      const waits = sequence.heapIndex >= 0 && sequence.level === 0;
      if (waits && sequence.joinedAt === joinedAt) {
        this.forgetPassedJoiners();
        return joinedAt;
      }
    }
    if (this.firstJoiner > 0) this.joiners = [];
    this.firstJoiner = 0;
    return Number.POSITIVE_INFINITY;
  }

  private forgetPassedJoiners(): void {
    if (this.firstJoiner < 1024 || this.firstJoiner * 2 < this.joiners.length) return;
    this.joiners = this.joiners.slice(this.firstJoiner);
    this.firstJoiner = 0;
  }

  private raise(sequence: Sequence<R>, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.heap[parentIndex];
      if (parent === undefined || !sortsBefore(sequence, parent)) break;
      this.place(parent, index);
      index = parentIndex;
    }
    this.place(sequence, index);
  }

  private lower(sequence: Sequence<R>, from: number): void {
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = this.heap[childIndex];
      const right = this.heap[childIndex + 1];
      if (child !== undefined && right !== undefined && sortsBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (child === undefined || !sortsBefore(child, sequence)) break;
      this.place(child, index);
      index = childIndex;
    }
    this.place(sequence, index);
  }

  private place(sequence: Sequence<R>, index: number): void {
    this.heap[index] = sequence;
    sequence.heapIndex = index;
  }
}
