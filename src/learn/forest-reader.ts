import { assert } from "../core/assert.ts";
import type { Forest } from "./forest.ts";
import { addWeight, clearWeights, createRankWeights, quantileRanks } from "./quantile.ts";
import { hasCategory } from "./split.ts";
import {
  CATEGORY_BIT,
  FEATURE_SHIFT,
  LEAF_HEAD,
  MISSING_LEFT_BIT,
  RIGHT_MASK,
  SAMPLES_MASK,
} from "./tree.ts";

/**
 * Reads predictions from a forest, without allocating. A row has one 32-bit float per feature; NaN is
 * missing, and so is a category that the forest was not made for. A row of another length throws.
 */
export interface ForestReader {
  /** Mean over trees of the leaf's mean, in the unit of the split target: the cheapest, for ordering. */
  readonly ordering: (row: Float32Array) => number;
  /** Conditional mean of the target. */
  readonly mean: (row: Float32Array) => number;
  /** Mean over trees of the leaf's median, in the unit of the target: close to the median, and cheap. */
  readonly leafMedian: (row: Float32Array) => number;
  /**
   * Conditional quantiles of the target by Meinshausen's weights: each tree spreads an equal share over
   * the samples of its leaf.
   * @param levels rising, each in 0..1.
   * @param into receives one quantile per level.
   */
  readonly quantiles: (row: Float32Array, levels: ArrayLike<number>, into: Float64Array) => void;
}

/** A reader is for one caller at a time: it reuses its room. */
export function createForestReader(forest: Forest): ForestReader {
  const leaves = createLeaves(forest);
  const readQuantiles = createQuantileReader(forest);
  const readLeaves = (row: Float32Array): Leaves => {
    findLeaves(forest, row, leaves, null);
    return leaves;
  };
  return {
    ordering: (row) => orderingOf(forest, readLeaves(row)),
    mean: (row) => meanOf(forest, readLeaves(row)),
    leafMedian: (row) => leafMedianOf(forest, readLeaves(row)),
    quantiles: (row, levels, into) => readQuantiles(readLeaves(row), levels, into),
  };
}

/** The leaves that a row falls into. */
export interface Leaves {
  count: number;
  readonly nodes: Uint32Array;
  /** Where each leaf's samples begin: at their number. */
  readonly samples: Uint32Array;
}

export function createLeaves(forest: Forest): Leaves {
  const treeCount = forest.treeNodes.length - 1;
  return { count: 0, nodes: new Uint32Array(treeCount), samples: new Uint32Array(treeCount) };
}

/**
 * Finds the row's leaf in each tree.
 * @param skipped trees to leave out, not zero for each; null for none.
 */
export function findLeaves(
  forest: Forest,
  row: Float32Array,
  leaves: Leaves,
  skipped: Uint8Array | null,
): void {
  const { nodes, treeNodes, treeSamples, features } = forest;
  assert(row.length === features.length, "a row has one value per feature");
  const treeCount = treeNodes.length - 1;
  let count = 0;
  for (let tree = 0; tree < treeCount; tree++) {
    if (skipped !== null && skipped[tree] !== 0) continue;
    const leaf = findLeaf(forest, treeNodes[tree] ?? 0, row);
    leaves.nodes[count] = leaf;
    leaves.samples[count] = (treeSamples[tree] ?? 0) + ((nodes[2 * leaf] ?? 0) & SAMPLES_MASK);
    count++;
  }
  leaves.count = count;
}

function findLeaf(forest: Forest, root: number, row: Float32Array): number {
  const { nodes, reals } = forest;
  let node = root;
  for (;;) {
    const head = nodes[2 * node] ?? 0;
    const feature = head >>> FEATURE_SHIFT;
    if (feature === LEAF_HEAD) return node;
    const value = row[feature] ?? 0;
    let isLeft = value <= (reals[2 * node + 1] ?? 0);
    if (value !== value) isLeft = (head & MISSING_LEFT_BIT) !== 0;
    else if ((head & CATEGORY_BIT) !== 0) isLeft = isCategoryLeft(forest, node, value);
    node += isLeft ? 1 : head & RIGHT_MASK;
  }
}

function isCategoryLeft({ features, nodes, sets }: Forest, node: number, value: number): boolean {
  const head = nodes[2 * node] ?? 0;
  const categories = features[head >>> FEATURE_SHIFT]?.categories ?? 0;
  if (!(value >= 0 && value < categories)) return (head & MISSING_LEFT_BIT) !== 0;
  return hasCategory(sets, nodes[2 * node + 1] ?? 0, value);
}

export function orderingOf(forest: Forest, leaves: Leaves): number {
  const { reals } = forest;
  let sum = 0;
  for (let index = 0; index < leaves.count; index++) {
    sum += reals[2 * (leaves.nodes[index] ?? 0) + 1] ?? 0;
  }
  return sum / leaves.count;
}

export function meanOf({ samples, targets }: Forest, leaves: Leaves): number {
  let sum = 0;
  for (let index = 0; index < leaves.count; index++) {
    const start = leaves.samples[index] ?? 0;
    const count = samples[start] ?? 0;
    let leafSum = 0;
    for (let place = start + 1; place <= start + count; place++) {
      leafSum += targets[samples[place] ?? 0] ?? 0;
    }
    sum += leafSum / count;
  }
  return sum / leaves.count;
}

export function leafMedianOf({ samples, targets }: Forest, leaves: Leaves): number {
  let sum = 0;
  for (let index = 0; index < leaves.count; index++) {
    const start = leaves.samples[index] ?? 0;
    const count = samples[start] ?? 0;
    const low = targets[samples[start + ((count + 1) >>> 1)] ?? 0] ?? 0;
    const high = targets[samples[start + 1 + (count >>> 1)] ?? 0] ?? 0;
    sum += (low + high) / 2;
  }
  return sum / leaves.count;
}

export type QuantileReader = (
  leaves: Leaves,
  levels: ArrayLike<number>,
  into: Float64Array,
) => void;

export function createQuantileReader({ samples, targets }: Forest): QuantileReader {
  const ranks = createRankWeights(targets.length);
  return (leaves, levels, into) => {
    clearWeights(ranks);
    for (let index = 0; index < leaves.count; index++) {
      const start = leaves.samples[index] ?? 0;
      const count = samples[start] ?? 0;
      for (let place = start + 1; place <= start + count; place++) {
        addWeight(ranks, samples[place] ?? 0, 1 / count);
      }
    }
    quantileRanks(ranks, levels, into);
    for (let index = 0; index < into.length; index++) into[index] = targets[into[index] ?? 0] ?? 0;
  };
}
