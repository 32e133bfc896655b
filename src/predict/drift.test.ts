import { expect, test } from "vitest";

import type { Estimate } from "../core/types.ts";
import { Drift } from "./drift.ts";
import type { Estimator, StageFacts, StageSeen } from "./port.ts";
import { WatchedEstimator, WatchedPredictor } from "./watched.ts";

function factsOf(workflowId: string, stage = 0): StageFacts {
  return {
    workflowId,
    kind: "code",
    role: null,
    stage,
    pool: "chimera",
    promptTokens: 10,
    systemTokens: 0,
    userTokens: 10,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: null,
  };
}

function estimateOf(remainingMedian: number, changes: Partial<Estimate> = {}): Estimate {
  return {
    model: "a",
    confidence: 0.5,
    remainingMean: remainingMedian,
    remainingMedian,
    stageTokens: remainingMedian,
    source: "forest",
    ...changes,
  };
}

function seenOf(facts: StageFacts, outputTokens: number, model = "a"): StageSeen {
  return { facts, model, outcome: "completed", outputTokens };
}

function play(
  drift: Drift,
  id: string,
  said: Estimate,
  tokens: number,
  score: number | null,
): void {
  const facts = factsOf(id);
  const stage = seenOf(facts, tokens);
  drift.predicted(facts, [estimateOf(1, { model: "b" }), said]);
  drift.stageEnded(stage);
  drift.workflowEnded({ kind: "code", stages: [stage], score });
}

test("scores order, interval and confidence of each model over its newest cases", () => {
  const drift = new Drift({ casesMax: 4 });
  play(drift, "forgotten", estimateOf(1000, { remainingRange: [1, 2] }), 5, 0);
  const range = { remainingRange: [50, 250] } as const;
  play(drift, "1", estimateOf(10, { ...range, confidence: 0.9 }), 100, 1);
  play(drift, "2", estimateOf(20, { ...range, confidence: 0.9 }), 200, 1);
  play(drift, "3", estimateOf(40, { ...range, confidence: 0.9 }), 300, 1);
  play(drift, "4", estimateOf(30, { ...range, confidence: 0.9 }), 400, 0);
  const [view, ...others] = drift.view();
  expect(others).toEqual([]);
  expect(view).toMatchObject({ model: "a", lengths: 4, coverage: 0.5, scores: 4 });
  expect(view?.kendallDistance).toBeCloseTo(1 / 6, 9);
  expect(view?.calibrationError).toBeCloseTo(0.15, 9);
});

test("what was left of a workflow is all later stages; where the model changed it is nobody's", () => {
  const drift = new Drift();
  const facts = [0, 1, 2].map((stage) => factsOf("w", stage));
  const models = ["a", "b", "b"];
  const stages = facts.map((each, stage) => seenOf(each, 100, models[stage]));
  for (const each of facts) {
    drift.predicted(each, [
      estimateOf(1),
      estimateOf(1, { model: "b", remainingRange: [150, 250] }),
    ]);
  }
  drift.workflowEnded({ kind: "code", stages, score: 1 });
  expect(drift.view()).toMatchObject([{ model: "b", lengths: 2, coverage: 0.5, scores: 0 }]);
});

test("predictions without an interval, and workflows never seen, leave nothing to score", () => {
  const drift = new Drift();
  drift.workflowEnded({ kind: "code", stages: [seenOf(factsOf("w"), 5)], score: 1 });
  expect(drift.view()).toEqual([]);
  play(drift, "1", estimateOf(10), 100, null);
  expect(drift.view()).toEqual([
    {
      model: "a",
      lengths: 1,
      kendallDistance: null,
      coverage: null,
      scores: 0,
      calibrationError: null,
    },
  ]);
});

test("the predictor's word, which comes later, counts before the estimator's", async () => {
  const drift = new Drift();
  const given: Estimator = {
    estimate: () => [estimateOf(10, { remainingRange: [1, 2] })],
    stageEnded: () => undefined,
    workflowEnded: () => undefined,
  };
  const estimator = new WatchedEstimator(given, drift);
  const predictor = new WatchedPredictor(
    {
      name: "later",
      predict: () => Promise.resolve([estimateOf(100, { remainingRange: [50, 150] })]),
      close: () => Promise.resolve(),
    },
    drift,
  );
  const facts = factsOf("w");
  estimator.estimate(facts, ["a"]);
  await predictor.predict(facts, ["a"], 10);
  estimator.stageEnded(seenOf(facts, 100));
  estimator.workflowEnded({ kind: "code", stages: [seenOf(facts, 100)], score: null });
  expect(drift.view()).toMatchObject([{ coverage: 1 }]);
});
