import { expect, test } from "vitest";
import { capacityPerSecond } from "./capacity.ts";
import type { RecordedWorkflow } from "./recorded-workload.ts";
import type { ScenarioEngine } from "./scenario.ts";
import type { PlayableStage } from "./workload.ts";

function stage(promptTokens: number, outputTokens: number): PlayableStage {
  const lengths = { promptTokens, outputTokens, toolMs: 0, predictedRemaining: null };
  return { role: null, ...lengths, out: "", env: "" };
}

function workflow(taskId: string, stages: readonly PlayableStage[]): RecordedWorkflow {
  const course = { score: 1, stages };
  const courses = { small: course, large: course };
  return { taskId, kind: "k", confidence: null, system: "", user: "", courses };
}

function engine(name: string, model: string, baseMs: number): ScenarioEngine {
  return {
    name,
    model,
    maxSequences: 4,
    kvTokens: 100_000,
    chunkTokens: 100_000,
    baseMs,
    perSequenceMs: 0,
    perKvTokenMs: 0,
    perPromptTokenMs: 0,
    prefixCache: false,
    profileMsPerToken: baseMs,
    profileBatch: 4,
  };
}

const SMALL = engine("s", "small", 10);
const LARGE = engine("l", "large", 20);

test("is what a full batch completes where an iteration always takes the same time", () => {
  // 4 sequences, 25 tokens of 10 ms each: 4 workflows every 250 ms.
  const recorded = [workflow("t", [stage(8, 25)])];
  expect(capacityPerSecond([SMALL], recorded, 1)).toBeCloseTo(16, 1);
});

test("counts all stages of a workflow, and the engines together", () => {
  const recorded = [workflow("t", [stage(8, 10), stage(20, 15)])];
  expect(capacityPerSecond([SMALL], recorded, 1)).toBeCloseTo(16, 1);
  expect(capacityPerSecond([SMALL, LARGE], recorded, 1)).toBeCloseTo(24, 1);
});

test("is the same from the same seed, and nearly so from another", () => {
  const recorded = [5, 20, 80, 320].map((tokens) => workflow(`t${tokens}`, [stage(8, tokens)]));
  const first = capacityPerSecond([SMALL], recorded, 1);
  expect(capacityPerSecond([SMALL], recorded, 1)).toBe(first);
  expect(Math.abs(capacityPerSecond([SMALL], recorded, 2) / first - 1)).toBeLessThan(0.05);
});

test("prompts and what a prefix cache saves of them count", () => {
  const recorded = [workflow("t", [stage(1000, 10), stage(1010, 10)])];
  const slow = { ...SMALL, perPromptTokenMs: 0.05 };
  const without = capacityPerSecond([slow], recorded, 1);
  const withCache = capacityPerSecond([{ ...slow, prefixCache: true }], recorded, 1);
  expect(without).toBeLessThan(capacityPerSecond([SMALL], recorded, 1));
  expect(withCache).toBeGreaterThan(1.2 * without);
});
