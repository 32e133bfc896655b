import fc from "fast-check";
import { expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { Aging, type Aged } from "./fairness.ts";

class Waiter implements Aged<Waiter> {
  readonly id: number;
  level = 0;
  joinedRound = 0;
  older: Waiter | null = null;
  younger: Waiter | null = null;
  aging = false;
  /** The slow obvious model: a counter of its own. */
  passedOver = 0;

  constructor(id: number) {
    this.id = id;
  }
}

test("promotes exactly those that a counter each would promote, oldest first", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(99), { maxLength: 150 }),
      fc.integer({ min: 1, max: 5 }),
      (moves, threshold) => {
        const aging = new Aging<Waiter>(threshold);
        let waiting: Waiter[] = [];
        moves.forEach((move, index) => {
          if (move < 50) {
            const waiter = new Waiter(index);
            aging.join(waiter);
            waiting.push(waiter);
          } else if (move < 70 && waiting.length > 0) {
            const [left] = waiting.splice(move % waiting.length, 1);
            if (left !== undefined) aging.leave(left);
          } else {
            aging.rounds++;
            for (const waiter of waiting) waiter.passedOver++;
          }
          const due = waiting.filter((waiter) => waiter.passedOver >= threshold);
          waiting = waiting.filter((waiter) => waiter.passedOver < threshold);
          const promoted: number[] = [];
          for (let next = aging.due(); next !== null; next = aging.due()) promoted.push(next.id);
          expect(promoted).toEqual(due.map((waiter) => waiter.id));
          const left = Math.min(...waiting.map((waiter) => threshold - waiter.passedOver));
          expect(aging.roundsLeft()).toBe(left);
        });
      },
    ),
    { seed: testSeed, numRuns: 500 },
  );
});

test("a threshold of 0 promotes nobody, and who is promoted already does not age", () => {
  const off = new Aging<Waiter>(0);
  off.join(new Waiter(1));
  off.rounds = 1000;
  expect(off.due()).toBeNull();
  const on = new Aging<Waiter>(1);
  const promoted = new Waiter(2);
  promoted.level = -1;
  on.join(promoted);
  on.rounds = 1000;
  expect(on.due()).toBeNull();
});
