import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import {
  cornersOf,
  frontierOf,
  hypervolume,
  msPerTokenAt,
  type FrontierPoint,
} from "./frontier.ts";

const point = (score: number, msPerToken: number): FrontierPoint => ({ score, msPerToken });
const points = fc.array(
  fc.record({
    score: fc.integer({ min: 0, max: 20 }),
    msPerToken: fc.integer({ min: 1, max: 20 }),
  }),
  { minLength: 1, maxLength: 12 },
);

function dominates(one: FrontierPoint, other: FrontierPoint): boolean {
  const noWorse = one.score >= other.score && one.msPerToken <= other.msPerToken;
  return noWorse && (one.score > other.score || one.msPerToken < other.msPerToken);
}

describe("the frontier", () => {
  test("holds the points that none dominates, each place once", () => {
    fc.assert(
      fc.property(points, (all) => {
        const slow = all.filter((each) => !all.some((other) => dominates(other, each)));
        const places = new Set(slow.map((each) => JSON.stringify(each)));
        expect(new Set(frontierOf(all).map((each) => JSON.stringify(each)))).toEqual(places);
        expect(frontierOf(all)).toHaveLength(places.size);
      }),
      { seed: testSeed },
    );
  });

  test("gives the time at a score between its points on a logarithmic scale", () => {
    const swept = [point(0.4, 10), point(0.6, 40), point(0.5, 90)];
    expect(msPerTokenAt(swept, 0.5)).toBeCloseTo(20);
    expect(msPerTokenAt(swept, 0.6)).toBe(40);
    expect(msPerTokenAt(swept, 0.1)).toBe(10);
    expect(msPerTokenAt(swept, 0.7)).toBeNull();
    expect(msPerTokenAt([], 0.7)).toBeNull();
  });
});

describe("the hypervolume", () => {
  test("is 1 for a point that is best in both, and 0 for the worst corner", () => {
    const corners = cornersOf([point(0.2, 100), point(0.8, 10)]);
    if (corners === null) throw new Error("the box has an area");
    expect(hypervolume([point(0.8, 10)], corners)).toBeCloseTo(1);
    expect(hypervolume([point(0.2, 100)], corners)).toBe(0);
    expect(hypervolume([point(0.5, 10)], corners)).toBeCloseTo(0.5);
    const middle = Math.sqrt(1000);
    expect(hypervolume([point(0.8, middle), point(0.5, 10)], corners)).toBeCloseTo(0.75);
  });

  test("needs a box", () => {
    expect(cornersOf([point(0.5, 10), point(0.5, 20)])).toBeNull();
  });

  test("never falls when a point is added", () => {
    fc.assert(
      fc.property(points, points, (some, more) => {
        const corners = cornersOf([...some, ...more]);
        if (corners === null) return;
        const before = hypervolume(some, corners);
        const after = hypervolume([...some, ...more], corners);
        expect(after).toBeGreaterThanOrEqual(before - 1e-9);
        expect(after).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { seed: testSeed },
    );
  });
});
