import { expect, test } from "vitest";
import { bootstrapByGroup, distanceInside } from "./length-training-scores.ts";

test("distance inside groups leaves pairs across groups out and weighs groups alike", () => {
  const groups = ["a", "a", "b", "b", "b"];
  expect(distanceInside([1, 2, 1, 2, 3], [10, 20, 3, 2, 1], groups)).toBe(0.5);
  expect(distanceInside([1, 1], [1, 2], ["a", "a"])).toBeNull();
});

test("a bootstrap interval holds the value, narrows with groups, and repeats with its seed", () => {
  const options = { seed: 3, resamples: 200 };
  const intervalOf = (groupCount: number): { low: number; high: number; value: number } => {
    const groups = Array.from({ length: 2 * groupCount }, (_, row) => `g${row >>> 1}`);
    const interval = bootstrapByGroup(groups, shareOfEvenPairs, options);
    if (interval === null) throw new Error("an interval");
    expect(bootstrapByGroup(groups, shareOfEvenPairs, options)).toEqual(interval);
    return interval;
  };
  const [few, many] = [intervalOf(10), intervalOf(1000)];
  expect(few.value).toBe(0.5);
  expect(few.low).toBeLessThan(many.low);
  expect(few.high).toBeGreaterThan(many.high);
  expect(bootstrapByGroup(["a"], () => null, options)).toBeNull();
});

function shareOfEvenPairs(rows: readonly number[]): number {
  return rows.filter((row) => (row >>> 1) % 2 === 0).length / rows.length;
}
