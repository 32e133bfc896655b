import { expect, test } from "vitest";

import type { Estimate } from "../core/types.ts";
import { createOracle, type Truth } from "./oracle.ts";
import type { Estimator, StageFacts } from "./port.ts";

const FACTS: StageFacts = {
  workflowId: "w",
  kind: "code",
  role: null,
  stage: 0,
  pool: "chimera",
  promptTokens: 1,
  systemTokens: 0,
  userTokens: 1,
  outputTokensMax: null,
  expectedOutputTokens: null,
  callsLeft: null,
  producedTokens: [],
  text: null,
};

const guess = (model: string): Estimate => ({
  model,
  confidence: 0.5,
  remainingMean: 10,
  remainingMedian: 9,
  stageTokens: 8,
  source: "guess",
});

function guesser(calls: string[]): Estimator {
  return {
    estimate: (_facts, models) => models.map(guess),
    stageEnded: () => void calls.push("stage"),
    workflowEnded: () => void calls.push("workflow"),
  };
}

test("the oracle tells what it knows, and leaves the rest to the other estimator", () => {
  const truths: Readonly<Record<string, Truth>> = {
    both: { lengths: { stage: 3, remaining: 30 }, score: 1 },
    lengths: { lengths: { stage: 4, remaining: 40 }, score: null },
    score: { lengths: null, score: 0 },
  };
  const oracle = createOracle((_facts, model) => truths[model] ?? null, guesser([]));
  const estimates = oracle.estimate(FACTS, ["both", "lengths", "score", "none"]);
  const told = { source: "oracle" };
  expect(estimates).toEqual([
    {
      ...told,
      model: "both",
      confidence: 1,
      remainingMean: 30,
      remainingMedian: 30,
      stageTokens: 3,
    },
    {
      ...told,
      model: "lengths",
      confidence: 0.5,
      remainingMean: 40,
      remainingMedian: 40,
      stageTokens: 4,
    },
    {
      ...told,
      model: "score",
      confidence: 0,
      remainingMean: 10,
      remainingMedian: 9,
      stageTokens: 8,
    },
    guess("none"),
  ]);
});

test("what was seen reaches the other estimator", () => {
  const calls: string[] = [];
  const oracle = createOracle(() => null, guesser(calls));
  oracle.stageEnded({ facts: FACTS, model: "a", outcome: "completed", outputTokens: 1 });
  oracle.workflowEnded({ kind: "code", stages: [], score: null });
  expect(calls).toEqual(["stage", "workflow"]);
});
