import { createRandom } from "../core/random.ts";

/** A score with the middle 95 % of its bootstrap distribution. */
export interface ScoreInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Scores by name; null has no value. */
export type NamedScores = ReadonlyMap<string, number | null>;

const LOW_SHARE = 0.025;
const HIGH_SHARE = 0.975;

/**
 * Draws groups with replacement and scores the rows drawn: how far scores would move with other
 * problems of the same sort (percentile bootstrap, Efron 1979). All scores see the same draws, so that
 * the interval of a difference can be had by naming it among them.
 * @param groups the group of each row.
 * @param scoresOf of the rows at the given places. Draws in which a score has no value are left out.
 * @returns the scores that have a value on all rows.
 */
export function bootstrapScores(
  groups: readonly string[],
  scoresOf: (rows: readonly number[]) => NamedScores,
  { seed, resamples }: { readonly seed: number; readonly resamples: number },
): ReadonlyMap<string, ScoreInterval> {
  const blocks = rowsByGroup(groups);
  const whole = scoresOf(groups.map((_, row) => row));
  const drawn = new Map<string, number[]>(Array.from(whole.keys(), (name) => [name, []]));
  const random = createRandom(seed);
  for (let resample = 0; resample < resamples; resample++) {
    const rows = blocks.flatMap(() => blocks[Math.floor(random.next() * blocks.length)] ?? []);
    for (const [name, score] of scoresOf(rows)) {
      if (score !== null) drawn.get(name)?.push(score);
    }
  }
  const intervals = new Map<string, ScoreInterval>();
  for (const [name, value] of whole) {
    if (value === null) continue;
    const sorted = drawn.get(name)?.toSorted((a, b) => a - b) ?? [];
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? value;
    intervals.set(name, { value, low: at(LOW_SHARE), high: at(HIGH_SHARE) });
  }
  return intervals;
}

function rowsByGroup(groups: readonly string[]): number[][] {
  const members = new Map<string, number[]>();
  for (const [row, group] of groups.entries()) {
    const rows = members.get(group);
    if (rows === undefined) members.set(group, [row]);
    else rows.push(row);
  }
  return [...members.values()];
}
