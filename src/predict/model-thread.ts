import type { Worker } from "node:worker_threads";

import { assert } from "../core/assert.ts";
import type { BatchEstimates, BatchItem, ThreadData, ThreadMessage } from "./model-port.ts";
import { startWorker } from "./worker-start.ts";

/** Time as the service sees it; tests pass one that they move by hand. */
export interface ServiceClock {
  /** Milliseconds from an arbitrary start; never goes back. */
  nowMs(): number;
  setTimer(run: () => void, delayMs: number): { cancel(): void };
}

export interface ThreadOptions {
  readonly clock: ServiceClock;
  /** A model that is not ready, or has not answered a batch, by then is taken as hung. */
  readonly startMsMax: number;
  readonly batchMsMax: number;
  readonly onProblem: (message: string) => void;
  /** Called once, when the model can serve. */
  readonly onReady: () => void;
  /** Called once, after the thread has ended for whatever reason and its batch was answered. */
  readonly onEnd: (thread: ModelThread) => void;
}

/**
 * One model in one thread, which this object owns. It takes one batch at a time and ends a thread that
 * hangs; it never throws, and every batch is answered once: with null where the model failed.
 */
export class ModelThread {
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #exited: Promise<void>;
  /** Null as soon as the model can serve; else, when the thread has ended, the reason. */
  readonly started: Promise<string | null>;
  #batch: Promise<unknown> = Promise.resolve();
  #tellStarted: (failure: string | null) => void = () => {};
  #answerBatch: ((estimates: BatchEstimates | null) => void) | null = null;
  #watchdog: { cancel(): void } | null = null;
  /** Why it ends; null as long as nobody knows. */
  #endReason: string | null = null;
  #isStopping = false;
  #state: "starting" | "ready" | "ended" = "starting";

  constructor(data: ThreadData, options: ThreadOptions) {
    this.#options = options;
    this.started = new Promise((resolve) => (this.#tellStarted = resolve));
    this.#worker = startWorker(import.meta.url, "model.worker", data);
    this.#worker.on("message", (message: ThreadMessage) => this.#receive(message));
    this.#worker.on("messageerror", () => this.#finishBatch(null));
    this.#worker.on("error", (error: Error) => (this.#endReason ??= error.message));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#ended();
        resolve();
      });
    });
    this.#watch(options.startMsMax, "did not start");
  }

  get isReady(): boolean {
    return this.#state === "ready";
  }

  get isIdle(): boolean {
    return this.#state === "ready" && this.#answerBatch === null;
  }

  /** Only for an idle thread. */
  predict(batch: readonly BatchItem[]): Promise<BatchEstimates | null> {
    assert(this.isIdle, "a thread gets one batch at a time");
    this.#watch(this.#options.batchMsMax, "did not answer");
    const answered = new Promise<BatchEstimates | null>((resolve) => {
      this.#answerBatch = resolve;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage(batch);
    });
    this.#batch = answered;
    return answered;
  }

  /** Ends the thread after the batch that it has. No other may follow. */
  async retire(): Promise<void> {
    await this.#batch;
    await this.stop();
  }

  /** Ends the thread at once; may be called twice. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.terminate();
    await this.#exited;
  }

  #receive(message: ThreadMessage): void {
    if (this.#state === "ended") return;
    if (message.type === "ready") {
      this.#state = "ready";
      this.#watchdog?.cancel();
      this.#tellStarted(null);
      this.#options.onReady();
      return;
    }
    if (message.type === "failed") this.#options.onProblem(message.message);
    this.#finishBatch(message.type === "predicted" ? message.estimates : null);
  }

  #finishBatch(estimates: BatchEstimates | null): void {
    this.#watchdog?.cancel();
    const answer = this.#answerBatch;
    this.#answerBatch = null;
    answer?.(estimates);
  }

  #ended(): void {
    this.#state = "ended";
    this.#finishBatch(null);
    const reason = this.#endReason ?? "its thread ended";
    this.#tellStarted(reason);
    if (!this.#isStopping) this.#options.onProblem(reason);
    this.#options.onEnd(this);
  }

  #watch(delayMs: number, failure: string): void {
    this.#watchdog = this.#options.clock.setTimer(() => {
      this.#state = "ended";
      this.#endReason = `${failure} within ${delayMs} ms`;
      void this.#worker.terminate();
    }, delayMs);
  }
}
