import { createRandom } from "../core/random.ts";

/** A mean over windows, their spread, and where the mean would lie for other windows. */
export interface Summary {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  /** 95 % interval of the mean: percentile bootstrap over the values. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

const RESAMPLES = 1000;
const RESAMPLE_SEED = 1;

/** Of ratios: the geometric mean. Null without values. */
export function summaryOfRatios(ratios: readonly number[]): Summary | null {
  const summary = summaryOf(ratios.map((ratio) => Math.log(ratio)));
  if (summary === null) return null;
  const { mean, least, most, low, high, count } = summary;
  const up = Math.exp;
  return {
    mean: up(mean),
    least: up(least),
    most: up(most),
    low: up(low),
    high: up(high),
    count,
  };
}

/** Null without values. The same values give the same interval. */
export function summaryOf(values: readonly number[]): Summary | null {
  if (values.length === 0) return null;
  const random = createRandom(RESAMPLE_SEED);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let draw = 0; draw < values.length; draw++) {
      sum += values[Math.floor(random.next() * values.length)] ?? 0;
    }
    return sum / values.length;
  }).sort();
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    least: Math.min(...values),
    most: Math.max(...values),
    low: means[Math.floor(0.025 * RESAMPLES)] ?? 0,
    high: means[Math.ceil(0.975 * RESAMPLES) - 1] ?? 0,
    count: values.length,
  };
}
