import { describe, expect, test } from "vitest";
import { gainCorrelation, gapRecovered, type PairCase } from "./router-pair-scores.ts";

/** Outcomes of the small and the large model, and the predicted gain. */
function cases(...rows: readonly (readonly [number, number, number])[]): PairCase[] {
  return rows.map(([small, large, predictedGain]) => ({ small, large, predictedGain }));
}

describe("the gap recovered", () => {
  test("is one half for a constant and for a gain that is everywhere the same", () => {
    expect(gapRecovered(cases([0, 1, 0.3], [1, 1, 0.3], [0, 0, 0.3]))).toBeCloseTo(0.5);
    expect(gapRecovered(cases([0, 1, 3], [0, 1, 2], [0, 1, 1]))).toBeCloseTo(0.5);
  });

  test("is larger where the tasks that gain go first, and smaller where they go last", () => {
    // Sent one by one: the gap is whole from the first task on; or only with the last one.
    expect(gapRecovered(cases([0, 1, 9], [1, 1, 5], [0, 0, 1]))).toBeCloseTo(5 / 6);
    expect(gapRecovered(cases([0, 1, 1], [1, 1, 5], [0, 0, 9]))).toBeCloseTo(1 / 6);
  });

  test("passes one where tasks that only the small model solves go last", () => {
    expect(gapRecovered(cases([0, 1, 9], [0, 1, 8], [1, 0, 1]))).toBeGreaterThan(1);
  });

  test("is not defined without cases or without a gap", () => {
    expect(gapRecovered([])).toBeNull();
    expect(gapRecovered(cases([1, 0, 1], [0, 1, 2]))).toBeNull();
  });
});

describe("the correlation of gains", () => {
  test("is 1 for the truth, -1 for its opposite and 0 for a constant", () => {
    expect(gainCorrelation(cases([0, 1, 1], [1, 1, 0], [1, 0, -1]))).toBeCloseTo(1);
    expect(gainCorrelation(cases([0, 1, -1], [1, 1, 0], [1, 0, 1]))).toBeCloseTo(-1);
    expect(gainCorrelation(cases([0, 1, 0.2], [1, 1, 0.2], [1, 0, 0.2]))).toBe(0);
  });

  test("is not defined without cases or where nothing differs", () => {
    expect(gainCorrelation([])).toBeNull();
    expect(gainCorrelation(cases([0, 1, 1], [0, 1, 2]))).toBeNull();
  });
});
