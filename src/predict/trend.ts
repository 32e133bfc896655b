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
  #sums: TrendSums;
  #slopes: { readonly last: number; readonly prompt: number } | null = null;

  constructor(casesMax: number, sums: TrendSums = NO_SUMS) {
    this.#casesMax = casesMax;
    this.#sums = sums;
  }

  get sums(): TrendSums {
    return this.#sums;
  }

  /** Weighted means and co-moments, one case at a time (West, CACM 22, 1979). */
  add(signals: Signals, length: number): void {
    const [
      weight,
      last,
      prompt,
      mean,
      lastLast,
      lastPrompt,
      promptPrompt,
      lastLength,
      promptLength,
    ] = this.#sums;
    const kept = weight < this.#casesMax ? 1 : 1 - 1 / this.#casesMax;
    const total = weight * kept + 1;
    const lastOff = signals.last - last;
    const promptOff = signals.prompt - prompt;
    const lengthOff = length - mean;
    const share = (weight * kept) / total;
    this.#sums = [
      total,
      last + lastOff / total,
      prompt + promptOff / total,
      mean + lengthOff / total,
      lastLast * kept + lastOff * lastOff * share,
      lastPrompt * kept + lastOff * promptOff * share,
      promptPrompt * kept + promptOff * promptOff * share,
      lastLength * kept + lastOff * lengthOff * share,
      promptLength * kept + promptOff * lengthOff * share,
    ];
    this.#slopes = null;
  }

  /** How far the signals move the length from its mean, in units of ln. */
  shift(signals: Signals): number {
    this.#slopes ??= slopesOf(this.#sums);
    const [, last, prompt] = this.#sums;
    return (
      this.#slopes.last * (signals.last - last) + this.#slopes.prompt * (signals.prompt - prompt)
    );
  }
}

/** The ridge keeps the determinant above 0. */
function slopesOf(sums: TrendSums): { readonly last: number; readonly prompt: number } {
  const [, , , , lastLast, lastPrompt, promptPrompt, lastLength, promptLength] = sums;
  const a = lastLast + RIDGE;
  const c = promptPrompt + RIDGE;
  const determinant = a * c - lastPrompt * lastPrompt;
  return {
    last: (c * lastLength - lastPrompt * promptLength) / determinant,
    prompt: (a * promptLength - lastPrompt * lastLength) / determinant,
  };
}
