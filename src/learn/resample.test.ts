import { expect, test } from "vitest";
import { bootstrapScores, type ScoreInterval } from "./resample.ts";

const OPTIONS = { seed: 3, resamples: 200 };

function shareOfEvenPairs(rows: readonly number[]): number {
  return rows.filter((row) => (row >>> 1) % 2 === 0).length / rows.length;
}

function intervalOf(groupCount: number): ScoreInterval {
  const groups = Array.from({ length: 2 * groupCount }, (_, row) => `g${row >>> 1}`);
  const scores = bootstrapScores(
    groups,
    (rows) => new Map([["even", shareOfEvenPairs(rows)]]),
    OPTIONS,
  );
  const interval = scores.get("even");
  if (interval === undefined) throw new Error("an interval");
  return interval;
}

test("an interval holds the value, narrows with groups, and repeats with its seed", () => {
  const [few, many] = [intervalOf(10), intervalOf(1000)];
  expect(few.value).toBe(0.5);
  expect(few.low).toBeLessThan(many.low);
  expect(few.high).toBeGreaterThan(many.high);
  expect(intervalOf(10)).toEqual(few);
});

test("a score without a value is left out, and all scores see the same draws", () => {
  const scores = bootstrapScores(
    ["a", "b", "c"],
    (rows) =>
      new Map<string, number | null>([
        ["none", null],
        ["difference", shareOfEvenPairs(rows) - shareOfEvenPairs([...rows])],
      ]),
    OPTIONS,
  );
  expect([...scores]).toEqual([["difference", { value: 0, low: 0, high: 0 }]]);
});
