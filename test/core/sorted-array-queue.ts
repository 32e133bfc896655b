import {
  compareKeys,
  type Queue,
  type QueueEntry,
  type QueueKey,
  type QueuePrefix,
} from "../../src/core/queue.ts";

/** The slow obvious queue: a sorted array, everything recomputed. */
export class SortedArrayQueue<T> implements Queue<T> {
  readonly entries: QueueEntry<T>[] = [];

  get size(): number {
    return this.entries.length;
  }

  get tokens(): number {
    return this.entries.reduce((sum, entry) => sum + entry.tokens, 0);
  }

  insert(entry: QueueEntry<T>): void {
    entry.queued = true;
    this.entries.push(entry);
    this.entries.sort(compareKeys);
  }

  remove(entry: QueueEntry<T>): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
    entry.queued = false;
  }

  first(): QueueEntry<T> | null {
    return this.entries[0] ?? null;
  }

  last(): QueueEntry<T> | null {
    return this.entries.at(-1) ?? null;
  }

  before(key: QueueKey, into: QueuePrefix): QueuePrefix {
    const earlier = this.entries.filter((entry) => compareKeys(entry, key) < 0);
    into.count = earlier.length;
    into.tokens = earlier.reduce((sum, entry) => sum + entry.tokens, 0);
    return into;
  }

  each(visit: (entry: QueueEntry<T>) => boolean): void {
    for (const entry of this.entries) if (!visit(entry)) return;
  }
}
