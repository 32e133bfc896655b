import { expect, test } from "vitest";
import { AUTO, Bench, engine, estimate } from "../../test/core/fixture.ts";
import type { SettingsChanged } from "./event.ts";

const engines = [
  engine("small", "m", { maxSequences: 4 }),
  engine("large", "n", {
    speed: { baseMs: 30, perSequenceMs: 0, perKvTokenMs: 0, perPromptTokenMs: 0 },
  }),
];
const either = [estimate("m", 0.5, 100), estimate("n", 0.7, 100)];

function changed(more: Partial<SettingsChanged>): SettingsChanged {
  return {
    type: "settings-changed",
    timeMs: 0,
    policy: AUTO,
    predictionBudgetMs: 20,
    attemptsMax: 3,
    queueRequestsMax: 1000,
    queueTokensMax: 1e9,
    ...more,
  };
}

test("the next decision goes by the new price", () => {
  const bench = new Bench(engines, { ...AUTO, price: 0.01 });
  bench.arrive("before", either);
  expect(bench.decisionOf("before")?.engine).toBe("large");
  bench.end("before");
  bench.apply(changed({ policy: { ...AUTO, price: 1 } }));
  bench.arrive("after", either);
  expect(bench.decisionOf("after")).toMatchObject({ engine: "small", price: 1 });
});

test("a lower limit refuses who comes next and nobody who waits", () => {
  const bench = new Bench([engine("one", "m")], AUTO);
  for (const id of ["runs", "waits", "waits too"]) bench.arrive(id, [estimate("m", 0.5, 10)]);
  bench.apply(changed({ queueRequestsMax: 1 }));
  bench.arrive("late", [estimate("m", 0.5, 10)]);
  expect(bench.outcomes()).toEqual({ late: "queue-full" });
  for (const id of ["runs", "waits", "waits too"]) bench.end(id);
  expect(bench.outcomes()).toMatchObject({ waits: "completed", "waits too": "completed" });
});

test("an order that would mix keys is refused", () => {
  const bench = new Bench(engines, AUTO);
  expect(() => bench.apply(changed({ policy: { ...AUTO, order: "fcfs" } }))).toThrow();
});
