const MINUTE_MS = 60_000;

/**
 * A limit per minute that refills steadily: at most a minute's worth at once. What is taken may exceed
 * what is there; the debt is paid before anything more is given.
 */
export class TokenBucket {
  readonly perMinute: number;
  #level: number;
  #readMs: number;

  constructor(perMinute: number, nowMs: number) {
    this.perMinute = perMinute;
    this.#level = perMinute;
    this.#readMs = nowMs;
  }

  /** What can be taken now; negative while in debt. */
  levelAt(nowMs: number): number {
    const grown = ((nowMs - this.#readMs) / MINUTE_MS) * this.perMinute;
    this.#level = Math.min(this.perMinute, this.#level + Math.max(0, grown));
    this.#readMs = nowMs;
    return this.#level;
  }

  /** A negative amount gives back. */
  take(amount: number, nowMs: number): void {
    this.#level = Math.min(this.perMinute, this.levelAt(nowMs) - amount);
  }

  /** Time until so much is there, ms; 0 when it is. */
  untilMs(amount: number, nowMs: number): number {
    return (Math.max(0, amount - this.levelAt(nowMs)) / this.perMinute) * MINUTE_MS;
  }
}
