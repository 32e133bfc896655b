import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedArrayQueue } from "../../test/core/sorted-array-queue.ts";
import { testSeed } from "../../test/seed.ts";
import { OrderedQueue, QueueEntry } from "./queue.ts";
import { createRandom } from "./random.ts";

const operations = fc.array(
  fc.record({
    add: fc.boolean(),
    level: fc.constantFrom(-1, 0),
    rank: fc.nat(2),
    priority: fc.constantFrom(0, 1, 2.5, Number.POSITIVE_INFINITY, -3),
    readyMs: fc.nat(3),
    tokens: fc.nat(5000),
    at: fc.nat(1000),
  }),
  { maxLength: 200 },
);

test("order, sums and counts are those of a sorted array", () => {
  process.stdout.write(`queue property: seed ${testSeed}\n`);
  fc.assert(
    fc.property(operations, (sequence) => {
      const queue = new OrderedQueue<string>(createRandom(1));
      const naive = new SortedArrayQueue<string>();
      const pairs: [QueueEntry<string>, QueueEntry<string>][] = [];
      sequence.forEach((operation, index) => {
        if (operation.add || pairs.length === 0) {
          const pair = [0, 1].map(() => {
            const entry = new QueueEntry(`v${index}`, index);
            const { rank, level, priority, readyMs } = operation;
            Object.assign(entry, {
              rank,
              level,
              priority,
              readyMs,
              tokens: operation.tokens / 1024,
            });
            return entry;
          });
          const [mine, other] = pair;
          if (mine === undefined || other === undefined) return;
          queue.insert(mine);
          naive.insert(other);
          pairs.push([mine, other]);
        } else {
          const [removed] = pairs.splice(operation.at % pairs.length, 1);
          if (removed === undefined) return;
          queue.remove(removed[0]);
          naive.remove(removed[1]);
        }
        const key = { ...operation, sequence: operation.at };
        const before = queue.before(key, { count: 0, tokens: 0 });
        expect(before).toEqual(naive.before(key, { count: 0, tokens: 0 }));
        expect([queue.size, queue.tokens, queue.first()?.value]).toEqual([
          naive.size,
          naive.tokens,
          naive.first()?.value,
        ]);
      });
      const seen: string[] = [];
      queue.each((entry) => seen.push(entry.value) > 0);
      expect(seen).toEqual(naive.entries.map((entry) => entry.value));
    }),
    { seed: testSeed, numRuns: 300 },
  );
});

test("a visit stops when told to", () => {
  const queue = new OrderedQueue<number>(createRandom(1));
  for (let index = 0; index < 50; index++) queue.insert(new QueueEntry(index, index));
  const seen: number[] = [];
  queue.each((entry) => seen.push(entry.value) < 7);
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("an entry cannot be queued twice, nor removed when it is not queued", () => {
  const queue = new OrderedQueue<number>(createRandom(1));
  const entry = new QueueEntry(1, 1);
  queue.insert(entry);
  expect(() => queue.insert(entry)).toThrow("one queue at a time");
  queue.remove(entry);
  expect(() => queue.remove(entry)).toThrow("only a queued entry");
  entry.priority = Number.NaN;
  expect(() => queue.insert(entry)).toThrow("a priority is a number");
});
