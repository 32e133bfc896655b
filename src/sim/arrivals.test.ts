import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { poissonArrivals, populate, windowOf } from "./arrivals.ts";
import type { RecordedWorkflow } from "./recorded-workload.ts";

function workflow(taskId: string): RecordedWorkflow {
  return { taskId, kind: "k", confidence: null, system: "", user: "", courses: {} };
}

describe("a window of a trace", () => {
  const trace = fc
    .array(fc.double({ min: 0.001, max: 100, noNaN: true }), { minLength: 2, maxLength: 50 })
    .map((gaps) => {
      let at = 0;
      return gaps.map((gap) => (at += gap));
    });

  test("starts at 0, does not fall, and has the asked rate, around the trace's end too", () => {
    fc.assert(
      fc.property(
        trace,
        fc.integer({ min: 2, max: 200 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.integer(),
        (seconds, count, perSecond, seed) => {
          const times = windowOf(seconds, count, perSecond, seed);
          expect(times).toHaveLength(count);
          expect(times[0]).toBe(0);
          for (const [index, time] of times.entries()) {
            expect(time).toBeGreaterThanOrEqual((times[index - 1] ?? 0) - 1e-6);
          }
          const last = times.at(-1) ?? 0;
          expect(((count - 1) / last) * 1000).toBeCloseTo(perSecond, 6);
          expect(windowOf(seconds, count, perSecond, seed)).toEqual(times);
        },
      ),
    );
  });

  test("keeps the trace's shape", () => {
    const times = windowOf([0, 1, 3], 4, 1, 1);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // Two recorded gaps and, between the last arrival and the first of the next lap, their mean.
    const sorted = gaps.toSorted((a, b) => a - b);
    const [least = 0] = sorted;
    expect(sorted.map((gap) => Math.round((gap / least) * 1e6) / 1e6)).toEqual([1, 1.5, 2]);
  });
});

test("Poisson arrivals have the asked rate and exponential gaps", () => {
  const times = poissonArrivals(20_000, 5, 7);
  const last = times.at(-1) ?? 0;
  expect(times[0]).toBe(0);
  expect((times.length - 1) / (last / 1000)).toBeCloseTo(5, 0);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const above = gaps.filter((gap) => gap > 200).length / gaps.length;
  expect(above).toBeCloseTo(Math.exp(-1), 1);
});

test("workflows are drawn in shuffled rounds, each with an id of its own", () => {
  const recorded = ["a", "b", "c"].map(workflow);
  const arrivalsMs = [0, 1, 2, 3, 4, 5, 6];
  const played = populate(recorded, arrivalsMs, 3);
  expect(played.map((each) => each.arrivalMs)).toEqual(arrivalsMs);
  expect(new Set(played.map((each) => each.id)).size).toBe(7);
  const tasks = played.map((each) => each.taskId);
  expect(tasks.slice(0, 3).toSorted()).toEqual(["a", "b", "c"]);
  expect(tasks.slice(3, 6).toSorted()).toEqual(["a", "b", "c"]);
  expect(populate(recorded, arrivalsMs, 3)).toEqual(played);
  const orders = new Set(
    [1, 2, 3, 4, 5, 6, 7, 8].map((seed) =>
      populate(recorded, arrivalsMs, seed)
        .map((each) => each.taskId)
        .join(""),
    ),
  );
  expect(orders.size).toBeGreaterThan(1);
});
