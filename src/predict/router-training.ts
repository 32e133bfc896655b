import { createRandom } from "../core/random.ts";
import type { PlattMap } from "../learn/calibration.ts";
import { fitForest, type Forest, type ForestOptions } from "../learn/forest.ts";
import { predictOutOfBag } from "../learn/out-of-bag.ts";
import { createTable, type Feature } from "../learn/table.ts";
import { gatherCases, type RouterCases, type RouterExample } from "./router-cases.ts";
import { createPromptReader, fitRouterEncoder, routerFeatures } from "./router-encoder.ts";
import { calibrated, createHeadReader, type RouterHead } from "./router-head.ts";
import { fitBase, fitCalibration, fitClassifierOf, ratesOf } from "./router-head-training.ts";
import { encodeRouterModel } from "./router-model-file.ts";
import { rateOf } from "./router-rates.ts";
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
  /** On prompts that the parts asked had not seen; null with one group only. */
  readonly heldOut: RouterScores | null;
  /** What the success rate of the family scores on the same prompts. */
  readonly familyRate: RouterScores | null;
}

const TREES = 100;
const FOLDS = 5;
/** Settings found by cross-validation on recorded runs. */
const LEAF_ROWS_MIN = 3;
const FEATURES_SHARE = 0.35;
/** Keeps the chance of the folds apart from that of the trees. */
const FOLDS_SALT = 0x5f356495;

/**
 * Learns a router and answers with the bytes of its file; the same examples and options give the same
 * bytes. No example with text throws.
 *
 * How much better than their usual rate models do on a prompt is learned once for all of them, by
 * extremely randomised trees; each model then has a logistic classifier over words, family and that
 * ease. What calibrates was predicted for problems that the parts asked had not seen.
 */
export function trainRouter(
  examples: readonly RouterExample[],
  options: RouterTrainingOptions,
): Uint8Array<ArrayBuffer> {
  const { seed, date, treeCount = TREES } = options;
  const encoder = fitRouterEncoder(
    examples.map(({ facts }) => facts),
    seed,
  );
  const cases = gatherCases(examples, encoder, createPromptReader(encoder));
  const plan = planOf(routerFeatures(encoder).length, treeCount, seed);
  const { forest, ease } = fitDifficulty(cases, routerFeatures(encoder), plan);
  const folds = foldsOf(cases.groups, seed);
  const trial = tryHeads(cases, ease, folds);
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
  return encodeRouterModel({
    encoder,
    models: cases.models,
    difficulty: forest,
    head: {
      rates: ratesOf(cases, everything),
      base: trial.base,
      classifier: fitClassifierOf(cases, ease, everything),
      calibration: trial.calibration,
    },
    facts: { ...facts },
  });
}

function planOf(featureCount: number, treeCount: number, seed: number): ForestOptions {
  return {
    treeCount,
    seed,
    splits: "random",
    bootstrap: true,
    featuresPerSplit: Math.ceil(FEATURES_SHARE * featureCount),
    leafMin: LEAF_ROWS_MIN,
    splitMin: 2,
    depthMax: Number.POSITIVE_INFINITY,
  };
}

interface Difficulty {
  readonly forest: Forest;
  /** Per prompt, from the trees that have not seen its problem. */
  readonly ease: Float64Array;
}

/** The target is the mean over models of success less the rate of model and family. */
function fitDifficulty(
  cases: RouterCases,
  features: readonly Feature[],
  plan: ForestOptions,
): Difficulty {
  const { prompts, labels, groups } = cases;
  const rates = ratesOf(
    cases,
    prompts.map((_, row) => row),
  );
  const columns = features.map((_, feature) =>
    Float32Array.from(prompts, ({ row }) => row[feature] ?? Number.NaN),
  );
  const target = Float64Array.from(prompts, ({ family }, row) => {
    let sum = 0;
    let count = 0;
    for (const [model, truths] of labels.entries()) {
      const truth = truths[row] ?? Number.NaN;
      if (Number.isNaN(truth)) continue;
      sum += truth - rateOf(rates, family, model);
      count++;
    }
    return sum / count;
  });
  const data = { table: createTable(features, columns), target, groups };
  const forest = fitForest(data, plan);
  const { ordering } = predictOutOfBag(forest, { data, options: plan }, []);
  return { forest, ease: ordering.map((value) => (Number.isNaN(value) ? 0 : value)) };
}

/** A fold for each prompt; problems stay together. Fewer than two problems give no folds. */
function foldsOf(groups: Uint32Array, seed: number): Uint8Array | null {
  const count = groups.reduce((most, group) => Math.max(most, group + 1), 0);
  if (count < 2) return null;
  const random = createRandom(seed ^ FOLDS_SALT);
  const keys = Array.from({ length: count }, (_, group) => ({ group, key: random.next() }));
  keys.sort((a, b) => a.key - b.key || a.group - b.group);
  const folds = new Uint8Array(count);
  for (const [place, { group }] of keys.entries()) folds[group] = place % FOLDS;
  return Uint8Array.from(groups, (group) => folds[group] ?? 0);
}

interface Trial extends Pick<RouterHead, "base" | "calibration"> {
  readonly heldOut: RouterScores | null;
  readonly familyRate: RouterScores | null;
}

/** Predicts each fold from the others: what the base and the calibration are learned from. */
function tryHeads(cases: RouterCases, ease: Float64Array, folds: Uint8Array | null): Trial {
  const { models, prompts, termCount } = cases;
  const everything = prompts.map((_, row) => row);
  const columns = (): Float64Array[] => models.map(() => new Float64Array(prompts.length));
  const rates = columns();
  const splits = Array.from({ length: folds === null ? 0 : FOLDS }, (_, fold) => ({
    inside: everything.filter((row) => folds?.[row] !== fold),
    outside: everything.filter((row) => folds?.[row] === fold),
  })).filter(({ inside, outside }) => inside.length > 0 && outside.length > 0);
  for (const { inside, outside } of splits) {
    const known = ratesOf(cases, inside);
    for (const row of outside) {
      for (const [model, column] of rates.entries()) {
        column[row] = rateOf(known, prompts[row]?.family ?? 0, model);
      }
    }
  }
  if (splits.length === 0) return untried(cases);
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
  const confidences = odds.map((column, model) =>
    column.map((value) => calibrated(calibration[model], value)),
  );
  return {
    base,
    calibration,
    heldOut: scoreRouter(cases, confidences),
    familyRate: scoreRouter(cases, rates),
  };
}

function untried({ models }: RouterCases): Trial {
  const calibration: PlattMap[] = models.map(() => ({ slope: 1, intercept: 0 }));
  const base = { intercept: 0, rate: 1, difficulty: 0 };
  return { base, calibration, heldOut: null, familyRate: null };
}
