import type { Estimate } from "../core/types.ts";
import { ModelThread, type ServiceClock } from "./model-thread.ts";
import type { Predictor, StageFacts } from "./port.ts";
import { RestartBudget } from "./restart-budget.ts";
import {
  NO_COUNTS,
  SERVICE_LIMITS,
  type PredictionServiceCounts,
  type PredictionServiceLimits,
  type SwapResult,
} from "./service-limits.ts";
import { soundEstimates } from "./sound-estimates.ts";

export interface PredictionServiceOptions {
  readonly name: string;
  /** URL of a module that is a `ModelModule`. */
  readonly moduleUrl: string;
  /** Given to the model; must survive a structured clone. */
  readonly data: unknown;
  /** Deadlines are read on it. */
  readonly clock: ServiceClock;
  /** Told of each failed batch and of each thread that ended by itself. */
  readonly onProblem: (message: string) => void;
  readonly limits?: Partial<PredictionServiceLimits>;
}

type Fate = "predicted" | "refused" | "late" | "failed";

interface Waiting {
  readonly facts: StageFacts;
  readonly models: readonly string[];
  readonly deadlineMs: number;
  readonly queuedMs: number;
  readonly resolve: (estimates: Estimate[] | null) => void;
}

/**
 * Collects requests into batches and has them predicted in threads, which it owns. Whatever a model
 * does, the caller goes on: no promise rejects, and nothing is held for a model that is not there.
 */
export class PredictionService implements Predictor {
  readonly name: string;
  readonly #options: PredictionServiceOptions;
  readonly #limits: PredictionServiceLimits;
  /** Those that are given batches. */
  readonly #threads = new Set<ModelThread>();
  /** Those that wait for their models to be ready before they take over. */
  readonly #fresh = new Set<ModelThread>();
  /** Those that finish their last batch. */
  readonly #retiring = new Set<ModelThread>();
  readonly #counts: Record<keyof PredictionServiceCounts, number> = { ...NO_COUNTS };
  /** What new threads are given. */
  #data: unknown;
  #swapped: Promise<unknown> = Promise.resolve();
  readonly #restarts: RestartBudget;
  #queue: Waiting[] = [];
  #pending = 0;
  #timer: { cancel(): void } | null = null;
  #isClosing = false;
  #readyWaiters: ((isReady: boolean) => void)[] = [];
  #drained: () => void = () => {};
  #closed: Promise<void> | null = null;

  constructor(options: PredictionServiceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#data = options.data;
    this.#limits = { ...SERVICE_LIMITS, ...options.limits };
    this.#restarts = new RestartBudget(this.#limits.restartsMax, this.#limits.restartWindowMs);
    while (this.#threads.size < this.#limits.threads)
      this.#threads.add(this.#startThread(this.#data));
  }

  /** True as soon as a model can serve; false where all threads ended and none may be replaced yet. */
  ready(): Promise<boolean> {
    if (this.#hasReadyThread()) return Promise.resolve(true);
    if (this.#threads.size === 0) return Promise.resolve(false);
    return new Promise((resolve) => this.#readyWaiters.push(resolve));
  }

  counts(): PredictionServiceCounts {
    return { ...this.#counts };
  }

  predict(
    facts: StageFacts,
    models: readonly string[],
    deadlineMs: number,
  ): Promise<Estimate[] | null> {
    this.#replaceThreads();
    if (!this.#canTake()) {
      this.#counts.refused++;
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      const queuedMs = this.#options.clock.nowMs();
      this.#pending++;
      this.#queue.push({ facts, models, deadlineMs, queuedMs, resolve });
      this.#sendBatches();
    });
  }

  /**
   * Starts models with other data beside the running ones and, once all are ready, gives them the
   * batches; the old ones finish theirs and end. Where one cannot start, nothing changes. One swap at a
   * time, in the order asked.
   */
  swap(data: unknown): Promise<SwapResult> {
    const result = this.#swapped.then(() => this.#swapNow(data));
    this.#swapped = result;
    return result;
  }

  /** Takes no more requests, answers those it has, and ends the threads. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  /** Ends the threads at once; requests that wait are answered null. */
  async destroy(): Promise<void> {
    this.#isClosing = true;
    this.#failQueue();
    const threads = [...this.#threads, ...this.#fresh, ...this.#retiring];
    await Promise.all(threads.map((thread) => thread.stop()));
    await this.#swapped;
  }

  async #drain(): Promise<void> {
    this.#isClosing = true;
    this.#sendBatches();
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await this.destroy();
  }

  async #swapNow(data: unknown): Promise<SwapResult> {
    if (this.#isClosing) return this.#refuseSwap("the service is closing");
    const fresh = Array.from({ length: this.#limits.threads }, () => this.#startThread(data));
    for (const thread of fresh) this.#fresh.add(thread);
    const failures = await Promise.all(fresh.map((thread) => thread.started));
    const failure = failures.find((each) => each !== null) ?? null;
    if (failure !== null || this.#isClosing) {
      await Promise.all(fresh.map((thread) => thread.stop()));
      return this.#refuseSwap(failure ?? "the service is closing");
    }
    const old = [...this.#threads];
    this.#threads.clear();
    for (const thread of old) this.#retiring.add(thread);
    for (const thread of this.#fresh) this.#threads.add(thread);
    this.#fresh.clear();
    this.#data = data;
    this.#counts.swaps++;
    this.#replaceThreads();
    this.#threadReady();
    await Promise.all(old.map((thread) => thread.retire()));
    return { ok: true };
  }

  #refuseSwap(message: string): SwapResult {
    this.#counts.swapsRefused++;
    return { ok: false, message };
  }

  #canTake(): boolean {
    if (this.#isClosing || this.#pending >= this.#limits.requestsPendingMax) return false;
    return this.#hasReadyThread();
  }

  #hasReadyThread(): boolean {
    for (const thread of this.#threads) if (thread.isReady) return true;
    return false;
  }

  /** Gives each idle thread a batch, as far as batches are full or have waited long enough. */
  #sendBatches(): void {
    for (const thread of this.#threads) {
      if (!thread.isIdle) continue;
      this.#dropLate();
      if (!this.#isBatchDue()) return;
      this.#timer?.cancel();
      this.#timer = null;
      void this.#predictBatch(thread, this.#queue.splice(0, this.#limits.batchSizeMax));
    }
  }

  /** Work whose answer nobody waits for is skipped. */
  #dropLate(): void {
    const nowMs = this.#options.clock.nowMs();
    const late = this.#queue.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    if (late.length === 0) return;
    this.#queue = this.#queue.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const request of late) this.#settle(request, "late", null);
  }

  /** Where the batch may still grow, a timer comes back to it. */
  #isBatchDue(): boolean {
    const [oldest] = this.#queue;
    if (oldest === undefined) return false;
    if (this.#isClosing || this.#queue.length >= this.#limits.batchSizeMax) return true;
    const { clock } = this.#options;
    const waitMs = oldest.queuedMs + this.#limits.batchWaitMsMax - clock.nowMs();
    if (waitMs <= 0) return true;
    this.#timer ??= clock.setTimer(() => {
      this.#timer = null;
      this.#sendBatches();
    }, waitMs);
    return false;
  }

  async #predictBatch(thread: ModelThread, batch: readonly Waiting[]): Promise<void> {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    const items = batch.map(({ facts, models, deadlineMs }) => ({
      facts,
      models,
      budgetMs: deadlineMs - nowMs,
    }));
    const answer = await thread.predict(items);
    const answeredMs = clock.nowMs();
    for (const [index, request] of batch.entries()) {
      const estimates = soundEstimates(answer?.[index], request.models);
      const isLate = answeredMs >= request.deadlineMs;
      if (estimates === null) this.#settle(request, "failed", null);
      else if (isLate) this.#settle(request, "late", null);
      else this.#settle(request, "predicted", estimates);
    }
    this.#sendBatches();
  }

  #settle(request: Waiting, fate: Fate, estimates: Estimate[] | null): void {
    this.#counts[fate]++;
    this.#pending--;
    request.resolve(estimates);
    if (this.#pending === 0) this.#drained();
  }

  #failQueue(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const queue = this.#queue;
    this.#queue = [];
    for (const request of queue) this.#settle(request, "failed", null);
  }

  /** What a fresh thread has to say until it takes over, `started` says. */
  #startThread(data: unknown): ModelThread {
    const { moduleUrl, clock, onProblem } = this.#options;
    const { startMsMax, batchMsMax } = this.#limits;
    const thread: ModelThread = new ModelThread(
      { moduleUrl, data },
      {
        clock,
        startMsMax,
        batchMsMax,
        onProblem: (message) => {
          if (!this.#fresh.has(thread)) onProblem(message);
        },
        onReady: () => {
          if (!this.#fresh.has(thread)) this.#threadReady();
        },
        onEnd: (ended) => this.#threadEnded(ended),
      },
    );
    return thread;
  }

  #threadReady(): void {
    this.#tellReady(true);
    this.#sendBatches();
  }

  #threadEnded(thread: ModelThread): void {
    this.#fresh.delete(thread);
    this.#retiring.delete(thread);
    if (!this.#threads.delete(thread)) return;
    this.#replaceThreads();
    if (!this.#hasReadyThread()) this.#failQueue();
    if (this.#threads.size === 0) this.#tellReady(false);
  }

  #replaceThreads(): void {
    while (!this.#isClosing && this.#threads.size < this.#limits.threads) {
      if (!this.#restarts.take(this.#options.clock.nowMs())) return;
      this.#counts.restarts++;
      this.#threads.add(this.#startThread(this.#data));
    }
  }

  #tellReady(isReady: boolean): void {
    const waiters = this.#readyWaiters;
    this.#readyWaiters = [];
    for (const tell of waiters) tell(isReady);
  }
}
