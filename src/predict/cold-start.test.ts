import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { testSeed } from "../../test/seed.ts";
import type { Estimate } from "../core/types.ts";
import { ColdStart } from "./cold-start.ts";
import type { StageFacts, StageSeen } from "./port.ts";

const FACTS: StageFacts = {
  workflowId: "w",
  kind: "code",
  role: "planner",
  stage: 0,
  pool: "chimera",
  promptTokens: 500,
  systemTokens: 100,
  userTokens: 400,
  outputTokensMax: null,
  expectedOutputTokens: null,
  callsLeft: null,
  producedTokens: [],
  text: null,
};

function coldStart(groupsMax = 4096): ColdStart {
  return new ColdStart({ confidence: { large: 0.7 }, groupsMax });
}

function stageOf(
  facts: Partial<StageFacts>,
  outputTokens: number,
  model: string = "large",
): StageSeen {
  return { facts: { ...FACTS, ...facts }, model, outcome: "completed", outputTokens };
}

/** A workflow of one kind whose stages have the given lengths, ended with a score. */
function play(
  estimator: ColdStart,
  lengths: readonly number[],
  options: { kind?: string; models?: readonly string[]; score?: number | null } = {},
): void {
  const { kind = "code", models = ["large"], score = null } = options;
  const stages = lengths.map((tokens, stage) =>
    stageOf(
      { kind, stage, producedTokens: lengths.slice(0, stage) },
      tokens,
      models[stage % models.length] ?? "large",
    ),
  );
  for (const stage of stages) estimator.stageEnded(stage);
  estimator.workflowEnded({ kind, stages, score });
}

function estimateOf(
  estimator: ColdStart,
  facts: Partial<StageFacts> = {},
  model: string = "large",
): Estimate {
  const [estimate] = estimator.estimate({ ...FACTS, ...facts }, [model]);
  if (estimate === undefined) throw new Error("one estimate a model");
  return estimate;
}

function times(count: number, run: (index: number) => void): void {
  for (let index = 0; index < count; index++) run(index);
}

test("the first request is answered by the prior, one estimate a model in the order given", () => {
  const estimates = coldStart().estimate(FACTS, ["small", "large", "small"]);
  expect(estimates.map(({ model, confidence }) => [model, confidence])).toEqual([
    ["small", 0.5],
    ["large", 0.7],
    ["small", 0.5],
  ]);
  expect(estimates[0]).toMatchObject({ source: "cold-start:prior" });
  expect(estimates[0]?.stageTokens).toBeCloseTo(256, 6);
  expect(estimates[0]?.remainingMedian).toBeCloseTo(512, 6);
});

describe("learning", () => {
  test("a stage's length is learned at once, what remains when its workflow ends", () => {
    const estimator = coldStart();
    times(100, () => estimator.stageEnded(stageOf({}, 900)));
    const before = estimateOf(estimator);
    expect(before.stageTokens).toBeGreaterThan(800);
    expect(before.remainingMedian).toBeGreaterThanOrEqual(before.stageTokens);
    times(100, () => play(estimator, [900, 100]));
    expect(estimateOf(estimator).remainingMedian).toBeCloseTo(1000, -2);
    expect(estimateOf(estimator, { stage: 1 }).remainingMedian).toBeCloseTo(100, -1);
  });

  test("each further stage of one length brings the estimate no further from it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), (tokens) => {
        const estimator = coldStart();
        let distance = Infinity;
        times(40, () => {
          play(estimator, [tokens]);
          const off = Math.abs(estimateOf(estimator).stageTokens - tokens);
          expect(off).toBeLessThanOrEqual(distance + 1e-6);
          distance = off;
        });
        expect(distance).toBeLessThan(0.02 * tokens + 1);
        const { remainingMedian } = estimateOf(estimator);
        expect(Math.abs(remainingMedian - tokens)).toBeLessThan(0.02 * tokens + 1);
      }),
      { seed: testSeed, numRuns: 50 },
    );
  });

  test("estimates stay between the prior and what was seen", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 40 }), fc.nat(60_000), (workflows, last) => {
        const estimator = coldStart();
        for (const workflow of workflows) play(estimator, workflow);
        const totals = workflows.map((workflow) => workflow.reduce((a, b) => a + b, 0));
        const most = Math.max(512, 2 * Math.max(0, ...workflows.flat()), ...totals);
        const facts = { stage: 1, producedTokens: [last], promptTokens: last };
        const { remainingMean, remainingMedian, stageTokens } = estimateOf(estimator, facts);
        for (const tokens of [remainingMean, remainingMedian, stageTokens]) {
          expect(tokens).toBeGreaterThanOrEqual(1);
          expect(tokens).toBeLessThanOrEqual(most * (1 + 1e-9));
        }
        expect(remainingMedian).toBeGreaterThanOrEqual(stageTokens);
      }),
      { seed: testSeed },
    );
  });

  test("old behaviour fades", () => {
    const estimator = coldStart();
    times(500, () => play(estimator, [100]));
    times(130, () => play(estimator, [2000]));
    expect(estimateOf(estimator).remainingMedian).toBeGreaterThan(1900);
  });

  test("a stage that did not complete teaches no length", () => {
    const estimator = coldStart();
    estimator.stageEnded({ ...stageOf({}, 3), outcome: "client-gone" });
    expect(estimator.size).toBe(0);
  });

  test("a long last output foretells a long rest where it did so before", () => {
    const estimator = coldStart();
    times(100, (index) => play(estimator, [100 + index * 5, 100 + index * 5]));
    const short = estimateOf(estimator, { stage: 1, producedTokens: [120] });
    const long = estimateOf(estimator, { stage: 1, producedTokens: [580] });
    expect(long.remainingMedian).toBeGreaterThan(1.5 * short.remainingMedian);
  });

  test("a skewed group's mean lies above its median", () => {
    const estimator = coldStart();
    times(120, (index) => play(estimator, [index % 10 === 0 ? 4000 : 100]));
    const { remainingMean, remainingMedian } = estimateOf(estimator);
    expect(remainingMean).toBeGreaterThan(3 * remainingMedian);
  });
});

describe("the ladder of groups", () => {
  test("the finest group that weighs at least half answers", () => {
    const estimator = coldStart();
    const source = (facts: Partial<StageFacts>, model?: string): string =>
      estimateOf(estimator, facts, model).source;
    times(11, () => play(estimator, [100]));
    expect(source({})).toBe("cold-start:prior");
    play(estimator, [100]);
    expect(source({})).toBe("cold-start:kind+role+stage+model(n=12)");
    expect(source({ kind: "math" })).toBe("cold-start:role+stage+model(n=12)");
    expect(source({ kind: "math", role: "solver" })).toBe("cold-start:model(n=12)");
    expect(source({ role: "solver" })).toBe("cold-start:kind+model(n=12)");
    expect(source({}, "unseen")).toBe("cold-start:kind+role+stage(n=12)");
    expect(source({ kind: "math" }, "unseen")).toBe("cold-start:role+stage(n=12)");
    expect(source({ kind: "math", role: null }, "unseen")).toBe("cold-start:everything(n=12)");
  });

  test("a model never seen is taken for the other models of its group", () => {
    const estimator = coldStart();
    times(100, () => play(estimator, [3000]));
    times(100, () => play(estimator, [50], { kind: "math" }));
    expect(estimateOf(estimator, {}, "unseen").remainingMedian).toBeGreaterThan(1500);
    expect(estimateOf(estimator, { kind: "math" }, "unseen").remainingMedian).toBeLessThan(100);
  });

  test("names that run into each other are different groups", () => {
    const estimator = coldStart();
    times(50, () => play(estimator, [3000], { kind: "codeplanner" }));
    const facts = { kind: "code", role: "plannerplanner" };
    expect(estimateOf(estimator, facts).source).toBe("cold-start:model(n=50)");
  });

  test("a workflow that moved within its pool is credited to no model", () => {
    const estimator = coldStart();
    times(50, () => play(estimator, [100, 700], { models: ["large", "small"] }));
    expect(estimateOf(estimator).source).toBe("cold-start:kind+role+stage(n=50)");
    expect(estimateOf(estimator, { stage: 1 }, "small").source).toMatch(/stage\+model\(n=50\)$/);
  });

  test("another pool's model is part of the workload", () => {
    const estimator = coldStart();
    const stages = [
      stageOf({ pool: "actor" }, 100),
      stageOf({ pool: "critic", role: "critic", stage: 1 }, 50, "judge"),
      stageOf({ pool: "actor", stage: 2 }, 100),
    ];
    times(50, () => estimator.workflowEnded({ kind: "code", stages, score: null }));
    expect(estimateOf(estimator).remainingMedian).toBeGreaterThan(240);
    expect(estimateOf(estimator).remainingMedian).toBeLessThan(260);
    expect(estimateOf(estimator).source).toBe("cold-start:kind+role+stage+model(n=50)");
  });
});

test("the client's word is named as the source", () => {
  const estimator = coldStart();
  const all = estimateOf(estimator, { expectedOutputTokens: 40, callsLeft: 0 });
  expect(all).toMatchObject({ source: "hint", stageTokens: 40, remainingMean: 40 });
  const some = estimateOf(estimator, { callsLeft: 3 });
  expect(some.source).toBe("hint+cold-start:prior");
  expect(some.remainingMedian).toBeCloseTo(4 * 256, 6);
});

test("calls left are priced at the mean call of the kind on the model", () => {
  const estimator = coldStart();
  times(200, () => play(estimator, [100, 300]));
  const { remainingMedian } = estimateOf(estimator, { callsLeft: 10 });
  expect(remainingMedian).toBeGreaterThan(0.95 * (100 + 10 * 200));
  expect(remainingMedian).toBeLessThan(1.05 * (100 + 10 * 200));
});

test("a score is shared out over the models by the stages that they served", () => {
  const estimator = coldStart();
  times(40, () =>
    play(estimator, [1, 1, 1, 1], { models: ["large", "large", "large", "b"], score: 0 }),
  );
  times(40, () => play(estimator, [1], { kind: "math", score: null }));
  expect(estimateOf(estimator).confidence).toBeLessThan(0.1);
  expect(estimateOf(estimator, {}, "b").confidence).toBeCloseTo(0.125, 6);
  expect(estimateOf(estimator, { kind: "math" }, "c").confidence).toBe(0.5);
});

describe("memory", () => {
  test("the groups kept are bounded, and those with news stay", () => {
    const estimator = coldStart(20);
    times(300, (index) => {
      play(estimator, [100], { kind: `kind ${index}`, models: [`model ${index}`] });
      play(estimator, [700]);
      expect(estimator.size).toBeLessThanOrEqual(20);
    });
    expect(estimateOf(estimator).source).toBe("cold-start:kind+role+stage+model(n=128)");
  });

  test("the same history gives the same estimates, also over a restart", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 4 });
    const kind = fc.constantFrom("code", "math");
    const history = fc.array(
      fc.record({ kind, lengths, score: fc.constantFrom(0, 0.5, 1, null) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(history, history, (before, after) => {
        const straight = coldStart();
        const restarted = coldStart();
        for (const { lengths, ...options } of before) play(straight, lengths, options);
        expect(restarted.restore(JSON.parse(JSON.stringify(straight.snapshot())))).toBe(true);
        for (const estimator of [straight, restarted]) {
          for (const { lengths, ...options } of after) play(estimator, lengths, options);
        }
        expect(restarted.snapshot()).toEqual(straight.snapshot());
        const models = ["large", "unseen"];
        expect(restarted.estimate(FACTS, models)).toEqual(straight.estimate(FACTS, models));
      }),
      { seed: testSeed },
    );
  });

  test("what is no snapshot changes nothing", () => {
    const estimator = coldStart();
    times(50, () => play(estimator, [700]));
    const before = estimator.snapshot();
    const { groups, confidence } = before;
    const wrong = [null, {}, [], { version: 2, groups, confidence }, { version: 1, groups: [{}] }];
    for (const json of wrong) expect(estimator.restore(json)).toBe(false);
    expect(estimator.snapshot()).toEqual(before);
  });

  test("a snapshot from a larger estimator is cut to the groups with the newest news", () => {
    const large = coldStart();
    times(50, (index) => play(large, [700], { kind: `kind ${index}` }));
    const small = coldStart(10);
    expect(small.restore(large.snapshot())).toBe(true);
    expect(small.size).toBe(10);
    expect(estimateOf(small, { kind: "kind 49" }).source).toMatch(/^cold-start:role\+stage\+model/);
  });
});
