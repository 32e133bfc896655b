import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUTO, Bench, engine, estimate, PAPER } from "../../test/core/fixture.ts";
import { testSeed } from "../../test/seed.ts";

const one = engine("one", "m");

/** A running request is ended and a new short one comes, again and again, until `id` is dispatched; answers the rounds. */
function roundsUntil(bench: Bench, id: string, roundsMax: number, gapMs: number): number {
  for (let round = 1; round <= roundsMax; round++) {
    bench.nowMs += gapMs;
    bench.arrive(`short-${round}`, [estimate("m", 0.5, 1)]);
    const [running] = bench.state.engines[0]?.running.keys() ?? [];
    if (running !== undefined) bench.end(running);
    if (bench.dispatchOf(id) !== undefined) return round;
  }
  return Number.POSITIVE_INFINITY;
}

describe("starvation (invariant 8)", () => {
  test("without aging, a flood of short work holds a long request back for ever", () => {
    const bench = new Bench([one], { ...PAPER, starvationThreshold: 0 });
    bench.arrive("running", [estimate("m", 0.5, 1)]);
    bench.arrive("long", [estimate("m", 0.5, 1e6)]);
    expect(roundsUntil(bench, "long", 500, 10)).toBe(Number.POSITIVE_INFINITY);
  });

  test("with S, a request is passed over S times, and by those that were promoted before it, while the others do not starve", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 40 }),
        fc.integer({ min: 0, max: 20 }),
        (threshold, others) => {
          const ahead = Math.min(others, threshold - 2);
          const bench = new Bench([one], { ...PAPER, starvationThreshold: threshold });
          bench.arrive("running", [estimate("m", 0.5, 1)]);
          for (let index = 0; index < ahead; index++) {
            bench.arrive(`ahead-${index}`, [estimate("m", 0.5, 1000 + index)]);
          }
          bench.arrive("long", [estimate("m", 0.5, 1e6)]);
          expect(roundsUntil(bench, "long", 500, 10)).toBeLessThanOrEqual(threshold + ahead + 1);
        },
      ),
      { seed: testSeed, numRuns: 200 },
    );
  });

  test("in overload S bounds nothing: everyone is promoted and sorted by length again (paper's rule, kept to the letter)", () => {
    const bench = new Bench([one], { ...PAPER, starvationThreshold: 1 });
    bench.arrive("running", [estimate("m", 0.5, 1)]);
    bench.arrive("ahead", [estimate("m", 0.5, 1000)]);
    bench.arrive("long", [estimate("m", 0.5, 1e6)]);
    expect(roundsUntil(bench, "long", 500, 10)).toBe(Number.POSITIVE_INFINITY);
  });

  test("smith-age bounds the wait by size and age alone, in overload too", () => {
    const bench = new Bench([one], { ...AUTO, ageScale: 10 });
    bench.arrive("running", [estimate("m", 0.5, 1)]);
    bench.arrive("long", [estimate("m", 0.5, 100)]);
    // A short one takes 10 ms and U is near that. Each step of the age clock is 10 U, and the long one
    // must age by the difference of the keys, ln(100 x 100): 9.2 steps of 100 ms, 92 rounds;
    // more, as long as the long one itself weighs in U.
    const rounds = roundsUntil(bench, "long", 500, 10);
    expect(rounds).toBeGreaterThan(20);
    expect(rounds).toBeLessThan(300);
  });
});
