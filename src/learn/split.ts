import { CATEGORIES_MAX, type FeatureTable } from "./table.ts";

/**
 * What a tree is grown on, and the room that the search for splits needs. It is made once per forest;
 * nothing is allocated per node.
 */
export interface SplitSpace {
  readonly table: FeatureTable;
  /** What the splits should tell apart, by row. */
  readonly target: Float64Array;
  /** How often the tree's bootstrap drew each row. */
  readonly weights: Float64Array;
  /** The tree's rows, so arranged that each node's rows are neighbours. */
  readonly rows: Uint32Array;
  /** Weight, and weight times target, of the node's rows, by position in the node. */
  readonly nodeWeights: Float64Array;
  readonly nodeTargets: Float64Array;
  /** Rows that each side of a split must keep, not counting repeats of the bootstrap. */
  readonly leafMin: number;
  readonly best: Split;
}

/** The rows [start, end) of the tree, and the sums over them. */
export interface Node {
  start: number;
  end: number;
  weight: number;
  /** Sum of weight times target. */
  sum: number;
  /** Whether all targets are equal. */
  isPure: boolean;
}

/** How a node is divided. */
export interface Split {
  /** -1 while nothing divides the node. */
  feature: number;
  /** Rows whose value is not above it go left; for a number only. */
  threshold: number;
  missingLeft: boolean;
  /** Whether the node has rows without a value; if not, `missingLeft` says nothing yet. */
  sawMissing: boolean;
  /** The categories that go left, and those that the node has no rows of, a bit each. */
  readonly leftSet: Uint32Array;
  readonly unseenSet: Uint32Array;
  /** leftSum^2 / leftWeight + rightSum^2 / rightWeight: largest where the variance inside is least. */
  gain: number;
}

/**
 * Tries one feature on a node, and keeps the split in `space.best` if it is better than what is there.
 * @returns false when the node's rows all have one value of the feature.
 */
export type SplitSearch = (node: Node, feature: number) => boolean;

/**
 * The middle of two neighbouring values as a 32-bit float, so that `low <= middle < high` holds after
 * rounding too.
 */
export function middleOf(low: number, high: number): number {
  const middle = Math.fround(low / 2 + high / 2);
  return middle < high && middle >= low ? middle : low;
}

/** No split, with room for the sets of any feature. */
export function createSplit(): Split {
  return {
    feature: -1,
    threshold: 0,
    missingLeft: false,
    sawMissing: false,
    leftSet: new Uint32Array(setWords(CATEGORIES_MAX)),
    unseenSet: new Uint32Array(setWords(CATEGORIES_MAX)),
    gain: -Infinity,
  };
}

/** Whether a category is in a set of bits. */
export function hasCategory(set: Uint32Array, offset: number, category: number): boolean {
  return (((set[offset + (category >>> 5)] ?? 0) >>> (category & 31)) & 1) === 1;
}

export function addCategory(set: Uint32Array, category: number): void {
  set[category >>> 5] = (set[category >>> 5] ?? 0) | (1 << (category & 31));
}

export function removeCategory(set: Uint32Array, category: number): void {
  set[category >>> 5] = (set[category >>> 5] ?? 0) & ~(1 << (category & 31));
}

/** 32-bit words that hold a bit for each category. */
export function setWords(categories: number): number {
  return (categories + 31) >>> 5;
}
