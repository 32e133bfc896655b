import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../src/core/random.ts";
import { loadRouterModel } from "../../src/predict/router-model.ts";
import { trainRouter } from "../../src/predict/router-training.ts";
import type { RunTexts } from "../../src/sim/length-examples.ts";
import { routerExamples } from "../../src/sim/router-examples.ts";
import { readRuns, readTasks, readTemplates, type Run } from "../../src/sim/run-file.ts";
import { testSeed } from "../seed.ts";

/**
 * A router sees the first prompt of a workflow and nothing else: whatever stands in outputs, later
 * stages, rewards of the part that it is judged on, or in the name of the task set, it learns and
 * predicts the same.
 */

const DATA = new URL("../../../shared/data/", import.meta.url);
const present = existsSync(DATA);
if (!present) process.stdout.write("router leaks skipped: ../shared/data is absent\n");

const RUNS_OF_EACH_SET = 80;

describe.skipIf(!present)(`with seed ${testSeed}, on recorded runs`, () => {
  let runs: readonly Run[] = [];
  let texts: RunTexts = { tasks: [], templates: [] };
  let bytes: Uint8Array = new Uint8Array();

  beforeAll(async () => {
    const all = [];
    for (const name of ["mint_actor", "mint_actor_critic"]) {
      const { rows } = await readRuns(fileOf(name));
      all.push(...shuffled(rows).slice(0, RUNS_OF_EACH_SET));
    }
    runs = all;
    const tasks = await readTasks(fileOf("tasks.mint"));
    const templates = await readTemplates(fileOf("templates.mint"));
    texts = { tasks: tasks.rows, templates: templates.rows };
    bytes = train(runs);
  });

  test("rewards, outputs and stages of the other part do not change what is learned", () => {
    const others = shuffled(runs.filter(({ part }) => part !== "train"));
    let next = 0;
    const changed = runs.map((run) => {
      const donor = run.part === "train" ? null : (others[next++] ?? null);
      return donor === null ? run : { ...run, reward: 1 - donor.reward, stages: donor.stages };
    });
    expect(changed).not.toEqual(runs);
    expect(Buffer.compare(train(changed), bytes)).toBe(0);
  });

  test("outputs, later stages and the task set's name of its own part do not either", () => {
    const changed = runs.map((run) => ({
      ...run,
      dataset: "another",
      subset: run.task_id,
      stages: scrambled(run),
    }));
    expect(Buffer.compare(train(changed), bytes)).toBe(0);
  });

  test("nothing but the first prompt changes a prediction", () => {
    const loaded = loadRouterModel(bytes);
    if (!loaded.ok) throw new Error(loaded.fault.message);
    const predict = (from: readonly Run[]): unknown =>
      routerExamples(from, texts, ["valid"]).map(({ facts }) =>
        loaded.value.confidence(facts, loaded.value.models),
      );
    const changed = runs.map((run) => ({
      ...run,
      dataset: "another",
      subset: "",
      reward: 1 - run.reward,
      stages: scrambled(run),
    }));
    expect(predict(changed)).toEqual(predict(runs));
    expect(predict(changed)).not.toEqual([]);
  });

  test("each run gives one example of its part, with the actor as its model", () => {
    const examples = routerExamples(runs, texts, ["train"]);
    const trained = runs.filter(({ part }) => part === "train");
    expect(examples.map(({ model }) => model)).toEqual(
      trained.map(({ models }) => models["actor"]),
    );
    expect(examples.map(({ success }) => success)).toEqual(trained.map(({ reward }) => reward));
    expect(routerExamples(runs, texts, null)).toHaveLength(runs.length);
  });

  function train(from: readonly Run[]): Uint8Array {
    return trainRouter(routerExamples(from, texts, ["train"]), {
      seed: 1,
      date: "",
      treeCount: 8,
    });
  }
});

/** The first stage's model and role stay; what it made, and all that followed, does not. */
function scrambled({ stages }: Run): Run["stages"] {
  return stages.slice(0, 1).map((stage) => ({
    ...stage,
    in_chars: null,
    in_tok: null,
    out_tok: 7,
    out: "changed",
    env: "changed",
  }));
}

function shuffled<T>(items: readonly T[]): T[] {
  const random = createRandom(testSeed);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}
