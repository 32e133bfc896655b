/** Entries that a new window has room for; it doubles as it fills. */
const ENTRIES_FIRST = 16;
const TOKENS_MAX = 0x7fffffff;

/**
 * The newest `entriesMax` token counts, with exact order statistics over them: what is older is
 * forgotten, so a group follows its model. Adding costs one binary search at most and one short move.
 */
export class TokenWindow {
  readonly #entriesMax: number;
  /** In order of coming; `#next` is the oldest once the window is full. */
  #ring: Int32Array;
  #sorted: Int32Array;
  #size = 0;
  #next = 0;
  #sum = 0;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
    const room = Math.min(ENTRIES_FIRST, entriesMax);
    this.#ring = new Int32Array(room);
    this.#sorted = new Int32Array(room);
  }

  get size(): number {
    return this.#size;
  }

  /** 0 where nothing was added. */
  get mean(): number {
    return this.#size === 0 ? 0 : this.#sum / this.#size;
  }

  /** @param tokens rounded to a whole number and held between 0 and 2^31 - 1 */
  add(tokens: number): void {
    const entry = Math.round(Math.min(Math.max(tokens, 0), TOKENS_MAX));
    if (this.#size === this.#entriesMax) {
      const oldest = this.#ring[this.#next] ?? 0;
      this.#sum -= oldest;
      this.#moveIn(entry, this.#rankOf(oldest));
    } else {
      if (this.#size === this.#ring.length) this.#grow();
      this.#moveIn(entry, this.#size++);
    }
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#entriesMax;
    this.#sum += entry;
  }

  /** The share `level` (0..1) lies below it, neighbours interpolated; 0 where nothing was added. */
  quantile(level: number): number {
    const position = level * (this.#size - 1);
    const below = Math.floor(position);
    const low = this.#sorted[below] ?? 0;
    const high = this.#sorted[Math.min(below + 1, this.#size - 1)] ?? low;
    return low + (high - low) * (position - below);
  }

  /** Oldest first. */
  entries(): number[] {
    const start = this.#size === this.#entriesMax ? this.#next : 0;
    return Array.from(
      { length: this.#size },
      (_, index) => this.#ring[(start + index) % this.#entriesMax] ?? 0,
    );
  }

  /** Puts the entry where it sorts; what lies between there and the place that is `free` moves up by one. */
  #moveIn(entry: number, free: number): void {
    const sorted = this.#sorted;
    let at = free;
    for (; at > 0 && (sorted[at - 1] ?? 0) > entry; at--) sorted[at] = sorted[at - 1] ?? 0;
    for (; at + 1 < this.#size && (sorted[at + 1] ?? 0) < entry; at++) {
      sorted[at] = sorted[at + 1] ?? 0;
    }
    sorted[at] = entry;
  }

  #rankOf(entry: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? 0) < entry) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const room = Math.min(this.#ring.length * 2, this.#entriesMax);
    const ring = new Int32Array(room);
    ring.set(this.#ring);
    this.#ring = ring;
    const sorted = new Int32Array(room);
    sorted.set(this.#sorted);
    this.#sorted = sorted;
  }
}
