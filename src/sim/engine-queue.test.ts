import fc from "fast-check";
import { expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import {
  EngineQueue,
  newSequence,
  sortsBefore,
  type EngineRequest,
  type Sequence,
} from "./engine-queue.ts";

function waiting(priority: number, created: number): Sequence<EngineRequest> {
  const tokens = { promptTokens: 1, outputTokens: 1 };
  return newSequence({
    id: `r${created}`,
    workflowId: null,
    ...tokens,
    priority,
    readyMs: 0,
    created,
  });
}

const step = fc.oneof(
  fc.record({ joins: fc.nat(9) }),
  fc.record({ removes: fc.nat(200) }),
  fc.record({ iterations: fc.nat(3) }),
);

it("the first is the one that sorts before all others, whoever joins, leaves or is promoted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: "max" }), fc.nat(8), (steps, threshold) => {
      const queue = new EngineQueue<EngineRequest>(threshold > 0);
      let list: Sequence<EngineRequest>[] = [];
      let begun = 0;
      for (const [created, each] of steps.entries()) {
        if ("joins" in each) {
          const sequence = waiting(each.joins, created);
          list.push(sequence);
          queue.join(sequence, begun);
        } else if ("removes" in each) {
          const sequence = list[each.removes % Math.max(1, list.length)];
          if (sequence === undefined) continue;
          list = list.filter((other) => other !== sequence);
          queue.remove(sequence);
        } else if (threshold > 0) {
          begun += each.iterations;
          queue.promote(begun, threshold);
          for (const { level, joinedAt } of list) {
            expect(level).toBe(begun - joinedAt >= threshold ? -1 : 0);
          }
        }
        const first = list.toSorted((a, b) => (sortsBefore(a, b) ? -1 : 1))[0];
        expect(queue.first()).toBe(first);
        expect(queue.size).toBe(list.length);
        if (threshold === 0) continue;
        const joined = list.filter(({ level }) => level === 0).map(({ joinedAt }) => joinedAt);
        expect(queue.oldestJoinedAt()).toBe(Math.min(...joined));
      }
    }),
    { seed: testSeed, numRuns: 150 },
  );
});
