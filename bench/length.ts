/**
 * The length predictor on the recorded runs: trained on their train part, scored on their valid part.
 *
 *     npm run bench -- length [--trees 100] [--resamples 200]
 *
 * Prints the Kendall distance of the remaining tokens inside each model (over all its stages, then the
 * mean over models) and inside each model, role and stage, with 95 % intervals by problem; the cover of
 * the interval from 10 to 90 %; what 200 observed runs teach; times and the size of the file.
 */
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../src/core/random.ts";
import { intervalCoverage } from "../src/learn/score.ts";
import type { LengthRecipe } from "../src/predict/length-features.ts";
import { loadLengthModel, type LengthModel } from "../src/predict/length-model.ts";
import {
  bootstrapByGroup,
  distanceInside,
  type ScoreInterval,
} from "../src/predict/length-training-scores.ts";
import {
  trainLength,
  type LengthExample,
  type LengthTrainingOptions,
} from "../src/predict/length-training.ts";
import type { StageFacts } from "../src/predict/port.ts";
import { lengthExamples, type RunTexts } from "../src/sim/length-examples.ts";
import { readRuns, readTasks, readTemplates, type Run } from "../src/sim/run-file.ts";

const DATA = new URL("../../shared/data/", import.meta.url);
const SETS = ["mint_actor", "mint_actor_critic", "zeroeval"] as const;
const MINT_SETS: readonly string[] = ["mint_actor", "mint_actor_critic"];
const TASKS = ["tasks.mint", "tasks.zeroeval"];
const SEED = 1;
const FEW_RUNS = 200;
const FEW_RUNS_SEEDS = [1, 2, 3];

type Print = (line: string) => void;

interface DataSet {
  readonly name: string;
  readonly runs: readonly Run[];
  readonly train: readonly LengthExample[];
  readonly valid: readonly LengthExample[];
}

interface Predicted {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export async function run(print: Print): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      trees: { type: "string", default: "100" },
      resamples: { type: "string", default: "200" },
    },
  });
  if (!existsSync(DATA)) {
    print("skipped: ../shared/data is not there");
    return;
  }
  const trees = Number(values.trees);
  const resamples = Number(values.resamples);
  const texts = await readTexts();
  const sets: DataSet[] = [];
  for (const name of SETS) sets.push(await readSet(name, texts));
  const train = sets.flatMap((set) => set.train);
  const score = (name: string, predict: Predictor, all: readonly DataSet[] = sets): void => {
    for (const set of all) print(scoreLine(name, set, predict(set.valid), resamples));
  };
  print(
    "predictor            set                inside each model     and role and stage    cover",
  );
  for (const set of sets) score("median by group", groupMedians(set.train), [set]);
  for (const recipe of ["paper", "default"] as const) {
    const model = trainTimed(train, recipe, trees, print);
    score(recipe, predictorOf(model));
    if (recipe === "default") timeModel(model, sets, print);
  }
  const everyone = [...train, ...sets.flatMap(({ valid }) => valid)];
  const told = toldExamples(train, everyone);
  const oracle = trainTimed(told, "default", trees, print);
  score("near-oracle", (valid) => predictorOf(oracle)(toldExamples(valid, everyone)));
  const mint = sets.filter(({ name }) => MINT_SETS.includes(name));
  for (const [which, from] of [
    ["MINT", mint],
    ["all", sets],
  ] as const) {
    for (const seed of FEW_RUNS_SEEDS) {
      const runs = shuffled(
        from.flatMap((set) => set.runs),
        seed,
      );
      const few = lengthExamples(runs.slice(0, FEW_RUNS), texts, null).examples;
      const model = load(trainLength(few, optionsOf("default", trees)));
      score(`${FEW_RUNS} runs of ${which}`, predictorOf(model), mint);
    }
  }
}

async function readTexts(): Promise<RunTexts> {
  const tasks = [];
  for (const name of TASKS) tasks.push(...(await readTasks(fileOf(name))).rows);
  return { tasks, templates: (await readTemplates(fileOf("templates.mint"))).rows };
}

async function readSet(name: string, texts: RunTexts): Promise<DataSet> {
  const { rows } = await readRuns(fileOf(name));
  return {
    name,
    runs: rows.filter(({ part }) => part === "train"),
    train: lengthExamples(rows, texts, ["train"]).examples,
    valid: lengthExamples(rows, texts, ["valid"]).examples,
  };
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}

type Predictor = (examples: readonly LengthExample[]) => readonly Predicted[];

/** Medians by model, role and stage; of all where a group is new. */
function groupMedians(train: readonly LengthExample[]): Predictor {
  const lengths = new Map<string, number[]>();
  for (const example of train) {
    for (const key of ["", groupOf(example)]) {
      const known = lengths.get(key) ?? [];
      lengths.set(key, known);
      known.push(example.remaining);
    }
  }
  const quantiles = new Map(
    [...lengths].map(([key, values]) => {
      const sorted = values.toSorted((a, b) => a - b);
      const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
      return [key, { median: at(0.5), low: at(0.1), high: at(0.9) }];
    }),
  );
  const nothing = { median: 0, low: 0, high: 0 };
  return (examples) =>
    examples.map((example) => quantiles.get(groupOf(example)) ?? quantiles.get("") ?? nothing);
}

function groupOf({ facts, model }: LengthExample): string {
  return [model, facts.role, facts.stage].join("/");
}

function predictorOf(model: LengthModel): Predictor {
  return (examples) =>
    examples.map((example) => {
      const { median, quantiles } = model.predict(model.features(example.facts), example.model);
      return { median, low: quantiles[0] ?? 0, high: quantiles.at(-1) ?? 0 };
    });
}

function trainTimed(
  examples: readonly LengthExample[],
  recipe: LengthRecipe,
  treeCount: number,
  print: Print,
): LengthModel {
  const startedMs = performance.now();
  const bytes = trainLength(examples, optionsOf(recipe, treeCount));
  const trainedMs = performance.now();
  const model = load(bytes);
  const loadedMs = performance.now();
  print(
    `${recipe}: ${examples.length} stages, ${((trainedMs - startedMs) / 1000).toFixed(1)} s, ` +
      `${(bytes.length / 1e6).toFixed(1)} MB, loads in ${(loadedMs - trainedMs).toFixed(0)} ms`,
  );
  return model;
}

function optionsOf(recipe: LengthRecipe, treeCount: number): LengthTrainingOptions {
  return { recipe, seed: SEED, date: "bench", treeCount };
}

function load(bytes: Uint8Array): LengthModel {
  const model = loadLengthModel(bytes);
  if (!model.ok) throw new Error(model.fault.message);
  return model.value;
}

function scoreLine(
  name: string,
  { name: set, valid }: DataSet,
  predicted: readonly Predicted[],
  resamples: number,
): string {
  const groups = valid.map(({ group }) => group);
  const distanceOf = (groupBy: (example: LengthExample) => string): string =>
    intervalText(
      bootstrapByGroup(groups, (rows) => distanceAt(valid, predicted, rows, groupBy), {
        seed: SEED,
        resamples,
      }),
    );
  const cover = intervalCoverage(
    valid.map(({ remaining }) => remaining),
    predicted.map(({ low }) => low),
    predicted.map(({ high }) => high),
  );
  const byModel = distanceOf(({ model }) => model);
  const byStage = distanceOf(groupOf);
  return `${name.padEnd(20)} ${set.padEnd(18)} ${byModel}   ${byStage}   ${cover?.toFixed(3)}`;
}

function distanceAt(
  examples: readonly LengthExample[],
  predicted: readonly Predicted[],
  rows: readonly number[],
  groupBy: (example: LengthExample) => string,
): number | null {
  const truth: number[] = [];
  const medians: number[] = [];
  const groups: string[] = [];
  for (const row of rows) {
    const example = examples[row];
    if (example === undefined) continue;
    truth.push(example.remaining);
    medians.push(predicted[row]?.median ?? 0);
    groups.push(groupBy(example));
  }
  return distanceInside(truth, medians, groups);
}

function intervalText(interval: ScoreInterval | null): string {
  if (interval === null) return "-".padEnd(19);
  const [value, low, high] = [interval.value, interval.low, interval.high].map((number) =>
    number.toFixed(3),
  );
  return `${value} [${low} ${high}]`;
}

/**
 * Examples whose facts say two things that nobody can know: how many calls are left, and the median
 * length of this stage on the other models. What is left of the distance is hard to remove.
 */
function toldExamples(
  examples: readonly LengthExample[],
  everyone: readonly LengthExample[],
): LengthExample[] {
  const calls = new Map<string, number>();
  const lengths = new Map<string, { run: string; tokens: number }[]>();
  for (const example of everyone) {
    const run = example.facts.workflowId;
    calls.set(run, Math.max(calls.get(run) ?? 0, example.facts.stage + 1));
    const key = stageOf(example);
    const known = lengths.get(key) ?? [];
    lengths.set(key, known);
    known.push({ run, tokens: example.stageTokens });
  }
  return examples.map((example) => {
    const run = example.facts.workflowId;
    const others = (lengths.get(stageOf(example)) ?? [])
      .filter((other) => other.run !== run)
      .map(({ tokens }) => tokens)
      .sort((a, b) => a - b);
    const facts: StageFacts = {
      ...example.facts,
      callsLeft: (calls.get(run) ?? 1) - 1 - example.facts.stage,
      expectedOutputTokens: others[others.length >>> 1] ?? null,
    };
    return { ...example, facts };
  });
}

function stageOf({ facts, group }: LengthExample): string {
  return [facts.kind, group, facts.role, facts.stage].join("/");
}

function timeModel(model: LengthModel, sets: readonly DataSet[], print: Print): void {
  for (const { name, valid } of sets) {
    const startedMs = performance.now();
    const features = valid.map(({ facts }) => model.features(facts));
    const readMs = performance.now();
    for (const [index, each] of features.entries()) model.order(each, valid[index]?.model ?? "");
    const orderedMs = performance.now();
    for (const [index, each] of features.entries()) model.predict(each, valid[index]?.model ?? "");
    const predictedMs = performance.now();
    const us = (fromMs: number, toMs: number): string =>
      (((toMs - fromMs) * 1000) / valid.length).toFixed(0);
    print(
      `  ${name}: us a stage: features ${us(startedMs, readMs)}, order ${us(readMs, orderedMs)}, ` +
        `with quantiles ${us(orderedMs, predictedMs)}`,
    );
  }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
