/** What a length is regressed on, each as ln(1 + tokens). */
export interface Signals {
  /** Output of the workflow's last stage; 0 where there is none. */
  readonly last: number;
  readonly prompt: number;
}

/** Added to each variance: one or two cases say nothing about a slope. */
const RIDGE = 2;

/** The sums of a trend, as they are written to a snapshot. */
export type TrendSums = readonly [
  weight: number,
  last: number,
  prompt: number,
  length: number,
  lastLast: number,
  lastPrompt: number,
  promptPrompt: number,
  lastLength: number,
  promptLength: number,
];

const NO_SUMS: TrendSums = [0, 0, 0, 0, 0, 0, 0, 0, 0];

/**
 * Least squares of ln(1 + length) on two signals, shrunk to no slope, in constant memory. A case
 * fades by the share 1 / casesMax with each newer one.
 */
export class Trend {
  readonly #casesMax: number;
  /** In the order of TrendSums; changed in place, as each stage adds to many trends. */
  readonly #sums: Float64Array;
  /** Computed when they are asked for. */
  #hasSlopes = false;
  #lastSlope = 0;
  #promptSlope = 0;

  constructor(casesMax: number, sums: TrendSums = NO_SUMS) {
    this.#casesMax = casesMax;
    this.#sums = Float64Array.from(sums);
  }

  get sums(): TrendSums {
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = this.#sums;
    return [a, b, c, d, e, f, g, h, i];
  }

  /** Weighted means and co-moments, one case at a time (West, CACM 22, 1979). */
  add(signals: Signals, length: number): void {
    const sums = this.#sums;
    const weight = sums[0] ?? 0;
    const kept = weight < this.#casesMax ? 1 : 1 - 1 / this.#casesMax;
    const total = weight * kept + 1;
    const lastOff = signals.last - (sums[1] ?? 0);
    const promptOff = signals.prompt - (sums[2] ?? 0);
    const lengthOff = length - (sums[3] ?? 0);
    const share = (weight * kept) / total;
    sums[0] = total;
    sums[1] = (sums[1] ?? 0) + lastOff / total;
    sums[2] = (sums[2] ?? 0) + promptOff / total;
    sums[3] = (sums[3] ?? 0) + lengthOff / total;
    sums[4] = (sums[4] ?? 0) * kept + lastOff * lastOff * share;
    sums[5] = (sums[5] ?? 0) * kept + lastOff * promptOff * share;
    sums[6] = (sums[6] ?? 0) * kept + promptOff * promptOff * share;
    sums[7] = (sums[7] ?? 0) * kept + lastOff * lengthOff * share;
    sums[8] = (sums[8] ?? 0) * kept + promptOff * lengthOff * share;
    this.#hasSlopes = false;
  }

  /** How far the signals move the length from its mean, in units of ln. */
  shift(signals: Signals): number {
    if (!this.#hasSlopes) this.#solve();
    const last = signals.last - (this.#sums[1] ?? 0);
    const prompt = signals.prompt - (this.#sums[2] ?? 0);
    return this.#lastSlope * last + this.#promptSlope * prompt;
  }

  /** The ridge keeps the determinant above 0. */
  #solve(): void {
    const sums = this.#sums;
    const a = (sums[4] ?? 0) + RIDGE;
    const c = (sums[6] ?? 0) + RIDGE;
    const lastPrompt = sums[5] ?? 0;
    const lastLength = sums[7] ?? 0;
    const promptLength = sums[8] ?? 0;
    const determinant = a * c - lastPrompt * lastPrompt;
    this.#lastSlope = (c * lastLength - lastPrompt * promptLength) / determinant;
    this.#promptSlope = (a * promptLength - lastPrompt * lastLength) / determinant;
    this.#hasSlopes = true;
  }
}
