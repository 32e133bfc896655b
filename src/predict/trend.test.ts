import fc from "fast-check";
import { expect, test } from "vitest";

import { testSeed } from "../../test/seed.ts";
import { Trend, type Signals } from "./trend.ts";

const RIDGE = 2;
const signal = fc.double({ min: 0, max: 10, noNaN: true });
const cases = fc.array(fc.record({ last: signal, prompt: signal, length: signal }), {
  minLength: 1,
  maxLength: 60,
});

interface Case extends Signals {
  readonly length: number;
}

/** Ridge regression in two passes over all cases, the normal equations solved by Cramer's rule. */
function shiftOf(all: readonly Case[], at: Signals): number {
  const mean = (of: (each: Case) => number): number =>
    all.reduce((sum, each) => sum + of(each), 0) / all.length;
  const [last, prompt, length] = [
    mean((x) => x.last),
    mean((x) => x.prompt),
    mean((x) => x.length),
  ];
  const sum = (of: (each: Case) => number): number => all.reduce((total, x) => total + of(x), 0);
  const a = RIDGE + sum((x) => (x.last - last) ** 2);
  const b = sum((x) => (x.last - last) * (x.prompt - prompt));
  const c = RIDGE + sum((x) => (x.prompt - prompt) ** 2);
  const d = sum((x) => (x.last - last) * (x.length - length));
  const e = sum((x) => (x.prompt - prompt) * (x.length - length));
  const byLast = (d * c - b * e) / (a * c - b * b);
  const byPrompt = (a * e - b * d) / (a * c - b * b);
  return byLast * (at.last - last) + byPrompt * (at.prompt - prompt);
}

test("a trend equals ridge regression over all cases while none fades", () => {
  fc.assert(
    fc.property(cases, signal, signal, (all, last, prompt) => {
      const trend = new Trend(1000);
      for (const { length, ...signals } of all) trend.add(signals, length);
      expect(trend.shift({ last, prompt })).toBeCloseTo(shiftOf(all, { last, prompt }), 6);
    }),
    { seed: testSeed },
  );
});

test("an old slope is forgotten", () => {
  const trend = new Trend(32);
  for (let index = 0; index < 400; index++) trend.add({ last: index % 8, prompt: 1 }, index % 8);
  expect(trend.shift({ last: 7, prompt: 1 })).toBeGreaterThan(3);
  for (let index = 0; index < 400; index++)
    trend.add({ last: index % 8, prompt: 1 }, 8 - (index % 8));
  expect(trend.shift({ last: 7, prompt: 1 })).toBeLessThan(-3);
});

test("nothing seen moves nothing", () => {
  expect(new Trend(8).shift({ last: 5, prompt: 5 })).toBe(0);
});
