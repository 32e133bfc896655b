import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { POLICIES } from "../../src/core/policies.ts";
import type { Policy } from "../../src/core/types.ts";
import { populate, readArrivals, windowOf } from "../../src/sim/arrivals.ts";
import { capacityPerSecond, PLAIN_ENGINE, UNBOUNDED } from "../../src/sim/capacity.ts";
import { simulate } from "../../src/sim/driver.ts";
import type { SimulationResult, StageResult } from "../../src/sim/simulation.ts";
import { engineSpecOf } from "../../src/sim/engine-file.ts";
import { EngineModel } from "../../src/sim/engine-model.ts";
import { recordedWorkload, type RecordedWorkload } from "../../src/sim/recorded-workload.ts";
import { readRuns, readTasks, readTemplates } from "../../src/sim/run-file.ts";
import type { ScenarioEngine } from "../../src/sim/scenario.ts";
import { createTruth } from "../../src/sim/truth.ts";
import { messagesOf } from "../../src/sim/workload.ts";

const DATA = new URL("../../../shared/data/", import.meta.url);
const present = existsSync(DATA);
if (!present) process.stdout.write("recorded workloads skipped: ../shared/data is absent\n");

const file = (name: string): string => fileURLToPath(new URL(name, DATA));
const MODELS = ["Meta-Llama-3-8B-Instruct", "Meta-Llama-3-70B-Instruct"];

function engine(name: string, model: string, baseMs: number): ScenarioEngine {
  return {
    name,
    model,
    maxSequences: 16,
    kvTokens: 40_000,
    chunkTokens: 2048,
    baseMs,
    perSequenceMs: baseMs / 40,
    perKvTokenMs: 0,
    perPromptTokenMs: baseMs / 200,
    prefixCache: true,
    profileMsPerToken: baseMs * 1.4,
    profileBatch: 16,
  };
}

const ENGINES = [engine("small", MODELS[0] ?? "", 20), engine("large", MODELS[1] ?? "", 40)];

async function recorded(runFile: string): Promise<RecordedWorkload> {
  const runs = await readRuns(file(runFile));
  const tasks = await readTasks(file("tasks.mint.jsonl.gz"));
  const templates = await readTemplates(file("templates.mint.jsonl.gz"));
  expect([runs.problems, tasks.problems, templates.problems]).toEqual([[], [], []]);
  const texts = { tasks: tasks.rows, templates: templates.rows };
  const options = { models: MODELS, parts: null, externalMsPerToken: 20 };
  return recordedWorkload(runs.rows, texts, options);
}

function run(
  workload: RecordedWorkload,
  name: string,
  perSecond: number,
): SimulationResult & { readonly stages: readonly StageResult[] } {
  const policy: Policy | undefined = POLICIES[name];
  if (policy === undefined) throw new Error(name);
  const arrivalsMs = Array.from({ length: 400 }, (_, index) => (index * 1000) / perSecond);
  const workflows = populate(workload.workflows, arrivalsMs, 3);
  const stages: StageResult[] = [];
  const result = simulate({
    scheduler: { policy, seed: 1, ...UNBOUNDED },
    engines: ENGINES.map((each) => ({
      spec: engineSpecOf(each, 1),
      model: new EngineModel(each, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows,
    estimator: createTruth(workflows),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    onStage: (stage) => stages.push(stage),
  });
  return { ...result, stages };
}

describe.skipIf(!present)("recorded workflows", () => {
  test("are joined by problem, with the text and lengths of each model", async () => {
    const workload = await recorded("mint_actor.jsonl.gz");
    expect(workload.workflows).toHaveLength(85);
    expect(workload.training).toHaveLength(482);
    for (const workflow of workload.workflows) {
      for (const model of MODELS) {
        const course = workflow.courses[model];
        if (course === undefined) throw new Error(model);
        const prompts = course.stages.map((stage) => stage.promptTokens);
        expect(prompts).toEqual([...prompts].sort((a, b) => a - b));
        const messages = messagesOf({ ...workflow, id: "w", arrivalMs: 0 }, course, 1);
        expect(messages[0]?.content.length).toBeGreaterThan(100);
        expect(messages[1]).toEqual({ role: "assistant", content: course.stages[0]?.out });
      }
    }
  });

  test("every policy serves all of them, with zero on the books at the end", async () => {
    const workload = await recorded("mint_actor.jsonl.gz");
    const capacity = capacityPerSecond(ENGINES, workload.workflows, 1);
    expect(capacityPerSecond(ENGINES, workload.workflows, 1)).toBe(capacity);
    for (const name of Object.keys(POLICIES)) {
      const { workflows, state, stages } = run(workload, name, capacity);
      expect(workflows.filter((each) => each.outcome !== "completed")).toEqual([]);
      expect(state.requests.size).toBe(0);
      for (const each of state.engines) expect([name, each.inFlightTokens]).toEqual([name, 0]);
      const made = workflows.reduce((sum, each) => sum + each.outputTokens, 0);
      expect(made).toBeGreaterThan(0);
      expect(stages.length).toBe(
        workflows.reduce((sum, each) => {
          const course = each.workflow.courses[each.course ?? ""];
          return sum + (course?.stages.length ?? 0);
        }, 0),
      );
    }
  });

  test("the same seed gives the same run", async () => {
    const workload = await recorded("mint_actor.jsonl.gz");
    const [first, second] = [1, 2].map(() => run(workload, "auto", 1.2).stages);
    expect(first).toEqual(second);
  });

  test("arrival windows have the rate that was asked for", async () => {
    const result = await readArrivals(file("arrivals/azure2023_conv.csv.gz"));
    if (!result.ok) throw new Error(result.message);
    for (const seed of [1, 2, 3]) {
      const times = windowOf(result.trace, 20_000, 2, seed);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect((times.length - 1) / ((times.at(-1) ?? 0) / 1000)).toBeCloseTo(2);
    }
  });
});

test("a missing or damaged file is a problem with its line", async () => {
  const missing = await readRuns("/nonexistent/runs.jsonl.gz");
  expect(missing.problems).toMatchObject([{ line: 0 }]);
  const arrivals = await readArrivals("/nonexistent/a.csv");
  expect(arrivals.ok).toBe(false);
});
