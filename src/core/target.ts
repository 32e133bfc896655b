import type { Policy, Target } from "./types.ts";

/** How far one workflow may move the price: by this share of itself, times the error. */
const STEP = 0.03;
/** An outlier counts as at most this much over the target. */
const ERROR_MAX = 3;
const PRICE_MIN = 0.005;
const PRICE_MAX = 5;
/** Least target that an error of score is measured by. */
const SCORE_MIN = 0.05;

/**
 * The price of time as a multiplier that moves until a mean meets its target: workflows that are slower than it
 * make time dearer, scores above theirs too. Each workflow moves the logarithm a little (stochastic
 * approximation of the Lagrangian's dual), so that the price settles where the errors cancel out, and is bounded.
 */
export class TargetPrice {
  readonly target: Target;
  #price: number;

  constructor(target: Target, price: number) {
    this.target = target;
    this.#price = bounded(price);
  }

  get price(): number {
    return this.#price;
  }

  /** A workflow has ended. Without output tokens it says nothing of time, without a score nothing of scores. */
  observe(durationMs: number, outputTokens: number, score: number | null): void {
    const { msPerToken, score: wanted } = this.target;
    if (msPerToken !== undefined && outputTokens > 0) {
      this.#move(durationMs / outputTokens / msPerToken - 1);
    }
    if (wanted !== undefined && score !== null) {
      this.#move((score - wanted) / Math.max(wanted, SCORE_MIN));
    }
  }

  #move(error: number): void {
    this.#price = bounded(this.#price * Math.exp(STEP * Math.min(error, ERROR_MAX)));
  }
}

function bounded(price: number): number {
  return Math.min(Math.max(price, PRICE_MIN), PRICE_MAX);
}

/** A price that moves, where the policy has a target. One with the same target goes on from where it was. */
export function targetPriceOf(policy: Policy, before: TargetPrice | null): TargetPrice | null {
  const { target, price } = policy;
  if (target === null) return null;
  const { msPerToken, score } = before?.target ?? {};
  const isSame = msPerToken === target.msPerToken && score === target.score;
  return before !== null && isSame ? before : new TargetPrice(target, price);
}
