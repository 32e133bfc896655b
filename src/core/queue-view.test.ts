import { expect, test } from "vitest";
import { AUTO, Bench, engine, estimate } from "../../test/core/fixture.ts";
import { queueView } from "./queue-view.ts";

test("tells the heads of the queues with positions, work and waits, and no more than asked for", () => {
  const bench = new Bench([engine("fast", "small"), engine("idle", "other")], AUTO);
  bench.arrive("running", [estimate("small", 0.5, 100)]);
  for (const [id, tokens] of [
    ["long", 400],
    ["short", 50],
    ["middle", 200],
  ] as const) {
    bench.arrive(id, [estimate("small", 0.5, tokens)]);
  }
  const rows = queueView(bench.state, 2, 8);
  expect(rows.map(({ requestId, position }) => [requestId, position])).toEqual([
    ["short", 1],
    ["middle", 2],
  ]);
  const meanStage = (100 + 400 + 50 + 200) / 4;
  expect(rows[0]).toMatchObject({ engine: "fast", class: "default", promoted: false });
  expect(rows[0]?.remainingTokens).toBeCloseTo(50);
  // one token takes 10 ms
  expect(rows.map((row) => row.waitMs)).toEqual([
    expect.closeTo(10 * meanStage),
    expect.closeTo(10 * (50 + meanStage)),
  ]);
  expect(queueView(bench.state, 2, 0)).toEqual([]);
});

test("ten thousand that wait are as quick to tell as ten", () => {
  const bench = new Bench([engine("fast", "small")], AUTO, { queueRequestsMax: 20_000 });
  for (let index = 0; index < 10_001; index++) {
    bench.arrive(`r${index}`, [estimate("small", 0.5, 10 + (index % 7))]);
  }
  expect(bench.state.engines[0]?.queue.size).toBe(10_000);
  let visited = 0;
  const queue = bench.state.engines[0]?.queue;
  const each = queue?.each.bind(queue);
  Object.assign(queue ?? {}, {
    each: (visit: Parameters<NonNullable<typeof each>>[0]) =>
      each?.((entry) => {
        visited++;
        return visit(entry);
      }),
  });
  expect(queueView(bench.state, 10, 8)).toHaveLength(10);
  expect(visited).toBe(10);
});
