import { createCodeGroups, groupByCode, sortGroupsByMean, type CodeGroups } from "./code-group.ts";
import type { Ranks } from "./rank.ts";
import {
  addCategory,
  middleOf,
  removeCategory,
  type Node,
  type Split,
  type SplitSearch,
  type SplitSpace,
} from "./split.ts";

/**
 * CART's search: every boundary between two values of the feature is tried (Breiman et al. 1984).
 * Categories are first ordered by their mean target, which makes the best of all subsets one of the
 * boundaries (Fisher 1958). Missing values are tried on both sides.
 * @param ranks the ranks of each numeric column; the codes of each category's column.
 */
export function createExactSearch(space: SplitSpace, ranks: readonly Ranks[]): SplitSearch {
  const groups = createCodeGroups(space.table.rowCount);
  return (node, feature) => {
    const column = ranks[feature];
    if (column === undefined) return false;
    groupByCode(groups, space, node, column.codes);
    if (groups.count < 2) return false;
    takeMissing(groups, column.values.length);
    if (space.table.features[feature]?.categories !== null) sortGroupsByMean(groups);
    tryBoundaries(groups, space, node, { feature, column, missingLeft: false });
    if (groups.missingCount > 0) {
      tryBoundaries(groups, space, node, { feature, column, missingLeft: true });
    }
    return true;
  };
}

interface Attempt {
  readonly feature: number;
  readonly column: Ranks;
  readonly missingLeft: boolean;
}

function tryBoundaries(groups: CodeGroups, space: SplitSpace, node: Node, attempt: Attempt): void {
  const boundary = bestBoundary(groups, space, node, attempt.missingLeft);
  if (boundary < 0) return;
  const { best } = space;
  best.feature = attempt.feature;
  best.missingLeft = attempt.missingLeft;
  best.sawMissing = groups.missingCount > 0;
  if (space.table.features[attempt.feature]?.categories === null) {
    keepThreshold(groups, best, boundary, attempt.column.values);
  } else {
    keepSets(groups, best, boundary);
  }
}

/** Takes the group of missing values, always the last, out of the groups. */
function takeMissing(groups: CodeGroups, missingCode: number): void {
  const last = groups.count - 1;
  groups.missingCount = 0;
  if (groups.codes[last] !== missingCode) return;
  groups.missingCount = groups.counts[last] ?? 0;
  groups.missingWeight = groups.weights[last] ?? 0;
  groups.missingSum = groups.sums[last] ?? 0;
  groups.count = last;
}

/**
 * The last group of the best left side, if that is better than `space.best`; else -1. The gain is
 * stored at once. Without missing values on the left, the boundary after the last group parts the
 * present from the missing.
 */
function bestBoundary(
  groups: CodeGroups,
  space: SplitSpace,
  node: Node,
  missingLeft: boolean,
): number {
  const { counts, weights, sums, missingCount } = groups;
  const { best, leafMin } = space;
  const { weight: allWeight, sum: allSum } = node;
  const total = node.end - node.start;
  let count = missingLeft ? missingCount : 0;
  let weight = missingLeft ? groups.missingWeight : 0;
  let sum = missingLeft ? groups.missingSum : 0;
  const end = groups.count - (missingCount > 0 && !missingLeft ? 0 : 1);
  let gain = best.gain;
  let boundary = -1;
  for (let group = 0; group < end; group++) {
    count += counts[group] ?? 0;
    weight += weights[group] ?? 0;
    sum += sums[group] ?? 0;
    if (count < leafMin) continue;
    if (total - count < leafMin) break;
    const restSum = allSum - sum;
    const candidate = (sum * sum) / weight + (restSum * restSum) / (allWeight - weight);
    if (candidate > gain) {
      gain = candidate;
      boundary = group;
    }
  }
  best.gain = gain;
  return boundary;
}

function keepThreshold(
  groups: CodeGroups,
  best: Split,
  boundary: number,
  values: Float64Array,
): void {
  const { codes, count } = groups;
  const low = values[codes[boundary] ?? 0] ?? 0;
  const high = values[codes[boundary + 1] ?? 0] ?? 0;
  best.threshold = boundary + 1 < count ? middleOf(low, high) : Infinity;
}

function keepSets(groups: CodeGroups, best: Split, boundary: number): void {
  best.leftSet.fill(0);
  best.unseenSet.fill(~0);
  for (let group = 0; group < groups.count; group++) {
    const code = groups.codes[group] ?? 0;
    removeCategory(best.unseenSet, code);
    if (group <= boundary) addCategory(best.leftSet, code);
  }
}
