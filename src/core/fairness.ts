import { assert } from "./assert.ts";

/** What is aged: its starvation level, the round it joined in, and its place among those that joined. */
export interface Aged<T> {
  level: number;
  joinedRound: number;
  older: T | null;
  younger: T | null;
  aging: boolean;
}

/**
 * Aging against starvation (paper, section on anti-starvation; LTR 2408.15792): what waited through
 * S consecutive rounds without being selected is promoted one level. All that wait age together, so
 * the next to be promoted is always the one that joined first: a list, no counters to walk.
 *
 * A round is one dispatch in the gateway and one iteration in an engine.
 */
export class Aging<T extends Aged<T>> {
  /** S; 0 switches aging off. */
  readonly threshold: number;
  /** Rounds begun so far. */
  rounds = 0;
  #oldest: T | null = null;
  #youngest: T | null = null;

  constructor(threshold: number) {
    this.threshold = threshold;
  }

  /** It begins to wait now; the current round, if one is under way, does not count. */
  join(aged: T): void {
    aged.joinedRound = this.rounds;
    if (this.threshold <= 0 || aged.level < 0) return;
    assert(!aged.aging, "what waits is in the list once");
    aged.aging = true;
    aged.older = this.#youngest;
    aged.younger = null;
    if (this.#youngest === null) this.#oldest = aged;
    else this.#youngest.younger = aged;
    this.#youngest = aged;
  }

  /** It no longer waits (selected, cancelled, moved). */
  leave(aged: T): void {
    if (!aged.aging) return;
    aged.aging = false;
    if (aged.older === null) this.#oldest = aged.younger;
    else aged.older.younger = aged.younger;
    if (aged.younger === null) this.#youngest = aged.older;
    else aged.younger.older = aged.older;
    aged.older = null;
    aged.younger = null;
  }

  /** The next one whose turn to be promoted has come, taken off the list; null when there is none. */
  due(): T | null {
    const oldest = this.#oldest;
    if (oldest === null || this.rounds - oldest.joinedRound < this.threshold) return null;
    this.leave(oldest);
    return oldest;
  }

  /** Rounds until the next promotion is due; Infinity when nobody ages. */
  roundsLeft(): number {
    if (this.#oldest === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#oldest.joinedRound + this.threshold - this.rounds);
  }
}
