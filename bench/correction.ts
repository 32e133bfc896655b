/**
 * What the correction while serving is worth on the recorded MINT runs: each model in turn is left out of
 * the forest's training; then its runs of the train part are served one after the other, and the valid
 * part is predicted after so many of them. Beside it a forest that was trained with the model.
 *
 *     npm run bench -- correction [--trees 20] [--seeds 3] [--set mint_actor]
 *
 * Columns: sum of predicted over sum of true remaining tokens of the new model (mean, and the median of
 * single ratios for the median); Kendall distance inside the new model, and over pairs of one of its cases
 * and one of another model, which is how a queue sees them. The last lines serve the valid part itself to a forest that knows all
 * models: what the correction costs where there is nothing to correct.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../src/core/random.ts";
import type { Estimate } from "../src/core/types.ts";
import { kendallDistance } from "../src/learn/score.ts";
import { ColdStart } from "../src/predict/cold-start.ts";
import { CorrectedEstimator } from "../src/predict/corrected.ts";
import { LearnedEstimator } from "../src/predict/learned.ts";
import { loadLengthModel } from "../src/predict/length-model.ts";
import { distanceInside } from "../src/predict/length-training-scores.ts";
import { trainLength, type LengthExample } from "../src/predict/length-training.ts";
import type { Estimator, StageFacts, StageSeen } from "../src/predict/port.ts";
import { ResidualCorrection } from "../src/predict/residual-correction.ts";
import { lengthExamples, type RunTexts } from "../src/sim/length-examples.ts";
import { readRuns, readTasks, readTemplates } from "../src/sim/run-file.ts";

const DATA = new URL("../../shared/data/", import.meta.url);
const SERVED_RUNS = [0, 10, 30, 100];

type Print = (line: string) => void;

interface Parts {
  readonly train: readonly LengthExample[];
  readonly valid: readonly LengthExample[];
}

interface Row {
  readonly ratio: number;
  readonly medianRatio: number;
  readonly inside: number;
  readonly across: number;
}

export async function run(print: Print): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      trees: { type: "string", default: "20" },
      seeds: { type: "string", default: "3" },
      set: { type: "string", default: "mint_actor" },
    },
  });
  if (!existsSync(DATA)) {
    print("skipped: ../shared/data is not there");
    return;
  }
  const trees = Number(values.trees);
  const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
  const parts = await readParts(values.set);
  const models = [...new Set(parts.valid.map(({ model }) => model))].toSorted();
  const known = forestOf(parts.train, trees);
  print("left out                    runs served   ratio  of medians    inside    across");
  const sums = new Map<string, Row[]>();
  for (const model of models) {
    const without = forestOf(
      parts.train.filter((example) => example.model !== model),
      trees,
    );
    const served = runsOf(parts.train.filter((example) => example.model === model));
    for (const runs of SERVED_RUNS) {
      const rows = (runs === 0 ? [1] : seeds).map((seed) =>
        rowOf(serve(without(), shuffled(served, seed).slice(0, runs)), parts.valid, model),
      );
      note(sums, String(runs), meanRow(rows));
      print(lineOf(model, String(runs), meanRow(rows)));
    }
    const trained = rowOf(known(), parts.valid, model);
    note(sums, "trained", trained);
    print(lineOf(model, "trained", trained));
  }
  for (const [runs, rows] of sums) print(lineOf("mean (ratios: |ln|)", runs, meanRow(rows)));
  for (const seed of seeds) harm(known, parts.valid, seed, print);
}

function note(sums: Map<string, Row[]>, name: string, row: Row): void {
  const rows = sums.get(name) ?? [];
  sums.set(name, rows);
  rows.push({ ...row, ratio: off(row.ratio), medianRatio: off(row.medianRatio) });
}

function off(ratio: number): number {
  return Math.exp(Math.abs(Math.log(ratio)));
}

function meanRow(rows: readonly Row[]): Row {
  const mean = (of: (row: Row) => number): number =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  return {
    ratio: Math.exp(mean(({ ratio }) => Math.log(ratio))),
    medianRatio: Math.exp(mean(({ medianRatio }) => Math.log(medianRatio))),
    inside: mean(({ inside }) => inside),
    across: mean(({ across }) => across),
  };
}

function lineOf(model: string, runs: string, row: Row): string {
  const cells = [row.ratio, row.medianRatio, row.inside, row.across];
  return `${model.slice(0, 26).padEnd(27)} ${runs.padStart(11)} ${cells
    .map((cell) => cell.toFixed(3).padStart(9))
    .join(" ")}`;
}

async function readParts(set: string): Promise<Parts> {
  const texts: RunTexts = {
    tasks: (await readTasks(fileOf("tasks.mint"))).rows,
    templates: (await readTemplates(fileOf("templates.mint"))).rows,
  };
  const { rows } = await readRuns(fileOf(set));
  return {
    train: lengthExamples(rows, texts, ["train"]).examples,
    valid: lengthExamples(rows, texts, ["valid"]).examples,
  };
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}

/** Makes fresh estimators, each with a correction that has seen nothing, over one forest. */
function forestOf(examples: readonly LengthExample[], treeCount: number): () => Estimator {
  const bytes = trainLength(examples, { recipe: "default", seed: 1, date: "bench", treeCount });
  const loaded = loadLengthModel(bytes);
  if (!loaded.ok) throw new Error(loaded.fault.message);
  const models = { length: loaded.value, router: null };
  const plain = new LearnedEstimator(models, new ColdStart({ confidence: {} }));
  // What the forest says of a stage is the same however often it is asked.
  const said = new Map<StageFacts, Estimate[]>();
  const forest: Estimator = {
    estimate: (facts, names) => {
      const estimates = said.get(facts) ?? plain.estimate(facts, names);
      said.set(facts, estimates);
      return estimates;
    },
    stageEnded: () => undefined,
    workflowEnded: () => undefined,
  };
  return () => new CorrectedEstimator(forest, new ResidualCorrection());
}

type RunExamples = readonly LengthExample[];

function runsOf(examples: readonly LengthExample[]): RunExamples[] {
  const runs = new Map<string, LengthExample[]>();
  for (const example of examples) {
    const { workflowId } = example.facts;
    const known = runs.get(workflowId) ?? [];
    runs.set(workflowId, known);
    known.push(example);
  }
  return [...runs.values()];
}

/** One run after the other: predicted, then ended, stage by stage. */
function serve(estimator: Estimator, runs: readonly RunExamples[]): Estimator {
  for (const examples of runs) serveOne(estimator, examples);
  return estimator;
}

function serveOne(estimator: Estimator, examples: RunExamples): Estimate[] {
  const stages: StageSeen[] = [];
  const estimates: Estimate[] = [];
  for (const { facts, model, stageTokens } of examples) {
    estimates.push(...estimator.estimate(facts, [model]));
    const seen = { facts, model, outcome: "completed", outputTokens: stageTokens } as const;
    stages.push(seen);
    estimator.stageEnded(seen);
  }
  const kind = examples[0]?.facts.kind ?? "unknown";
  estimator.workflowEnded({ kind, stages, score: null });
  return estimates;
}

function rowOf(estimator: Estimator, valid: readonly LengthExample[], model: string): Row {
  const means = valid.map(({ facts, model: of }) => estimator.estimate(facts, [of])[0]);
  const own = valid.flatMap((example, index) => {
    const estimate = means[index];
    return example.model === model && estimate !== undefined ? [{ example, estimate }] : [];
  });
  const truth = own.map(({ example }) => example.remaining);
  const predicted = own.map(({ estimate }) => estimate.remainingMean);
  const ratios = own
    .map(({ example, estimate }) => estimate.remainingMedian / Math.max(1, example.remaining))
    .toSorted((a, b) => a - b);
  return {
    ratio: sum(predicted) / sum(truth),
    medianRatio: ratios[ratios.length >>> 1] ?? 1,
    inside: kendallDistance(truth, predicted) ?? 0.5,
    across: distanceAcross(
      valid.map((example, index) => ({
        truth: example.remaining,
        predicted: means[index]?.remainingMean ?? 0,
        isOwn: example.model === model,
      })),
    ),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

interface Case {
  readonly truth: number;
  readonly predicted: number;
  readonly isOwn: boolean;
}

/** Kendall distance over pairs of an own case and another; ties as `kendallDistance` counts them. */
function distanceAcross(cases: readonly Case[]): number {
  const others = cases.filter(({ isOwn }) => !isOwn);
  let inverted = 0;
  let pairs = 0;
  for (const own of cases) {
    if (!own.isOwn) continue;
    for (const other of others) {
      if (own.truth === other.truth) continue;
      const agreement = (own.truth - other.truth) * (own.predicted - other.predicted);
      pairs++;
      if (agreement < 0) inverted++;
      else if (agreement === 0) inverted += 0.5;
    }
  }
  return inverted / Math.max(1, pairs);
}

/** The valid part served in a random order: distances with and without the correction. */
function harm(
  known: () => Estimator,
  valid: readonly LengthExample[],
  seed: number,
  print: Print,
): void {
  const runs = shuffled(runsOf(valid), seed);
  const examples = runs.flat();
  const plainly = known();
  const plain = examples.flatMap(({ facts, model }) => plainly.estimate(facts, [model]));
  const serving = known();
  const corrected = runs.flatMap((each) => serveOne(serving, each));
  const truth = examples.map(({ remaining }) => remaining);
  const models = examples.map(({ model }) => model);
  const text = (estimates: readonly Estimate[]): string => {
    const means = estimates.map(({ remainingMean }) => remainingMean);
    const inside = distanceInside(truth, means, models) ?? 0.5;
    const together = kendallDistance(truth, means) ?? 0.5;
    return `inside ${inside.toFixed(4)}, all models ${together.toFixed(4)}`;
  };
  print(`valid part served, seed ${seed}: plain ${text(plain)}; corrected ${text(corrected)}`);
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
