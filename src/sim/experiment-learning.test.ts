import { expect, test } from "vitest";
import { LearnedEstimator } from "../predict/learned.ts";
import type { StageFacts } from "../predict/port.ts";
import { ExperimentLearning, asPlayed } from "./experiment-learning.ts";
import { remembering } from "./experiment-memory.ts";
import { parseExperiment } from "./experiment-file.ts";
import type { Run } from "./run-file.ts";

const stage = (role: string, model: string, out: string, env = ""): Run["stages"][number] => ({
  role,
  model,
  in_chars: null,
  in_tok: null,
  out_tok: 5,
  out,
  env,
});

test("what a critic said is part of what came back", () => {
  const run: Run = {
    v: 1,
    dataset: "set",
    subset: "",
    task_id: "task",
    workflow: "actor-critic",
    models: { actor: "small", critic: "other" },
    trial: 0,
    reward: 1,
    part: "train",
    template: null,
    stages: [
      stage("actor", "small", "try", "wrong"),
      stage("critic", "other", "look again"),
      stage("actor", "small", "done"),
    ],
  };
  expect(asPlayed(run).stages.map(({ out, env }) => [out, env])).toEqual([
    ["try", "wrong\nlook again"],
    ["done", ""],
  ]);
});

const document = (predictor: string, source: string): string => `
name: tiny
title: A tiny one
about: One model.
view: comparison
workloads:
  - name: one
    models: [small]
    ${source}
engines:
  small: { baseMs: 5, kvTokens: 30000 }
batchLimits: [4]
arrivals: poisson
loads: [1]
workflows: 10
seeds: [1]
baseline: auto
policies: [auto, { policy: auto, label: other, predictor: ${predictor} }]
`;

const read = (predictor: string, source: string) =>
  parseExperiment(document(predictor, source), "tiny.yaml", false);

test("a predictor that is learned needs recorded runs and something to learn", async () => {
  const generated = "generated: { domain: code, problems: 5 }";
  const recorded = "recorded: { runs: no.jsonl, tasks: no.jsonl }";
  expect(read("{ learned: { router: true } }", generated)).toMatchObject({
    ok: false,
    problems: ["tiny.yaml: workloads one: predictors learn from recorded runs only"],
  });
  expect(read("{ learned: {} }", recorded).ok).toBe(false);
  const both = read("{ learned: { lengths: paper, router: true } }", recorded);
  if (!both.ok) throw new Error(both.problems.join("\n"));
  await expect(new ExperimentLearning("nowhere").filesFor(both.experiment)).rejects.toThrow(
    "no.jsonl",
  );
  const plain = read("truth", recorded);
  if (!plain.ok) throw new Error(plain.problems.join("\n"));
  expect(await new ExperimentLearning("nowhere").filesFor(plain.experiment)).toEqual({});
});

const facts = (workflowId: string, index: number): StageFacts => ({
  workflowId,
  kind: "kind",
  role: null,
  stage: index,
  pool: "chimera",
  promptTokens: 10 + index,
  systemTokens: 0,
  userTokens: 10,
  outputTokensMax: null,
  expectedOutputTokens: null,
  callsLeft: null,
  producedTokens: [],
  text: { system: "", user: "task", recent: [] },
});

test("a question is asked once, however often it comes back", () => {
  const asked: string[] = [];
  const models = remembering({
    length: {
      recipe: "default",
      facts: {},
      features: (facts) => ({ facts, row: new Float32Array(1) }),
      order: () => 1,
      predict: ({ facts }, model) => {
        asked.push(`${facts.stage} ${model}`);
        return { mean: 10, median: 8, quantiles: [], stageTokens: 4 };
      },
    },
    router: {
      facts: {},
      models: ["a"],
      confidence: (facts, names) => {
        asked.push(facts.text?.user ?? "");
        return names.map((model) => ({ model, confidence: 0.5, source: "router(n=1)" }));
      },
    },
  });
  const base = {
    estimate: (_: StageFacts, names: readonly string[]) =>
      names.map((model) => ({
        model,
        confidence: 0.1,
        remainingMean: 1,
        remainingMedian: 1,
        stageTokens: 1,
        source: "base",
      })),
    stageEnded: () => undefined,
    workflowEnded: () => undefined,
  };
  const estimator = new LearnedEstimator(models, base);
  const answers = ["w0", "w1"].map((id) =>
    [0, 1].map((at) => estimator.estimate(facts(id, at), ["a"])),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]?.[0]?.[0]).toMatchObject({ confidence: 0.5, remainingMean: 10 });
  expect(asked.toSorted()).toEqual(["0 a", "1 a", "task"]);
});
