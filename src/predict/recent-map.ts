/** A map of bounded size: when it is full, the entry that was set longest ago leaves. */
export class RecentMap<V> {
  readonly #entries: Map<string, V>;
  readonly #entriesMax: number;

  /** @param entries set in this order; the newest are kept */
  constructor(entriesMax: number, entries: readonly (readonly [key: string, value: V])[] = []) {
    this.#entriesMax = entriesMax;
    this.#entries = new Map(entries.slice(-entriesMax));
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }

  /** Removes an entry and answers what it was. */
  take(key: string): V | undefined {
    const value = this.#entries.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** Set longest ago first. */
  entries(): [key: string, value: V][] {
    return [...this.#entries];
  }
}
