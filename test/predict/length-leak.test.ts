import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { createRandom } from "../../src/core/random.ts";
import type { LengthRecipe } from "../../src/predict/length-features.ts";
import { loadLengthModel, type LengthModel } from "../../src/predict/length-model.ts";
import { trainLength } from "../../src/predict/length-training.ts";
import { lastStageFacts, lengthExamples, type RunTexts } from "../../src/sim/length-examples.ts";
import {
  readRuns,
  readTasks,
  readTemplates,
  type Run,
  type RunStage,
} from "../../src/sim/run-file.ts";
import { testSeed } from "../seed.ts";

/**
 * A predictor sees nothing of a stage's own output, of later stages, of the reward or of the part that
 * it is judged on: whatever is written there, it learns and predicts the same.
 */

const DATA = new URL("../../../shared/data/", import.meta.url);
const present = existsSync(DATA);
if (!present) process.stdout.write("length leaks skipped: ../shared/data is absent\n");

const RUNS_OF_EACH_SET = 60;
const RECIPES: readonly LengthRecipe[] = ["paper", "default"];
const random = createRandom(testSeed);

describe.skipIf(!present)(`with seed ${testSeed}, on recorded runs`, () => {
  let runs: readonly Run[] = [];
  let texts: RunTexts = { tasks: [], templates: [] };

  beforeAll(async () => {
    const all = [];
    for (const name of ["mint_actor", "mint_actor_critic"]) {
      const { rows } = await readRuns(fileOf(name));
      all.push(...shuffled(rows).slice(0, RUNS_OF_EACH_SET));
    }
    runs = all;
    const [tasks, templates] = [
      await readTasks(fileOf("tasks.mint")),
      await readTemplates(fileOf("templates.mint")),
    ];
    texts = { tasks: tasks.rows, templates: templates.rows };
  });

  test.each(RECIPES)("%s: the other part does not change what is learned", (recipe) => {
    const others = runs.filter(({ part }) => part !== "train");
    const donors = shuffled(others);
    let next = 0;
    const changed = runs.map((run) => {
      if (run.part === "train") return run;
      const donor = donors[next++] ?? run;
      return { ...run, stages: donor.stages.map(scrambled), reward: 1 - run.reward };
    });
    expect(changed).not.toEqual(runs);
    expect(Buffer.compare(train(recipe, changed), train(recipe, runs))).toBe(0);
  });

  test.each(RECIPES)(
    "%s: own output, later stages and reward do not change a prediction",
    (recipe) => {
      const loaded = loadLengthModel(train(recipe, runs));
      if (!loaded.ok) throw new Error(loaded.fault.message);
      const model = loaded.value;
      for (const run of runs.filter(({ part }) => part !== "train")) {
        const examples = lengthExamples([run], texts, null).examples;
        for (const [stage, { facts, model: served }] of examples.entries()) {
          const whole = model.predict(model.features(facts), served);
          expect(predictCut(model, cutBefore(run, stage), served)).toEqual(whole);
          expect(predictChanged(model, changedFrom(run, stage), stage, served)).toEqual(whole);
        }
      }
    },
  );

  function train(recipe: LengthRecipe, from: readonly Run[]): Uint8Array {
    const { examples } = lengthExamples(from, texts, ["train"]);
    return trainLength(examples, { recipe, seed: 1, date: "", treeCount: 8 });
  }

  function predictCut(model: LengthModel, run: Run, served: string): unknown {
    const [facts] = lastStageFacts([run], texts);
    return facts === undefined ? null : model.predict(model.features(facts), served);
  }

  function predictChanged(model: LengthModel, run: Run, stage: number, served: string): unknown {
    const example = lengthExamples([run], texts, null).examples[stage];
    return example === undefined ? null : model.predict(model.features(example.facts), served);
  }
});

/** As a request for a prediction comes: nothing of the stage but role and model, nothing later, no outcome. */
function cutBefore(run: Run, stage: number): Run {
  const stages = run.stages
    .slice(0, stage + 1)
    .map((each, index): RunStage =>
      index < stage ? each : { ...each, in_tok: null, out_tok: null, out: "", env: "" },
    );
  return { ...run, stages, reward: 0, subset: "" };
}

/** The stage's own result, all later stages and the outcome become something else. */
function changedFrom(run: Run, stage: number): Run {
  const stages = run.stages.map((each, index) => (index < stage ? each : scrambled(each)));
  const later = Array.from({ length: Math.floor(random.next() * 3) }, () => stages.at(-1)).filter(
    (each) => each !== undefined,
  );
  return { ...run, stages: [...stages, ...later], reward: 1 - run.reward };
}

function scrambled(stage: RunStage): RunStage {
  return {
    ...stage,
    in_tok: Math.floor(random.next() * 10_000),
    out_tok: Math.floor(random.next() * 1000),
    out: `<solution> ${random.next()} </solution> This is GOOD.`,
    env: `Your answer is wrong. You have ${Math.floor(random.next() * 9)} steps left.`,
  };
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
