import { assert } from "../core/assert.ts";
import { drawBootstrap, numberGroups, treeRandom } from "./bootstrap.ts";
import { categoryCodes, rankValues, type Ranks } from "./rank.ts";
import { createExactSearch } from "./split-exact.ts";
import { createRandomSearch } from "./split-random.ts";
import { createSplit, type SplitSpace } from "./split.ts";
import type { Feature, FeatureTable } from "./table.ts";
import {
  CATEGORY_BIT,
  FEATURE_SHIFT,
  growTree,
  LEAF_HEAD,
  type Tree,
  type TreeGround,
} from "./tree.ts";

/**
 * A quantile regression forest (Meinshausen, JMLR 7, 2006): trees whose leaves keep the targets of
 * their rows. All trees lie one after the other; see `Tree` for the nodes.
 */
export interface Forest {
  readonly features: readonly Feature[];
  readonly nodes: Uint32Array;
  /** The second words of nodes as floats: a view of `nodes`. */
  readonly reals: Float32Array;
  /** First node of each tree, and the number of all nodes. */
  readonly treeNodes: Uint32Array;
  /** Leaves: number of samples, then their places in `targets`, rising. */
  readonly samples: Uint16Array | Uint32Array;
  /** Where the samples of each tree begin, and the length of all samples. */
  readonly treeSamples: Uint32Array;
  /** Bits of the categories that go left. */
  readonly sets: Uint32Array;
  /** The distinct targets, rising. */
  readonly targets: Float64Array;
}

export interface ForestOptions {
  readonly treeCount: number;
  readonly seed: number;
  /** "exact": CART, the best split. "random": extremely randomised trees. */
  readonly splits: "exact" | "random";
  /** Each tree gets rows (or groups) drawn with replacement; else all rows. */
  readonly bootstrap: boolean;
  /** Features that are looked at per node, 1 .. all. */
  readonly featuresPerSplit: number;
  /** Rows that a leaf has at least. */
  readonly leafMin: number;
  /** Rows below which a node is not divided. */
  readonly splitMin: number;
  /** Inner nodes on a way from root to leaf at most; Infinity for no limit. */
  readonly depthMax: number;
}

export interface ForestData {
  readonly table: FeatureTable;
  /** What is predicted, one finite number per row. */
  readonly target: Float64Array;
  /** What splits should tell apart, if not the target itself: say, its logarithm. Leaves keep `target`. */
  readonly splitTarget?: Float64Array;
  /** Rows of one group are drawn together by the bootstrap; any numbers. */
  readonly groups?: ArrayLike<number>;
}

/**
 * Grows a forest; the same data, options and seed give the same forest on every platform.
 * Options out of range and targets of another length throw.
 */
export function fitForest(data: ForestData, options: ForestOptions): Forest {
  assertData(data, options);
  const { table } = data;
  const { rowCount } = table;
  const targets = rankValues(data.target);
  const { groups, groupCount } = numberGroups(rowCount, data.groups);
  let random = treeRandom(options.seed, 0);
  const space = createSpace(data, options);
  const ground: TreeGround = {
    space,
    search:
      options.splits === "exact"
        ? createExactSearch(space, columnRanks(table))
        : createRandomSearch(space, () => random),
    plan: options,
    sampleCodes: targets.codes,
    featureOrder: new Uint16Array(table.features.length),
    aside: new Uint32Array(rowCount),
  };
  const trees: Tree[] = [];
  for (let tree = 0; tree < options.treeCount; tree++) {
    random = treeRandom(options.seed, tree);
    if (options.bootstrap) drawBootstrap(random, groups, groupCount, space.weights);
    else space.weights.fill(1);
    for (let index = 0; index < ground.featureOrder.length; index++) {
      ground.featureOrder[index] = index;
    }
    trees.push(growTree(ground, takeDrawnRows(space), random));
  }
  return joinTrees(trees, table.features, targets.values);
}

function assertData(
  { table, target, splitTarget, groups }: ForestData,
  options: ForestOptions,
): void {
  const { rowCount, features } = table;
  assert(target.length === rowCount, "one target per row");
  assert(target.every(Number.isFinite), "targets are finite");
  assert((splitTarget ?? target).length === rowCount, "one split target per row");
  assert((splitTarget ?? target).every(Number.isFinite), "split targets are finite");
  assert(groups === undefined || groups.length === rowCount, "one group per row");
  const { treeCount, featuresPerSplit, leafMin, splitMin, depthMax } = options;
  assert(Number.isInteger(treeCount) && treeCount >= 1, "a forest has a tree");
  assert(Number.isInteger(leafMin) && leafMin >= 1, "a leaf has a row");
  assert(splitMin >= 2 && depthMax >= 0, "a split needs two rows");
  const isCount = Number.isInteger(featuresPerSplit) && featuresPerSplit >= 1;
  assert(isCount && featuresPerSplit <= features.length, "a split looks at 1..all features");
}

function createSpace(data: ForestData, options: ForestOptions): SplitSpace {
  const { rowCount } = data.table;
  return {
    table: data.table,
    target: data.splitTarget ?? data.target,
    weights: new Float64Array(rowCount),
    rows: new Uint32Array(rowCount),
    nodeWeights: new Float64Array(rowCount),
    nodeTargets: new Float64Array(rowCount),
    leafMin: options.leafMin,
    best: createSplit(),
  };
}

function columnRanks({ features, columns }: FeatureTable): Ranks[] {
  return columns.map((column, index) => {
    const categories = features[index]?.categories ?? null;
    return categories === null ? rankValues(column) : categoryCodes(column, categories);
  });
}

/** Puts the rows with weight first. @returns their number. */
function takeDrawnRows({ rows, weights }: SplitSpace): number {
  let count = 0;
  for (let row = 0; row < weights.length; row++) {
    if ((weights[row] ?? 0) > 0) rows[count++] = row;
  }
  return count;
}

function joinTrees(
  trees: readonly Tree[],
  features: readonly Feature[],
  targets: Float64Array,
): Forest {
  const treeNodes = startsOf(trees.map((tree) => tree.nodes.length / 2));
  const treeSamples = startsOf(trees.map((tree) => tree.samples.length));
  const treeSets = startsOf(trees.map((tree) => tree.sets.length));
  const nodes = new Uint32Array(2 * (treeNodes.at(-1) ?? 0));
  const samples = createSamples(treeSamples.at(-1) ?? 0, trees);
  const sets = new Uint32Array(treeSets.at(-1) ?? 0);
  for (const [index, tree] of trees.entries()) {
    const setStart = treeSets[index] ?? 0;
    moveSets(tree.nodes, setStart);
    nodes.set(tree.nodes, 2 * (treeNodes[index] ?? 0));
    samples.set(tree.samples, treeSamples[index] ?? 0);
    sets.set(tree.sets, setStart);
  }
  const reals = new Float32Array(nodes.buffer);
  return { features, nodes, reals, treeNodes, samples, treeSamples, sets, targets };
}

function startsOf(lengths: readonly number[]): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  for (const [index, length] of lengths.entries())
    starts[index + 1] = (starts[index] ?? 0) + length;
  return starts;
}

/** 16 bits where all counts and places fit into them: half of a forest is samples. */
function createSamples(length: number, trees: readonly Tree[]): Uint16Array | Uint32Array {
  let largest = 0;
  for (const { samples } of trees) for (const value of samples) largest = Math.max(largest, value);
  return largest <= 0xffff ? new Uint16Array(length) : new Uint32Array(length);
}

/** A tree's sets begin at 0; in the forest they begin after those of earlier trees. */
function moveSets(nodes: Uint32Array, start: number): void {
  for (let word = 0; word < nodes.length; word += 2) {
    const head = nodes[word] ?? 0;
    const isCategory = head >>> FEATURE_SHIFT !== LEAF_HEAD && (head & CATEGORY_BIT) !== 0;
    if (isCategory) nodes[word + 1] = (nodes[word + 1] ?? 0) + start;
  }
}
