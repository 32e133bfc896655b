import fc from "fast-check";
import { expect, test } from "vitest";

import { testSeed } from "../../test/seed.ts";
import { RestartBudget } from "./restart-budget.ts";

test("no window holds more restarts than allowed, and none is refused that would fit", () => {
  const gaps = fc.array(fc.nat(60), { maxLength: 80 });
  fc.assert(
    fc.property(fc.nat(5), gaps, (restartsMax, all) => {
      const budget = new RestartBudget(restartsMax, 100);
      const taken: number[] = [];
      let nowMs = 0;
      for (const gapMs of all) {
        nowMs += gapMs;
        const inWindow = taken.filter((takenMs) => nowMs - takenMs < 100).length;
        expect(budget.take(nowMs)).toBe(inWindow < restartsMax);
        if (inWindow < restartsMax) taken.push(nowMs);
      }
    }),
    { seed: testSeed },
  );
});
