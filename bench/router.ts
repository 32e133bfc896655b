/**
 * The light semantic router on the recorded runs: trained on the train part, of all sets in one file
 * and of each set alone, and scored on the valid part of each set, beside constants (each model's
 * rate), the rate of the detected family, the rate of the task set (whose name no predictor is told)
 * and the truth. Intervals are the middle 95 % of resamples by problem.
 *
 *     npm run bench -- router [--trees 100] [--resamples 200] [--models]
 *
 * --models prints the area under ROC of each model.
 */
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../src/core/random.ts";
import {
  areaUnderRoc,
  brierScore,
  calibrationError,
  meanAveragePrecision,
} from "../src/learn/score.ts";
import type { RouterExample } from "../src/predict/router-cases.ts";
import { loadRouterModel, type RouterModel } from "../src/predict/router-model.ts";
import { gainCorrelation, gapRecovered, type PairCase } from "../src/predict/router-pair-scores.ts";
import { trainRouter } from "../src/predict/router-training.ts";
import { routerExamples } from "../src/sim/router-examples.ts";
import { readRuns, readTasks, readTemplates } from "../src/sim/run-file.ts";

const DATA = new URL("../../shared/data/", import.meta.url);
const SETS = ["mint_actor", "mint_actor_critic", "zeroeval", "routellm_mmlu"];
const TASKS = ["tasks.mint", "tasks.zeroeval", "tasks.routellm"];
const SEED = 1;
/** Pairs whose rates are at least so far apart are decisions between a small and a large model. */
const PAIR_GAP_MIN = 0.1;
const LEANING_ROWS = 5;
const BINS = 10;

type Print = (line: string) => void;

/** An example with the name of its task set, which only one baseline looks at. */
interface Case extends RouterExample {
  readonly subset: string;
}

interface DataSet {
  readonly name: string;
  readonly train: readonly Case[];
  readonly valid: readonly Case[];
}

type Confidences = readonly number[];

export async function run(print: Print): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      trees: { type: "string", default: "100" },
      resamples: { type: "string", default: "200" },
      models: { type: "boolean", default: false },
    },
  });
  if (!existsSync(DATA)) {
    print("skipped: ../shared/data is not there");
    return;
  }
  const treeCount = Number(values.trees);
  const sets = await readSets();
  const examples = sets.flatMap((set) => set.train);
  const together = train(examples, treeCount, print);
  for (const set of sets) {
    const alone = train(set.train, treeCount, print);
    report(set, { together, alone }, Number(values.resamples), print);
    print(`  ${newModelLine(set, treeCount)}`);
    if (values.models) printModels(set, predict(together, set.valid), print);
  }
}

async function readSets(): Promise<DataSet[]> {
  const tasks = (await Promise.all(TASKS.map((name) => readTasks(pathOf(name))))).flatMap(
    ({ rows }) => rows,
  );
  const templates = (await readTemplates(pathOf("templates.mint"))).rows;
  const sets: DataSet[] = [];
  for (const name of SETS) {
    const { rows } = await readRuns(pathOf(name));
    const casesOf = (part: string): Case[] => {
      const runs = rows.filter((run) => run.part === part);
      return routerExamples(runs, { tasks, templates }, [part]).map((example, index) => ({
        ...example,
        subset: runs[index]?.subset ?? "",
      }));
    };
    sets.push({ name, train: casesOf("train"), valid: casesOf("valid") });
  }
  return sets;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}

function train(examples: readonly RouterExample[], treeCount: number, print: Print): RouterModel {
  const startedMs = performance.now();
  const bytes = trainRouter(examples, { seed: SEED, date: "2026-11-24", treeCount });
  const trainedMs = performance.now();
  const router = loadRouterModel(bytes);
  if (!router.ok) throw new Error(router.fault.message);
  const loadedMs = performance.now();
  print(
    `${examples.length} runs, ${router.value.models.length} models: trained in ` +
      `${((trainedMs - startedMs) / 1000).toFixed(1)} s, ${(bytes.length / 1e6).toFixed(1)} MB, ` +
      `loaded in ${(loadedMs - trainedMs).toFixed(0)} ms`,
  );
  print(`  ${JSON.stringify(router.value.facts)}`);
  return router.value;
}

function predict(router: RouterModel, cases: readonly Case[]): Confidences {
  return cases.map(({ facts, model }) => router.confidence(facts, [model])[0]?.confidence ?? 0.5);
}

interface Routers {
  readonly together: RouterModel;
  readonly alone: RouterModel;
}

function report(set: DataSet, { together, alone }: Routers, resamples: number, print: Print): void {
  const { valid } = set;
  const predictors: readonly (readonly [name: string, confidences: Confidences])[] = [
    ["constants", rates(set, () => "")],
    ["family rate", rates(set, ({ facts }) => facts.kind)],
    ["task-set rate*", rates(set, ({ subset }) => subset)],
    ["router", predict(together, valid)],
    ["router, own set", predict(alone, valid)],
    ["oracle", valid.map(({ success }) => success)],
  ];
  const problems = new Set(valid.map(({ group }) => group)).size;
  print(`${set.name}: ${valid.length} runs of ${problems} problems`);
  print("  predictor       mAP                ECE    Brier  AUROC  APGR               gain corr.");
  const samples = resampled(valid, resamples);
  const pairs = pairsOf(set);
  const drawn = new Map<string, readonly Scores[]>();
  for (const [name, confidences] of predictors) {
    const score = scoresOf(valid, confidences, pairs);
    const all = samples.map((rows) => scoresOf(...pick(valid, confidences, rows), pairs));
    drawn.set(name, all);
    print(
      `  ${name.padEnd(15)} ` +
        [
          withInterval(
            score.precision,
            all.map(({ precision }) => precision),
          ),
          digits(score.calibration),
          digits(score.brier),
          digits(score.area),
          withInterval(
            score.recovered,
            all.map(({ recovered }) => recovered),
          ),
          withInterval(
            score.correlation,
            all.map(({ correlation }) => correlation),
          ),
        ].join("  "),
    );
  }
  for (const router of ["router", "router, own set"]) {
    for (const rate of ["family rate", "task-set rate*"])
      print(`  ${verdict(drawn, router, rate)}`);
  }
  print(`  ${speed(together, valid)}`);
}

/** Rates of the train part, by model and group, leaning on the model's rate. */
function rates({ train, valid }: DataSet, groupOf: (of: Case) => string): Confidences {
  const tallies = new Map<string, { rows: number; sum: number }>();
  const tallyOf = (key: string): { rows: number; sum: number } => {
    const tally = tallies.get(key) ?? { rows: 0, sum: 0 };
    tallies.set(key, tally);
    return tally;
  };
  const keysOf = (of: Case): [string, string] => [of.model, `${of.model}\n${groupOf(of)}`];
  for (const of of train) {
    for (const key of keysOf(of)) {
      const tally = tallyOf(key);
      tally.rows++;
      tally.sum += of.success;
    }
  }
  return valid.map((of) => {
    const [model, both] = keysOf(of).map(tallyOf);
    const rate = ((model?.sum ?? 0) + 0.5) / ((model?.rows ?? 0) + 1);
    if (groupOf(of) === "") return rate;
    return ((both?.sum ?? 0) + LEANING_ROWS * rate) / ((both?.rows ?? 0) + LEANING_ROWS);
  });
}

interface Scores {
  readonly precision: number | null;
  readonly calibration: number | null;
  readonly brier: number | null;
  readonly area: number | null;
  readonly recovered: number | null;
  readonly correlation: number | null;
}

function scoresOf(
  cases: readonly Case[],
  confidences: Confidences,
  pairs: readonly Pair[],
): Scores {
  const truths = cases.map(({ success }) => Number(success >= 0.5));
  const models = [...byModel(cases, confidences).values()];
  const tasks = byTask(cases, confidences);
  const decided = pairs.map((pair) => pairCases(tasks, pair));
  return {
    precision: meanAveragePrecision(
      models.map((model) => model.truths),
      models.map((model) => model.scores),
    ),
    calibration: calibrationError(truths, confidences, BINS),
    brier: brierScore(truths, confidences),
    area: mean(models.map(({ truths, scores }) => areaUnderRoc(truths, scores))),
    recovered: mean(decided.map(gapRecovered)),
    correlation: mean(decided.map(gainCorrelation)),
  };
}

function byModel(
  cases: readonly Case[],
  confidences: Confidences,
): Map<string, { truths: number[]; scores: number[] }> {
  const models = new Map<string, { truths: number[]; scores: number[] }>();
  for (const [index, { model, success }] of cases.entries()) {
    const of = models.get(model) ?? { truths: [], scores: [] };
    models.set(model, of);
    of.truths.push(Number(success >= 0.5));
    of.scores.push(confidences[index] ?? 0.5);
  }
  return models;
}

interface Pair {
  readonly small: string;
  readonly large: string;
}

/** Models by their rates in the train part. */
function pairsOf({ train }: DataSet): Pair[] {
  const models = [...byModel(train, [])].map(([model, { truths }]) => ({
    model,
    rate: truths.reduce((sum, truth) => sum + truth, 0) / truths.length,
  }));
  return models.flatMap((small) =>
    models
      .filter((large) => large.rate - small.rate >= PAIR_GAP_MIN)
      .map((large) => ({ small: small.model, large: large.model })),
  );
}

type Outcome = { readonly success: number; readonly confidence: number };
type Tasks = readonly ReadonlyMap<string, Outcome>[];

/** Outcomes by model for each task; a task drawn several times is there as often. */
function byTask(cases: readonly Case[], confidences: Confidences): Tasks {
  const tasks = new Map<string, Map<string, Outcome>[]>();
  for (const [index, { facts, model, success }] of cases.entries()) {
    const copies = tasks.get(facts.text?.user ?? "") ?? [];
    tasks.set(facts.text?.user ?? "", copies);
    let copy = copies.find((outcomes) => !outcomes.has(model));
    if (copy === undefined) copies.push((copy = new Map()));
    copy.set(model, { success, confidence: confidences[index] ?? 0.5 });
  }
  return [...tasks.values()].flat();
}

function pairCases(tasks: Tasks, pair: Pair): PairCase[] {
  return tasks.flatMap((outcomes) => {
    const small = outcomes.get(pair.small);
    const large = outcomes.get(pair.large);
    if (small === undefined || large === undefined) return [];
    const predictedGain = large.confidence - small.confidence;
    return [{ small: small.success, large: large.success, predictedGain }];
  });
}

/** Rows of problems drawn with replacement. */
function resampled(cases: readonly Case[], count: number): number[][] {
  const groups = new Map<string, number[]>();
  for (const [row, { group }] of cases.entries()) {
    const rows = groups.get(group) ?? [];
    groups.set(group, rows);
    rows.push(row);
  }
  const all = [...groups.values()];
  const random = createRandom(SEED);
  return Array.from({ length: count }, () =>
    all.flatMap(() => all[Math.floor(random.next() * all.length)] ?? []),
  );
}

function pick(
  cases: readonly Case[],
  confidences: Confidences,
  rows: readonly number[],
): [Case[], number[]] {
  return [rows.flatMap((row) => cases[row] ?? []), rows.map((row) => confidences[row] ?? 0.5)];
}

/** Says whether a router is told apart from a rate, by the differences on the same resamples. */
function verdict(
  drawn: ReadonlyMap<string, readonly Scores[]>,
  router: string,
  rate: string,
): string {
  const compare = (valueOf: (scores: Scores) => number | null): string => {
    const rates = drawn.get(rate) ?? [];
    const differences = (drawn.get(router) ?? []).map((scores, index) => {
      const other = rates[index];
      return (valueOf(scores) ?? 0) - (other === undefined ? 0 : (valueOf(other) ?? 0));
    });
    const [low, high] = interval(differences);
    const says = low > 0 ? "better" : high < 0 ? "WORSE" : "NOT told apart";
    return `${says} (${signed(low)} to ${signed(high)})`;
  };
  const precision = compare((scores) => scores.precision);
  const gain = compare((scores) => scores.correlation);
  return `${router} against ${rate}: mAP ${precision}, gain ${gain}`;
}

function speed(router: RouterModel, cases: readonly Case[]): string {
  const { models } = router;
  const startedMs = performance.now();
  for (const { facts } of cases) router.confidence(facts, models);
  const ms = (performance.now() - startedMs) / cases.length;
  return `a decision over ${models.length} models, text and all: ${ms.toFixed(3)} ms`;
}

/** How a model fares whose outcomes nobody has seen: the one in the middle by its rate. */
function newModelLine({ train: examples, valid }: DataSet, treeCount: number): string {
  const models = [...byModel(examples, [])]
    .map(([model, { truths }]) => ({ model, rate: mean(truths) ?? 0 }))
    .sort((a, b) => a.rate - b.rate || (a.model < b.model ? -1 : 1));
  const chosen = models[Math.floor(models.length / 2)]?.model ?? "";
  const own = valid.filter(({ model }) => model === chosen);
  const truths = own.map(({ success }) => Number(success >= 0.5));
  const scoreWith = (known: readonly Case[]): string => {
    const confidences = predict(
      train(known, treeCount, () => undefined),
      own,
    );
    const area = digits(areaUnderRoc(truths, confidences));
    return `AUROC ${area} Brier ${digits(brierScore(truths, confidences))}`;
  };
  const others = examples.filter(({ model }) => model !== chosen);
  return `${chosen} with its outcomes: ${scoreWith(examples)}; without: ${scoreWith(others)}`;
}

function printModels({ valid }: DataSet, confidences: Confidences, print: Print): void {
  for (const [model, { truths, scores }] of byModel(valid, confidences)) {
    print(`  ${model.padEnd(30)} AUROC ${digits(areaUnderRoc(truths, scores))}`);
  }
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The middle 95 %. */
function interval(values: readonly (number | null)[]): [number, number] {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(0.025), at(0.975)];
}

function withInterval(value: number | null, values: readonly (number | null)[]): string {
  const [low, high] = interval(values);
  return `${digits(value)} [${digits(low)}, ${digits(high)}]`;
}

function digits(value: number | null): string {
  return value === null ? "   - " : value.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`;
}
