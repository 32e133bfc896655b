import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { AUTO, Bench, engine, estimate } from "../../test/core/fixture.ts";
import { TargetPrice, targetPriceOf } from "./target.ts";

const MS = { msPerToken: 40 } as const;

/** ms per token of a cluster that is quicker as time gets dearer: 40 at a price of .25. */
function timeAt(price: number): number {
  return 20 / Math.sqrt(price);
}

describe("a price with a target", () => {
  test("settles where the mean meets it, from any start", () => {
    for (const start of [0.005, 0.2, 5]) {
      const price = new TargetPrice(MS, start);
      for (let workflow = 0; workflow < 2000; workflow++) {
        price.observe(100 * timeAt(price.price), 100, null);
      }
      expect(price.price).toBeCloseTo(0.25, 3);
    }
  });

  test("rises with scores above the target and falls with scores below it", () => {
    const price = new TargetPrice({ score: 0.5 }, 0.2);
    price.observe(1000, 10, 1);
    expect(price.price).toBeCloseTo(0.2 * Math.exp(0.03));
    price.observe(1000, 10, 0);
    expect(price.price).toBeCloseTo(0.2);
  });

  test("stays where a workflow says nothing: no tokens, no score", () => {
    const time = new TargetPrice(MS, 0.2);
    time.observe(1e9, 0, 1);
    const score = new TargetPrice({ score: 0.5 }, 0.2);
    score.observe(1e9, 10, null);
    expect([time.price, score.price]).toEqual([0.2, 0.2]);
  });

  test(`is bounded whatever it is told (seed ${testSeed})`, () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.double({ min: 0, max: 1e12, noNaN: true }),
            fc.nat(1e6),
            fc.option(fc.constantFrom(0, 1)),
          ),
        ),
        fc.constantFrom(MS, { score: 0.5 }, { score: 0 }),
        (workflows, target) => {
          const price = new TargetPrice(target, 0.2);
          for (const [ms, tokens, score] of workflows) price.observe(ms, tokens, score);
          expect(price.price).toBeGreaterThanOrEqual(0.005);
          expect(price.price).toBeLessThanOrEqual(5);
        },
      ),
      { seed: testSeed },
    );
  });
});

describe("a scheduler with a target", () => {
  test("decides by the moved price and says so; a request's own price comes first", () => {
    const bench = new Bench([engine("fast", "small")], { ...AUTO, target: { score: 0.5 } });
    bench.arrive("a", [estimate("small", 0.5, 10)]);
    bench.end("a");
    bench.apply({ type: "workflow-ended", timeMs: bench.nowMs, workflowId: "a", score: 1 });
    bench.arrive("b", [estimate("small", 0.5, 10)]);
    expect(bench.decisionOf("b")?.price).toBeCloseTo(0.2 * Math.exp(0.03));
    bench.arrive("c", [estimate("small", 0.5, 10)], { knobs: { price: 0.7 } });
    expect(bench.decisionOf("c")?.price).toBe(0.7);
  });

  test("keeps its price when other settings change, and begins anew with another target", () => {
    const before = new TargetPrice(MS, 0.2);
    expect(targetPriceOf({ ...AUTO, target: { msPerToken: 40 }, price: 0.9 }, before)).toBe(before);
    const other = targetPriceOf({ ...AUTO, target: { score: 0.5 } }, before);
    expect(other?.price).toBe(AUTO.price);
    expect(targetPriceOf(AUTO, before)).toBeNull();
  });
});
