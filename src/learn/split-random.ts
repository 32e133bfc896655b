import type { Random } from "../core/random.ts";
import {
  addCategory,
  createSplit,
  hasCategory,
  removeCategory,
  type Node,
  type Split,
  type SplitSearch,
  type SplitSpace,
} from "./split.ts";

/**
 * The search of extremely randomised trees: one split per feature, drawn by chance (Geurts, Ernst and
 * Wehenkel 2006). A number is cut uniformly between its least and largest value in the node; each
 * category that the node has goes left by a coin, as do missing values.
 * @param random the source of chance of the tree that is grown now.
 */
export function createRandomSearch(space: SplitSpace, random: () => Random): SplitSearch {
  const draft: Draft = {
    split: createSplit(),
    values: new Float32Array(space.table.rowCount),
    cut: 0,
    missing: 0,
  };
  return (node, feature) => {
    const column = space.table.columns[feature];
    const categories = space.table.features[feature]?.categories ?? null;
    if (column === undefined) return false;
    const range = gather(draft, space, node, column);
    const isDivided =
      categories === null
        ? drawThreshold(draft, node, range, random())
        : drawSet(draft, node, categories, random());
    if (!isDivided) return false;
    const gain = gainOf(draft, space, node);
    if (gain > space.best.gain) keep(draft.split, space.best, feature, gain);
    return true;
  };
}

interface Draft {
  /** The split that was drawn last. */
  readonly split: Split;
  /** The node's values by position; after the draw those not above `cut` go left, whatever they were. */
  readonly values: Float32Array;
  cut: number;
  /** Rows without a value. */
  missing: number;
}

interface Range {
  low: number;
  high: number;
}

function gather(draft: Draft, space: SplitSpace, node: Node, column: Float32Array): Range {
  const { values } = draft;
  const { rows } = space;
  const { start } = node;
  const size = node.end - start;
  let low = Infinity;
  let high = -Infinity;
  let missing = 0;
  for (let position = 0; position < size; position++) {
    const value = column[rows[start + position] ?? 0] ?? 0;
    values[position] = value;
    if (value < low) low = value;
    if (value > high) high = value;
    if (value !== value) missing++;
  }
  draft.missing = missing;
  return { low, high };
}

function drawThreshold(draft: Draft, node: Node, { low, high }: Range, random: Random): boolean {
  const { split, missing } = draft;
  if (missing === node.end - node.start || (low === high && missing === 0)) return false;
  const threshold = Math.fround(low + random.next() * (high - low));
  split.threshold = threshold < high ? threshold : low;
  split.sawMissing = missing > 0;
  split.missingLeft = low < high && missing > 0 && random.next() < 0.5;
  draft.cut = split.threshold;
  if (split.missingLeft) moveMissingLeft(draft, node.end - node.start);
  return true;
}

function moveMissingLeft({ values }: Draft, size: number): void {
  for (let position = 0; position < size; position++) {
    if (Number.isNaN(values[position])) values[position] = -Infinity;
  }
}

function drawSet(draft: Draft, node: Node, categories: number, random: Random): boolean {
  const { split, values } = draft;
  const size = node.end - node.start;
  findUnseen(draft, size);
  split.leftSet.fill(0);
  split.sawMissing = draft.missing > 0;
  let left = 0;
  let present = 0;
  let last = 0;
  for (let category = 0; category < categories; category++) {
    if (hasCategory(split.unseenSet, 0, category)) continue;
    present++;
    last = category;
    if (random.next() < 0.5) continue;
    left++;
    addCategory(split.leftSet, category);
  }
  split.missingLeft = split.sawMissing && random.next() < 0.5;
  if (present + Number(split.sawMissing) < 2) return false;
  if (left === 0 && !split.missingLeft) addCategory(split.leftSet, last);
  if (left === present && split.missingLeft === split.sawMissing) {
    removeCategory(split.leftSet, last);
  }
  draft.cut = 0;
  for (let position = 0; position < size; position++) {
    const value = values[position] ?? 0;
    const isLeft = value === value ? hasCategory(split.leftSet, 0, value) : split.missingLeft;
    values[position] = isLeft ? 0 : 1;
  }
  return true;
}

function findUnseen({ split, values }: Draft, size: number): void {
  split.unseenSet.fill(~0);
  for (let position = 0; position < size; position++) {
    const value = values[position] ?? 0;
    if (value === value) removeCategory(split.unseenSet, value);
  }
}

/** The gain of the drawn split, or -Infinity when a side is too small. Free of branches, which half of the rows would mislead. */
function gainOf(draft: Draft, space: SplitSpace, node: Node): number {
  const { values, cut } = draft;
  const { nodeWeights, nodeTargets, leafMin } = space;
  const size = node.end - node.start;
  let count = 0;
  let weight = 0;
  let sum = 0;
  for (let position = 0; position < size; position++) {
    const isLeft = Number((values[position] ?? 0) <= cut);
    count += isLeft;
    weight += isLeft * (nodeWeights[position] ?? 0);
    sum += isLeft * (nodeTargets[position] ?? 0);
  }
  if (count < leafMin || size - count < leafMin) return -Infinity;
  const rest = node.sum - sum;
  return (sum * sum) / weight + (rest * rest) / (node.weight - weight);
}

function keep(draft: Split, best: Split, feature: number, gain: number): void {
  best.feature = feature;
  best.gain = gain;
  best.threshold = draft.threshold;
  best.missingLeft = draft.missingLeft;
  best.sawMissing = draft.sawMissing;
  best.leftSet.set(draft.leftSet);
  best.unseenSet.set(draft.unseenSet);
}
