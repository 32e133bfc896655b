import { describe, expect, it } from "vitest";

import { coreConfigOf } from "./core-config.ts";
import { parseConfig } from "./load.ts";

describe("coreConfigOf", () => {
  it("gives the core its engines, limits and policy", () => {
    const result = parseConfig(
      `engines:
  - { url: http://a, model: small, kind: vllm, maxConcurrency: 8, kvTokens: 5000, speed: { baseMs: 10, perSequenceMs: 2 } }
  - { url: http://b, model: large, kind: ollama }
limits: { attemptsMax: 2, queueRequestsMax: 7, workflowsMax: 9, workflowIdleMsMax: 11 }
seed: 5
`,
      { file: "test", environment: {}, flags: {} },
    );
    if (!result.ok) throw new Error("refused");
    const core = coreConfigOf(result.config);
    expect(core).toMatchObject({
      policy: result.config.policy,
      seed: 5,
      predictionBudgetMs: 20,
      attemptsMax: 2,
      queueRequestsMax: 7,
      queueTokensMax: 100_000_000,
      workflowsMax: 9,
      workflowIdleMs: 11,
    });
    expect(core.engines[0]).toEqual({
      name: "small",
      model: "small",
      maxSequences: 8,
      kvTokens: 5000,
      overCommit: 1,
      queuePlace: "gateway",
      speed: { baseMs: 10, perSequenceMs: 2, perKvTokenMs: 0, perPromptTokenMs: 0 },
      profileMsPerToken: 26,
      profileBatch: 8,
    });
    expect(core.engines[1]).toMatchObject({ name: "large", overCommit: 0, maxSequences: 16 });
  });
});
