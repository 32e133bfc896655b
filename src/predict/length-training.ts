import { fitForest, type Forest, type ForestData, type ForestOptions } from "../learn/forest.ts";
import { predictOutOfBag, type OutOfBag } from "../learn/out-of-bag.ts";
import { conformalMargin } from "../learn/quantile.ts";
import { createTable, type FeatureTable } from "../learn/table.ts";
import type { LengthRecipe } from "./length-features.ts";
import {
  createRowWriter,
  encoderFeatures,
  fitEncoder,
  type LengthEncoder,
} from "./length-model-encoder.ts";
import { encodeLengthModel, type LengthMargins } from "./length-model-file.ts";
import type { GroupedCase } from "./length-model-groups.ts";
import { LENGTH_LEVELS, middleOf } from "./length-model.ts";
import { heldOutScores, type LengthScores } from "./length-training-scores.ts";

/** A stage as it was before it started, and the output tokens that came of it. */
export interface LengthExample extends GroupedCase {
  /** Of this stage and all later ones of its workflow. */
  readonly remaining: number;
  readonly stageTokens: number;
  /** Examples that know of each other: one workflow's or, better, one problem's. */
  readonly group: string;
}

export interface LengthTrainingOptions {
  readonly recipe: LengthRecipe;
  readonly seed: number;
  /** Written into the file as it is. */
  readonly date: string;
  /** 100 unless set. */
  readonly treeCount?: number;
}

/** What a model file says of its training. */
export interface LengthTrainingFacts {
  readonly rows: number;
  readonly groups: number;
  readonly seed: number;
  readonly date: string;
  readonly trees: number;
  /** On rows that the trees asked had not seen. */
  readonly heldOut: LengthScores;
}

const TREES = 100;
/** The forest of single stages is asked for one number and may be small. */
const STAGE_TREES_SHARE = 0.2;
const STAGE_LEAF_ROWS_MIN = 10;
/**
 * Rows below which the remaining length is also learned as the stage's length times its growth. Between
 * 50 and 2,000 runs of the recorded sets both ways together order MINT better than the first alone, the more
 * the fewer there are; with all of them they gain .001 to .003, which is not worth a second large forest.
 */
const FEW_ROWS = 5000;

/**
 * Learns a length predictor and answers with the bytes of its file; the same examples and options give
 * the same bytes. No examples throw. Trees are grown on problems drawn with replacement: those that a
 * tree has not seen score the forest and calibrate its intervals.
 */
export function trainLength(
  examples: readonly LengthExample[],
  options: LengthTrainingOptions,
): Uint8Array<ArrayBuffer> {
  const { recipe, seed, date, treeCount = TREES } = options;
  const encoder = fitEncoder(examples, recipe, seed);
  const table = encodeExamples(encoder, examples);
  const groups = numberGroups(examples);
  const remaining = Float64Array.from(examples, (example) => example.remaining);
  const data = { table, groups, ...targetOf(remaining, recipe === "default") };
  const plan = planOf(recipe, table.features.length, { treeCount, seed });
  const first: Fitted = { data, options: plan, forest: fitForest(data, plan) };
  const isFew = recipe === "default" && examples.length < FEW_ROWS;
  const stageTokens = Float64Array.from(examples, (example) => example.stageTokens);
  const stage = fitStage(data, stageTokens, isFew ? plan : smallPlan(plan));
  const growth = isFew ? fitGrowth(data, stageTokens, plan) : null;
  const outOfBag = movedOutOfBag(first, growth === null ? [] : [stage, growth]);
  const facts: LengthTrainingFacts = {
    rows: examples.length,
    groups: new Set(groups).size,
    seed,
    date,
    trees: treeCount,
    heldOut: heldOutScores(examples, outOfBag),
  };
  return encodeLengthModel({
    encoder,
    remaining: first.forest,
    stage: stage.forest,
    growth: growth?.forest ?? null,
    margins: marginsOf(remaining, outOfBag.quantiles),
    facts: { ...facts },
  });
}

/** A forest and what made it. */
interface Fitted {
  readonly data: ForestData;
  readonly options: ForestOptions;
  readonly forest: Forest;
}

function fitStage(all: ForestData, stageTokens: Float64Array, plan: ForestOptions): Fitted {
  const data = { ...all, ...targetOf(stageTokens, true) };
  return { data, options: plan, forest: fitForest(data, plan) };
}

function smallPlan(plan: ForestOptions): ForestOptions {
  const treeCount = Math.max(1, Math.round(STAGE_TREES_SHARE * plan.treeCount));
  return { ...plan, treeCount, leafMin: STAGE_LEAF_ROWS_MIN };
}

/** Other trees than the first way's: errors that are not shared cancel out. */
function fitGrowth(all: ForestData, stageTokens: Float64Array, plan: ForestOptions): Fitted {
  const growth = all.target.map(
    (tokens, row) => Math.log1p(tokens) - Math.log1p(stageTokens[row] ?? 0),
  );
  const data = { ...all, target: growth, splitTarget: growth };
  const options = { ...plan, seed: plan.seed + 1 };
  return { data, options, forest: fitForest(data, options) };
}

/** Out-of-bag predictions of the first way, moved as the model moves them by the second, whose parts add up. */
function movedOutOfBag(first: Fitted, second: readonly Fitted[]): OutOfBag {
  const outOfBag = predictOutOfBag(first.forest, first, LENGTH_LEVELS);
  if (second.length === 0) return outOfBag;
  const parts = second.map((part) => predictOutOfBag(part.forest, part, []).ordering);
  const sumOf = (row: number): number => parts.reduce((sum, part) => sum + (part[row] ?? 0), 0);
  const ordering = outOfBag.ordering.map((value, row) => middleOf(value, sumOf(row)));
  const medians = outOfBag.quantiles[LENGTH_LEVELS.indexOf(0.5)] ?? ordering;
  const move = (tokens: number, row: number): number =>
    Math.expm1(Math.log1p(tokens) + (ordering[row] ?? 0) - Math.log1p(medians[row] ?? 0));
  return { ...outOfBag, ordering, quantiles: outOfBag.quantiles.map((values) => values.map(move)) };
}

function encodeExamples(encoder: LengthEncoder, examples: readonly LengthExample[]): FeatureTable {
  const features = encoderFeatures(encoder);
  const columns = features.map(() => new Float32Array(examples.length));
  const writer = createRowWriter(encoder);
  for (const [index, { facts, model }] of examples.entries()) {
    const row = writer.setModel(writer.features(facts), model);
    for (const [feature, column] of columns.entries()) column[index] = row[feature] ?? Number.NaN;
  }
  return createTable(features, columns);
}

function numberGroups(examples: readonly LengthExample[]): Uint32Array {
  const numbers = new Map<string, number>();
  return Uint32Array.from(examples, ({ group }) => {
    const number = numbers.get(group) ?? numbers.size;
    numbers.set(group, number);
    return number;
  });
}

function targetOf(
  target: Float64Array,
  isLog: boolean,
): Pick<ForestData, "target" | "splitTarget"> {
  return isLog ? { target, splitTarget: target.map((tokens) => Math.log1p(tokens)) } : { target };
}

/**
 * paper: a quantile forest as quantile-forest makes it, all features at each split, but with leaves of
 * five rows [ours: with leaves of one its file is three times as large and no better].
 */
function planOf(
  recipe: LengthRecipe,
  featureCount: number,
  { treeCount, seed }: Pick<ForestOptions, "treeCount" | "seed">,
): ForestOptions {
  const base = {
    treeCount,
    seed,
    bootstrap: true,
    splitMin: 2,
    depthMax: Number.POSITIVE_INFINITY,
  };
  return recipe === "paper"
    ? { ...base, splits: "exact", featuresPerSplit: featureCount, leafMin: 5 }
    : { ...base, splits: "random", featuresPerSplit: Math.ceil(featureCount / 2), leafMin: 5 };
}

function marginsOf(truth: Float64Array, quantiles: readonly Float64Array[]): LengthMargins {
  const [low, lowInner, , highInner, high] = quantiles;
  return {
    outer: marginOf(truth, [low, high], 0.8),
    inner: marginOf(truth, [lowInner, highInner], 0.5),
  };
}

/** Rows that every tree has seen are left out. */
function marginOf(
  truth: Float64Array,
  [lower, upper]: readonly [Float64Array | undefined, Float64Array | undefined],
  coverage: number,
): number {
  const logOf = (values: Float64Array | undefined): Float64Array =>
    (values ?? truth).filter((_, row) => !Number.isNaN(lower?.[row])).map(Math.log1p);
  return conformalMargin(logOf(truth), logOf(lower), logOf(upper), coverage) ?? 0;
}
