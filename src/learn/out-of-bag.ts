import { assert } from "../core/assert.ts";
import { drawBootstrap, numberGroups, treeRandom } from "./bootstrap.ts";
import {
  createLeaves,
  createQuantileReader,
  findLeaves,
  leafMedianOf,
  meanOf,
  orderingOf,
} from "./forest-reader.ts";
import type { Forest, ForestData, ForestOptions } from "./forest.ts";
import { readRow } from "./table.ts";

/** Predictions for the rows of training, each from the trees that have not seen it; NaN where all have. */
export interface OutOfBag {
  /** As `ForestReader` gives them, one per row. */
  readonly ordering: Float64Array;
  readonly mean: Float64Array;
  readonly leafMedian: Float64Array;
  /** For each level, one quantile per row. */
  readonly quantiles: readonly Float64Array[];
}

/**
 * Out-of-bag predictions (Breiman 2001): an honest look at a forest without held-out rows, and what
 * intervals are calibrated on. Rows that know of each other need groups to make it honest.
 * @param fitted the data and options that made the forest, which must have a bootstrap.
 * @param levels rising quantile levels; may be empty.
 */
export function predictOutOfBag(
  forest: Forest,
  fitted: { readonly data: ForestData; readonly options: ForestOptions },
  levels: readonly number[],
): OutOfBag {
  const { table } = fitted.data;
  const bags = redrawBags(fitted.data, fitted.options);
  const leaves = createLeaves(forest);
  const readQuantiles = createQuantileReader(forest);
  const row = new Float32Array(table.features.length);
  const skipped = new Uint8Array(bags.length);
  const into = new Float64Array(levels.length);
  const column = (): Float64Array => new Float64Array(table.rowCount).fill(Number.NaN);
  const result = {
    ordering: column(),
    mean: column(),
    leafMedian: column(),
    quantiles: levels.map(column),
  };
  for (let index = 0; index < table.rowCount; index++) {
    readRow(table, index, row);
    for (const [tree, bag] of bags.entries()) skipped[tree] = bag[index] ?? 0;
    findLeaves(forest, row, leaves, skipped);
    if (leaves.count === 0) continue;
    result.ordering[index] = orderingOf(forest, leaves);
    result.mean[index] = meanOf(forest, leaves);
    result.leafMedian[index] = leafMedianOf(forest, leaves);
    if (levels.length > 0) readQuantiles(leaves, levels, into);
    for (const [level, quantiles] of result.quantiles.entries())
      quantiles[index] = into[level] ?? 0;
  }
  return result;
}

/** For each tree, which rows it was grown on: drawn again from the seed. */
function redrawBags(data: ForestData, options: ForestOptions): Uint8Array[] {
  assert(options.bootstrap, "without a bootstrap every tree has seen every row");
  const { rowCount } = data.table;
  const { groups, groupCount } = numberGroups(rowCount, data.groups);
  const weights = new Float64Array(rowCount);
  return Array.from({ length: options.treeCount }, (_, tree) => {
    drawBootstrap(treeRandom(options.seed, tree), groups, groupCount, weights);
    return Uint8Array.from(weights, (weight) => Math.min(weight, 1));
  });
}
