import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import reference from "../../test/reference/score.json" with { type: "json" };
import {
  areaUnderRoc,
  averagePrecision,
  brierScore,
  calibrationError,
  intervalCoverage,
  kendallDistance,
  meanAveragePrecision,
  pinballLoss,
} from "./score.ts";

/** The definition, pair by pair. */
function slowKendall(truth: readonly number[], prediction: readonly number[]): number | null {
  let wrong = 0;
  let comparable = 0;
  for (const [i, a] of truth.entries()) {
    for (const [j, b] of truth.slice(0, i).entries()) {
      if (a === b) continue;
      comparable++;
      const sign = Math.sign(a - b) * Math.sign((prediction[i] ?? 0) - (prediction[j] ?? 0));
      wrong += (1 - sign) / 2;
    }
  }
  return comparable === 0 ? null : wrong / comparable;
}

const cases = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
  maxLength: 60,
});

describe("against scikit-learn and the definitions", () => {
  const { truth, prediction, labels, scores } = reference;

  test("Kendall distance", () => {
    expect(kendallDistance(truth, prediction)).toBeCloseTo(reference.kendallDistance, 12);
  });

  test("pinball loss and cover", () => {
    for (const [level, loss] of Object.entries(reference.pinballLoss)) {
      expect(pinballLoss(truth, prediction, Number(level))).toBeCloseTo(loss, 12);
    }
    const lower = prediction.map((value) => value - 9);
    const upper = prediction.map((value) => value + 7);
    expect(intervalCoverage(truth, lower, upper)).toBeCloseTo(reference.intervalCoverage, 12);
  });

  test.each([0, 1, 2])("scores of probabilities, label %i", (label) => {
    const truths = labels[label] ?? [];
    const probabilities = scores[label] ?? [];
    const expected = (values: readonly number[]): number => values[label] ?? Number.NaN;
    expect(averagePrecision(truths, probabilities)).toBeCloseTo(
      expected(reference.averagePrecision),
      12,
    );
    expect(areaUnderRoc(truths, probabilities)).toBeCloseTo(expected(reference.areaUnderRoc), 12);
    expect(brierScore(truths, probabilities)).toBeCloseTo(expected(reference.brierScore), 12);
    expect(calibrationError(truths, probabilities, 8)).toBeCloseTo(
      expected(reference.calibrationError),
      12,
    );
  });

  test("mean average precision is the mean over labels", () => {
    expect(meanAveragePrecision(labels, scores)).toBeCloseTo(reference.meanAveragePrecision, 12);
  });
});

describe("Kendall distance", () => {
  test("equals the count pair by pair", () => {
    fc.assert(
      fc.property(cases, (pairs) => {
        const truth = pairs.map(([value]) => value);
        const prediction = pairs.map(([, value]) => value);
        const slow = slowKendall(truth, prediction);
        const fast = kendallDistance(truth, prediction);
        if (slow === null) expect(fast).toBeNull();
        else expect(fast).toBeCloseTo(slow, 12);
      }),
    );
  });

  test("does not depend on the order of the cases", () => {
    fc.assert(
      fc.property(cases, (pairs) => {
        const there = kendallDistance(
          pairs.map(([value]) => value),
          pairs.map(([, value]) => value),
        );
        const back = pairs.toReversed();
        expect(
          kendallDistance(
            back.map(([value]) => value),
            back.map(([, value]) => value),
          ),
        ).toBe(there);
      }),
    );
  });

  test("is 0 for the same order, 1 for the reverse and a half for a constant", () => {
    expect(kendallDistance([1, 2, 2, 5], [10, 20, 30, 40])).toBe(0);
    expect(kendallDistance([1, 2, 3], [3, 2, 1])).toBe(1);
    expect(kendallDistance([1, 2, 3], [7, 7, 7])).toBe(0.5);
  });

  test("has nothing to say about equal truths", () => {
    expect(kendallDistance([4, 4, 4], [1, 2, 3])).toBeNull();
    expect(kendallDistance([], [])).toBeNull();
  });
});

describe("edges", () => {
  test("one class has no ranking", () => {
    expect(areaUnderRoc([1, 1], [0.2, 0.4])).toBeNull();
    expect(averagePrecision([0, 0], [0.2, 0.4])).toBeNull();
    expect(meanAveragePrecision([[0, 0]], [[0.1, 0.2]])).toBeNull();
  });

  test("labels without positives are left out of the mean", () => {
    const labels = [
      [0, 0],
      [1, 0],
    ];
    const scores = [
      [0.3, 0.4],
      [0.9, 0.1],
    ];
    expect(meanAveragePrecision(labels, scores)).toBe(1);
  });

  test("no cases, no score", () => {
    expect(pinballLoss([], [], 0.5)).toBeNull();
    expect(intervalCoverage([], [], [])).toBeNull();
    expect(brierScore([], [])).toBeNull();
    expect(calibrationError([], [])).toBeNull();
  });

  test("unequal lengths, NaN and impossible probabilities are bugs of the caller", () => {
    expect(() => kendallDistance([1], [1, 2])).toThrow("one prediction per truth");
    expect(() => brierScore([1], [Number.NaN])).toThrow("finite");
    expect(() => calibrationError([1], [1.5])).toThrow("0..1");
  });

  test("the last bin of the calibration error holds probability one", () => {
    expect(calibrationError([1, 1], [1, 0.95])).toBeCloseTo(0.025, 12);
  });
});
