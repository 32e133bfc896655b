import { assert } from "./assert.ts";
import type { Random } from "./random.ts";

/**
 * A place in an ordered queue. Smaller sorts first, field by field: rank, level, priority, readyMs,
 * sequence. The sequence is unique, so the order is total. The key must not change while queued.
 */
export class QueueEntry<T> {
  readonly value: T;
  rank = 0;
  level = 0;
  priority = 0;
  readyMs = 0;
  readonly sequence: number;
  /** What the sums count; whole grains (see ledger), so that sums are exact. */
  tokens = 0;

  // Owned by OrderedQueue.
  queued = false;
  heap = 0;
  count = 1;
  sum = 0;
  left: QueueEntry<T> | null = null;
  right: QueueEntry<T> | null = null;

  constructor(value: T, sequence: number) {
    this.value = value;
    this.sequence = sequence;
  }
}

/** What a queue holds before a key. */
export interface QueuePrefix {
  count: number;
  tokens: number;
}

export type QueueKey = Pick<
  QueueEntry<unknown>,
  "rank" | "level" | "priority" | "readyMs" | "sequence"
>;

/** Negative when a sorts before b; zero only for the same sequence. */
export function compareKeys(a: QueueKey, b: QueueKey): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.level !== b.level) return a.level - b.level;
  if (a.priority !== b.priority) return a.priority < b.priority ? -1 : 1;
  if (a.readyMs !== b.readyMs) return a.readyMs - b.readyMs;
  return a.sequence - b.sequence;
}

/** An ordered queue of entries; see OrderedQueue for the guarantees. */
export interface Queue<T> {
  readonly size: number;
  /** Sum over all entries. */
  readonly tokens: number;
  insert(entry: QueueEntry<T>): void;
  remove(entry: QueueEntry<T>): void;
  first(): QueueEntry<T> | null;
  last(): QueueEntry<T> | null;
  /** Count and tokens of the entries that sort before `key`; written into `into`, which is returned. */
  before(key: QueueKey, into: QueuePrefix): QueuePrefix;
  /** Visits entries in order until `visit` answers false. The queue must not change meanwhile. */
  each(visit: (entry: QueueEntry<T>) => boolean): void;
}

/**
 * A queue that is always sorted: a treap whose nodes are the entries themselves and know the number
 * and the tokens of their subtree. Insert, remove, first and prefix sums are O(log n) expected.
 * The heap order comes from a seeded generator; it shapes the tree, never the order.
 */
export class OrderedQueue<T> implements Queue<T> {
  readonly #random: Random;
  #root: QueueEntry<T> | null = null;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#root === null ? 0 : this.#root.count;
  }

  get tokens(): number {
    return this.#root === null ? 0 : this.#root.sum;
  }

  insert(entry: QueueEntry<T>): void {
    assert(!entry.queued, "an entry is in one queue at a time");
    assert(!Number.isNaN(entry.priority), "a priority is a number");
    entry.queued = true;
    entry.heap = this.#random.next();
    this.#root = insertUnder(this.#root, entry);
  }

  remove(entry: QueueEntry<T>): void {
    assert(entry.queued, "only a queued entry can be removed");
    this.#root = removeUnder(this.#root, entry);
    entry.queued = false;
    entry.left = null;
    entry.right = null;
  }

  first(): QueueEntry<T> | null {
    let node = this.#root;
    while (node !== null && node.left !== null) node = node.left;
    return node;
  }

  last(): QueueEntry<T> | null {
    let node = this.#root;
    while (node !== null && node.right !== null) node = node.right;
    return node;
  }

  before(key: QueueKey, into: QueuePrefix): QueuePrefix {
    into.count = 0;
    into.tokens = 0;
    let node = this.#root;
    while (node !== null) {
      if (compareKeys(key, node) <= 0) {
        node = node.left;
        continue;
      }
      into.count += 1 + (node.left?.count ?? 0);
      into.tokens += node.tokens + (node.left?.sum ?? 0);
      node = node.right;
    }
    return into;
  }

  each(visit: (entry: QueueEntry<T>) => boolean): void {
    walk(this.#root, visit);
  }
}

function walk<T>(node: QueueEntry<T> | null, visit: (entry: QueueEntry<T>) => boolean): boolean {
  if (node === null) return true;
  return walk(node.left, visit) && visit(node) && walk(node.right, visit);
}

function refresh<T>(node: QueueEntry<T>): QueueEntry<T> {
  node.count = 1 + (node.left?.count ?? 0) + (node.right?.count ?? 0);
  node.sum = node.tokens + (node.left?.sum ?? 0) + (node.right?.sum ?? 0);
  return node;
}

function insertUnder<T>(node: QueueEntry<T> | null, entry: QueueEntry<T>): QueueEntry<T> {
  if (node === null) return refresh(entry);
  if (entry.heap < node.heap) {
    splitAt(node, entry);
    return refresh(entry);
  }
  if (compareKeys(entry, node) < 0) node.left = insertUnder(node.left, entry);
  else node.right = insertUnder(node.right, entry);
  return refresh(node);
}

/** Hangs what sorts before `entry` on its left and the rest on its right. */
function splitAt<T>(node: QueueEntry<T> | null, entry: QueueEntry<T>): void {
  if (node === null) {
    entry.left = null;
    entry.right = null;
  } else if (compareKeys(node, entry) < 0) {
    splitAt(node.right, entry);
    node.right = entry.left;
    entry.left = refresh(node);
  } else {
    splitAt(node.left, entry);
    node.left = entry.right;
    entry.right = refresh(node);
  }
}

function removeUnder<T>(node: QueueEntry<T> | null, entry: QueueEntry<T>): QueueEntry<T> | null {
  assert(node !== null, "a queued entry is found by its key");
  if (node === entry) return join(node.left, node.right);
  if (compareKeys(entry, node) < 0) node.left = removeUnder(node.left, entry);
  else node.right = removeUnder(node.right, entry);
  return refresh(node);
}

function join<T>(left: QueueEntry<T> | null, right: QueueEntry<T> | null): QueueEntry<T> | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.heap < right.heap) {
    left.right = join(left.right, right);
    return refresh(left);
  }
  right.left = join(left, right.left);
  return refresh(right);
}
