import type { Clock, Timer } from "../../src/engine/clock.ts";

interface Pending {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #pending = new Set<Pending>();

  nowMs(): number {
    return this.#nowMs;
  }

  get timers(): number {
    return this.#pending.size;
  }

  setTimer(run: () => void, delayMs: number): Timer {
    const pending = { dueMs: this.#nowMs + delayMs, run };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Moves on and runs what comes due, in order. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#pending]
        .filter((pending) => pending.dueMs <= untilMs)
        .toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#pending.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.run();
    }
    this.#nowMs = untilMs;
  }
}
