/** How far predictions of a group are off, as it is seen so far. */
export interface Shift {
  /** Cases behind it; older ones fade. */
  readonly cases: number;
  /** ln of what happened over what was predicted: the centre of the cases. */
  readonly centre: number;
  /** Standard error of the centre. */
  readonly error: number;
}

/** Kept off the ends: one case far out says no more than that it is far out. */
const RESIDUAL_MAX = 4;
/** Spread that is assumed before there are cases to tell it, in units of ln, and its weight. */
const PRIOR_DEVIATION = 1;
const PRIOR_CASES = 4;
/** The standard error of a median over that of a mean (normal). */
const MEDIAN_ERROR = Math.sqrt(Math.PI / 2);
/** The density of a normal distribution at its median, per mean absolute deviation. */
const MEDIAN_STEP = Math.PI / 2;

/** A track in constant memory: what a case's weight is worth fades by the share 1 / casesMax with each newer case. */
export interface ShiftTrack {
  /** @param weight the case's share in its workflow, 0..1; tokens are at least 1. */
  add(predictedTokens: number, tokens: number, weight: number): void;
  shift(): Shift;
}

/**
 * The median of ln(happened / predicted), followed by steps towards each case that shrink as cases come
 * (Robbins and Monro 1951). Medians that are right have no shift, however skewed the lengths.
 */
export class MedianTrack implements ShiftTrack {
  readonly #casesMax: number;
  #cases = 0;
  #centre = 0;
  /** Sum of absolute distances to the centre. */
  #deviations = 0;

  constructor(casesMax: number) {
    this.#casesMax = casesMax;
  }

  add(predictedTokens: number, tokens: number, weight: number): void {
    const residual = residualOf(predictedTokens, tokens);
    const distance = residual - this.#centre;
    const kept = keptShare(this.#cases, weight, this.#casesMax);
    this.#cases = this.#cases * kept + weight;
    this.#deviations = this.#deviations * kept + weight * Math.abs(distance);
    const step = (2 * MEDIAN_STEP * weight * this.#deviation()) / (this.#cases + 1);
    this.#centre += Math.sign(distance) * Math.min(step, Math.abs(distance));
  }

  shift(): Shift {
    const spread = this.#deviation() * Math.sqrt(Math.PI / 2);
    const error = (MEDIAN_ERROR * spread) / Math.sqrt(Math.max(this.#cases, 1e-9));
    return { cases: this.#cases, centre: this.#centre, error };
  }

  #deviation(): number {
    const sum = this.#deviations + PRIOR_CASES * PRIOR_DEVIATION;
    return sum / (this.#cases + PRIOR_CASES);
  }
}

/**
 * ln of the sum of what happened over the sum of what was predicted: means that are right have no
 * shift. Its error is that of a ratio of sums (Cochran, Sampling Techniques, 1977, chapter 6).
 */
export class RatioTrack implements ShiftTrack {
  readonly #casesMax: number;
  #cases = 0;
  #predicted = 0;
  #happened = 0;
  #predictedSquares = 0;
  #products = 0;
  #happenedSquares = 0;

  constructor(casesMax: number) {
    this.#casesMax = casesMax;
  }

  add(predictedTokens: number, tokens: number, weight: number): void {
    const predicted = Math.max(1, predictedTokens);
    const happened = predicted * Math.exp(residualOf(predictedTokens, tokens));
    const kept = keptShare(this.#cases, weight, this.#casesMax);
    this.#cases = this.#cases * kept + weight;
    this.#predicted = this.#predicted * kept + weight * predicted;
    this.#happened = this.#happened * kept + weight * happened;
    this.#predictedSquares = this.#predictedSquares * kept + weight * predicted * predicted;
    this.#products = this.#products * kept + weight * predicted * happened;
    this.#happenedSquares = this.#happenedSquares * kept + weight * happened * happened;
  }

  shift(): Shift {
    if (this.#cases === 0) return { cases: 0, centre: 0, error: Number.POSITIVE_INFINITY };
    const ratio = this.#happened / this.#predicted;
    const squares =
      this.#happenedSquares - 2 * ratio * this.#products + ratio * ratio * this.#predictedSquares;
    const meanPredicted = this.#predicted / this.#cases;
    const scale = (ratio * meanPredicted) ** 2;
    const variance = Math.max(0, squares) / scale + PRIOR_CASES * PRIOR_DEVIATION ** 2;
    const relative = variance / (this.#cases + PRIOR_CASES);
    return {
      cases: this.#cases,
      centre: Math.log(ratio),
      error: Math.sqrt(relative / this.#cases),
    };
  }
}

function residualOf(predictedTokens: number, tokens: number): number {
  const residual = Math.log(Math.max(1, tokens) / Math.max(1, predictedTokens));
  return Math.min(Math.max(residual, -RESIDUAL_MAX), RESIDUAL_MAX);
}

function keptShare(cases: number, weight: number, casesMax: number): number {
  return cases + weight <= casesMax ? 1 : 1 - weight / casesMax;
}
