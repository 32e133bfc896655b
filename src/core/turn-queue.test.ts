import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { AUTO, Bench, engine, estimate } from "../../test/core/fixture.ts";
import type { Tenant } from "./event.ts";
import { OrderedQueue, QueueEntry } from "./queue.ts";
import { createRandom } from "./random.ts";
import { TurnQueue, type Turned } from "./turn-queue.ts";

const parameters = { seed: testSeed, numRuns: 200 };

class Item implements Turned<Item> {
  readonly arrived: { readonly tenant?: Tenant };
  readonly entry: QueueEntry<Item>;
  place: QueueEntry<Item> | null = null;
  readonly tokens: number;

  constructor(sequence: number, tenant: Tenant | null, tokens: number) {
    this.arrived = tenant === null ? {} : { tenant };
    this.entry = new QueueEntry<Item>(this, sequence);
    this.entry.priority = tokens;
    this.tokens = tokens;
  }
}

function tenant(id: number, weight: number): Tenant {
  return { id: `t${id}`, queueRequestsMax: 1000, weight };
}

function createQueue(): TurnQueue<Item> {
  const random = createRandom(1);
  return new TurnQueue<Item>(() => new OrderedQueue<Item>(random));
}

/** Dispatches the next; null when nothing waits. */
function take(queue: TurnQueue<Item>): Item | null {
  const item = queue.first()?.value ?? null;
  if (item === null) return null;
  queue.charge(item, item.tokens);
  queue.remove(item.entry);
  return item;
}

const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 60 });

describe("tenants that take turns", () => {
  test("have the usual order when there is one, or when none has a weight", () => {
    fc.assert(
      fc.property(sizes, fc.boolean(), (tokens, weighted) => {
        const queue = createQueue();
        const who = weighted ? tenant(0, 2) : null;
        for (const [sequence, size] of tokens.entries()) {
          queue.insert(new Item(sequence, who, size).entry);
        }
        const order: number[] = [];
        for (let item = take(queue); item !== null; item = take(queue)) order.push(item.tokens);
        expect(order).toEqual(tokens.toSorted((a, b) => a - b));
      }),
      parameters,
    );
  });

  test("one that comes waits for at most one dispatch of each other", () => {
    const loads = fc.array(fc.tuple(sizes, fc.constantFrom(0.5, 1, 3)), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(
        loads,
        fc.nat(100),
        fc.integer({ min: 1, max: 5000 }),
        (tenants, before, size) => {
          const queue = createQueue();
          let sequence = 0;
          for (const [id, [tokens, weight]] of tenants.entries()) {
            for (const each of tokens) {
              queue.insert(new Item(sequence++, tenant(id, weight), each).entry);
            }
          }
          for (let index = 0; index < before; index++) take(queue);
          const light = new Item(sequence, tenant(99, 0.5), size);
          queue.insert(light.entry);
          const others: (string | undefined)[] = [];
          for (let item = take(queue); item !== light; item = take(queue)) {
            others.push(item?.arrived.tenant?.id);
          }
          expect(new Set(others).size).toBe(others.length);
        },
      ),
      parameters,
    );
  });

  test("that always wait get tokens by their weights, to within one request of each", () => {
    fc.assert(
      fc.property(sizes, sizes, fc.constantFrom(0.25, 1, 4), (one, two, weight) => {
        const queue = createQueue();
        let sequence = 0;
        const lists = [one, two] as const;
        const weights = [1, weight] as const;
        const next = [0, 0];
        const got = [0, 0];
        const insert = (id: 0 | 1): void => {
          const list = lists[id];
          const size = list[(next[id] ?? 0) % list.length] ?? 1;
          next[id] = (next[id] ?? 0) + 1;
          queue.insert(new Item(sequence++, tenant(id, weights[id]), size).entry);
        };
        for (const id of [0, 1] as const) for (let index = 0; index < 4; index++) insert(id);
        for (let turns = 0; turns < 200; turns++) {
          const item = take(queue);
          if (item === null) throw new Error("somebody always waits");
          const id = item.arrived.tenant?.id === "t0" ? 0 : 1;
          got[id] = (got[id] ?? 0) + item.tokens;
          insert(id);
          const apart = Math.abs((got[0] ?? 0) - (got[1] ?? 0) / weight);
          expect(apart).toBeLessThanOrEqual(1000 + 1000 / weight);
        }
      }),
      parameters,
    );
  });

  test("do not gain by saying that they need little", () => {
    const queue = createQueue();
    let sequence = 0;
    const liar = tenant(0, 1);
    const honest = tenant(1, 1);
    const used = [0, 0];
    for (let index = 0; index < 100; index++) {
      queue.insert(new Item(sequence++, liar, 1).entry);
      queue.insert(new Item(sequence++, honest, 500).entry);
    }
    for (let turns = 0; turns < 40; turns++) {
      const item = take(queue);
      if (item === null) throw new Error("somebody waits");
      const who = item.arrived.tenant === liar ? 0 : 1;
      used[who] = (used[who] ?? 0) + 500;
      if (item.arrived.tenant === liar) queue.correct(item, 499);
    }
    expect(used).toEqual([10_000, 10_000]);
  });
});

describe("in the scheduler", () => {
  test("a key that floods an engine delays another key by what runs already", () => {
    const bench = new Bench([engine("e", "m")], AUTO);
    const flood = { tenant: tenant(0, 1) };
    for (let index = 0; index < 50; index++) {
      bench.arrive(`flood-${index}`, [estimate("m", 0.5, 10)], flood);
    }
    bench.arrive("light", [estimate("m", 0.5, 1000)], { tenant: tenant(1, 1) });
    for (let index = 0; bench.dispatchOf("light") === undefined; index++) {
      bench.end(bench.dispatched().at(-1) ?? "none");
      expect(index).toBe(0);
    }
    expect(bench.dispatched()).toEqual(["flood-0", "light"]);
  });

  test("a key that fills the queue makes room for another key, up to its share", () => {
    const bench = new Bench([engine("e", "m")], AUTO, { queueRequestsMax: 4 });
    const arrive = (id: string, who: number, weight: number): void => {
      bench.arrive(id, [estimate("m", 0.5, 10)], { tenant: tenant(who, weight) });
    };
    for (let index = 0; index < 6; index++) arrive(`a${index}`, 0, 1);
    expect(bench.outcomes()).toEqual({ a5: "queue-full" });
    arrive("b0", 1, 1);
    expect(bench.outcomes()).toMatchObject({ a4: "shed" });
    arrive("b1", 1, 1);
    expect(bench.outcomes()).toMatchObject({ a3: "shed" });
    arrive("b2", 1, 1);
    arrive("a6", 0, 1);
    expect(bench.outcomes()).toEqual({
      a5: "queue-full",
      a4: "shed",
      a3: "shed",
      b2: "queue-full",
      a6: "queue-full",
    });
  });

  test("a class stands above the turns", () => {
    const bench = new Bench([engine("e", "m")], AUTO);
    bench.arrive("runs", [estimate("m", 0.5, 10)], { tenant: tenant(1, 1) });
    bench.arrive("bulk", [estimate("m", 0.5, 10)], { tenant: tenant(1, 1), class: "bulk" });
    for (const id of ["a", "b"]) {
      bench.arrive(id, [estimate("m", 0.5, 10)], { tenant: tenant(0, 1) });
    }
    for (const id of ["runs", "a", "b"]) bench.end(id);
    expect(bench.dispatched()).toEqual(["runs", "a", "b", "bulk"]);
  });
});
