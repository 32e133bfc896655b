import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { testSeed } from "../../test/seed.ts";
import { createRandom, type Random } from "../core/random.ts";
import type { Estimate } from "../core/types.ts";
import { kendallDistance } from "../learn/score.ts";
import { CorrectedEstimator, CorrectedPredictor } from "./corrected.ts";
import type { Estimator, StageFacts, StageSeen } from "./port.ts";
import { ResidualCorrection } from "./residual-correction.ts";

const MEAN_OVER_MEDIAN = Math.exp(0.5);

interface Play {
  readonly model: string;
  readonly kind?: string;
  readonly workflowId: string;
  /** What the forest says is the median of a stage. */
  readonly stageTokens: number;
  readonly lengths: readonly number[];
  readonly score?: number | null;
}

function factsOf(play: Pick<Play, "workflowId" | "kind">, stage: number): StageFacts {
  return {
    workflowId: play.workflowId,
    kind: play.kind ?? "code",
    role: null,
    stage,
    pool: "chimera",
    promptTokens: 500,
    systemTokens: 0,
    userTokens: 500,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: null,
  };
}

function said(model: string, stageTokens: number, stagesLeft: number, confidence = 0.5): Estimate {
  return {
    model,
    confidence,
    remainingMean: stageTokens * stagesLeft * MEAN_OVER_MEDIAN,
    remainingMedian: stageTokens * stagesLeft,
    stageTokens,
    source: "forest router(n=9)",
  };
}

function begin(correction: ResidualCorrection, play: Play, stage: number): Estimate {
  const { model, stageTokens, lengths } = play;
  const estimate = said(model, stageTokens, lengths.length - stage);
  const [corrected] = correction.correct(factsOf(play, stage), [estimate]);
  return corrected ?? estimate;
}

function seenOf(play: Play, stage: number): StageSeen {
  const outputTokens = play.lengths[stage] ?? 0;
  return { facts: factsOf(play, stage), model: play.model, outcome: "completed", outputTokens };
}

/** A workflow from its first prediction to its end. */
function serve(correction: ResidualCorrection, play: Play): Estimate[] {
  const estimates = play.lengths.map((_, stage) => {
    const estimate = begin(correction, play, stage);
    correction.stageEnded(seenOf(play, stage));
    return estimate;
  });
  end(correction, play);
  return estimates;
}

function end(correction: ResidualCorrection, play: Play): void {
  const stages = play.lengths.map((_, stage) => seenOf(play, stage));
  correction.workflowEnded({ kind: play.kind ?? "code", stages, score: play.score ?? null });
}

function normal(random: Random): number {
  let sum = -6;
  for (let draw = 0; draw < 12; draw++) sum += random.next();
  return sum;
}

/** One stage whose length is log-normal about what is predicted, times a factor. */
function draw(random: Random, model: string, number: number, factor: number): Play {
  const stageTokens = 100 * Math.exp(0.7 * normal(random));
  const lengths = [Math.round(stageTokens * factor * Math.exp(normal(random)))];
  return { model, workflowId: `${model}-${number}`, stageTokens, lengths };
}

describe("lengths", () => {
  test("a forest that is right is left alone: the order is as good as it was", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = createRandom(seed);
      const correction = new ResidualCorrection();
      const truth: number[] = [];
      const plain: number[] = [];
      const corrected: number[] = [];
      const factors: number[] = [];
      for (let number = 0; number < 1500; number++) {
        const play = draw(random, ["a", "b", "c"][number % 3] ?? "a", number, 1);
        const [estimate] = serve(correction, play);
        truth.push(play.lengths[0] ?? 0);
        plain.push(play.stageTokens);
        corrected.push(estimate?.remainingMean ?? 0);
        factors.push(Math.log((estimate?.remainingMedian ?? 1) / play.stageTokens));
      }
      const before = kendallDistance(truth, plain) ?? 0;
      const after = kendallDistance(truth, corrected) ?? 1;
      expect(after - before, `seed ${seed}`).toBeLessThan(0.005);
      const off = factors.toSorted((x, y) => Math.abs(x) - Math.abs(y))[1350] ?? 1;
      expect(Math.abs(off), `seed ${seed}`).toBeLessThan(0.25);
    }
  });

  test("a new model that talks four times as long ranks as one that is known, after thirty runs", () => {
    const ratios: number[] = [];
    for (let seed = 1; seed <= 5; seed++) {
      const random = createRandom(seed);
      const correction = new ResidualCorrection();
      for (let number = 0; number < 200; number++)
        serve(correction, draw(random, "old", number, 1));
      for (let number = 0; number < 30; number++) serve(correction, draw(random, "new", number, 4));
      const plays = Array.from({ length: 600 }, (_, number) =>
        draw(random, number % 2 === 0 ? "old" : "new", 1000 + number, number % 2 === 0 ? 1 : 4),
      );
      const truth = plays.map(({ lengths }) => lengths[0] ?? 0);
      const distance = (of: (play: Play) => number): number =>
        kendallDistance(truth, plays.map(of)) ?? 1;
      const raw = distance(({ stageTokens }) => stageTokens);
      const known = distance(({ stageTokens, model }) => stageTokens * (model === "new" ? 4 : 1));
      const corrected = distance((play) => begin(correction, play, 0).remainingMean);
      expect(raw - known, `seed ${seed}`).toBeGreaterThan(0.05);
      expect(corrected - known, `seed ${seed}`).toBeLessThan((raw - known) / 3);
      const probe = { ...draw(random, "new", 9999, 4), stageTokens: 100, lengths: [1] };
      const { remainingMean, remainingMedian, stageTokens } = begin(correction, probe, 0);
      ratios.push(
        remainingMedian / 400,
        remainingMean / (400 * MEAN_OVER_MEDIAN),
        stageTokens / 400,
      );
    }
    expect(Math.min(...ratios)).toBeGreaterThan(0.35);
    expect(Math.max(...ratios)).toBeLessThan(1.8);
    const logs = ratios.map(Math.log);
    expect(Math.abs(logs.reduce((a, b) => a + b, 0) / logs.length)).toBeLessThan(0.45);
  });

  test("what is left of workflows follows their stages before the first long one has ended", () => {
    const correction = new ResidualCorrection();
    const open: Play[] = [];
    for (let number = 0; number < 20; number++) {
      const play = {
        model: "new",
        workflowId: `long-${number}`,
        stageTokens: 100,
        lengths: [400, 400, 400, 400, 400, 400],
      };
      open.push(play);
      for (let stage = 0; stage < 3; stage++) {
        begin(correction, play, stage);
        correction.stageEnded(seenOf(play, stage));
      }
    }
    const probe = { model: "new", workflowId: "probe", stageTokens: 100, lengths: [1, 1, 1] };
    expect(begin(correction, probe, 0).remainingMedian).toBeGreaterThan(2 * 300);
    for (const play of open) end(correction, play);
    expect(begin(correction, probe, 0).remainingMedian).toBeGreaterThan(2.5 * 300);
  });

  test("a new kind is corrected for a model without cases once two models have shown it", () => {
    const correction = new ResidualCorrection();
    const probe = { kind: "new", model: "z", workflowId: "p", stageTokens: 100, lengths: [1] };
    const serveOn = (model: string): void => {
      for (let number = 0; number < 30; number++) {
        const workflowId = `${model}-${number}`;
        serve(correction, { kind: "new", model, workflowId, stageTokens: 100, lengths: [400] });
      }
    };
    serveOn("a");
    expect(begin(correction, probe, 0).remainingMedian).toBe(100);
    serveOn("b");
    expect(begin(correction, probe, 0).remainingMedian).toBeGreaterThan(250);
  });

  test("a workflow that moved to another model says nothing of what was left", () => {
    const correction = new ResidualCorrection();
    for (let number = 0; number < 50; number++) {
      const first = {
        model: "a",
        workflowId: `w${number}`,
        stageTokens: 100,
        lengths: [100, 1600],
      };
      const second = { ...first, model: "b" };
      begin(correction, first, 0);
      begin(correction, second, 1);
      const stages = [seenOf(first, 0), seenOf(second, 1)];
      correction.workflowEnded({ kind: "code", stages, score: null });
    }
    const probe = { model: "a", workflowId: "probe", stageTokens: 100, lengths: [1, 1] };
    expect(begin(correction, probe, 0).remainingMedian).toBe(200);
  });

  test("a stage that did not complete teaches nothing, and other sources pass untouched", () => {
    const correction = new ResidualCorrection();
    for (let number = 0; number < 20; number++) {
      const play = { model: "a", workflowId: `w${number}`, stageTokens: 100, lengths: [900] };
      begin(correction, play, 0);
      correction.stageEnded({ ...seenOf(play, 0), outcome: "client-gone" });
    }
    const probe = { model: "a", workflowId: "probe", stageTokens: 100, lengths: [1] };
    expect(begin(correction, probe, 0)).toEqual(said("a", 100, 1));
    const cold = { ...said("a", 100, 1), source: "cold-start:prior" };
    expect(correction.correct(factsOf(probe, 0), [cold])).toEqual([cold]);
  });

  test("answers stay finite and memory bounded, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            model: fc.string(),
            kind: fc.string(),
            workflowId: fc.string(),
            stageTokens: fc.double({ min: 0, max: 1e9, noNaN: true }),
            lengths: fc.array(fc.nat(1e9), { minLength: 1, maxLength: 4 }),
            score: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
          }),
        ),
        (plays) => {
          const correction = new ResidualCorrection({ groupsMax: 8, openWorkflowsMax: 4 });
          for (const play of plays) {
            for (const estimate of serve(correction, play)) {
              expect(Number.isFinite(estimate.remainingMean)).toBe(true);
              expect(estimate.remainingMedian).toBeGreaterThanOrEqual(1);
              expect(estimate.confidence).toBeGreaterThan(0);
              expect(estimate.confidence).toBeLessThan(1);
            }
            begin(correction, { ...play, workflowId: `${play.workflowId}+` }, 0);
            expect(correction.size.groups).toBeLessThanOrEqual(8);
            expect(correction.size.openWorkflows).toBeLessThanOrEqual(4);
          }
        },
      ),
      { seed: testSeed },
    );
  });
});

function scored(correction: ResidualCorrection, model: string, rate: number, runs: number): void {
  const random = createRandom(7);
  for (let number = 0; number < runs; number++) {
    const score = random.next() < rate ? 1 : 0;
    const workflowId = `${model}-${number}`;
    serve(correction, { model, workflowId, stageTokens: 100, lengths: [100], score });
  }
}

describe("confidence", () => {
  const probe = { model: "a", workflowId: "probe", stageTokens: 100, lengths: [1] };

  test("moves towards the scores, the more the more there are", () => {
    const few = new ResidualCorrection();
    scored(few, "a", 0.9, 5);
    const many = new ResidualCorrection();
    scored(many, "a", 0.9, 200);
    expect(begin(few, probe, 0).confidence).toBeGreaterThan(0.5);
    expect(begin(many, probe, 0).confidence).toBeGreaterThan(begin(few, probe, 0).confidence);
    expect(begin(many, probe, 0).confidence).toBeCloseTo(0.9, 1);
  });

  test("stays where the router is right", () => {
    const correction = new ResidualCorrection();
    scored(correction, "a", 0.5, 400);
    expect(begin(correction, probe, 0).confidence).toBeCloseTo(0.5, 1);
  });

  test("forgets with the model files", () => {
    const correction = new ResidualCorrection();
    scored(correction, "a", 1, 50);
    correction.reset();
    expect(begin(correction, probe, 0)).toEqual(said("a", 100, 1));
  });
});

describe("wrappers", () => {
  test("one correction serves what answers at once and what answers later", async () => {
    const seen: string[] = [];
    const forest: Estimator = {
      estimate: (_, models) => models.map((model) => said(model, 100, 1)),
      stageEnded: ({ model }) => void seen.push(`stage ${model}`),
      workflowEnded: ({ kind }) => void seen.push(`workflow ${kind}`),
    };
    const correction = new ResidualCorrection();
    const estimator = new CorrectedEstimator(forest, correction);
    let closed = 0;
    const predictor = new CorrectedPredictor(
      {
        name: "forest",
        predict: (facts, models) => Promise.resolve(forest.estimate(facts, models)),
        close: () => Promise.resolve(void closed++),
      },
      correction,
    );
    for (let number = 0; number < 30; number++) {
      const play = { model: "a", workflowId: `w${number}`, stageTokens: 100, lengths: [400] };
      await predictor.predict(factsOf(play, 0), ["a"], 100);
      estimator.stageEnded(seenOf(play, 0));
      estimator.workflowEnded({ kind: "code", stages: [seenOf(play, 0)], score: null });
    }
    const later = await predictor.predict(factsOf({ workflowId: "p" }, 0), ["a", "b"], 100);
    expect(later?.[0]?.remainingMedian).toBeGreaterThan(250);
    expect(later?.[1]).toEqual(said("b", 100, 1));
    expect(estimator.estimate(factsOf({ workflowId: "q" }, 0), ["a"])[0]).toEqual(later?.[0]);
    expect(seen.slice(0, 2)).toEqual(["stage a", "workflow code"]);
    await predictor.close();
    expect(closed).toBe(1);
  });
});
