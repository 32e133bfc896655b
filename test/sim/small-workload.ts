import type { RecordedWorkflow } from "../../src/sim/recorded-workload.ts";
import type { ScenarioEngine } from "../../src/sim/scenario.ts";

/** An engine of model `m` that is easy to reckon with. */
export function smallEngine(name: string, maxSequences: number): ScenarioEngine {
  return {
    name,
    model: "m",
    maxSequences,
    kvTokens: 10_000,
    chunkTokens: 512,
    baseMs: 10,
    perSequenceMs: 1,
    perKvTokenMs: 0,
    perPromptTokenMs: 0.1,
    prefixCache: true,
    profileMsPerToken: 10,
    profileBatch: maxSequences,
  };
}

/** Problems of two stages with so many output tokens each, a tool of 100 ms between them. */
export function twoStageProblems(outputTokens: readonly number[]): RecordedWorkflow[] {
  return outputTokens.map((tokens, index) => {
    const stage = {
      role: null,
      promptTokens: 50,
      outputTokens: tokens,
      toolMs: 100,
      predictedRemaining: null,
      out: "",
      env: "",
    };
    const courses = { m: { score: 1, stages: [stage, stage] } };
    return { taskId: `t${index}`, kind: "kind", confidence: null, system: "", user: "", courses };
  });
}
