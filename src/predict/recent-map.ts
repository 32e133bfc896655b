/** What is kept under a key, for as long as it is kept. */
export interface RecentEntry<V> {
  readonly key: string;
  value: V;
  // Its place among those that were set before and after it; owned by RecentMap.
  older: RecentEntry<V> | null;
  newer: RecentEntry<V> | null;
}

/**
 * A map of bounded size: when it is full, the entry that was set longest ago leaves. The order is a
 * list of its own: renewing an entry by deleting and setting it makes a Map rehash again and again.
 */
export class RecentMap<V> {
  readonly #entries = new Map<string, RecentEntry<V>>();
  readonly #entriesMax: number;
  #oldest: RecentEntry<V> | null = null;
  #newest: RecentEntry<V> | null = null;

  /** @param entries set in this order; the newest are kept */
  constructor(entriesMax: number, entries: readonly (readonly [key: string, value: V])[] = []) {
    this.#entriesMax = entriesMax;
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  set(key: string, value: V): void {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      return this.renew(known);
    }
    const entry: RecentEntry<V> = { key, value, older: null, newer: null };
    this.#entries.set(key, entry);
    this.#append(entry);
    const oldest = this.#oldest;
    if (this.#entries.size > this.#entriesMax && oldest !== null) this.take(oldest.key);
  }

  entry(key: string): RecentEntry<V> | undefined {
    return this.#entries.get(key);
  }

  /** An entry that is kept counts as set again. */
  renew(entry: RecentEntry<V>): void {
    if (entry === this.#newest) return;
    this.#unlink(entry);
    this.#append(entry);
  }

  /** Removes an entry and answers what it was. */
  take(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#unlink(entry);
    return entry.value;
  }

  /** Set longest ago first. */
  entries(): [key: string, value: V][] {
    const entries: [string, V][] = [];
    for (let entry = this.#oldest; entry !== null; entry = entry.newer) {
      entries.push([entry.key, entry.value]);
    }
    return entries;
  }

  #append(entry: RecentEntry<V>): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink(entry: RecentEntry<V>): void {
    if (entry.older === null) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === null) this.#newest = entry.older;
    else entry.newer.older = entry.older;
  }
}
