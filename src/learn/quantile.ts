import { assert } from "../core/assert.ts";

/**
 * Weights over the ranks of a sorted sequence, for conditional quantiles. Sums per block make finding
 * a quantile cheap without sorting.
 */
export interface RankWeights {
  readonly weights: Float64Array;
  readonly blocks: Float64Array;
  total: number;
}

const BLOCK_BITS = 8;
const BLOCK_RANKS = 1 << BLOCK_BITS;
/** Share of the total by which a sum of weights may fall short through rounding. */
const ROUNDING_SHARE = 1e-9;

export function createRankWeights(rankCount: number): RankWeights {
  return {
    weights: new Float64Array(rankCount),
    blocks: new Float64Array((rankCount >>> BLOCK_BITS) + 1),
    total: 0,
  };
}

export function addWeight(ranks: RankWeights, rank: number, weight: number): void {
  const block = rank >>> BLOCK_BITS;
  ranks.weights[rank] = (ranks.weights[rank] ?? 0) + weight;
  ranks.blocks[block] = (ranks.blocks[block] ?? 0) + weight;
  ranks.total += weight;
}

/**
 * Writes into `into`, for each level, the least rank at which the cumulated weight reaches the level:
 * the generalised inverse of the distribution function (Meinshausen 2006, eq. 6).
 * @param levels rising, each in 0..1; `into` has as many places.
 */
export function quantileRanks(
  ranks: RankWeights,
  levels: ArrayLike<number>,
  into: Float64Array,
): void {
  const { weights, blocks, total } = ranks;
  assert(total > 0, "quantiles need weight");
  assert(into.length === levels.length, "one place per level");
  let block = 0;
  let before = 0;
  for (let index = 0; index < levels.length; index++) {
    const level = levels[index] ?? 0;
    assert(level >= (levels[index - 1] ?? 0) && level <= 1, "levels rise within 0..1");
    const goal = Math.max((level - ROUNDING_SHARE) * total, Number.MIN_VALUE);
    while (block + 1 < blocks.length && before + (blocks[block] ?? 0) < goal) {
      before += blocks[block++] ?? 0;
    }
    into[index] = rankInBlock(weights, block, goal - before);
  }
}

function rankInBlock(weights: Float64Array, block: number, goal: number): number {
  const start = block << BLOCK_BITS;
  const end = Math.min(start + BLOCK_RANKS, weights.length);
  let sum = 0;
  let rank = start;
  let last = start;
  for (; rank < end; rank++) {
    const weight = weights[rank] ?? 0;
    if (weight === 0) continue;
    last = rank;
    sum += weight;
    if (sum >= goal) break;
  }
  return last;
}

/** Takes all weights away; only blocks that have some are cleared. */
export function clearWeights(ranks: RankWeights): void {
  const { weights, blocks } = ranks;
  for (let block = 0; block < blocks.length; block++) {
    if (blocks[block] === 0) continue;
    blocks[block] = 0;
    weights.fill(0, block << BLOCK_BITS, (block + 1) << BLOCK_BITS);
  }
  ranks.total = 0;
}

/**
 * How far an interval must be widened at both ends (narrowed, if negative) so that a new case falls
 * inside with the given probability: conformalised quantile regression (Romano, Patterson and Candes
 * 2019), for cases exchangeable with the given ones, which the forest has not learned from.
 * @param coverage share of cases inside, above 0 and below 1.
 * @returns the margin in the unit of the truth, or null where there are too few cases for the coverage.
 */
export function conformalMargin(
  truth: ArrayLike<number>,
  lower: ArrayLike<number>,
  upper: ArrayLike<number>,
  coverage: number,
): number | null {
  const count = truth.length;
  assert(lower.length === count && upper.length === count, "one interval per truth");
  assert(coverage > 0 && coverage < 1, "a coverage lies between 0 and 1");
  const misses = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const value = truth[index] ?? Number.NaN;
    misses[index] = Math.max((lower[index] ?? 0) - value, value - (upper[index] ?? 0));
  }
  const place = Math.ceil((count + 1) * coverage);
  return place > count ? null : (misses.sort()[place - 1] ?? null);
}
