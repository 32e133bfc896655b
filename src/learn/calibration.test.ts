import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import reference from "../../test/reference/classifier.json" with { type: "json" };
import { applyIsotonic, applyPlatt, fitIsotonic, fitPlatt } from "./calibration.ts";

const { scores, labels, probes, isotonic, platt } = reference.calibration;

const cases = fc.array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 0, max: 1 })), {
  minLength: 1,
  maxLength: 60,
});

describe("isotonic regression", () => {
  test("equals scikit-learn's", () => {
    const map = fitIsotonic(scores, labels);
    for (const [index, probe] of probes.entries()) {
      expect(applyIsotonic(map, probe)).toBeCloseTo(isotonic[index] ?? Number.NaN, 6);
    }
  });

  test("never falls, keeps the mean and stays within the labels", () => {
    fc.assert(
      fc.property(cases, (pairs) => {
        const map = fitIsotonic(
          pairs.map(([score]) => score),
          pairs.map(([, label]) => label),
        );
        const values = Array.from({ length: 45 }, (_, step) => applyIsotonic(map, step / 2 - 11));
        expect(values).toEqual(values.toSorted((a, b) => a - b));
        expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
        const excess = pairs.map(([score, label]) => applyIsotonic(map, score) - label);
        expect(excess.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 9);
      }),
    );
  });

  test("of one case, and of equal scores, is a constant", () => {
    const one = fitIsotonic([0.4], [1]);
    expect([applyIsotonic(one, -5), applyIsotonic(one, 0.4), applyIsotonic(one, 5)]).toEqual([
      1, 1, 1,
    ]);
    expect(applyIsotonic(fitIsotonic([2, 2, 2, 2], [1, 0, 0, 0]), 3)).toBe(0.25);
  });

  test("needs cases", () => {
    expect(() => fitIsotonic([], [])).toThrow("cases");
  });
});

describe("Platt's scaling", () => {
  test("equals scikit-learn's", () => {
    const map = fitPlatt(scores, labels);
    for (const [index, probe] of probes.entries()) {
      expect(applyPlatt(map, probe)).toBeCloseTo(platt[index] ?? Number.NaN, 4);
    }
  });

  test("stays finite where a threshold parts the classes, and where one class is absent", () => {
    const parted = fitPlatt([-2, -1, 1, 2], [0, 0, 1, 1]);
    expect(applyPlatt(parted, 2)).toBeGreaterThan(0.7);
    expect(applyPlatt(parted, 2)).toBeLessThan(0.9);
    const all = fitPlatt([0, 0, 0], [1, 1, 1]);
    expect(applyPlatt(all, 0)).toBeCloseTo(0.8, 6);
  });

  test("does not depend on the scale of the scores", () => {
    const there = fitPlatt(scores, labels);
    const scaled = fitPlatt(
      scores.map((score) => score * 1e4),
      labels,
    );
    expect(scaled.slope * 1e4).toBeCloseTo(there.slope, 6);
    expect(scaled.intercept).toBeCloseTo(there.intercept, 6);
  });
});
