import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUTO, Bench, engine, estimate, PAPER } from "../../test/core/fixture.ts";
import type { EngineSpec, Policy } from "./types.ts";
import { expectedMs, redecide, type PaperLoad, type Redecision, type WhatIf } from "./what-if.ts";

const ENGINES: readonly EngineSpec[] = [
  engine("fast", "small"),
  engine("slow", "large", {
    profileMsPerToken: 40,
    speed: { baseMs: 40, perSequenceMs: 1, perKvTokenMs: 0, perPromptTokenMs: 0 },
  }),
  engine("slow-2", "large", { profileMsPerToken: 30, maxSequences: 2, profileBatch: 2 }),
];

const LOAD: PaperLoad = {
  ownWork: false,
  profileOf: (name) => ENGINES.find((each) => each.name === name),
};

interface Request {
  readonly small: number;
  readonly large: number;
  readonly tokens: number;
}

const requests = fc.array(
  fc.record<Request>({
    small: fc.double({ min: 0, max: 1, noNaN: true }),
    large: fc.double({ min: 0, max: 1, noNaN: true }),
    tokens: fc.integer({ min: 1, max: 2000 }),
  }),
  { minLength: 1, maxLength: 12 },
);

const policies = fc.record({
  choice: fc.constantFrom("auto", "paper", "balancer", "least-tokens"),
  price: fc.double({ min: 0, max: 2, noNaN: true }),
  slack: fc.option(fc.double({ min: 0, max: 4, noNaN: true })),
  minGain: fc.double({ min: 0, max: 0.5, noNaN: true }),
});

function arrive(bench: Bench, { small, large, tokens }: Request, id: string): void {
  bench.arrive(id, [estimate("small", small, tokens), estimate("large", large, tokens * 1.5)]);
}

function decidedBy(policy: Policy, before: readonly Request[], last: Request) {
  // Late choice would move what has been decided.
  const bench = new Bench(ENGINES, { ...policy, lateChoiceRequestsMax: 0 });
  before.forEach((request, index) => arrive(bench, request, `r${index}`));
  return (knobs: Partial<Policy>) => {
    bench.state.options = {
      ...bench.state.options,
      policy: { ...bench.state.options.policy, ...knobs },
    };
    arrive(bench, last, "last");
    const request = bench.state.requests.get("last");
    return request?.decision ?? null;
  };
}

function redecided(...asked: Parameters<typeof redecide>): Redecision {
  const result = redecide(...asked);
  if (typeof result === "string") throw new Error(result);
  return result;
}

const LAST: Request = { small: 0.4, large: 0.9, tokens: 100 };

describe("deciding again", () => {
  test("with what counted then gives what was decided then, every number the same", () => {
    fc.assert(
      fc.property(policies, requests, (knobs, before) => {
        const decision = decidedBy({ ...AUTO, ...knobs }, before, LAST)({});
        if (decision === null) throw new Error("undecided");
        const again = redecided(decision, {}, LOAD);
        expect([again.best.engine, again.rule]).toEqual([decision.engine, decision.rule]);
        expect(again.candidates).toEqual(decision.candidates);
      }),
    );
  });

  test("with other knobs gives what the scheduler decides with those in the same state", () => {
    fc.assert(
      fc.property(requests, policies, policies, (before, then, now) => {
        const policy: Policy = { ...AUTO, ...then, choice: "auto" };
        const recorded = decidedBy(policy, before, LAST)({});
        const live = decidedBy(policy, before, LAST)(now);
        if (recorded === null || live === null) throw new Error("undecided");
        const again = redecided(recorded, now, LOAD);
        expect([again.best.engine, again.rule]).toEqual([live.engine, live.rule]);
      }),
    );
  });
});

describe("a decision stands", () => {
  test("where one engine could be chosen", () => {
    const bench = new Bench(ENGINES, AUTO);
    bench.arrive("a", [estimate("small", 0.5, 10)]);
    const decision = bench.decisionOf("a");
    expect(decision && redecide(decision, { price: 9 }, LOAD)).toBe("one-candidate");
  });

  test.each<[string, Policy, WhatIf]>([
    ["times were not weighed", { ...AUTO, choice: "balancer" }, { choice: "auto" }],
    ["another load was weighed", PAPER, { choice: "auto" }],
    ["chance decided", { ...AUTO, choice: "random" }, { price: 1 }],
  ])("where %s", (_name, policy, asked) => {
    const decision = decidedBy(policy, [], LAST)({});
    expect(decision && redecide(decision, asked, LOAD)).toBe("no-numbers");
  });

  test("where the paper's profile of an engine is not known any more", () => {
    const decision = decidedBy(AUTO, [], LAST)({});
    const gone = { ...LOAD, profileOf: () => undefined };
    expect(decision && redecide(decision, { choice: "paper" }, gone)).toBe("no-numbers");
  });
});

test("the expected time is that which was weighed, and unknown where none was", () => {
  const auto = decidedBy(AUTO, [LAST], LAST)({});
  const [first] = auto?.candidates ?? [];
  expect(auto && expectedMs(auto, "fast")).toBe((first?.waitMs ?? 0) + (first?.ownMs ?? 0));
  const balanced = decidedBy({ ...AUTO, choice: "balancer" }, [], LAST)({});
  expect(balanced && expectedMs(balanced, balanced.engine)).toBeNull();
});
