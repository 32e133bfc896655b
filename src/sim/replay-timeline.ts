import { setMaxListeners } from "node:events";
import type { Clock, Timer } from "../engine/clock.ts";

/** Longest delay that a timer of Node takes. */
export const TIMER_MS_MAX = 2_147_483_647;

/** The process's monotonic clock. Its timers keep the process alive: a replay may have nothing else open. */
export const replayClock: Clock = {
  nowMs: (): number => performance.now(),
  setTimer: (run: () => void, delayMs: number): Timer => {
    const handle = setTimeout(run, delayMs);
    return { cancel: (): void => clearTimeout(handle) };
  },
};

export interface TimelineOptions {
  readonly clock: Clock;
  /** Ms of the workload's time in one real ms. */
  readonly speedup: number;
  /** Real ms from the start. */
  readonly deadlineMs: number;
}

/** The workload's time, faster than the real one, from 0 until a deadline that ends every wait. */
export class Timeline {
  readonly speedup: number;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #deadlineMs: number;
  readonly #deadline: Timer;
  readonly #over = new AbortController();
  /** Waits under way: what ends each when the deadline does. */
  readonly #waits = new Set<() => void>();

  constructor({ clock, speedup, deadlineMs }: TimelineOptions) {
    this.speedup = speedup;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.#deadlineMs = deadlineMs;
    // As many listeners as there are open requests, and open loop sets no limit to those.
    setMaxListeners(0, this.over);
    this.#deadline = clock.setTimer(() => this.#end(), deadlineMs);
  }

  /** Ms of the workload's time since the start. */
  get nowMs(): number {
    return (this.#clock.nowMs() - this.#startMs) * this.speedup;
  }

  /** Aborts at the deadline. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Waits until a time of the workload; false when the deadline came first. */
  until(timeMs: number): Promise<boolean> {
    return this.pause((timeMs - this.nowMs) / this.speedup);
  }

  /** Waits real ms; false when the deadline came first. */
  pause(realMs: number): Promise<boolean> {
    if (this.over.aborted) return Promise.resolve(false);
    if (realMs <= 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.#waits.delete(finish);
        resolve(!this.over.aborted);
      };
      // The deadline is there before anything later.
      const timer = this.#clock.setTimer(finish, Math.min(realMs, this.#deadlineMs));
      this.#waits.add(finish);
    });
  }

  /** Lets go of the deadline's timer; the caller has nothing open any more. */
  close(): void {
    this.#deadline.cancel();
  }

  #end(): void {
    this.#over.abort();
    for (const finish of this.#waits) finish();
  }
}
