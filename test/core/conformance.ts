import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command } from "../../src/core/command.ts";
import type { Event } from "../../src/core/event.ts";
import { nextWakeMs, step } from "../../src/core/scheduler.ts";
import { createState, type RequestBook, type State } from "../../src/core/state.ts";
import type { Policy } from "../../src/core/types.ts";
import { holds } from "./claim.ts";
import { audit, limitsChanged } from "./audit.ts";
import { Outside } from "./outside.ts";
import { SortedArrayQueue } from "./sorted-array-queue.ts";
import { moves, options, spec, toEvent, type Move } from "./swarm.ts";

interface World {
  readonly state: State;
  readonly outside: Outside;
  readonly events: Event[];
  readonly commands: Command[];
  nowMs: number;
}

function world(policy: Policy): World {
  const outside = new Outside();
  for (const engine of ["e0", "e1", "e2"]) outside.liveEngines.add(engine);
  const state = createState(options(policy, 7));
  return { state, outside, events: [], commands: [], nowMs: 0 };
}

function apply(at: World, event: Event): void {
  at.events.push(event);
  at.outside.before(event);
  const commands = step(at.state, event);
  at.commands.push(...commands);
  at.outside.after(commands);
}

function play(at: World, sequence: readonly Move[]): void {
  for (const move of sequence) {
    at.nowMs += [0, 0.5, 7, 40, 900][move.c % 5] ?? 0;
    const event = toEvent(move, at.nowMs, at.outside);
    if (event === null) continue;
    if (event.type === "engine-changed" && event.spec !== undefined) limitsChanged.add(at.state);
    apply(at, event);
    audit(at.state);
    holds(nextWakeMs(at.state) >= at.nowMs, "the next wake is not in the past");
  }
}

/** Faults stop: engines live, each running request completes, time passes. */
function settleDown(at: World): void {
  for (const index of [0, 1, 2, 3]) {
    const joined = spec(index, 2 * index + 1);
    apply(at, {
      type: "engine-changed",
      timeMs: at.nowMs,
      engine: joined.name,
      spec: joined,
      state: "live",
    });
  }
  let rounds = 0;
  while (at.outside.open.size > 0) {
    holds(++rounds < 2000, "everything leaves within a bound");
    at.nowMs += 30;
    apply(at, { type: "time-passed", timeMs: at.nowMs });
    for (const each of Array.from(at.outside.open.values())) {
      if (each.phase !== "running") continue;
      apply(at, {
        type: "request-ended",
        timeMs: at.nowMs,
        requestId: each.requestId,
        attempt: each.attempt,
        result: "completed",
        outputTokens: 10,
      });
    }
    audit(at.state);
  }
}

/**
 * What every policy has to keep, under random sequences of events: books, endings, draining, and the
 * same commands from the same events.
 */
export function describePolicies(
  name: string,
  policies: fc.Arbitrary<Policy>,
  parameters: { readonly seed: number; readonly numRuns: number },
): void {
  describe(`${name}, under any sequence of events`, () => {
    test("keeps its books, and ends every request once (invariants 1-7, 9)", () => {
      fc.assert(
        fc.property(policies, moves, (policy, sequence) => {
          const at = world(policy);
          play(at, sequence);
          expect(at.outside.open.size).toBe(at.state.requests.size);
        }),
        parameters,
      );
    });

    test("drains once faults stop; every account is zero (invariants 3, 8)", () => {
      fc.assert(
        fc.property(policies, moves, (policy, sequence) => {
          const at = world(policy);
          play(at, sequence);
          settleDown(at);
          expect(at.outside.outcomes.size).toBe(at.outside.arrived);
          for (const engine of at.state.engines) expect(engine.inFlightTokens).toBe(0);
          expect(at.state.workflows.size).toBeLessThanOrEqual(at.state.idle.size);
          at.nowMs += 1e6;
          apply(at, { type: "time-passed", timeMs: at.nowMs });
          expect(at.state.workflows.size).toBe(0);
          expect(nextWakeMs(at.state)).toBe(Number.POSITIVE_INFINITY);
        }),
        parameters,
      );
    });

    test("does the same as with a sorted array for a queue, and again from its own events (7, 10)", () => {
      fc.assert(
        fc.property(policies, moves, (policy, sequence) => {
          const at = world(policy);
          play(at, sequence);
          const naive = createState(options(policy, 7), () => new SortedArrayQueue<RequestBook>());
          const again = createState(options(policy, 7));
          const fromNaive = at.events.flatMap((event) => step(naive, event));
          const fromAgain = at.events.flatMap((event) => step(again, event));
          for (const commands of [fromNaive, fromAgain]) {
            // The matcher tells what differs and takes its time; most sequences need only know that nothing does.
            if (!isDeepStrictEqual(commands, at.commands)) expect(commands).toEqual(at.commands);
          }
        }),
        parameters,
      );
    });
  });
}
