import { OrderedQueue, QueueEntry } from "../core/queue.ts";
import { createRandom, type Random } from "../core/random.ts";
import type { RunningWorkflow } from "./running-workflow.ts";

/** An engine that dies, with all that it runs and keeps, and comes back empty. */
export interface EngineFault {
  readonly engine: string;
  readonly atMs: number;
  readonly downMs: number;
}

/** What goes wrong in a run, besides the workload. */
export interface Disturbances {
  readonly faults: readonly EngineFault[];
  /** Mean patience of clients, exponential: a workflow that is not over by then is given up. Null: they stay. */
  readonly patienceMsMean: number | null;
  /** Seeds the patience of each workflow. */
  readonly seed: number;
}

export type Happening =
  | { readonly type: "dies" | "returns"; readonly engine: string }
  | { readonly type: "leaves"; readonly running: RunningWorkflow };

/** What is to go wrong, by time; at one instant in the order in which it was put down. */
export class Timetable {
  readonly #happenings: OrderedQueue<Happening>;
  readonly #random: Random;
  readonly #patienceMsMean: number | null;
  #sequence = 0;

  constructor({ faults, patienceMsMean, seed }: Disturbances) {
    this.#happenings = new OrderedQueue(createRandom(seed ^ 0x7ab1e));
    this.#random = createRandom(seed ^ 0x9a7e);
    this.#patienceMsMean = patienceMsMean;
    for (const { engine, atMs, downMs } of faults) {
      this.#put({ type: "dies", engine }, atMs);
      this.#put({ type: "returns", engine }, atMs + downMs);
    }
  }

  /** Infinity when nothing more will go wrong. */
  get nextMs(): number {
    return this.#happenings.first()?.priority ?? Number.POSITIVE_INFINITY;
  }

  /** A workflow has arrived; how long its client waits is drawn now. */
  arrived(running: RunningWorkflow, nowMs: number): void {
    if (this.#patienceMsMean === null) return;
    const patienceMs = -Math.log(1 - this.#random.next()) * this.#patienceMsMean;
    this.#put({ type: "leaves", running }, nowMs + patienceMs);
  }

  /** The first that is due, taken off; null when none is. */
  take(nowMs: number): Happening | null {
    const first = this.#happenings.first();
    if (first === null || first.priority > nowMs) return null;
    this.#happenings.remove(first);
    return first.value;
  }

  #put(happening: Happening, timeMs: number): void {
    const entry = new QueueEntry(happening, this.#sequence++);
    entry.priority = timeMs;
    this.#happenings.insert(entry);
  }
}
