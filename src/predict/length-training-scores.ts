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
  const distances = [...distancesByGroup(truth, predictions, groups).values()];
  if (distances.length === 0) return null;
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
}

/** Kendall distance inside each group that holds a pair that can be compared. */
export function distancesByGroup(
  truth: readonly number[],
  predictions: readonly number[],
  groups: readonly string[],
): ReadonlyMap<string, number> {
  const cases = new Map<string, { truths: number[]; predicted: number[] }>();
  for (const [index, group] of groups.entries()) {
    const { truths, predicted } = cases.get(group) ?? { truths: [], predicted: [] };
    cases.set(group, { truths, predicted });
    truths.push(truth[index] ?? 0);
    predicted.push(predictions[index] ?? 0);
  }
  const distances = new Map<string, number>();
  for (const [group, { truths, predicted }] of cases) {
    const distance = kendallDistance(truths, predicted);
    if (distance !== null) distances.set(group, distance);
  }
  return distances;
}
