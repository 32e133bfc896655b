import { createRandom } from "../core/random.ts";
import { bootstrapScores, type ScoreInterval } from "../learn/resample.ts";
import { intervalCoverage } from "../learn/score.ts";
import type { LengthRecipe } from "../predict/length-features.ts";
import { loadLengthModel } from "../predict/length-model.ts";
import { distanceInside, distancesByGroup } from "../predict/length-training-scores.ts";
import { trainLength, type LengthExample } from "../predict/length-training.ts";
import {
  constantGuesser,
  groupGuesser,
  guesserOf,
  stageGroupOf,
  stageNameOf,
  toldExamples,
  type LengthGuess,
  type LengthGuesser,
} from "./length-baselines.ts";

/** Stages to learn from and stages to be judged on. */
export interface LengthSet {
  readonly name: string;
  readonly train: readonly LengthExample[];
  readonly valid: readonly LengthExample[];
}

export interface EvaluationOptions {
  readonly seed: number;
  readonly treeCount: number;
  /** Draws of an interval. */
  readonly resamples: number;
  readonly progress: (what: string) => void;
}

export interface LengthEvaluationOptions extends EvaluationOptions {
  /** Observed runs of the learning point, and orders of the runs that are tried. */
  readonly fewRuns: number;
  readonly orders: number;
}

/** How one predictor did on a set, or on one model or stage of it. Distances are Kendall's, 0..1. */
export interface LengthScoreRow {
  readonly set: string;
  readonly predictor: string;
  readonly of: "all" | "model" | "stage";
  /** The model, or role and place of the stage; empty for all. */
  readonly name: string;
  readonly rows: number;
  /** Inside each model over all of its stages, the mean over models; null for a stage. */
  readonly insideModel: ScoreInterval | null;
  /** Inside each model, role and stage, the mean over these. */
  readonly insideStage: ScoreInterval | null;
  /** Share of truths inside the interval from 10 to 90 %. */
  readonly cover: number | null;
}

/** What a few runs teach, in one order of the runs of all sets. */
export interface FewRunsRow {
  readonly set: string;
  readonly order: number;
  /** Kendall distance inside each model, the mean over models. */
  readonly insideModel: number | null;
}

export interface LengthEvaluation {
  readonly scores: readonly LengthScoreRow[];
  readonly fewRuns: number;
  readonly few: readonly FewRunsRow[];
}

/**
 * Trains on the train parts of all sets together and scores each valid part, beside baselines and a
 * bound. Intervals are by problem.
 */
export function evaluateLength(
  sets: readonly LengthSet[],
  options: LengthEvaluationOptions,
): LengthEvaluation {
  const { progress } = options;
  const train = sets.flatMap((set) => set.train);
  const everyone = [...train, ...sets.flatMap(({ valid }) => valid)];
  progress("constant and medians");
  const trained = (recipe: LengthRecipe): LengthGuesser => {
    progress(`${recipe} recipe`);
    return learn(train, recipe, options);
  };
  const [paper, ours] = [trained("paper"), trained("default")];
  progress("near-oracle");
  const told = learn(toldExamples(train, everyone), "default", options);
  const scores = sets.flatMap((set) => {
    progress(`scores of ${set.name}`);
    return scoreSet(set, options, [
      ["constant", constantGuesser(set.train)],
      ["median by model, role, stage", groupGuesser(set.train)],
      ["paper's recipe", paper],
      ["default recipe", ours],
      ["near-oracle*", (valid) => told(toldExamples(valid, everyone))],
    ]);
  });
  return { scores, fewRuns: options.fewRuns, few: fewRunsRows(sets, options) };
}

function learn(
  examples: readonly LengthExample[],
  recipe: LengthRecipe,
  { seed, treeCount }: EvaluationOptions,
): LengthGuesser {
  const loaded = loadLengthModel(trainLength(examples, { recipe, seed, date: "", treeCount }));
  if (!loaded.ok) throw new Error(loaded.fault.message);
  return guesserOf(loaded.value);
}

type Guesses = readonly (readonly [predictor: string, guesses: readonly LengthGuess[]])[];

function scoreSet(
  { name: set, valid }: LengthSet,
  options: EvaluationOptions,
  guessers: readonly (readonly [predictor: string, guesser: LengthGuesser])[],
): LengthScoreRow[] {
  const guesses: Guesses = guessers.map(([predictor, guess]) => [predictor, guess(valid)]);
  const cases = valid.map(caseOf);
  const intervals = bootstrapScores(
    valid.map(({ group }) => group),
    (rows) => distancesOf(cases, guesses, rows),
    options,
  );
  const views: (readonly [LengthScoreRow["of"], string, (of: LengthExample) => boolean])[] = [
    ["all", "", () => true],
    ...namesOf(valid, ({ model }) => model).map(
      (name) => ["model", name, ({ model }: LengthExample) => model === name] as const,
    ),
    ...namesOf(valid, stageNameOf).map(
      (name) => ["stage", name, (of: LengthExample) => stageNameOf(of) === name] as const,
    ),
  ];
  return guesses.flatMap(([predictor, values]) =>
    views.map(([of, name, isOf]): LengthScoreRow => {
      const rows = valid.flatMap((example, row) => (isOf(example) ? [row] : []));
      const key = (sort: "model" | "stage"): string => scoreKey(predictor, of, name, sort);
      return {
        set,
        predictor,
        of,
        name,
        rows: rows.length,
        insideModel: intervals.get(key("model")) ?? null,
        insideStage: intervals.get(key("stage")) ?? null,
        cover: intervalCoverage(
          rows.map((row) => valid[row]?.remaining ?? 0),
          rows.map((row) => values[row]?.low ?? 0),
          rows.map((row) => values[row]?.high ?? 0),
        ),
      };
    }),
  );
}

function namesOf(
  examples: readonly LengthExample[],
  nameOf: (of: LengthExample) => string,
): string[] {
  return [...new Set(examples.map(nameOf))].sort();
}

function scoreKey(...parts: readonly string[]): string {
  return parts.join("\n");
}

/** What is compared with what. */
interface Case {
  readonly remaining: number;
  readonly model: string;
  readonly stage: string;
  readonly group: string;
}

function caseOf(example: LengthExample): Case {
  const { remaining, model } = example;
  return { remaining, model, stage: stageNameOf(example), group: stageGroupOf(example) };
}

/** All distances of all predictors on the given rows, by `scoreKey`. */
function distancesOf(
  valid: readonly Case[],
  guesses: Guesses,
  rows: readonly number[],
): Map<string, number> {
  const cases = rows.flatMap((row) => valid[row] ?? []);
  const truth = cases.map(({ remaining }) => remaining);
  const models = cases.map(({ model }) => model);
  const groups = cases.map(({ group }) => group);
  const groupNames = new Map(cases.map((each) => [each.group, each]));
  const sums = new Map<string, { sum: number; count: number }>();
  const add = (key: string, distance: number): void => {
    const { sum, count } = sums.get(key) ?? { sum: 0, count: 0 };
    sums.set(key, { sum: sum + distance, count: count + 1 });
  };
  for (const [predictor, values] of guesses) {
    const medians = rows.map((row) => values[row]?.median ?? 0);
    for (const [model, distance] of distancesByGroup(truth, medians, models)) {
      add(scoreKey(predictor, "all", "", "model"), distance);
      add(scoreKey(predictor, "model", model, "model"), distance);
    }
    for (const [group, distance] of distancesByGroup(truth, medians, groups)) {
      const { model, stage } = groupNames.get(group) ?? { model: "", stage: "" };
      add(scoreKey(predictor, "all", "", "stage"), distance);
      add(scoreKey(predictor, "model", model, "stage"), distance);
      add(scoreKey(predictor, "stage", stage, "stage"), distance);
    }
  }
  return new Map(Array.from(sums, ([key, { sum, count }]) => [key, sum / count]));
}

/** The first runs of each order, of all sets mixed, as a gateway would see them. */
function fewRunsRows(sets: readonly LengthSet[], options: LengthEvaluationOptions): FewRunsRow[] {
  const runs = new Map<string, LengthExample[]>();
  for (const example of sets.flatMap((set) => set.train)) {
    const { workflowId } = example.facts;
    const run = runs.get(workflowId);
    if (run === undefined) runs.set(workflowId, [example]);
    else run.push(example);
  }
  return Array.from({ length: options.orders }, (_, index) => index + 1).flatMap((order) => {
    options.progress(`${options.fewRuns} runs, order ${order}`);
    const first = shuffled([...runs.values()], order)
      .slice(0, options.fewRuns)
      .flat();
    if (first.length === 0) return [];
    const guess = learn(first, "default", options);
    return sets.map(({ name, valid }): FewRunsRow => {
      const insideModel = distanceInside(
        valid.map(({ remaining }) => remaining),
        guess(valid).map(({ median }) => median),
        valid.map(({ model }) => model),
      );
      return { set: name, order, insideModel };
    });
  });
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = createRandom(seed);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
