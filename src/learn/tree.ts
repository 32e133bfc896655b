import { assert } from "../core/assert.ts";
import type { Random } from "../core/random.ts";
import { hasCategory, setWords, type Node, type SplitSearch, type SplitSpace } from "./split.ts";

/**
 * A tree in two 32-bit words per node, in preorder: a left child follows its parent.
 *
 * | word | inner node | leaf |
 * |---|---|---|
 * | 0, bits 31-22 | feature | 1023 |
 * | 0, bit 21 | missing values go left | start of its samples |
 * | 0, bit 20 | the feature is a category | .. |
 * | 0, bits 19-0 | nodes from here to the right child | .. |
 * | 1 | threshold (float), or the start of the set of categories that go left | mean target (float) |
 */
export interface Tree {
  readonly nodes: Uint32Array;
  /** Each leaf's samples: their number, then that many sample codes, rising. */
  readonly samples: Uint32Array;
  /** Bits of the categories that go left. */
  readonly sets: Uint32Array;
}

export const LEAF_HEAD = 1023;
export const FEATURE_SHIFT = 22;
export const MISSING_LEFT_BIT: number = 1 << 21;
export const CATEGORY_BIT: number = 1 << 20;
export const RIGHT_MASK: number = CATEGORY_BIT - 1;
export const SAMPLES_MASK: number = (1 << FEATURE_SHIFT) - 1;

export interface TreePlan {
  readonly depthMax: number;
  /** Nodes with fewer rows are leaves. */
  readonly splitMin: number;
  readonly leafMin: number;
  /** Features that are looked at per node; more only until one of them divides the node. */
  readonly featuresPerSplit: number;
}

/** What trees are grown with, one after the other; rooms are reused. */
export interface TreeGround {
  readonly space: SplitSpace;
  readonly search: SplitSearch;
  readonly plan: TreePlan;
  /** What leaves keep of each row. */
  readonly sampleCodes: Uint32Array;
  /** Features in the order they are drawn; those constant in the node come first. */
  readonly featureOrder: Uint16Array;
  readonly aside: Uint32Array;
}

/** What has been written of the tree, and the nodes that are still to come. */
interface Growth {
  readonly nodes: Uint32Array;
  readonly reals: Float32Array;
  nodeCount: number;
  readonly samples: Uint32Array;
  sampleCount: number;
  readonly sets: number[];
  readonly stack: Pending[];
}

interface Pending {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  readonly constants: number;
  /** The parent, if this is its right child; else -1. */
  readonly parent: number;
}

/**
 * Grows one tree on the first `rowCount` of `space.rows`, each counted by its weight: CART on variance
 * (Breiman et al. 1984), or what else the search finds. Depth first, so that the node order is fixed.
 */
export function growTree(ground: TreeGround, rowCount: number, random: Random): Tree {
  const { space, plan } = ground;
  const growth = createGrowth(rowCount, sumWeights(space, rowCount));
  const node: Node = { start: 0, end: 0, weight: 0, sum: 0, isPure: false };
  growth.stack.push({ start: 0, end: rowCount, depth: 0, constants: 0, parent: -1 });
  for (let next = growth.stack.pop(); next !== undefined; next = growth.stack.pop()) {
    node.start = next.start;
    node.end = next.end;
    gatherNode(space, node);
    if (next.parent >= 0) linkRight(growth, next.parent);
    let constants = next.constants;
    space.best.feature = -1;
    space.best.gain = -Infinity;
    if (next.depth < plan.depthMax && mayDivide(plan, node)) {
      constants = searchFeatures(ground, node, constants, random);
    }
    if (space.best.feature < 0) {
      writeLeaf(growth, ground, node);
      continue;
    }
    const middle = divideRows(ground, node);
    const parent = writeInner(growth, space);
    const depth = next.depth + 1;
    growth.stack.push({ start: middle, end: next.end, depth, constants, parent });
    growth.stack.push({ start: next.start, end: middle, depth, constants, parent: -1 });
  }
  return {
    nodes: growth.nodes.slice(0, 2 * growth.nodeCount),
    samples: growth.samples.slice(0, growth.sampleCount),
    sets: Uint32Array.from(growth.sets),
  };
}

function sumWeights(space: SplitSpace, rowCount: number): number {
  let sum = 0;
  for (let index = 0; index < rowCount; index++) {
    sum += space.weights[space.rows[index] ?? 0] ?? 0;
  }
  return sum;
}

/** Room for the largest tree: every row its own leaf. */
function createGrowth(rowCount: number, samples: number): Growth {
  const nodes = new Uint32Array(4 * rowCount);
  return {
    nodes,
    reals: new Float32Array(nodes.buffer),
    nodeCount: 0,
    samples: new Uint32Array(samples + rowCount),
    sampleCount: 0,
    sets: [],
    stack: [],
  };
}

function gatherNode(space: SplitSpace, node: Node): void {
  const { rows, weights, target, nodeWeights, nodeTargets } = space;
  const { start } = node;
  const size = node.end - start;
  let weight = 0;
  let sum = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let position = 0; position < size; position++) {
    const row = rows[start + position] ?? 0;
    const rowWeight = weights[row] ?? 0;
    const rowTarget = target[row] ?? 0;
    const weighted = rowWeight * rowTarget;
    nodeWeights[position] = rowWeight;
    nodeTargets[position] = weighted;
    weight += rowWeight;
    sum += weighted;
    if (rowTarget < low) low = rowTarget;
    if (rowTarget > high) high = rowTarget;
  }
  node.weight = weight;
  node.sum = sum;
  node.isPure = low === high;
}

function mayDivide(plan: TreePlan, node: Node): boolean {
  const size = node.end - node.start;
  return !node.isPure && size >= plan.splitMin && size >= 2 * plan.leafMin;
}

/**
 * Draws features without replacement and tries them. Features found constant are not tried again
 * below; they count as drawn, so that a draw is fair over all features.
 * @returns how many features, at the front of the order, are constant in the node.
 */
function searchFeatures(
  { featureOrder, plan, search }: TreeGround,
  node: Node,
  known: number,
  random: Random,
): number {
  let free = featureOrder.length;
  let drawnConstants = 0;
  let found = 0;
  let tried = 0;
  while (
    free > known + found &&
    (tried < plan.featuresPerSplit || tried <= found + drawnConstants)
  ) {
    tried++;
    const choices = free - found - drawnConstants;
    const pick = drawnConstants + Math.floor(random.next() * choices);
    if (pick < known) {
      swap(featureOrder, pick, drawnConstants++);
      continue;
    }
    const place = pick + found;
    if (search(node, featureOrder[place] ?? 0)) swap(featureOrder, place, --free);
    else swap(featureOrder, place, known + found++);
  }
  return known + found;
}

function swap(order: Uint16Array, a: number, b: number): void {
  const kept = order[a] ?? 0;
  order[a] = order[b] ?? 0;
  order[b] = kept;
}

/**
 * Arranges the node's rows, those that go left first, each side in its old order. What the node has
 * not seen (missing values, absent categories) follows the larger side.
 * @returns where the right side starts.
 */
function divideRows({ space, aside }: TreeGround, node: Node): number {
  const { rows, best, table } = space;
  const column = table.columns[best.feature] ?? new Float32Array();
  const isCategory = table.features[best.feature]?.categories !== null;
  let left = node.start;
  let right = 0;
  for (let index = node.start; index < node.end; index++) {
    const row = rows[index] ?? 0;
    const value = column[row] ?? 0;
    let isLeft = value <= best.threshold;
    if (value !== value) isLeft = best.missingLeft;
    else if (isCategory) isLeft = hasCategory(best.leftSet, 0, value);
    if (isLeft) rows[left++] = row;
    else aside[right++] = row;
  }
  for (let index = 0; index < right; index++) rows[left + index] = aside[index] ?? 0;
  const isLeftLarger = left - node.start > right;
  assert(left > node.start && right > 0, "a split leaves rows on both sides");
  if (!best.sawMissing) best.missingLeft = isLeftLarger;
  if (isCategory && isLeftLarger) {
    for (const [word, bits] of best.unseenSet.entries()) {
      best.leftSet[word] = (best.leftSet[word] ?? 0) | bits;
    }
  }
  return left;
}

function writeInner(growth: Growth, { best, table }: SplitSpace): number {
  const node = growth.nodeCount++;
  const categories = table.features[best.feature]?.categories ?? null;
  const missing = best.missingLeft ? MISSING_LEFT_BIT : 0;
  const category = categories === null ? 0 : CATEGORY_BIT;
  growth.nodes[2 * node] = (best.feature << FEATURE_SHIFT) | missing | category;
  if (categories === null) {
    growth.reals[2 * node + 1] = best.threshold;
  } else {
    growth.nodes[2 * node + 1] = growth.sets.length;
    growth.sets.push(...best.leftSet.subarray(0, setWords(categories)));
  }
  return node;
}

function linkRight(growth: Growth, parent: number): void {
  const distance = growth.nodeCount - parent;
  assert(distance <= RIGHT_MASK, "a tree has at most a million nodes");
  growth.nodes[2 * parent] = (growth.nodes[2 * parent] ?? 0) | distance;
}

function writeLeaf(growth: Growth, { space, sampleCodes }: TreeGround, node: Node): void {
  const { samples } = growth;
  const start = growth.sampleCount;
  let end = start + 1;
  for (let index = node.start; index < node.end; index++) {
    const row = space.rows[index] ?? 0;
    const code = sampleCodes[row] ?? 0;
    const repeats = space.weights[row] ?? 0;
    for (let repeat = 0; repeat < repeats; repeat++) samples[end++] = code;
  }
  samples[start] = end - start - 1;
  sortRange(samples, start + 1, end);
  growth.sampleCount = end;
  assert(start <= SAMPLES_MASK, "a tree has at most four million samples");
  const leaf = growth.nodeCount++;
  growth.nodes[2 * leaf] = (LEAF_HEAD << FEATURE_SHIFT) | start;
  growth.reals[2 * leaf + 1] = node.sum / node.weight;
}

const INSERTION_SORT_MAX = 32;

function sortRange(values: Uint32Array, start: number, end: number): void {
  if (end - start > INSERTION_SORT_MAX) {
    values.subarray(start, end).sort();
    return;
  }
  for (let index = start + 1; index < end; index++) {
    const value = values[index] ?? 0;
    let place = index;
    for (; place > start && (values[place - 1] ?? 0) > value; place--) {
      values[place] = values[place - 1] ?? 0;
    }
    values[place] = value;
  }
}
