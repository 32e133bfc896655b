import type { PlattMap } from "../learn/calibration.ts";
import { fitClassifier, type Classifier } from "../learn/classifier.ts";
import { createSparseMatrix, sparseRow, type SparseRow } from "../learn/sparse.ts";
import type { RouterCases } from "./router-cases.ts";
import { baseRow, headColumns, headRow, IDENTITY, type RouterBase } from "./router-head.ts";
import { fitRates, type RouterOutcome, type RouterRates } from "./router-rates.ts";

/** Found by cross-validation on recorded runs. */
const CLASSIFIER_L2 = 2;
const CLASSIFIER_ITERATIONS_MAX = 100;
/** Enough to keep separable cases finite. */
const WEAK_L2 = 0.01;
const PRECISE = { iterationsMax: 200, gradientMax: 1e-4 };

/** Success rates of the given prompts. */
export function ratesOf(cases: RouterCases, rows: readonly number[]): RouterRates {
  return fitRates(outcomesOf(cases, rows), cases.familyCount, cases.models.length);
}

function* outcomesOf(
  { labels, prompts }: RouterCases,
  rows: readonly number[],
): Generator<RouterOutcome> {
  for (const row of rows) {
    const family = prompts[row]?.family ?? 0;
    for (const [model, truths] of labels.entries()) {
      const success = truths[row] ?? Number.NaN;
      if (!Number.isNaN(success)) yield { family, model, success };
    }
  }
}

/** A classifier for each model from the given prompts. */
export function fitClassifierOf(
  { prompts, labels, termCount, familyCount }: RouterCases,
  ease: Float64Array,
  rows: readonly number[],
): Classifier {
  const inputs = rows.flatMap((row): SparseRow[] => {
    const prompt = prompts[row];
    return prompt === undefined ? [] : [headRow({ prompt, ease: ease[row] ?? 0 }, termCount)];
  });
  return fitClassifier(
    createSparseMatrix(inputs, headColumns(termCount, familyCount)),
    labels.map((truths) => Float64Array.from(rows, (row) => truths[row] ?? Number.NaN)),
    {
      l2: CLASSIFIER_L2,
      iterationsMax: CLASSIFIER_ITERATIONS_MAX,
      gradientMax: 0.01,
    },
  );
}

/** @param rates per model, a rate per prompt that its own outcomes are not in. */
export function fitBase(
  { labels }: RouterCases,
  rates: readonly Float64Array[],
  ease: Float64Array,
): RouterBase {
  const inputs: SparseRow[] = [];
  const truths: number[] = [];
  for (const [model, column] of labels.entries()) {
    for (const [row, truth] of column.entries()) {
      if (Number.isNaN(truth)) continue;
      inputs.push(baseRow(rates[model]?.[row] ?? 0.5, ease[row] ?? 0));
      truths.push(truth);
    }
  }
  const options = { l2: WEAK_L2, ...PRECISE };
  const { weights, intercepts } = fitClassifier(createSparseMatrix(inputs, 2), [truths], options);
  return {
    intercept: intercepts[0] ?? 0,
    rate: weights[0] ?? 1,
    difficulty: weights[1] ?? 0,
  };
}

/**
 * Platt's scaling, one map for all models: a map for each was no better where outcomes are thousands,
 * and worse where they are hundreds. Shares of success count as they are. A map that does not rise
 * would turn the order around: it becomes the identity.
 * @param odds per model, log odds predicted for prompts that were not learned from.
 */
export function fitCalibration({ labels }: RouterCases, odds: readonly Float64Array[]): PlattMap {
  const inputs: SparseRow[] = [];
  const truths: number[] = [];
  for (const [model, column] of labels.entries()) {
    for (const [row, truth] of column.entries()) {
      if (Number.isNaN(truth)) continue;
      inputs.push(sparseRow([odds[model]?.[row] ?? 0]));
      truths.push(truth);
    }
  }
  const options = { l2: WEAK_L2, ...PRECISE };
  const { weights, intercepts } = fitClassifier(createSparseMatrix(inputs, 1), [truths], options);
  const slope = weights[0] ?? 0;
  return slope > 0 ? { slope, intercept: intercepts[0] ?? 0 } : IDENTITY;
}
