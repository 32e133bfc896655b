/** Bounds of a table: how many entries, and how long one may lie untouched. */
export interface ExpiryLimits {
  readonly entriesMax: number;
  readonly idleMs: number;
}

interface Entry<V> {
  readonly key: string;
  readonly value: V;
  touchedMs: number;
  older: Entry<V> | null;
  newer: Entry<V> | null;
}

/**
 * A map whose entries leave when they were idle for too long or when room is needed, the longest
 * untouched first. Every operation costs O(1), expiry amortised. Time must not go back. The order is a
 * list of its own: an entry that is deleted and set again makes a large Map rehash again and again.
 */
export class ExpiringMap<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #limits: ExpiryLimits;
  readonly #removed: (value: V) => void;
  #oldest: Entry<V> | null = null;
  #newest: Entry<V> | null = null;

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
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#append(entry);
    }
    return entry.value;
  }

  set(key: string, value: V, timeMs: number): void {
    this.expire(timeMs);
    this.delete(key);
    while (this.#oldest !== null && this.#entries.size >= this.#limits.entriesMax) {
      this.delete(this.#oldest.key);
    }
    const entry: Entry<V> = { key, value, touchedMs: timeMs, older: null, newer: null };
    this.#entries.set(key, entry);
    this.#append(entry);
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#unlink(entry);
    this.#removed(entry.value);
    return true;
  }

  /** The newest entries, at most so many, the longest untouched first. */
  newest(entriesMax: number): { key: string; value: V; touchedMs: number }[] {
    const entries: { key: string; value: V; touchedMs: number }[] = [];
    for (let entry = this.#newest; entry !== null; entry = entry.older) {
      if (entries.length >= entriesMax) break;
      const { key, value, touchedMs } = entry;
      entries.push({ key, value, touchedMs });
    }
    return entries.reverse();
  }

  /** Drops what was idle for too long; the other operations do so by themselves. */
  expire(timeMs: number): void {
    const { idleMs } = this.#limits;
    while (this.#oldest !== null && timeMs - this.#oldest.touchedMs > idleMs) {
      this.delete(this.#oldest.key);
    }
  }

  #append(entry: Entry<V>): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: Entry<V>): void {
    if (entry.older === null) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === null) this.#newest = entry.older;
    else entry.newer.older = entry.older;
  }
}
