import { describe, expect, test } from "vitest";
import { recordedWorkload, type RecordedWorkload } from "./recorded-workload.ts";
import type { Run, RunStage } from "./run-file.ts";

const TASKS = [{ task_id: "t0", prompt: "Add two and two." }];
const TEMPLATES = [{ template: "tpl", text: "You are asked: {TASK}\nAnswer." }];

function stage(model: string, changes: Partial<RunStage> = {}): RunStage {
  const text = { out: "four", env: "" };
  return { role: "actor", model, in_chars: 40, in_tok: 10, out_tok: 7, ...text, ...changes };
}

function run(model: string, changes: Partial<Run> = {}): Run {
  return {
    v: 1,
    dataset: "d",
    subset: "s",
    task_id: "t0",
    workflow: "actor-tool",
    models: { actor: model },
    trial: 0,
    reward: model === "large" ? 1 : 0.5,
    part: "valid",
    template: "tpl",
    stages: [stage(model)],
    ...changes,
  };
}

function join(runs: readonly Run[], parts: readonly string[] | null = null): RecordedWorkload {
  const texts = { tasks: TASKS, templates: TEMPLATES };
  return recordedWorkload(runs, texts, {
    models: ["small", "large"],
    parts,
    externalMsPerToken: 20,
  });
}

const both = (changes: Partial<Run>): Run[] => [run("small", changes), run("large", changes)];

describe("recorded workflows", () => {
  test("are the problems that were run on all models", () => {
    const alone = run("small", { task_id: "t1" });
    const foreign = run("other", { stages: [stage("other")] });
    const { workflows, unusable } = join([...both({}), alone, foreign]);
    expect(workflows).toHaveLength(1);
    expect(unusable).toEqual({ withoutLengths: 0, notOnAllModels: 1 });
    expect(Object.keys(workflows[0]?.courses ?? {})).toEqual(["small", "large"]);
    expect(workflows[0]?.courses["large"]?.score).toBe(1);
    expect(workflows[0]?.user).toBe("You are asked: Add two and two.\nAnswer.");
  });

  test("keep trials and workflows apart", () => {
    const runs = [{}, { trial: 1 }, { workflow: "actor-critic" }].flatMap(both);
    const { workflows } = join(runs);
    expect(workflows).toHaveLength(3);
    expect(new Set(workflows.map((workflow) => workflow.taskId)).size).toBe(3);
  });

  test("leave the training part to predictors, unless told which parts to play", () => {
    const runs = [...both({ part: "train" }), ...both({ part: "valid", task_id: "t1" })];
    const usual = join(runs);
    expect([usual.workflows.length, usual.training.length]).toEqual([1, 2]);
    expect(usual.training.map((seen) => seen.score)).toEqual([0.5, 1]);
    expect(join(runs, ["train", "valid"])).toMatchObject({ training: [] });
    expect(join(runs, ["train", "valid"]).workflows).toHaveLength(2);
  });

  test("without a length are counted, not played", () => {
    const { workflows, unusable } = join(both({ stages: [stage("small", { out_tok: null })] }));
    expect(workflows).toEqual([]);
    expect(unusable.withoutLengths).toBe(2);
  });

  test("have stages of one token at least", () => {
    const { workflows } = join([
      run("small", { stages: [stage("small", { out_tok: 0 })] }),
      run("large", { stages: [stage("large", { out_tok: 0 })] }),
    ]);
    expect(workflows[0]?.courses["small"]?.stages[0]?.outputTokens).toBe(1);
  });
});

function criticised(model: string): Run {
  const critic = { role: "critic", out: "This is wrong.", out_tok: 30 };
  const first = stage(model, { env: "Tool said so." });
  return run(model, { stages: [first, stage("critic", critic), stage(model)] });
}

function plain(model: string): Run {
  return run(model, { stages: [stage(model), stage(model)] });
}

describe("stages of models that are not served", () => {
  test("become time and text after the stage before", () => {
    const { workflows } = join([criticised("small"), criticised("large")]);
    const stages = workflows[0]?.courses["small"]?.stages ?? [];
    expect(stages.map((each) => [each.outputTokens, each.toolMs])).toEqual([
      [7, 600],
      [7, 0],
    ]);
    expect(stages[0]?.env).toBe("Tool said so.\nThis is wrong.");
  });

  test("lengthen the prompts that follow", () => {
    const without = join([plain("small"), plain("large")]).workflows[0];
    const withCritic = join([criticised("small"), criticised("large")]).workflows[0];
    const second = (workflow: typeof without): number =>
      workflow?.courses["small"]?.stages[1]?.promptTokens ?? 0;
    expect(second(withCritic)).toBeGreaterThan(second(without) + 30);
  });
});

test("prompt lengths do not depend on the recorded ones, which share out the run's total", () => {
  const lying = both({}).map((each) => ({
    ...each,
    stages: each.stages.map((one) => ({ ...one, in_tok: 9999, in_chars: 99_999 })),
  }));
  expect(join(lying)).toEqual(join(both({})));
});

test("what a predictor learns from holds nothing of the stage's own output", () => {
  const stages = [stage("small"), stage("small", { out_tok: 11 })];
  const [seen] = join([run("small", { part: "train", stages })]).training;
  expect(seen?.stages.map((each) => each.outputTokens)).toEqual([7, 11]);
  expect(seen?.stages.map((each) => each.facts.producedTokens)).toEqual([[], [7]]);
  expect(seen?.stages.map((each) => each.facts.stage)).toEqual([0, 1]);
});
