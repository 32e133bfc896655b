import { expect, test } from "vitest";
import { AUTO } from "../core/policies.ts";
import { poissonTimes, populated } from "./arrivals.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "./capacity.ts";
import { drive, simulateStream } from "./driver.ts";
import type { StageResult, StreamOptions } from "./simulation.ts";
import { engineSpecOf } from "./engine-file.ts";
import { EngineModel } from "./engine-model.ts";
import { SeveralGateways } from "./several-gateways.ts";
import { createTruth } from "./truth.ts";

const scheduler = { policy: AUTO, seed: 1, ...UNBOUNDED };

/** Two engines that are a little slower than what arrives. */
function options(stages: StageResult[]): StreamOptions {
  const engines = [10, 15].map((baseMs, index) => {
    const model = `m${index}`;
    const timing = { baseMs, perSequenceMs: 1, perKvTokenMs: 0, perPromptTokenMs: 0.1 };
    const room = { maxSequences: 3, kvTokens: 5000, chunkTokens: 512, prefixCache: true };
    const profile = { profileMsPerToken: baseMs, profileBatch: 3 };
    return { name: `e${index}`, model, ...timing, ...room, ...profile };
  });
  const problems = [20, 60, 35].map((outputTokens) => {
    const lengths = { promptTokens: 50, outputTokens, toolMs: 100, predictedRemaining: null };
    const stage = { role: null, ...lengths, out: "", env: "" };
    const course = { score: 1, stages: [stage, stage] };
    const texts = { system: "", user: "" };
    return {
      taskId: "t",
      kind: "k",
      confidence: null,
      ...texts,
      courses: { m0: course, m1: course },
    };
  });
  const truth = createTruth();
  return {
    scheduler,
    engines: engines.map((engine) => ({
      spec: engineSpecOf(engine, 1),
      model: new EngineModel(engine, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows: truth.follow(populated(problems, poissonTimes(300, 6, 5), 5)),
    estimator: truth,
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    onStage: (stage) => void stages.push(stage),
    onWorkflow: ({ workflow }) => truth.forget(workflow),
  };
}

function stagesOf(gateways: number, delayMs: number): StageResult[] {
  const stages: StageResult[] = [];
  const played = options(stages);
  const engines = played.engines.map(({ spec }) => spec);
  drive(new SeveralGateways({ ...scheduler, engines }, gateways, delayMs), played);
  return stages;
}

test("one gateway is the core itself", () => {
  const stages: StageResult[] = [];
  simulateStream(options(stages));
  expect(stagesOf(1, 0)).toEqual(stages);
  expect(stagesOf(1, 1000)).toEqual(stages);
});

test.each([0, 100, 1000])(
  "four that hear of one another %d ms later serve everybody",
  (delayMs) => {
    const stages = stagesOf(4, delayMs);
    expect(stages).toHaveLength(600);
    expect(stagesOf(4, delayMs)).toEqual(stages);
  },
);
