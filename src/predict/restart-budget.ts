/** Allows `restartsMax` restarts in any `windowMs`. */
export class RestartBudget {
  readonly #restartsMax: number;
  readonly #windowMs: number;
  /** Oldest first; `restartsMax` at most. */
  readonly #takenMs: number[] = [];

  constructor(restartsMax: number, windowMs: number) {
    this.#restartsMax = restartsMax;
    this.#windowMs = windowMs;
  }

  /** True, and one is spent, where one is left. */
  take(nowMs: number): boolean {
    const [oldestMs] = this.#takenMs;
    if (oldestMs !== undefined && nowMs - oldestMs >= this.#windowMs) this.#takenMs.shift();
    if (this.#takenMs.length >= this.#restartsMax) return false;
    this.#takenMs.push(nowMs);
    return true;
  }
}
