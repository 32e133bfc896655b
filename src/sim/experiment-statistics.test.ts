import { describe, expect, test } from "vitest";
import { summaryOf, summaryOfRatios } from "./experiment-statistics.ts";

describe("a summary over windows", () => {
  test("has the mean, the spread, and an interval that holds the mean", () => {
    const summary = summaryOf([1, 2, 3, 10]);
    expect(summary).toMatchObject({ mean: 4, least: 1, most: 10, count: 4 });
    expect(summary?.low).toBeGreaterThanOrEqual(1);
    expect(summary?.low).toBeLessThan(4);
    expect(summary?.high).toBeGreaterThan(4);
    expect(summary?.high).toBeLessThanOrEqual(10);
  });

  test("is the same each time, and null without values", () => {
    expect(summaryOf([3, 1, 2])).toEqual(summaryOf([3, 1, 2]));
    expect(summaryOf([])).toBeNull();
  });

  test("of ratios does not care which way they were taken", () => {
    const there = summaryOfRatios([2, 0.5, 4]);
    const back = summaryOfRatios([0.5, 2, 0.25]);
    expect(there?.mean).toBeCloseTo(4 ** (1 / 3));
    expect(1 / (back?.mean ?? 0)).toBeCloseTo(there?.mean ?? 0);
    expect(there).toMatchObject({ least: expect.closeTo(0.5), most: expect.closeTo(4) });
  });
});
