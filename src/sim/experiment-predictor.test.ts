import { describe, expect, test } from "vitest";
import { areaUnderRoc, kendallDistance } from "../learn/score.ts";
import type { StageFacts } from "../predict/port.ts";
import type { PredictorSpec } from "./experiment-document.ts";
import { createExperimentEstimator } from "./experiment-predictor.ts";
import { generate } from "./generator.ts";
import { populate } from "./arrivals.ts";
import { recordedWorkload } from "./recorded-workload.ts";
import { remainingTokens } from "./workload.ts";

const MODEL = "Qwen2.5-14B-Instruct";
const problems = [...generate({ domains: ["code"], problems: 1200, seed: 3 })];
const recorded = recordedWorkload(
  problems.flatMap(({ runs }) => runs.map((run) => ({ ...run, template: null }))),
  { tasks: problems.map(({ task }) => task), templates: [] },
  { models: ["Qwen2.5-1.5B-Instruct", MODEL], parts: null, externalMsPerToken: 20 },
);
const workflows = populate(
  recorded.workflows,
  recorded.workflows.map((_, index) => index),
  1,
);

function estimated(spec: PredictorSpec) {
  const estimator = createExperimentEstimator(
    spec,
    { workflows, training: recorded.training, learned: null },
    1,
  );
  return workflows.map((workflow) => {
    const facts: StageFacts = {
      workflowId: workflow.id,
      kind: workflow.kind,
      role: null,
      stage: 0,
      pool: "chimera",
      promptTokens: 100,
      systemTokens: 0,
      userTokens: 100,
      outputTokensMax: null,
      expectedOutputTokens: null,
      callsLeft: null,
      producedTokens: [],
      text: null,
    };
    const [estimate] = estimator.estimate(facts, [MODEL]);
    if (estimate === undefined) throw new Error("one estimate a model");
    return estimate;
  });
}

const courses = workflows.map(({ courses }) => {
  const course = courses[MODEL];
  if (course === undefined) throw new Error("every workflow has both courses");
  return course;
});
const truth = courses.map((course) => remainingTokens(course, 0));

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe("predictors of experiments", () => {
  test.each([0.1, 0.2, 0.3, 0.4, 0.5])(
    "lengths are wrong by a Kendall distance of %d",
    (wanted) => {
      const remaining = estimated({ kendallDistance: wanted }).map((each) => each.remainingMean);
      expect(Math.abs((kendallDistance(truth, remaining) ?? 1) - wanted)).toBeLessThan(0.03);
      expect(mean(remaining) / mean(truth)).toBeGreaterThan(0.6);
      expect(mean(remaining) / mean(truth)).toBeLessThan(1.6);
    },
  );

  test("the truth has lengths and scores, the others what their name says", () => {
    const guesses = estimated("cold-start");
    const lengths = estimated("true-lengths");
    const scores = estimated("true-scores");
    const both = estimated("truth");
    expect(lengths.map((each) => each.remainingMean)).toEqual(truth);
    expect(lengths.map((each) => each.confidence)).toEqual(guesses.map((each) => each.confidence));
    expect(scores.map((each) => each.confidence)).toEqual(courses.map((each) => each.score));
    expect(scores.map((each) => each.remainingMean)).toEqual(
      guesses.map((each) => each.remainingMean),
    );
    expect(both.map((each) => [each.remainingMean, each.confidence])).toEqual(
      courses.map((each, index) => [truth[index], each.score]),
    );
  });

  test.each([0.6, 0.75, 0.9])("a router tells solved from failed runs with chance %d", (area) => {
    const routed = estimated({ routerArea: area });
    const labels = courses.map((course) => (course.score === 1 ? 1 : 0));
    const confidence = routed.map((each) => each.confidence);
    // Success rates of kinds differ a little, which adds to the area.
    expect(areaUnderRoc(labels, confidence)).toBeGreaterThan(area - 0.05);
    expect(areaUnderRoc(labels, confidence)).toBeLessThan(area + 0.08);
    expect(routed.map((each) => each.remainingMean)).toEqual(
      estimated("cold-start").map((each) => each.remainingMean),
    );
  });
});
