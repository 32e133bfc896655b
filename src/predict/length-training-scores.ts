import { createRandom } from "../core/random.ts";
import type { OutOfBag } from "../learn/out-of-bag.ts";
import { intervalCoverage, kendallDistance } from "../learn/score.ts";

export interface LengthScores {
  /** Rows scored. */
  readonly rows: number;
  /** Kendall distance inside each model, the mean over models; null where nothing can be compared. */
  readonly distance: number | null;
  /** Share of rows inside the interval from 10 to 90 %, before it is calibrated. */
  readonly cover: number | null;
}

/** Scores of out-of-bag predictions; rows that every tree has seen are left out. */
export function heldOutScores(
  cases: readonly { readonly model: string; readonly remaining: number }[],
  { ordering, quantiles }: OutOfBag,
): LengthScores {
  const rows = cases.flatMap(({ model, remaining }, row) => {
    const predicted = ordering[row] ?? Number.NaN;
    const [low, high] = [quantiles[0]?.[row] ?? 0, quantiles.at(-1)?.[row] ?? 0];
    return Number.isNaN(predicted) ? [] : [{ model, remaining, predicted, low, high }];
  });
  const truth = rows.map(({ remaining }) => remaining);
  return {
    rows: rows.length,
    distance: distanceInside(
      truth,
      rows.map(({ predicted }) => predicted),
      rows.map(({ model }) => model),
    ),
    cover: intervalCoverage(
      truth,
      rows.map(({ low }) => low),
      rows.map(({ high }) => high),
    ),
  };
}

/**
 * Kendall distance inside each group of cases, the mean over groups; null where no group holds a pair
 * that can be compared.
 */
export function distanceInside(
  truth: readonly number[],
  predictions: readonly number[],
  groups: readonly string[],
): number | null {
  const cases = new Map<string, { truths: number[]; predicted: number[] }>();
  for (const [index, group] of groups.entries()) {
    const { truths, predicted } = cases.get(group) ?? { truths: [], predicted: [] };
    cases.set(group, { truths, predicted });
    truths.push(truth[index] ?? 0);
    predicted.push(predictions[index] ?? 0);
  }
  const distances = [...cases.values()]
    .map(({ truths, predicted }) => kendallDistance(truths, predicted))
    .filter((distance) => distance !== null);
  if (distances.length === 0) return null;
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}

/** A statistic with the middle 95 % of its bootstrap distribution. */
export interface ScoreInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Draws groups with replacement and computes a statistic of the rows drawn: how far it would move with
 * other problems of the same sort (percentile bootstrap, Efron 1979).
 * @param groups the group of each row.
 * @param statistic of the rows at the given places; null where it has no value, which is left out.
 * @returns null where the statistic of all rows has no value.
 */
export function bootstrapByGroup(
  groups: readonly string[],
  statistic: (rows: readonly number[]) => number | null,
  { seed, resamples }: { readonly seed: number; readonly resamples: number },
): ScoreInterval | null {
  const members = new Map<string, number[]>();
  for (const [row, group] of groups.entries()) {
    const rows = members.get(group);
    if (rows === undefined) members.set(group, [row]);
    else rows.push(row);
  }
  const blocks = [...members.values()];
  const value = statistic(groups.map((_, row) => row));
  if (value === null) return null;
  const random = createRandom(seed);
  const drawn: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    const rows = blocks.flatMap(() => blocks[Math.floor(random.next() * blocks.length)] ?? []);
    const each = statistic(rows);
    if (each !== null) drawn.push(each);
  }
  drawn.sort((a, b) => a - b);
  const at = (share: number): number => drawn[Math.round(share * (drawn.length - 1))] ?? value;
  return { value, low: at(0.025), high: at(0.975) };
}
