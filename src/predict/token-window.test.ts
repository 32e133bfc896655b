import fc from "fast-check";
import { expect, test } from "vitest";

import { testSeed } from "../../test/seed.ts";
import { TokenWindow } from "./token-window.ts";

function windowOf(entriesMax: number, tokens: readonly number[]): TokenWindow {
  const window = new TokenWindow(entriesMax);
  for (const entry of tokens) window.add(entry);
  return window;
}

/** The obvious way: sort what is left and interpolate. */
function quantileOf(tokens: readonly number[], level: number): number {
  const sorted = tokens.toSorted((a, b) => a - b);
  const position = level * (sorted.length - 1);
  const low = sorted[Math.floor(position)] ?? 0;
  const high = sorted[Math.ceil(position)] ?? 0;
  return low + (high - low) * (position % 1);
}

test("a window answers like a sorted copy of its newest entries", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 150 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (entriesMax, tokens, level) => {
        const window = windowOf(entriesMax, tokens);
        const newest = tokens.slice(-entriesMax);
        expect(window.entries()).toEqual(newest);
        expect(window.size).toBe(newest.length);
        expect(window.mean).toBeCloseTo(newest.reduce((a, b) => a + b, 0) / newest.length, 9);
        expect(window.quantile(level)).toBeCloseTo(quantileOf(newest, level), 9);
      },
    ),
    { seed: testSeed },
  );
});

test("an empty window says 0", () => {
  const window = new TokenWindow(8);
  expect([window.size, window.mean, window.quantile(0.5)]).toEqual([0, 0, 0]);
});

test("entries are whole and within their range", () => {
  expect(windowOf(8, [-3, 2.6, 1e12]).entries()).toEqual([0, 3, 0x7fffffff]);
});
