import { expect, test } from "vitest";
import { POLICIES } from "../core/policies.ts";
import type { Policy } from "../core/types.ts";
import type { WorkflowSeen } from "../predict/port.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "./capacity.ts";
import { simulate } from "./driver.ts";
import { engineSpecOf } from "./engine-file.ts";
import { EngineModel } from "./engine-model.ts";
import { outcomesOf } from "./report.ts";
import type { ScenarioEngine } from "./scenario.ts";
import type { PlayableCourse } from "./workload.ts";

const { auto } = POLICIES;
if (auto === undefined) throw new Error("there is a policy auto");

const engine = (model: string): ScenarioEngine => ({
  name: model,
  model,
  maxSequences: 4,
  kvTokens: 10_000,
  chunkTokens: 512,
  baseMs: 10,
  perSequenceMs: 0,
  perKvTokenMs: 0,
  perPromptTokenMs: 0,
  prefixCache: true,
  profileMsPerToken: 10,
  profileBatch: 1,
});

const course = (score: number): PlayableCourse => ({
  score,
  stages: Array.from({ length: 3 }, () => ({
    role: null,
    promptTokens: 5,
    outputTokens: 5,
    toolMs: 0,
    predictedRemaining: null,
    out: "",
    env: "",
  })),
});

/** The router changes its mind after the first stage. */
function play(policy: Policy, smallScore = 0.3, cascades = false) {
  const seen: WorkflowSeen[] = [];
  const result = simulate({
    scheduler: { policy, seed: 1, ...UNBOUNDED },
    engines: [engine("small"), engine("large")].map((each) => ({
      spec: engineSpecOf(each, 1),
      model: new EngineModel(each, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows: [
      {
        id: "w",
        taskId: "task",
        kind: "kind",
        arrivalMs: 0,
        confidence: null,
        system: "",
        user: "",
        courses: { small: course(smallScore), large: course(0.9) },
      },
    ],
    estimator: {
      estimate: ({ stage }, models) =>
        models.map((model) => ({
          model,
          confidence: (model === "small") === (stage === 0) ? 0.9 : 0.1,
          remainingMean: 10,
          remainingMedian: 10,
          stageTokens: 5,
          source: "test",
        })),
      stageEnded: () => undefined,
      workflowEnded: (workflow) => seen.push(workflow),
    },
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    cascades,
  });
  return { outcome: outcomesOf(result)[0], seen: seen[0] };
}

test("a workflow that one model served has the score of its course", () => {
  const { outcome, seen } = play(auto);
  expect(outcome).toMatchObject({ models: ["small"], score: 0.3 });
  expect(seen?.score).toBe(0.3);
});

test("one that moved has each model's outcome by its share of the stages", () => {
  const { outcome, seen } = play({ ...auto, stickinessBonus: 0.05 });
  expect(outcome?.models).toEqual(["small", "large"]);
  expect(outcome?.score).toBeCloseTo((0.3 + 2 * 0.9) / 3, 12);
  expect(seen?.score).toBe(outcome?.score);
});

test("a cascade begins anew on the next model where one has failed; the work of both counts", () => {
  const alone = play(auto).outcome;
  const { outcome } = play(auto, 0.3, true);
  expect(outcome).toMatchObject({ models: ["small", "large"], score: 0.9, stages: 6 });
  expect(outcome?.outputTokens).toBe(2 * (alone?.outputTokens ?? 0));
  expect(outcome?.endMs).toBeGreaterThan(2 * (alone?.endMs ?? 0) - 1);
});

test("a cascade stops where the first model has solved it", () => {
  const { outcome } = play(auto, 1, true);
  expect(outcome).toMatchObject({ models: ["small"], score: 1, stages: 3 });
});
