import type { Clock, Timer } from "../../src/engine/clock.ts";

/** Real time, `factor` times as fast, that counts the timers which are set and neither ran nor were cancelled. */
export class HurriedClock implements Clock {
  readonly #factor: number;
  readonly #pending = new Set<NodeJS.Timeout>();

  constructor(factor: number) {
    this.#factor = factor;
  }

  get timers(): number {
    return this.#pending.size;
  }

  nowMs(): number {
    return performance.now() * this.#factor;
  }

  setTimer(run: () => void, delayMs: number): Timer {
    const handle = setTimeout(() => {
      this.#pending.delete(handle);
      run();
    }, delayMs / this.#factor);
    this.#pending.add(handle);
    return {
      cancel: () => {
        clearTimeout(handle);
        this.#pending.delete(handle);
      },
    };
  }
}
