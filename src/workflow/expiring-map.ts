/** Bounds of a table: how many entries, and how long one may lie untouched. */
export interface ExpiryLimits {
  readonly entriesMax: number;
  readonly idleMs: number;
}

interface Entry<V> {
  readonly value: V;
  touchedMs: number;
}

/**
 * A map whose entries leave when they were idle for too long or when room is needed, the longest
 * untouched first. Every operation costs O(1), expiry amortised. Time must not go back.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #limits: ExpiryLimits;
  readonly #removed: (value: V) => void;

  /** `removed` is called once for each value that leaves, by whatever way. */
  constructor(limits: ExpiryLimits, removed: (value: V) => void) {
    this.#limits = limits;
    this.#removed = removed;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value, as old as it is. */
  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /** The value, marked as used now; undefined where there is none any more. */
  touch(key: string, timeMs: number): V | undefined {
    this.expire(timeMs);
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.touchedMs = timeMs;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V, timeMs: number): void {
    this.expire(timeMs);
    this.delete(key);
    while (this.#entries.size >= this.#limits.entriesMax) this.#deleteOldest();
    this.#entries.set(key, { value, touchedMs: timeMs });
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#removed(entry.value);
    return true;
  }

  /** The newest entries, at most so many, the longest untouched first. */
  newest(entriesMax: number): { key: string; value: V; touchedMs: number }[] {
    return Array.from(this.#entries, ([key, { value, touchedMs }]) => ({
      key,
      value,
      touchedMs,
    })).slice(-entriesMax);
  }

  /** Drops what was idle for too long; the other operations do so by themselves. */
  expire(timeMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (timeMs - entry.touchedMs <= this.#limits.idleMs) return;
      this.delete(key);
    }
  }

  #deleteOldest(): void {
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.delete(oldest.value);
  }
}
