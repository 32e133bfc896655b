import { assert } from "../core/assert.ts";

/**
 * How good predictions are. Arguments are parallel sequences of finite numbers, one entry per case;
 * other sequences throw. `null` says that the cases hold nothing to score.
 */

/**
 * Kendall's distance: the share of pairs that the prediction puts in the wrong order, 0 (perfect) to
 * 1 (reversed), .5 by luck. Pairs tied in the truth are left out; pairs tied only in the prediction
 * count half. O(n log n) by Knight's merge sort (JASA 61, 1966).
 * @returns null when all truths are equal or there are fewer than two.
 */
export function kendallDistance(
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
): number | null {
  assertParallel(truth, prediction);
  const count = truth.length;
  const order = new Uint32Array(count).map((_, index) => index);
  order.sort(
    (a, b) => at(truth, a) - at(truth, b) || at(prediction, a) - at(prediction, b) || a - b,
  );
  const sortedTruth = Float64Array.from(order, (index) => at(truth, index));
  const predictions = Float64Array.from(order, (index) => at(prediction, index));
  const comparable = pairs(count) - tiedPairs(sortedTruth);
  if (comparable === 0) return null;
  const tiedInBoth = tiedPairs(sortedTruth, predictions);
  const inverted = sortCountingInversions(predictions);
  const tiedInPrediction = tiedPairs(predictions) - tiedInBoth;
  return (inverted + tiedInPrediction / 2) / comparable;
}

function pairs(count: number): number {
  return (count * (count - 1)) / 2;
}

/** Pairs of equal neighbours in a sorted sequence; with a second sequence, of pairs equal in both. */
function tiedPairs(sorted: Float64Array, second: Float64Array = sorted): number {
  let tied = 0;
  let run = 1;
  for (let index = 1; index <= sorted.length; index++) {
    const isTied = sorted[index] === sorted[index - 1] && second[index] === second[index - 1];
    if (isTied) {
      run++;
    } else {
      tied += pairs(run);
      run = 1;
    }
  }
  return tied;
}

/** Sorts in place, and counts the pairs that stood in strictly falling order. */
function sortCountingInversions(values: Float64Array): number {
  const count = values.length;
  let source = values;
  let target: Float64Array = new Float64Array(count);
  let inversions = 0;
  for (let width = 1; width < count; width *= 2) {
    for (let start = 0; start < count; start += 2 * width) {
      inversions += mergeCounting(source, target, start, width);
    }
    [source, target] = [target, source];
  }
  if (source !== values) values.set(source);
  return inversions;
}

/** Merges the sorted runs [start, start + width) and the next one, and counts the inversions. */
function mergeCounting(
  source: Float64Array,
  target: Float64Array,
  start: number,
  width: number,
): number {
  const middle = Math.min(start + width, source.length);
  const end = Math.min(start + 2 * width, source.length);
  let left = start;
  let right = middle;
  let inversions = 0;
  for (let out = start; out < end; out++) {
    const takesRight = left === middle || (right < end && at(source, right) < at(source, left));
    if (takesRight) {
      inversions += middle - left;
      target[out] = at(source, right++);
    } else {
      target[out] = at(source, left++);
    }
  }
  return inversions;
}

/**
 * Average precision: the sum over thresholds of precision times the gain in recall, without
 * interpolation; equal scores share a threshold (as scikit-learn's `average_precision_score`).
 * @param labels 1 for a positive, 0 for a negative.
 * @returns null without positives.
 */
export function averagePrecision(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
): number | null {
  const order = byFallingScore(labels, scores);
  const positives = sumOf(labels);
  if (positives === 0) return null;
  let found = 0;
  let foundBefore = 0;
  let area = 0;
  for (let rank = 0; rank < order.length; rank++) {
    const index = at(order, rank);
    found += at(labels, index);
    const isThreshold =
      rank + 1 === order.length || at(scores, at(order, rank + 1)) !== at(scores, index);
    if (isThreshold) {
      area += ((found - foundBefore) * found) / (rank + 1);
      foundBefore = found;
    }
  }
  return area / positives;
}

/**
 * The mean of average precision over labels (here: models), each with equal weight; labels without
 * positives are left out.
 * @param labels one sequence per label, each with one 0 or 1 per case.
 * @param scores of the same shape.
 */
export function meanAveragePrecision(
  labels: readonly ArrayLike<number>[],
  scores: readonly ArrayLike<number>[],
): number | null {
  assert(labels.length === scores.length, "one sequence of scores per label");
  let sum = 0;
  let count = 0;
  for (const [index, cases] of labels.entries()) {
    const precision = averagePrecision(cases, scores[index] ?? []);
    if (precision === null) continue;
    sum += precision;
    count++;
  }
  return count === 0 ? null : sum / count;
}

/**
 * Area under the ROC curve: the chance that a positive scores above a negative, ties half
 * (Mann-Whitney).
 * @returns null unless both classes are there.
 */
export function areaUnderRoc(labels: ArrayLike<number>, scores: ArrayLike<number>): number | null {
  const order = byFallingScore(labels, scores);
  const positives = sumOf(labels);
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return null;
  let above = 0;
  let wins = 0;
  for (let start = 0; start < order.length;) {
    const score = at(scores, at(order, start));
    let positivesTied = 0;
    let end = start;
    for (; end < order.length && at(scores, at(order, end)) === score; end++) {
      positivesTied += at(labels, at(order, end));
    }
    wins += (end - start - positivesTied) * (above + positivesTied / 2);
    above += positivesTied;
    start = end;
  }
  return wins / (positives * negatives);
}

/**
 * Pinball (quantile) loss, the mean over cases, in the unit of the truth (Koenker and Bassett 1978).
 * @param level the predicted quantile, 0 to 1.
 * @returns null without cases.
 */
export function pinballLoss(
  truth: ArrayLike<number>,
  prediction: ArrayLike<number>,
  level: number,
): number | null {
  assertParallel(truth, prediction);
  assert(level >= 0 && level <= 1, "a quantile's level lies in 0..1");
  let loss = 0;
  for (let index = 0; index < truth.length; index++) {
    const excess = at(truth, index) - at(prediction, index);
    loss += excess >= 0 ? level * excess : (level - 1) * excess;
  }
  return truth.length === 0 ? null : loss / truth.length;
}

/** The share of truths inside [lower, upper], ends included; null without cases. */
export function intervalCoverage(
  truth: ArrayLike<number>,
  lower: ArrayLike<number>,
  upper: ArrayLike<number>,
): number | null {
  assertParallel(truth, lower);
  assertParallel(truth, upper);
  let covered = 0;
  for (let index = 0; index < truth.length; index++) {
    const value = at(truth, index);
    if (value >= at(lower, index) && value <= at(upper, index)) covered++;
  }
  return truth.length === 0 ? null : covered / truth.length;
}

/** Brier's score: mean squared distance of a probability from its 0 or 1; null without cases. */
export function brierScore(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
): number | null {
  assertParallel(labels, probabilities);
  let sum = 0;
  for (let index = 0; index < labels.length; index++) {
    const miss = at(labels, index) - at(probabilities, index);
    sum += miss * miss;
  }
  return labels.length === 0 ? null : sum / labels.length;
}

/**
 * Expected calibration error: the distance between mean probability and rate of positives in bins of
 * equal width, weighted by their cases (Naeini et al. 2015). A bin holds its lower end; the last one
 * holds 1 too.
 * @returns null without cases.
 */
export function calibrationError(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  binCount: number = 10,
): number | null {
  assertParallel(labels, probabilities);
  assert(Number.isInteger(binCount) && binCount > 0, "calibration needs a bin");
  const excess = new Float64Array(binCount);
  for (let index = 0; index < labels.length; index++) {
    const probability = at(probabilities, index);
    assert(probability >= 0 && probability <= 1, "a probability lies in 0..1");
    const bin = Math.min(binCount - 1, Math.floor(probability * binCount));
    excess[bin] = at(excess, bin) + probability - at(labels, index);
  }
  const sum = excess.reduce((total, value) => total + Math.abs(value), 0);
  return labels.length === 0 ? null : sum / labels.length;
}

function byFallingScore(labels: ArrayLike<number>, scores: ArrayLike<number>): Uint32Array {
  assertParallel(labels, scores);
  const order = new Uint32Array(labels.length).map((_, index) => index);
  return order.sort((a, b) => at(scores, b) - at(scores, a) || a - b);
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += at(values, index);
  return sum;
}

function assertParallel(first: ArrayLike<number>, second: ArrayLike<number>): void {
  assert(first.length === second.length, "one prediction per truth");
  for (let index = 0; index < first.length; index++) {
    assert(Number.isFinite(at(first, index)), "a truth is a finite number");
    assert(Number.isFinite(at(second, index)), "a prediction is a finite number");
  }
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
