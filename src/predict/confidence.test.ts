import fc from "fast-check";
import { expect, test } from "vitest";

import { testSeed } from "../../test/seed.ts";
import { Confidence } from "./confidence.ts";

const options = { priors: { large: 0.7, sure: 1, hopeless: 0 }, talliesMax: 100 };

test("before any score the prior stands, .5 where none is given, never 0 or 1", () => {
  const confidence = new Confidence(options);
  const models = ["large", "small", "sure", "hopeless"];
  expect(models.map((model) => confidence.of("code", model))).toEqual([0.7, 0.5, 0.99, 0.01]);
});

test("ten scores weigh as much as the prior, and a kind leans on the model's overall rate", () => {
  const confidence = new Confidence(options);
  for (let index = 0; index < 10; index++) confidence.add("code", "large", 0, 1);
  expect(confidence.of("math", "large")).toBeCloseTo(0.35, 12);
  expect(confidence.of("code", "large")).toBeCloseTo(0.175, 12);
});

test("confidence stays within (0, 1) and rises with no lower score", () => {
  const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 700 });
  fc.assert(
    fc.property(scores, (all) => {
      const confidence = new Confidence(options);
      for (const score of all) {
        const before = confidence.of("code", "large");
        confidence.add("code", "large", score, 1);
        const after = confidence.of("code", "large");
        expect(after).toBeGreaterThan(0);
        expect(after).toBeLessThan(1);
        if (score === 1) expect(after).toBeGreaterThanOrEqual(before);
        if (score === 0) expect(after).toBeLessThanOrEqual(before);
      }
    }),
    { seed: testSeed, numRuns: 20 },
  );
});

test("an old rate is forgotten", () => {
  const confidence = new Confidence(options);
  for (let index = 0; index < 3000; index++) confidence.add("code", "large", 0, 1);
  for (let index = 0; index < 3000; index++) confidence.add("code", "large", 1, 1);
  expect(confidence.of("code", "large")).toBeGreaterThan(0.95);
});

test("the kinds remembered are bounded", () => {
  const confidence = new Confidence({ ...options, talliesMax: 3 });
  for (let index = 0; index < 50; index++) confidence.add(`kind ${index}`, "large", 1, 1);
  expect(confidence.state().byKind.map(([key]) => key)).toEqual([
    "7:kind 47large",
    "7:kind 48large",
    "7:kind 49large",
  ]);
});
