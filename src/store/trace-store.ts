import type { Worker } from "node:worker_threads";

import type { WriterAnswer, WriterOptions, WriterRequest } from "./batch-message.ts";
import type { StageRow, TableRow, WorkflowRow } from "./row.ts";
import { StoreTally, type DropReason, type StoreCounts } from "./store-counts.ts";
import { isCompleteRow, stageTableRow, workflowTableRow } from "./table.ts";
import { startWorker } from "./worker-start.ts";

export interface TraceStoreOptions {
  /** The database's file; its folder is made where it is missing. */
  readonly path: string;
  /** Whether the text of prompts is kept. */
  readonly prompts: boolean;
  /** Rows that may wait for the disk; what comes beyond is dropped and counted. */
  readonly rowsPendingMax: number;
  /** Rows kept in each table; the oldest are deleted. */
  readonly rowsMax: number;
  /** Unix time at which the clock of the rows reads 0. */
  readonly clockZeroUnixMs: number;
  /** Told of a disk error, at most once a batch, and of the writer's end. Never called after `close` has ended. */
  readonly onProblem: (message: string) => void;
  /** Rows of one transaction; 512 unless set. */
  readonly batchRowsMax?: number;
  /** How long a row waits for others; 200 unless set. */
  readonly batchWaitMs?: number;
  /** How long `close` waits for the disk before it gives up; 10,000 unless set. */
  readonly closeMsMax?: number;
}

export type TraceStoreResult =
  | { readonly ok: true; readonly store: TraceStore }
  | { readonly ok: false; readonly message: string };

type WriterStart = (options: WriterOptions) => Worker;

/** Opens the store, or says in a sentence why it cannot be used. `start` is for tests. */
export async function openTraceStore(
  options: TraceStoreOptions,
  start: WriterStart = startWriter,
): Promise<TraceStoreResult> {
  const { path, rowsMax, clockZeroUnixMs } = options;
  const worker = start({ path, rowsMax, clockZeroUnixMs });
  const answer = await firstAnswer(worker);
  if (answer.type === "ready") return { ok: true, store: new TraceStore(worker, options) };
  await worker.terminate();
  const reason = "message" in answer ? answer.message : "unexpected answer";
  return { ok: false, message: `trace store ${path} ${reason}` };
}

/** The listeners go one by one: a worker whose listeners are all removed at once delivers nothing more. */
function firstAnswer(worker: Worker): Promise<WriterAnswer> {
  return new Promise((resolve) => {
    const settle = (answer: WriterAnswer): void => {
      worker.off("message", settle).off("error", failed).off("exit", ended);
      resolve(answer);
    };
    const failed = (error: Error): void => settle({ type: "refused", message: error.message });
    const ended = (): void =>
      settle({ type: "refused", message: "has no writer: its thread ended" });
    worker.on("message", settle).on("error", failed).on("exit", ended);
  });
}

function startWriter(options: WriterOptions): Worker {
  return startWorker(import.meta.url, "writer.worker", options);
}

/**
 * Takes rows without waiting and hands them to the writer's thread in batches, one batch at a time
 * and in the order in which they came. Owns the thread. Whatever the disk does, the caller goes on:
 * a row that is not written is counted.
 */
export class TraceStore {
  readonly #worker: Worker;
  readonly #options: TraceStoreOptions;
  readonly #tally = new StoreTally();
  readonly #flushes: { readonly settled: number; readonly resolve: () => void }[] = [];
  readonly #exited: Promise<void>;
  #waiting: TableRow[] = [];
  #underWay: readonly TableRow[] = [];
  #accepted = 0;
  #settled = 0;
  #timer: NodeJS.Timeout | null = null;
  #state: "open" | "closing" | "dead" = "open";
  #closed: Promise<void> | null = null;
  #deathReason = "its thread ended";

  constructor(worker: Worker, options: TraceStoreOptions) {
    this.#worker = worker;
    this.#options = options;
    worker.on("message", (answer: WriterAnswer) => this.#batchAnswered(answer));
    worker.on("error", (error: Error) => (this.#deathReason = error.message));
    this.#exited = new Promise((resolve) => {
      worker.once("exit", () => {
        this.#workerEnded();
        resolve();
      });
    });
  }

  writeStage(row: StageRow): void {
    this.#accept(stageTableRow(row, this.#options.prompts));
  }

  writeWorkflow(row: WorkflowRow): void {
    this.#accept(workflowTableRow(row));
  }

  counts(): StoreCounts {
    return this.#tally.counts(this.#pendingRows());
  }

  /** Resolves when every row that was accepted before is written or dropped. Never rejects. */
  flush(): Promise<void> {
    if (this.#settled === this.#accepted) return Promise.resolve();
    const flushed = new Promise<void>((resolve) => {
      this.#flushes.push({ settled: this.#accepted, resolve });
    });
    this.#send();
    return flushed;
  }

  /** Takes no more rows, writes those that wait, and ends the thread. */
  close(): Promise<void> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  /** Drops the rows that wait and ends the thread after the batch under way. */
  destroy(): Promise<void> {
    if (this.#state === "open") this.#state = "closing";
    const lost = this.#waiting.splice(0);
    this.#tally.addDropped(lost, "closed");
    this.#settle(lost.length);
    return this.close();
  }

  /**
   * The thread is asked to end. It is only terminated when it does not: SQLite's binding takes the whole
   * process with it when a thread is stopped inside one of its calls.
   */
  async #drain(): Promise<void> {
    if (this.#state === "open") this.#state = "closing";
    const { closeMsMax = 10_000 } = this.#options;
    const timer = setTimeout(() => void this.#worker.terminate(), closeMsMax);
    await this.flush();
    this.#post({ type: "close" });
    await this.#exited;
    clearTimeout(timer);
  }

  #accept(row: TableRow): void {
    const reason = this.#refusal() ?? (isCompleteRow(row) ? null : "invalid");
    if (reason !== null) {
      this.#tally.addDropped([row], reason);
      return;
    }
    this.#accepted++;
    this.#waiting.push(row);
    const { batchRowsMax = 512, batchWaitMs = 200 } = this.#options;
    if (this.#waiting.length >= batchRowsMax) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), batchWaitMs);
  }

  #refusal(): DropReason | null {
    if (this.#state === "dead") return "dead";
    if (this.#state === "closing") return "closed";
    return this.#pendingRows() >= this.#options.rowsPendingMax ? "full" : null;
  }

  #pendingRows(): number {
    return this.#waiting.length + this.#underWay.length;
  }

  /** Sends the next batch; while one is under way its answer will do so. */
  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#underWay.length > 0 || this.#waiting.length === 0) return;
    this.#underWay = this.#waiting.splice(0, this.#options.batchRowsMax ?? 512);
    this.#post({ type: "write", rows: this.#underWay });
  }

  #post(request: WriterRequest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request);
  }

  #batchAnswered(answer: WriterAnswer): void {
    const rows = this.#underWay;
    this.#underWay = [];
    if (answer.type === "written") this.#tally.addWritten(rows);
    else this.#tally.addDropped(rows, "failed");
    this.#settle(rows.length);
    if (answer.type === "failed") this.#report(answer.message);
    if (this.#waiting.length > 0) this.#send();
  }

  #workerEnded(): void {
    const wasOpen = this.#state === "open";
    const lost = [...this.#underWay, ...this.#waiting];
    this.#tally.addDropped(lost, wasOpen ? "dead" : "closed");
    this.#state = wasOpen ? "dead" : this.#state;
    this.#underWay = [];
    this.#waiting = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#settle(lost.length);
    if (wasOpen || lost.length > 0) {
      this.#report(`${this.#deathReason}; ${lost.length} rows are lost, later ones are dropped`);
    }
  }

  #report(problem: string): void {
    this.#options.onProblem(`trace store ${this.#options.path}: ${problem}`);
  }

  #settle(rows: number): void {
    this.#settled += rows;
    while ((this.#flushes[0]?.settled ?? Infinity) <= this.#settled) {
      this.#flushes.shift()?.resolve();
    }
  }
}
