import type { Speed } from "./types.ts";
import { RunningMean } from "./mean.ts";

/** Workflows whose unloaded times shape U; older ones fade. */
const WORKFLOWS_REMEMBERED = 1000;

/** Single-stream time per output token, ms. */
export function singleStreamMs(speed: Speed): number {
  return speed.baseMs + speed.perSequenceMs;
}

/**
 * What a workflow takes on an unloaded engine, per model (U of the findings), and the age clock that
 * runs in units of it. The clock is a reading, not a division of absolute time by a running mean: a
 * change of U must not move keys of different ages apart.
 */
export class AgeClock {
  /** Unloaded times (U) in which the reading moves on by 1; another value changes what comes, not what was read. */
  ageScale: number;
  readonly #unloadedMs = new Map<string, RunningMean>();
  #meanMs = 0;
  #reading = 0;

  constructor(ageScale: number) {
    this.ageScale = ageScale;
  }

  get reading(): number {
    return this.#reading;
  }

  /** Moves on by dt ms of the driver's clock. */
  advance(dtMs: number): void {
    if (this.#meanMs > 0) this.#reading += dtMs / (this.ageScale * this.#meanMs);
  }

  /** A workflow would take `unloadedMs` on an unloaded engine of `model`. */
  observe(model: string, unloadedMs: number): void {
    let mean = this.#unloadedMs.get(model);
    if (mean === undefined) {
      mean = new RunningMean(0, WORKFLOWS_REMEMBERED);
      this.#unloadedMs.set(model, mean);
    }
    mean.add(Math.max(unloadedMs, 1));
    let sum = 0;
    for (const each of this.#unloadedMs.values()) sum += each.value;
    this.#meanMs = sum / this.#unloadedMs.size;
  }

  /** U of one model, ms; null before anything was seen of it. */
  unloadedMs(model: string): number | null {
    return this.#unloadedMs.get(model)?.value ?? null;
  }
}
