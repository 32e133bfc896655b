import { expect, test } from "vitest";
import { AUTO } from "../core/policies.ts";
import type { View } from "../core/view.ts";
import { ManualClock } from "../../test/gateway/manual-clock.ts";
import { ViewFeed } from "./ui-feed.ts";

const VIEW: View = {
  engines: [],
  queuedByClass: { system: 0, interactive: 0, default: 0, bulk: 0 },
  requests: 0,
  stranded: 0,
  workflows: 0,
  policy: AUTO,
};

interface Bench {
  readonly clock: ManualClock;
  readonly feed: ViewFeed;
  requests: number;
  looks: number;
}

function createBench(listenersMax = 2): Bench {
  const clock = new ManualClock();
  const bench: Bench = {
    clock,
    requests: 0,
    looks: 0,
    feed: new ViewFeed({
      clock,
      listenersMax,
      view: () => {
        bench.looks++;
        return { ...VIEW, requests: bench.requests };
      },
    }),
  };
  return bench;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

function listen(feed: ViewFeed): Reader {
  const stream = feed.listen();
  if (stream === null) throw new Error("refused");
  return stream.getReader();
}

async function textOf(reader: Reader): Promise<string> {
  const { value } = await reader.read();
  return new TextDecoder().decode(value);
}

/** Number of requests that the next event tells. */
async function told(reader: Reader): Promise<number> {
  const text = await textOf(reader);
  const view: View = JSON.parse(text.slice("data: ".length));
  return view.requests;
}

test("a listener is told at once, then twice a second while there is news", async () => {
  const bench = createBench();
  const reader = listen(bench.feed);
  expect(await told(reader)).toBe(0);
  bench.requests = 1;
  bench.clock.advance(499);
  expect(bench.looks).toBe(1);
  bench.clock.advance(1);
  expect(await told(reader)).toBe(1);
});

test("a listener that does not read gets the newest view, not a backlog", async () => {
  const bench = createBench();
  const reader = listen(bench.feed);
  for (bench.requests = 1; bench.requests < 9; bench.requests++) bench.clock.advance(500);
  expect(await told(reader)).toBe(0);
  bench.clock.advance(500);
  expect(await told(reader)).toBe(9);
});

test("without news a comment shows every ten seconds that the stream is alive", async () => {
  const bench = createBench();
  const reader = listen(bench.feed);
  await told(reader);
  bench.clock.advance(10_000);
  expect(await textOf(reader)).toMatch(/^:.*\n\n$/);
});

test("nothing is looked at when the last listener has left", async () => {
  const bench = createBench();
  const reader = listen(bench.feed);
  await reader.cancel();
  const { looks } = bench;
  bench.clock.advance(5_000);
  expect([bench.looks, bench.feed.listeners]).toEqual([looks, 0]);
});

test("one listener too many is refused, until another leaves", async () => {
  const { feed } = createBench();
  const first = listen(feed);
  listen(feed);
  expect(feed.listen()).toBeNull();
  await first.cancel();
  expect(feed.listen()).not.toBeNull();
});

test("closing ends every stream and lets nobody in, twice", async () => {
  const { feed } = createBench();
  const reader = listen(feed);
  await reader.read();
  feed.close();
  feed.close();
  expect((await reader.read()).done).toBe(true);
  expect([feed.listen(), feed.listeners]).toEqual([null, 0]);
});
