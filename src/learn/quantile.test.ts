import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../core/random.ts";
import {
  addWeight,
  clearWeights,
  conformalMargin,
  createRankWeights,
  quantileRanks,
} from "./quantile.ts";

describe("quantiles of weighted ranks", () => {
  test("are the least ranks whose cumulated weight reaches the level", () => {
    const entries = fc.array(fc.tuple(fc.integer({ min: 0, max: 1999 }), fc.integer({ min: 1 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(entries, fc.array(fc.integer({ min: 0, max: 100 })), (weighted, percents) => {
        const ranks = createRankWeights(2000);
        for (const [rank, weight] of weighted) addWeight(ranks, rank, weight);
        const levels = percents.toSorted((a, b) => a - b).map((percent) => percent / 100);
        const into = new Float64Array(levels.length);
        quantileRanks(ranks, levels, into);
        const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
        const sorted = weighted.toSorted(([a], [b]) => a - b);
        for (const [index, level] of levels.entries()) {
          let sum = 0;
          const found = sorted.find(([, weight]) => (sum += weight) >= (level - 1e-9) * total);
          expect(into[index]).toBe(found?.[0]);
        }
      }),
    );
  });

  test("start anew after the weights are cleared", () => {
    const ranks = createRankWeights(600);
    addWeight(ranks, 599, 2);
    clearWeights(ranks);
    addWeight(ranks, 3, 1);
    const into = new Float64Array(1);
    quantileRanks(ranks, [1], into);
    expect([...into]).toEqual([3]);
  });

  test("need weight, and levels that rise within 0..1", () => {
    const ranks = createRankWeights(5);
    expect(() => quantileRanks(ranks, [0.5], new Float64Array(1))).toThrow("weight");
    addWeight(ranks, 1, 1);
    expect(() => quantileRanks(ranks, [0.5, 0.2], new Float64Array(2))).toThrow("rise");
    expect(() => quantileRanks(ranks, [1.2], new Float64Array(1))).toThrow("0..1");
  });
});

describe("the conformal margin", () => {
  test("covers new cases as often as asked for", () => {
    const random = createRandom(4);
    const draw = (): number => (random.next() + random.next() + random.next()) * 10;
    const truth = Array.from({ length: 999 }, draw);
    const lower = truth.map(() => 14);
    const upper = truth.map(() => 16);
    const margin = conformalMargin(truth, lower, upper, 0.8) ?? Number.NaN;
    const fresh = Array.from({ length: 20_000 }, draw);
    const inside = fresh.filter((value) => value >= 14 - margin && value <= 16 + margin);
    expect(Math.abs(inside.length / fresh.length - 0.8)).toBeLessThan(0.03);
  });

  test("is negative where intervals are too wide, and null where cases are too few", () => {
    const truth = Array.from({ length: 100 }, (_, index) => index);
    const lower = truth.map(() => -500);
    const upper = truth.map(() => 600);
    expect(conformalMargin(truth, lower, upper, 0.8)).toBeCloseTo(-510, 9);
    expect(conformalMargin([1, 2, 3], [0, 0, 0], [1, 1, 1], 0.9)).toBeNull();
  });
});
