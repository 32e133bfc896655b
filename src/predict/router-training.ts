import { createRandom } from "../core/random.ts";
import { applyPlatt } from "../learn/calibration.ts";
import { fitForest, type Forest, type ForestOptions } from "../learn/forest.ts";
import { createForestReader } from "../learn/forest-reader.ts";
import { createTable, type Feature } from "../learn/table.ts";
import { gatherCases, type RouterCases, type RouterExample } from "./router-cases.ts";
import { createPromptReader, fitRouterEncoder, routerFeatures } from "./router-encoder.ts";
import { createHeadReader, IDENTITY, type RouterHead } from "./router-head.ts";
import { fitBase, fitCalibration, fitClassifierOf, ratesOf } from "./router-head-training.ts";
import { encodeRouterModel, type RouterParts } from "./router-model-file.ts";
import { rateOf } from "./router-rates.ts";
import { specialtiesOf } from "./router-specialty.ts";
import { scoreRouter, type RouterScores } from "./router-training-scores.ts";

export interface RouterTrainingOptions {
  readonly seed: number;
  /** Written into the file as it is. */
  readonly date: string;
  /** 100 unless set. */
  readonly treeCount?: number;
}

/** What a model file says of its training. */
export interface RouterTrainingFacts {
  readonly rows: number;
  readonly prompts: number;
  readonly groups: number;
  readonly models: number;
  readonly seed: number;
  readonly date: string;
  readonly trees: number;
  /**
   * Of what was learned from all examples, on prompts that the parts asked had not seen; null with one
   * group only.
   */
  readonly heldOut: RouterScores | null;
  /** What the success rate of the family scores on the same prompts. */
  readonly familyRate: RouterScores | null;
}

const TREES = 100;
const FOLDS = 5;
/** Forests of the folds are only asked for the ease of prompts and may be smaller. */
const FOLD_TREES_SHARE = 0.6;
/** Settings found by cross-validation on recorded runs. */
const LEAF_ROWS_MIN = 5;
const FEATURES_SHARE = 0.35;
/** Keeps the chance of the folds apart from that of the trees. */
const FOLDS_SALT = 0x5f356495;

/**
 * Learns a router and answers with the bytes of its file; the same examples and options give the same
 * bytes. No example with text throws. What is learned from all examples stands beside what is learned
 * from those of one workflow alone, where these are enough.
 */
export function trainRouter(
  examples: readonly RouterExample[],
  options: RouterTrainingOptions,
): Uint8Array<ArrayBuffer> {
  return encodeRouterModel({
    whole: fitParts(examples, options),
    specialists: specialtiesOf(examples).map(({ workflow, examples: own }) => ({
      workflow,
      parts: fitParts(own, options),
    })),
  });
}

/**
 * How much better than their usual rate models do on a prompt is learned once for all of them, by
 * extremely randomised trees; each model then has a logistic classifier over words, family and that
 * ease. What calibrates was predicted for problems that the parts asked had not seen.
 */
function fitParts(examples: readonly RouterExample[], options: RouterTrainingOptions): RouterParts {
  const { seed, date, treeCount = TREES } = options;
  const encoder = fitRouterEncoder(
    examples.map(({ facts }) => facts),
    seed,
  );
  const cases = gatherCases(examples, encoder, createPromptReader(encoder));
  const features = routerFeatures(encoder);
  const plan = planOf(features.length, treeCount, seed);
  const splits = splitsOf(cases.groups, seed);
  const foldPlan = { ...plan, treeCount: Math.ceil(FOLD_TREES_SHARE * treeCount) };
  const ease = foldEase(cases, splits, (rows) => fitDifficulty(cases, rows, features, foldPlan));
  const trial = tryHeads(cases, ease, splits);
  const everything = cases.prompts.map((_, row) => row);
  const facts: RouterTrainingFacts = {
    rows: examples.length,
    prompts: cases.prompts.length,
    groups: new Set(cases.groups).size,
    models: cases.models.length,
    seed,
    date,
    trees: treeCount,
    heldOut: trial.heldOut,
    familyRate: trial.familyRate,
  };
  return {
    encoder,
    models: cases.models,
    difficulty: fitDifficulty(cases, everything, features, plan),
    head: {
      rates: ratesOf(cases, everything),
      base: trial.base,
      classifier: fitClassifierOf(cases, ease, everything),
      calibration: trial.calibration,
    },
    facts: { ...facts },
  };
}

function planOf(featureCount: number, treeCount: number, seed: number): ForestOptions {
  return {
    treeCount,
    seed,
    splits: "random",
    bootstrap: false,
    featuresPerSplit: Math.ceil(FEATURES_SHARE * featureCount),
    leafMin: LEAF_ROWS_MIN,
    splitMin: 2,
    depthMax: Number.POSITIVE_INFINITY,
  };
}

/**
 * Learns the ease of prompts: the mean over models of success less the rate of model and family.
 * @param rows the prompts that are looked at.
 */
function fitDifficulty(
  cases: RouterCases,
  rows: readonly number[],
  features: readonly Feature[],
  plan: ForestOptions,
): Forest {
  const { prompts, labels } = cases;
  const rates = ratesOf(cases, rows);
  const columns = features.map((_, feature) =>
    Float32Array.from(rows, (row) => prompts[row]?.row[feature] ?? Number.NaN),
  );
  const target = Float64Array.from(rows, (row) => {
    const family = prompts[row]?.family ?? 0;
    let sum = 0;
    let count = 0;
    for (const [model, truths] of labels.entries()) {
      const truth = truths[row] ?? Number.NaN;
      if (Number.isNaN(truth)) continue;
      sum += truth - rateOf(rates, family, model);
      count++;
    }
    return count === 0 ? 0 : sum / count;
  });
  return fitForest({ table: createTable(features, columns), target }, plan);
}

/** Prompts to learn from, and those of other problems that are then predicted. */
interface Split {
  readonly inside: readonly number[];
  readonly outside: readonly number[];
}

/** Each prompt is outside once; problems stay together. Fewer than two problems give none. */
function splitsOf(groups: Uint32Array, seed: number): Split[] {
  const count = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  const random = createRandom(seed ^ FOLDS_SALT);
  const keys = Array.from({ length: count }, (_, group) => ({ group, key: random.next() }));
  keys.sort((a, b) => a.key - b.key || a.group - b.group);
  const folds = new Uint8Array(count);
  for (const [place, { group }] of keys.entries()) folds[group] = place % FOLDS;
  const rows = Array.from(groups.keys());
  const isIn = (row: number, fold: number): boolean => folds[groups[row] ?? 0] === fold;
  return Array.from({ length: FOLDS }, (_, fold) => ({
    inside: rows.filter((row) => !isIn(row, fold)),
    outside: rows.filter((row) => isIn(row, fold)),
  })).filter(({ inside, outside }) => inside.length > 0 && outside.length > 0);
}

/** Per prompt, its ease as other problems tell it; 0 without splits. */
function foldEase(
  { prompts }: RouterCases,
  splits: readonly Split[],
  fit: (rows: readonly number[]) => Forest,
): Float64Array {
  const ease = new Float64Array(prompts.length);
  for (const { inside, outside } of splits) {
    const reader = createForestReader(fit(inside));
    for (const row of outside) ease[row] = reader.ordering(prompts[row]?.row ?? new Float32Array());
  }
  return ease;
}

interface Trial extends Pick<RouterHead, "base" | "calibration"> {
  readonly heldOut: RouterScores | null;
  readonly familyRate: RouterScores | null;
}

/** With one problem only there is nothing to try on. */
const UNTRIED: Trial = {
  base: { intercept: 0, rate: 1, difficulty: 0 },
  calibration: IDENTITY,
  heldOut: null,
  familyRate: null,
};

/** Predicts each fold from the others: what the base and the calibration are learned from. */
function tryHeads(cases: RouterCases, ease: Float64Array, splits: readonly Split[]): Trial {
  const { models, prompts, termCount } = cases;
  if (splits.length === 0) return UNTRIED;
  const columns = (): Float64Array[] => models.map(() => new Float64Array(prompts.length));
  const rates = columns();
  for (const { inside, outside } of splits) {
    const known = ratesOf(cases, inside);
    for (const row of outside) {
      const family = prompts[row]?.family ?? 0;
      for (const [model, column] of rates.entries()) column[row] = rateOf(known, family, model);
    }
  }
  const base = fitBase(cases, rates, ease);
  const odds = columns();
  for (const { inside, outside } of splits) {
    const classifier = fitClassifierOf(cases, ease, inside);
    const read = createHeadReader({ rates: ratesOf(cases, inside), base, classifier }, termCount);
    for (const row of outside) {
      const prompt = prompts[row];
      if (prompt === undefined) continue;
      const oddsOf = read({ prompt, ease: ease[row] ?? 0 });
      for (const [model, column] of odds.entries()) column[row] = oddsOf(model);
    }
  }
  const calibration = fitCalibration(cases, odds);
  const confidences = odds.map((column) => column.map((value) => applyPlatt(calibration, value)));
  return {
    base,
    calibration,
    heldOut: scoreRouter(cases, confidences),
    familyRate: scoreRouter(cases, rates),
  };
}
