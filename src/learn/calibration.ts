import { assert } from "../core/assert.ts";
import { sigmoid, softplus } from "./classifier.ts";
import { minimise } from "./lbfgs.ts";

/** A rising map from scores to probabilities: straight lines between its points, flat outside. */
export interface IsotonicMap {
  /** Rising. */
  readonly scores: Float64Array;
  /** Not falling; as many. */
  readonly values: Float64Array;
}

/**
 * Isotonic regression by pooling adjacent violators (Barlow et al. 1972; Zadrozny and Elkan 2002):
 * the rising map with the least squared error. Equal scores are first averaged.
 * @param labels one number per score, 0 or 1 or a share; no cases throw.
 */
export function fitIsotonic(scores: ArrayLike<number>, labels: ArrayLike<number>): IsotonicMap {
  assert(scores.length === labels.length && scores.length > 0, "calibration needs cases");
  const order = new Uint32Array(scores.length).map((_, index) => index);
  order.sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);
  const pools: Pool[] = [];
  for (const index of order) {
    const score = scores[index] ?? Number.NaN;
    const label = labels[index] ?? Number.NaN;
    assert(Number.isFinite(score) && Number.isFinite(label), "scores and labels are finite");
    const last = pools.at(-1);
    if (last?.high === score && last.low === score) {
      last.sum += label;
      last.count++;
    } else {
      poolFalling(pools);
      pools.push({ low: score, high: score, sum: label, count: 1 });
    }
  }
  poolFalling(pools);
  return mapOf(pools);
}

interface Pool {
  readonly low: number;
  high: number;
  sum: number;
  count: number;
}

/** Joins the last pool with those before it, as long as it lies below them. */
function poolFalling(pools: Pool[]): void {
  for (;;) {
    const last = pools.at(-1);
    const before = pools.at(-2);
    if (last === undefined || before === undefined) return;
    if (before.sum * last.count <= last.sum * before.count) return;
    pools.pop();
    before.high = last.high;
    before.sum += last.sum;
    before.count += last.count;
  }
}

function mapOf(pools: readonly Pool[]): IsotonicMap {
  const scores: number[] = [];
  const values: number[] = [];
  for (const { low, high, sum, count } of pools) {
    scores.push(low);
    values.push(sum / count);
    if (high === low) continue;
    scores.push(high);
    values.push(sum / count);
  }
  return { scores: Float64Array.from(scores), values: Float64Array.from(values) };
}

export function applyIsotonic({ scores, values }: IsotonicMap, score: number): number {
  let low = 0;
  let high = scores.length - 1;
  if (score <= (scores[low] ?? 0)) return values[low] ?? 0;
  if (score >= (scores[high] ?? 0)) return values[high] ?? 0;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((scores[middle] ?? 0) <= score) low = middle;
    else high = middle;
  }
  const from = scores[low] ?? 0;
  const share = (score - from) / ((scores[high] ?? 0) - from);
  const below = values[low] ?? 0;
  const above = values[high] ?? 0;
  // In this form a flat piece stays flat, and rounding cannot pass the upper end.
  return Math.min(above, below + (above - below) * share);
}

/** probability = sigmoid(slope x score + intercept). */
export interface PlattMap {
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Platt's scaling (1999): a sigmoid with the least cross-entropy to labels drawn towards the middle,
 * (positives + 1) / (positives + 2) and 1 / (negatives + 2), so that separable cases stay finite.
 * @param scores on any scale; a log odds is best.
 * @param labels 0 or 1.
 */
export function fitPlatt(scores: ArrayLike<number>, labels: ArrayLike<number>): PlattMap {
  assert(scores.length === labels.length && scores.length > 0, "calibration needs cases");
  const truths = Float64Array.from(labels);
  const positives = truths.reduce((sum, label) => sum + label, 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (truths.length - positives + 2);
  // One unit of the search for one unit of spread: the search does not depend on the scale.
  const spread = Float64Array.from(scores).reduce((most, s) => Math.max(most, Math.abs(s)), 0) || 1;
  const { point } = minimise(
    ([slope = 0, intercept = 0], gradient) => {
      gradient.fill(0);
      let loss = 0;
      for (let index = 0; index < truths.length; index++) {
        const score = (scores[index] ?? Number.NaN) / spread;
        const target = truths[index] === 1 ? high : low;
        const logit = slope * score + intercept;
        const excess = sigmoid(logit) - target;
        loss += softplus(logit) - target * logit;
        gradient[0] = (gradient[0] ?? 0) + excess * score;
        gradient[1] = (gradient[1] ?? 0) + excess;
      }
      return loss;
    },
    Float64Array.of(0, Math.log((positives + 1) / (truths.length - positives + 1))),
    { iterationsMax: 500, gradientMax: 1e-9 * truths.length },
  );
  return { slope: (point[0] ?? 0) / spread, intercept: point[1] ?? 0 };
}

export function applyPlatt({ slope, intercept }: PlattMap, score: number): number {
  return sigmoid(slope * score + intercept);
}
